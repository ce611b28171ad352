//! PostgreSQL, with the real one: throw-away clusters, and what is read of a database's catalogue.

use std::fmt::Write as _;

use mcpgen::catalog::Catalog;
use mcpgen::diag::Diagnostics;

mod attacks;
mod bouncer;
mod clients;
mod cluster;
mod connect;
mod crates;
mod differential;
mod envelope;
mod introspection;
mod kept;
mod library;
mod made;
mod mixed;
mod mutated;
mod pages;
mod parity;
mod parts;
mod posture;
mod proxy;
mod reads;
mod statement;
mod surface;
mod threats;
mod types;
mod whole;
mod words;

/// A Catalog and what was said of it, to be looked at.
fn shown(catalog: &Catalog, diags: &Diagnostics) -> String {
    let mut text = format!(
        "{}: {}, {}\n",
        catalog.source, catalog.title, catalog.version
    );
    let database = catalog.database.clone().unwrap_or_default();
    for relation in &database.relations {
        let _ = writeln!(
            text,
            "\n{} {}.{} keys {:?} rows {:?}",
            relation.kind, relation.schema, relation.name, relation.keys, relation.estimate
        );
        for key in &relation.foreign_keys {
            let other = database
                .relations
                .get(key.relation)
                .map(|other| &other.name);
            let _ = writeln!(
                text,
                "  {} -> {} {:?}",
                key.name,
                other.unwrap(),
                key.columns
            );
        }
        for (name, column) in &relation.columns {
            let r#type = serde_json::to_string(&column.r#type).unwrap();
            let by: Vec<_> = column.comparisons.iter().map(|by| by.as_str()).collect();
            let _ = writeln!(text, "  {name:?} {} = {type}", column.declared);
            let marks = [
                (column.nullable, "null"),
                (column.sortable, "sort"),
                (column.indexed, "index"),
            ];
            let marks: Vec<_> = marks
                .iter()
                .filter(|(is, _)| *is)
                .map(|(_, mark)| *mark)
                .collect();
            let _ = writeln!(text, "    {} | {}", marks.join(" "), by.join(" "));
            let _ = writeln!(text, "    value {}", column.value);
            if !column.element.is_null() {
                let _ = writeln!(text, "    element {}", column.element);
            }
            let _ = writeln!(text, "    shown {}", column.shown);
        }
    }
    text.push('\n');
    for capability in &catalog.capabilities {
        let id = capability.id.as_deref().unwrap_or_default();
        let _ = writeln!(
            text,
            "{} = {id}: {}",
            capability.operation,
            capability.summary.as_deref().unwrap_or_default()
        );
    }
    for left in &catalog.left_out {
        let _ = writeln!(text, "left out: {}: {}", left.operation, left.reason);
    }
    for found in diags.iter() {
        let place = found.loc.as_ref().map(|loc| loc.pointer.as_str());
        let _ = writeln!(
            text,
            "{} {}: {}",
            found.code.as_str(),
            place.unwrap_or_default(),
            found.message
        );
    }
    text
}
