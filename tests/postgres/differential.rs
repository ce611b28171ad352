//! Finds of random tables, against what a model of its own says of them: which rows, in which order, page by
//! page to the end, and what of them is shown; and the same under random rules, where no value that is masked
//! or not allowed and no row that is kept back may ever come out.
//!
//! The cases are the same in each run, and more of them with `DIFFERENTIAL_CASES`.

use mcpgen::policy::PolicyFile;
use mcpgen::runtime::manifest::{Action, Manifest, Read, SqlAction};
use mcpgen::runtime::server::Server;
use serde_json::{Map, Value, json};

use super::made::call;
use crate::support::postgres::{Database, Serving, block_on};

mod rules;
mod tables;
mod values;

use rules::{Canaries, Rules};
use tables::{Filter, Table, by};
use values::{Cell, KINDS, Kind, Random, any};

/// Tables of a run.
const CASES: u64 = 30;
/// Finds of a table.
const FINDS: usize = 8;

const ROLE: &str = "DO $$ BEGIN CREATE ROLE reader LOGIN; \
                    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;";

fn cases() -> u64 {
    let wished = std::env::var("DIFFERENTIAL_CASES");
    wished.map_or(CASES, |text| text.parse().unwrap())
}

/// A table that is served.
struct Served<'t> {
    table: &'t Table,
    rules: &'t Rules,
    server: Server,
    find: String,
    get: Option<String>,
    action: SqlAction,
    /// What callers call each column.
    names: Vec<String>,
    case: u64,
}

impl<'t> Served<'t> {
    fn new(table: &'t Table, rules: &'t Rules, dsn: &str, case: u64) -> Self {
        let policy: PolicyFile = serde_json::from_value(rules.policy(table)).unwrap();
        let serving = Serving {
            policy: Some(policy),
            variables: rules.variables.clone(),
            ..Serving::default()
        };
        let (manifest, server) = serving.introspected(dsn, &[&table.schema]);
        let (find, get, action) = tools(&manifest);
        let name = |own: &str| {
            let mut columns = action.relation.columns.iter();
            let found =
                columns.find(|(name, column)| column.column.as_ref().unwrap_or(name) == own);
            found.map_or_else(|| own.to_owned(), |(name, _)| name.clone())
        };
        let names = table
            .columns
            .iter()
            .map(|column| name(&column.name))
            .collect();
        Self {
            table,
            rules,
            server,
            find,
            get,
            action,
            names,
            case,
        }
    }

    fn any(&self) -> &str {
        match &self.action.read {
            Read::Find { any, .. } => any,
            Read::Get { .. } => "any",
        }
    }

    /// What is shown of a row, and of these columns of it.
    fn row(&self, row: &[Cell], columns: &[usize]) -> Value {
        let shown = columns.iter().map(|&at| {
            let value = self.rules.shown(at, &row[at]);
            (self.names[at].clone(), value)
        });
        Value::Object(shown.collect())
    }

    /// Calls a tool, and looks for what is kept back in whatever comes of it.
    async fn call(&self, tool: &str, args: &Value, canaries: &Canaries) -> Result<Value, String> {
        let outcome = call(&self.server, tool, args).await;
        let text = match &outcome {
            Ok(value) => value.to_string(),
            Err(error) => error.text(),
        };
        for kept in canaries.kept() {
            assert!(
                !text.contains(kept),
                "case {}: {tool} {args}: {kept}: {text}",
                self.case
            );
        }
        outcome.map_err(|error| format!("{}: {}", error.code, error.text()))
    }

    /// One find with random arguments, all of its pages.
    async fn find(&self, random: &mut Random, canaries: &Canaries) {
        let (table, rules) = (self.table, self.rules);
        let shown: Vec<usize> = rules.shown_columns(table);
        let open: Vec<usize> = shown
            .iter()
            .copied()
            .filter(|at| !rules.is_masked(*at))
            .collect();
        let filter = Filter::new(table, &rules.filterable(table), random);
        let sorted = random.some(&rules.sortable(table), 3);
        let mut sort: Vec<(usize, bool)> = sorted
            .into_iter()
            .map(|at| (at, random.once_in(2)))
            .collect();
        let mut args = Map::new();
        let written = filter.json(self.any(), &self.names);
        if written != json!({}) {
            args.insert("filter".to_owned(), written);
        }
        if !sort.is_empty() {
            let each = sort.iter().map(|&(at, descending)| {
                let sign = if descending { "-" } else { "" };
                format!("{sign}{}", self.names[at])
            });
            args.insert("sort".to_owned(), each.collect());
        }
        let columns_shown = shown.clone();
        let mut columns = shown;
        if !open.is_empty() && random.once_in(3) {
            columns = random.some(&open, open.len());
            if columns.is_empty() {
                columns = open;
            }
            let names = columns.iter().map(|&at| self.names[at].clone());
            args.insert("fields".to_owned(), names.collect());
        }
        let wished = *random.pick(&[
            Some(1),
            Some(2),
            Some(3),
            Some(7),
            Some(100),
            Some(5000),
            None,
        ]);
        args.extend(wished.map(|limit| ("limit".to_owned(), json!(limit))));
        let limit = wished.unwrap_or(25).min(rules.max_rows());

        let rows = rules.there(table).filter(|row| filter.holds(row));
        let mut rows: Vec<&[Cell]> = rows.collect();
        // A masked key would tell its order; one that is not shown at all does not stand in any answer.
        let has_key = table
            .key
            .iter()
            .all(|at| !rules.is_masked(*at) || !columns_shown.contains(at));
        if has_key {
            let descending = sort.last().is_some_and(|(_, descending)| *descending);
            sort.extend(table.key.iter().map(|&at| (at, descending)));
        }
        rows.sort_by(|one, other| by(&sort, one, other));
        let expected: Vec<Value> = rows.iter().map(|row| self.row(row, &columns)).collect();
        if has_key {
            self.pages(args, &expected, limit, canaries).await;
        } else {
            self.one_page(args, &expected, limit, canaries).await;
        }
    }

    /// All pages, each as it should be.
    async fn pages(
        &self,
        args: Map<String, Value>,
        all: &[Value],
        limit: usize,
        canaries: &Canaries,
    ) {
        let mut args = Value::Object(args);
        let mut seen = 0;
        loop {
            let page = self.call(&self.find, &args, canaries).await;
            let page = page.unwrap_or_else(|why| panic!("case {}: {args}: {why}", self.case));
            let end = all.len().min(seen + limit);
            let want = json!({
                "rows": all[seen..end],
                "returned": end - seen,
                "truncated": end < all.len(),
                "next_cursor": page["next_cursor"],
                "limit_applied": limit,
            });
            assert_eq!(
                page, want,
                "case {}: {args} of {:#?}",
                self.case, self.action.relation
            );
            assert_eq!(
                page["next_cursor"].is_string(),
                end < all.len(),
                "case {}",
                self.case
            );
            seen = end;
            if seen == all.len() {
                return;
            }
            args["cursor"] = page["next_cursor"].clone();
        }
    }

    /// The one page of a relation whose key is masked: as many rows as fit, each of them one that there is.
    async fn one_page(
        &self,
        args: Map<String, Value>,
        all: &[Value],
        limit: usize,
        canaries: &Canaries,
    ) {
        let args = Value::Object(args);
        let page = self.call(&self.find, &args, canaries).await;
        let page = page.unwrap_or_else(|why| panic!("case {}: {args}: {why}", self.case));
        let mut left = all.to_vec();
        let rows = page["rows"].as_array().unwrap();
        assert_eq!(
            rows.len(),
            limit.min(all.len()),
            "case {}: {args}",
            self.case
        );
        for row in rows {
            let at = left.iter().position(|other| other == row);
            left.remove(at.unwrap_or_else(|| panic!("case {}: {args}: {row}", self.case)));
        }
        assert_eq!(
            page["truncated"],
            !left.is_empty(),
            "case {}: {args}",
            self.case
        );
        assert_eq!(page["next_cursor"], Value::Null);
    }

    /// Each row by its key, and one that there is not.
    async fn gets(&self, random: &mut Random, canaries: &Canaries) {
        let (table, rules) = (self.table, self.rules);
        let shown = rules.shown_columns(table);
        let open = table
            .key
            .iter()
            .all(|at| shown.contains(at) && !rules.is_masked(*at));
        assert_eq!(self.get.is_some(), open, "case {}", self.case);
        let Some(get) = &self.get else { return };
        let other: Vec<Cell> = table
            .columns
            .iter()
            .map(|column| any(column.kind, random))
            .collect();
        for row in table.rows.iter().chain([&other]) {
            let given =
                |&at: &usize| Some((self.names[at].clone(), row[at].scalar()?.given.clone()?));
            let Some(args) = table.key.iter().map(given).collect::<Option<Map<_, _>>>() else {
                continue;
            };
            let args = Value::Object(args);
            let same = |one: &&[Cell]| {
                table
                    .key
                    .iter()
                    .all(|&at| tables::compare(&one[at], &row[at]).is_eq())
            };
            let want = rules.there(table).find(same);
            let found = self.call(get, &args, canaries).await;
            if let Some(row) = want {
                let want = json!({"row": self.row(row, &shown)});
                assert_eq!(found.as_ref(), Ok(&want), "case {}: {args}", self.case);
            } else {
                let why = found.unwrap_err();
                let is_none = why.starts_with("not_found");
                assert!(is_none, "case {}: {args}: {why}", self.case);
            }
        }
    }

    /// Whatever names a column that is masked or not allowed is refused.
    async fn hidden(&self, canaries: &Canaries) {
        let shown = self.rules.shown_columns(self.table);
        for at in 0..self.table.columns.len() {
            if shown.contains(&at) && !self.rules.is_masked(at) {
                continue;
            }
            for name in [&self.names[at], &self.table.columns[at].name] {
                for args in [
                    json!({"filter": {name: {"eq": "c"}}}),
                    json!({"filter": {name: {"is_null": false}}}),
                    json!({"filter": {self.any(): [{name: {"starts_with": "c"}}]}}),
                    json!({"sort": [name]}),
                    json!({"sort": [format!("-{name}")]}),
                    json!({"fields": [name]}),
                    json!({"include": [name]}),
                    json!({name: "c"}),
                ] {
                    // A name may be that of an argument or of another column.
                    let argument =
                        args.get(name).is_some() && ["fields", "limit"].contains(&name.as_str());
                    let taken = (0..self.names.len())
                        .any(|other| other != at && self.names[other] == *name);
                    let alternatives = *name == self.any();
                    if argument || taken || alternatives {
                        continue;
                    }
                    let why = self.call(&self.find, &args, canaries).await.unwrap_err();
                    assert!(
                        why.starts_with("invalid_arguments"),
                        "case {}: {args}: {why}",
                        self.case
                    );
                }
            }
        }
    }
}

/// The find and the get of the one relation.
fn tools(manifest: &Manifest) -> (String, Option<String>, SqlAction) {
    let (mut find, mut get) = (None, None);
    for tool in &manifest.tools {
        match &tool.action {
            Action::Sql(action) if matches!(action.read, Read::Find { .. }) => {
                find = Some((tool.name.clone(), action.clone()));
            }
            _ => get = Some(tool.name.clone()),
        }
    }
    let (find, action) = find.expect("a find");
    (find, get, action)
}

#[test]
fn finds_are_what_a_model_says() {
    let database = Database::new(ROLE);
    let dsn = database.dsn("reader");
    let mut finds = 0;
    for case in 0..cases() {
        let mut random = Random(case);
        let table = Table::new(&format!("s{case}"), &KINDS, &mut random, |random| {
            any(Kind::Text, random)
        });
        database.run(&table.sql());
        let rules = Rules::none(&table);
        let served = Served::new(&table, &rules, &dsn, case);
        let canaries = Canaries::default();
        block_on(async {
            for _ in 0..FINDS {
                served.find(&mut random, &canaries).await;
                finds += 1;
            }
            served.gets(&mut random, &canaries).await;
        });
        database.run(&format!("DROP SCHEMA s{case} CASCADE"));
    }
    println!("{finds} finds");
}

#[test]
fn rules_hold_whatever_is_asked() {
    let database = Database::new(ROLE);
    let dsn = database.dsn("reader");
    let (mut kept, mut hidden) = (0, 0);
    let kinds = [&KINDS[..], &[Kind::Text; 8]].concat();
    for case in 0..cases() {
        let mut random = Random(case ^ 0x5eed);
        let mut canaries = Canaries::default();
        let table = Table::new(&format!("r{case}"), &kinds, &mut random, |random| {
            canaries.text(random)
        });
        database.run(&table.sql());
        let rules = Rules::new(&table, &mut random);
        canaries.keep(&table, &rules);
        let served = Served::new(&table, &rules, &dsn, case);
        block_on(async {
            for _ in 0..FINDS {
                served.find(&mut random, &canaries).await;
            }
            served.gets(&mut random, &canaries).await;
            served.hidden(&canaries).await;
        });
        kept += canaries.kept().count();
        hidden += table.columns.len() - rules.shown_columns(&table).len();
        database.run(&format!("DROP SCHEMA r{case} CASCADE"));
    }
    println!("{kept} values kept back, {hidden} columns not allowed");
    assert!(kept > 100 && hidden > 10, "{kept} {hidden}");
}
