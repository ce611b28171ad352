//! Which rows: the conditions that a policy sets, and the filter of a caller. What a caller names is
//! looked up again here, whatever the schema of the arguments says.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::compare::{Given, comparison};
use super::text::{Binds, ident, own};
use super::{no_such_column, refused};
use crate::runtime::config::Secret;
use crate::runtime::error::CallError;
use crate::runtime::manifest::{Column, Comparison, Condition, Operand, Relation};

/// Most comparisons of one call.
const COMPARISONS_MAX: usize = 200;

/// A column that may be compared by what callers say.
pub(super) fn filterable<'a>(relation: &'a Relation, name: &str) -> Option<(&'a str, &'a Column)> {
    let (name, column) = relation.columns.get_key_value(name)?;
    let open = column.mask.is_none() && !column.filter.is_empty();
    open.then_some((name, column))
}

/// The conditions that no caller sees or sets.
pub(super) fn rows(
    relation: &Relation,
    from: &str,
    variables: &BTreeMap<String, Secret>,
    binds: &mut Binds,
) -> Result<Vec<String>, CallError> {
    let each = relation.rows.iter();
    each.map(|one| condition(one, from, variables, binds))
        .collect()
}

fn condition(
    condition: &Condition,
    from: &str,
    variables: &BTreeMap<String, Secret>,
    binds: &mut Binds,
) -> Result<String, CallError> {
    let mut joined = |all: &[Condition], with: &str, none: &str| {
        let each = all.iter();
        let each = each.map(|one| self::condition(one, from, variables, binds));
        let each: Vec<String> = each.collect::<Result<_, _>>()?;
        Ok::<_, CallError>(match each.is_empty() {
            true => none.to_owned(),
            false => format!("({})", each.join(with)),
        })
    };
    Ok(match condition {
        Condition::And(all) => joined(all, " AND ", "true")?,
        Condition::Or(all) => joined(all, " OR ", "false")?,
        Condition::Not(one) => {
            let one = self::condition(one, from, variables, binds)?;
            format!("(({one}) IS NOT TRUE)")
        }
        Condition::Compare {
            column,
            r#type,
            by,
            to,
        } => {
            let given = match to {
                Operand::Const(value) => Given::Value(value),
                Operand::Env(name) => Given::Secret(variables.get(name).ok_or_else(unusable)?),
            };
            let column = format!("{from}.{}", ident(column));
            comparison(&column, r#type, *by, given, binds).map_err(|_| unusable())?
        }
    })
}

/// A rule of the owner's that cannot be kept: no row is shown without it.
fn unusable() -> CallError {
    CallError::new(
        "invalid_tool",
        "a rule on the rows of this tool cannot be applied; nothing was sent",
    )
    .hint("the owner of this server has to correct it")
}

/// The conditions of a caller's filter: all of them hold, and one of its alternatives.
pub(super) fn filter(
    relation: &Relation,
    from: &str,
    filter: &Value,
    any: &str,
    binds: &mut Binds,
) -> Result<Vec<String>, CallError> {
    let Value::Object(filter) = filter else {
        return Err(refused("/filter", "has to be an object"));
    };
    let mut reading = Reading {
        relation,
        from,
        binds,
        left: COMPARISONS_MAX,
    };
    let alternatives = filter.get(any);
    let named = filter.iter().filter(|(name, _)| *name != any);
    let mut conditions = reading.columns("/filter", named)?;
    if let Some(alternatives) = alternatives {
        let at = format!("/filter/{any}");
        let Value::Array(alternatives) = alternatives else {
            return Err(refused(&at, "has to be a list of objects"));
        };
        let mut each = Vec::with_capacity(alternatives.len());
        for (index, alternative) in alternatives.iter().enumerate() {
            let at = format!("{at}/{index}");
            let Value::Object(alternative) = alternative else {
                return Err(refused(&at, "has to be an object"));
            };
            let all = reading.columns(&at, alternative.iter())?;
            if all.is_empty() {
                return Err(refused(&at, "names no column"));
            }
            each.push(format!("({})", all.join(" AND ")));
        }
        if each.is_empty() {
            return Err(refused(&at, "has no element"));
        }
        conditions.push(format!("({})", each.join(" OR ")));
    }
    Ok(conditions)
}

struct Reading<'a> {
    relation: &'a Relation,
    from: &'a str,
    binds: &'a mut Binds,
    /// Comparisons that there may still be.
    left: usize,
}

impl Reading<'_> {
    fn columns<'v>(
        &mut self,
        at: &str,
        named: impl Iterator<Item = (&'v String, &'v Value)>,
    ) -> Result<Vec<String>, CallError> {
        let mut conditions = Vec::new();
        for (name, comparisons) in named {
            let (name, column) =
                filterable(self.relation, name).ok_or_else(|| no_such_column(at, name))?;
            let at = format!("{at}/{name}");
            let Value::Object(comparisons) = comparisons else {
                return Err(refused(&at, "has to be an object of comparisons"));
            };
            if comparisons.is_empty() {
                return Err(refused(&at, "has no comparison"));
            }
            self.comparisons(&at, name, column, comparisons, &mut conditions)?;
        }
        Ok(conditions)
    }

    fn comparisons(
        &mut self,
        at: &str,
        name: &str,
        column: &Column,
        comparisons: &Map<String, Value>,
        conditions: &mut Vec<String>,
    ) -> Result<(), CallError> {
        let sql = format!("{}.{}", self.from, ident(own(name, column)));
        for (key, value) in comparisons {
            let by = by(column, key).ok_or_else(|| {
                let all: Vec<&str> = column.filter.iter().map(|by| by.as_str()).collect();
                refused(
                    at,
                    &format!("no such comparison; there are {}", all.join(", ")),
                )
            })?;
            self.left = self.left.checked_sub(1).ok_or_else(|| {
                refused(
                    "/filter",
                    &format!("has more than {COMPARISONS_MAX} comparisons"),
                )
            })?;
            let given = Given::Value(value);
            let one = comparison(&sql, &column.r#type, by, given, self.binds);
            conditions.push(one.map_err(|why| refused(&format!("{at}/{}", by.as_str()), &why))?);
        }
        Ok(())
    }
}

fn by(column: &Column, key: &str) -> Option<Comparison> {
    let mut all = column.filter.iter();
    all.find(|by| by.as_str() == key).copied()
}
