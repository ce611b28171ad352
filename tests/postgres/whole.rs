//! From the catalogue to rows: everything that is offered of a database works on it. Each comparison of each
//! column takes the values that are shown of it, pages by each column are the whole, and each row is found
//! by its keys.

use std::collections::BTreeMap;

use mcpgen::runtime::manifest::{Action, Comparison, Manifest, Read, SqlAction, ToolSpec};
use mcpgen::runtime::server::Server;
use serde_json::{Map, Value, json};

use super::made;
use crate::support::postgres::{Database, Serving, block_on, library};

/// A database that is served as it is, to a role.
struct Whole {
    server: Server,
    manifest: Manifest,
    /// What each tool says of its output.
    outputs: BTreeMap<String, jsonschema::Validator>,
}

impl Whole {
    fn new(dsn: &str, schemas: &[&str]) -> Self {
        let (manifest, server) = Serving::default().introspected(dsn, schemas);
        let outputs = manifest.tools.iter().map(|tool| {
            let schema = serde_json::to_value(tool.output_schema.as_ref().unwrap()).unwrap();
            let validator = jsonschema::validator_for(&schema).unwrap();
            (tool.name.clone(), validator)
        });
        let outputs = outputs.collect();
        Self {
            server,
            manifest,
            outputs,
        }
    }

    async fn call(&self, tool: &ToolSpec, args: Value) -> Value {
        let called = made::call(&self.server, &tool.name, &args).await;
        let value = called.unwrap_or_else(|error| panic!("{} {args}: {error:?}", tool.name));
        let wrong: Vec<String> = self.outputs[&tool.name]
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{} {args}: {wrong:?}", tool.name);
        value
    }

    async fn rows(&self, tool: &ToolSpec, args: Value) -> Vec<Value> {
        let value = self.call(tool, args).await;
        value["rows"].as_array().unwrap().clone()
    }

    /// Checks all tools; how many calls that were.
    async fn holds(&self) -> usize {
        let mut calls = 0;
        for tool in &self.manifest.tools {
            let Action::Sql(action) = &tool.action else {
                panic!("{} reads no relation", tool.name);
            };
            match &action.read {
                Read::Find { key, .. } => {
                    let rows = self.rows(tool, json!({"limit": 100})).await;
                    calls += 1 + self.compared(tool, action, &rows).await;
                    calls += self.paged(tool, action, !key.is_empty(), &rows).await;
                }
                Read::Get { keys } => calls += self.got(tool, action, keys).await,
            }
        }
        calls
    }

    async fn compared(&self, tool: &ToolSpec, action: &SqlAction, rows: &[Value]) -> usize {
        let mut calls = 0;
        for (name, column) in &action.relation.columns {
            for by in &column.filter {
                for row in rows {
                    let Some(given) = given(*by, &row[name]) else {
                        continue;
                    };
                    let filter = json!({name: {by.as_str(): given}});
                    let args = json!({"filter": filter, "limit": 100});
                    let found = self.rows(tool, args).await;
                    calls += 1;
                    let strict = [Comparison::Ne, Comparison::Lt, Comparison::Gt];
                    let there = found.contains(row);
                    assert_eq!(there, !strict.contains(by), "{} {filter}: {row}", tool.name);
                }
            }
        }
        calls
    }

    async fn paged(
        &self,
        tool: &ToolSpec,
        action: &SqlAction,
        pages: bool,
        rows: &[Value],
    ) -> usize {
        let mut calls = 0;
        let columns = action.relation.columns.iter();
        let sorted = columns
            .filter(|(_, column)| column.sort)
            .map(|(name, _)| name);
        for order in sorted.flat_map(|name| [name.clone(), format!("-{name}")]) {
            let mut found: Vec<Value> = Vec::new();
            let mut args = json!({"sort": [order], "limit": if pages { 2 } else { 100 }});
            loop {
                let page = self.call(tool, args.clone()).await;
                calls += 1;
                found.extend(page["rows"].as_array().unwrap().iter().cloned());
                match &page["next_cursor"] {
                    Value::String(cursor) => args["cursor"] = json!(cursor),
                    _ => break,
                }
                let ends = found.len() <= rows.len();
                assert!(ends, "{} {args}: pages without an end", tool.name);
            }
            assert_eq!(found.len(), rows.len(), "{} {args}", tool.name);
            let whole = rows.iter().all(|row| found.contains(row));
            assert!(whole, "{} {args}", tool.name);
        }
        calls
    }

    async fn got(&self, tool: &ToolSpec, action: &SqlAction, keys: &[Vec<String>]) -> usize {
        let same = |other: &&ToolSpec| match &other.action {
            Action::Sql(other) => {
                let (one, other_one) = (&action.relation, &other.relation);
                other.read.verb() == "find"
                    && (&one.schema, &one.name) == (&other_one.schema, &other_one.name)
            }
            Action::Http(_) => false,
        };
        let find = self.manifest.tools.iter().find(same).unwrap();
        let mut calls = 0;
        for row in self.rows(find, json!({"limit": 100})).await {
            for key in keys {
                let args = key.iter().map(|name| (name.clone(), row[name].clone()));
                let args: Map<String, Value> = args.collect();
                let found = self.call(tool, Value::Object(args)).await;
                assert_eq!(found["row"], row, "{}", tool.name);
                calls += 1;
            }
        }
        calls
    }
}

/// What a value that is shown says of its own row; `None`: nothing.
fn given(by: Comparison, shown: &Value) -> Option<Value> {
    if by == Comparison::IsNull {
        return Some(json!(shown.is_null()));
    }
    if shown.is_null() {
        return None;
    }
    let within = |value: &Value| match value {
        Value::Array(ranges) => ranges.first().cloned(),
        range => Some(range.clone()),
    };
    match by {
        Comparison::In => Some(json!([shown])),
        Comparison::StartsWith => {
            let text: String = shown.as_str()?.chars().take(3).collect();
            (!text.is_empty()).then(|| json!(text))
        }
        Comparison::Contains => {
            let text = shown.as_str().filter(|text| !text.is_empty());
            text.map(Value::from)
        }
        Comparison::Has => elements(shown).into_iter().next(),
        Comparison::HasAny => {
            let all = elements(shown);
            (!all.is_empty()).then(|| json!(all))
        }
        Comparison::ContainsElement => {
            let range = within(shown)?;
            let closed = range["bounds"].as_str()?.starts_with('[');
            Some(range["lower"].clone()).filter(|lower| closed && !lower.is_null())
        }
        Comparison::Overlaps => within(shown).filter(|range| range.get("empty").is_none()),
        // `'word':1 …`
        Comparison::Matches => shown.as_str()?.split('\'').nth(1).map(Value::from),
        _ => Some(shown.clone()),
    }
}

/// The elements of a list of any number of dimensions.
fn elements(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.iter().flat_map(elements).collect(),
        Value::Null => Vec::new(),
        other => vec![other.clone()],
    }
}

#[test]
fn the_library() {
    let whole = Whole::new(&library().dsn("library_reader"), &["library"]);
    let calls = block_on(whole.holds());
    assert!(calls > 1_000, "only {calls} calls");
}

/// The superuser makes a role that may read all of a database.
fn with_reader(database: &Database, role: &str) -> String {
    database.run(&format!(
        "CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC;
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};"
    ));
    database.dsn(role)
}

#[test]
fn types() {
    let database = Database::new(include_str!("types.sql"));
    let whole = Whole::new(&with_reader(&database, "whole_types"), &["public"]);
    let calls = block_on(whole.holds());
    assert!(calls > 300, "only {calls} calls");
}

#[test]
fn hostile_names() {
    let database = Database::new(include_str!("hostile.sql"));
    let whole = Whole::new(&with_reader(&database, "whole_hostile"), &["public"]);
    let calls = block_on(whole.holds());
    assert!(calls > 50, "only {calls} calls");
}
