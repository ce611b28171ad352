//! The rows that there are for callers: what a policy writes becomes conditions with types.

use jsonschema::Draft;
use serde_json::Value;

use super::view::unknown;
use crate::catalog::{Relation, RelationColumn};
use crate::diag::{Code, Diagnostic, Diagnostics, Loc};
use crate::policy::format::{self, Compared, Rows};
use crate::runtime::manifest::{Comparison, Condition, Operand};

/// The condition that a policy writes, of one relation. A column that the relation does not have is an
/// error, even if another has it: rows that are to be kept back would be shown.
pub(super) fn condition(
    rows: &Rows,
    table: &Relation,
    loc: &Loc,
    diags: &mut Diagnostics,
) -> Option<Condition> {
    let mut all = Vec::new();
    let many = |list: &Vec<Rows>, key: &str, diags: &mut Diagnostics| -> Vec<Condition> {
        let at = loc.child(key);
        let each = list.iter().enumerate();
        each.filter_map(|(index, rows)| {
            condition(rows, table, &at.child(&index.to_string()), diags)
        })
        .collect()
    };
    if let Some(list) = &rows.and {
        all.extend(many(list, "and", diags));
    }
    if let Some(list) = &rows.or {
        all.push(Condition::Or(many(list, "or", diags)));
    }
    if let Some(not) = &rows.not {
        let not = condition(not, table, &loc.child("not"), diags);
        all.extend(not.map(|not| Condition::Not(Box::new(not))));
    }
    for (name, compared) in &rows.columns {
        let at = loc.child(name);
        let Some(column) = table.columns.get(name) else {
            let found = unknown(table, name, Loc::key(at.pointer.clone()));
            diags.push(found);
            continue;
        };
        all.extend(comparisons(name, column, compared, &at, diags));
    }
    match all.len() {
        0 => None,
        1 => all.pop(),
        _ => Some(Condition::And(all)),
    }
}

/// What is said of one column.
fn comparisons(
    name: &str,
    column: &RelationColumn,
    compared: &Compared,
    loc: &Loc,
    diags: &mut Diagnostics,
) -> Vec<Condition> {
    let one = [
        (Comparison::Eq, "eq", &compared.eq),
        (Comparison::Ne, "ne", &compared.ne),
        (Comparison::Lt, "lt", &compared.lt),
        (Comparison::Lte, "lte", &compared.lte),
        (Comparison::Gt, "gt", &compared.gt),
        (Comparison::Gte, "gte", &compared.gte),
        (Comparison::StartsWith, "like_prefix", &compared.like_prefix),
    ];
    let mut found = Vec::new();
    let mut add = |by: Comparison, to: Operand| {
        found.push(Condition::Compare {
            column: name.to_owned(),
            r#type: column.r#type.clone(),
            by,
            to,
        });
    };
    for (by, key, operand) in one {
        let Some(given) = operand else { continue };
        let loc = loc.child(key);
        if let Some(to) = operand_of(name, column, by, given, &loc, diags) {
            add(by, to);
        }
    }
    if let Some(given) = &compared.r#in {
        let at = loc.child("in");
        let of = |(index, one): (usize, &format::Operand)| {
            let loc = at.child(&index.to_string());
            match operand_of(name, column, Comparison::In, one, &loc, diags)? {
                Operand::Const(value) => Some(value),
                Operand::Env(_) => {
                    diags.push(no_list(loc));
                    None
                }
            }
        };
        let values = given.iter().enumerate().filter_map(of).collect();
        add(Comparison::In, Operand::Const(Value::Array(values)));
    }
    if let Some(null) = compared.is_null {
        add(Comparison::IsNull, Operand::Const(null.into()));
    }
    found
}

/// What a column is compared with, if it can be.
fn operand_of(
    name: &str,
    column: &RelationColumn,
    by: Comparison,
    given: &format::Operand,
    loc: &Loc,
    diags: &mut Diagnostics,
) -> Option<Operand> {
    let compares = column.comparisons.contains(&by);
    let message = match given {
        // Said of the file already.
        format::Operand::Expression(_) => return None,
        _ if !compares => format!("column `{name}` ({}) is not compared so", column.declared),
        format::Operand::Env(variable) => return Some(Operand::Env(variable.clone())),
        format::Operand::Const(value) if is_of(column, by, value) => {
            return Some(Operand::Const(value.clone()));
        }
        format::Operand::Const(value) => {
            format!(
                "{value} is no {}, which column `{name}` is",
                column.declared
            )
        }
    };
    let found = Diagnostic::new(Code::PolicyValue, loc.clone(), message);
    diags.push(found.help("a column is compared with values of its own type"));
    None
}

/// Whether a value is one that the column is compared with.
fn is_of(column: &RelationColumn, by: Comparison, value: &Value) -> bool {
    if by == Comparison::StartsWith {
        return value.is_string();
    }
    let options = jsonschema::options().with_draft(Draft::Draft202012);
    let validator = options.build(&column.value);
    validator.is_ok_and(|validator| validator.is_valid(value))
}

fn no_list(loc: Loc) -> Diagnostic {
    let message = "a variable has one value, and `in` is for several";
    Diagnostic::new(Code::PolicyValue, loc, message).help("write `eq: env.NAME`, or the values")
}
