//! Which arguments clamp without a policy: page sizes of reads (policy rule 5). The nearest page size
//! is what was meant; the nearest id or amount is somebody else's.

use serde_json::{Map, Value};

use crate::runtime::manifest::{Bound, Effect};

/// Names of page sizes.
pub const PAGE_SIZES: [&str; 10] = [
    "limit",
    "per_page",
    "page_size",
    "pageSize",
    "max_results",
    "top",
    "first",
    "count",
    "size",
    "rows",
];

/// The bound of an argument that clamps: a page size in the query or body of a read, with the
/// document's own bounds.
pub(super) fn page_size(effect: Effect, name: &str, schema: &Value) -> Option<Bound> {
    if effect != Effect::Read || !PAGE_SIZES.contains(&name) {
        return None;
    }
    let schema = integer(schema)?;
    let whole = |key: &str| schema.get(key).and_then(whole);
    let min = whole("minimum")
        .into_iter()
        .chain(whole("exclusiveMinimum").and_then(|n| n.checked_add(1)))
        .max();
    let max = whole("maximum")
        .into_iter()
        .chain(whole("exclusiveMaximum").and_then(|n| n.checked_sub(1)))
        .min();
    if min.is_none() && max.is_none() || min.zip(max).is_some_and(|(min, max)| min > max) {
        return None;
    }
    let allowed = |bound: i64| {
        let step = schema.get("multipleOf").and_then(self::whole);
        let step = step.map_or(!schema.contains_key("multipleOf"), |step| bound % step == 0);
        let listed = schema.get("enum").and_then(Value::as_array);
        step && listed.is_none_or(|values| values.iter().any(|v| self::whole(v) == Some(bound)))
    };
    // A bound that is no good value itself would only be refused later.
    [min, max]
        .into_iter()
        .flatten()
        .all(allowed)
        .then(|| Bound {
            min: min.map(Into::into),
            max: max.map(Into::into),
            ..Bound::default()
        })
}

/// The schema of the integers that are meant, if nothing else but null is.
fn integer(schema: &Value) -> Option<&Map<String, Value>> {
    let object = schema.as_object()?;
    let wanted = match object.get("type") {
        Some(Value::String(one)) => one == "integer",
        Some(Value::Array(many)) => {
            many.contains(&"integer".into()) && many.iter().all(|t| t == "integer" || t == "null")
        }
        Some(_) => false,
        None => {
            let plain = ["description", "default", "examples", "deprecated"];
            let key = ["anyOf", "oneOf"]
                .into_iter()
                .find(|key| object.contains_key(*key))?;
            let only = object
                .keys()
                .all(|k| k == key || plain.contains(&k.as_str()));
            let branches = object.get(key)?.as_array().filter(|_| only)?.iter();
            let mut branches = branches.filter(|b| b.get("type") != Some(&"null".into()));
            let branch = branches.next().filter(|b| b.get("type").is_some())?;
            return branches.next().is_none().then(|| integer(branch)).flatten();
        }
    };
    wanted.then_some(object)
}

/// A whole number, however it is written: `100.0` is one (JSON Schema core §6.3).
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = value
            .as_f64()
            .filter(|n| n.fract() == 0.0 && n.abs() < 9e15)?;
        format!("{number:.0}").parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_page_sizes_of_reads_clamp() {
        let bounded = json!({"type": "integer", "minimum": 1, "exclusiveMaximum": 101});
        let bound = |min: Option<i64>, max: Option<i64>| {
            Some(Bound {
                min: min.map(Into::into),
                max: max.map(Into::into),
                ..Bound::default()
            })
        };
        let both = bound(Some(1), Some(100));
        for (effect, name, schema, want) in [
            (Effect::Read, "limit", &bounded, both.clone()),
            (Effect::Write, "limit", &bounded, None),
            (Effect::Read, "amount", &bounded, None),
            (
                Effect::Read,
                "size",
                &json!({"type": "string", "maximum": 3}),
                None,
            ),
            (Effect::Read, "size", &json!({"type": "integer"}), None),
            (
                Effect::Read,
                "top",
                &json!({"type": ["integer", "null"], "maximum": 5}),
                bound(None, Some(5)),
            ),
            (
                Effect::Read,
                "limit",
                &json!({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 100.0}, {"type": "null"}], "default": 9}),
                both.clone(),
            ),
            (
                Effect::Read,
                "limit",
                &json!({"oneOf": [{"type": "integer", "maximum": 9}, {"type": "string"}]}),
                None,
            ),
            (
                Effect::Read,
                "limit",
                &json!({"type": "integer", "maximum": 9, "multipleOf": 5}),
                None,
            ),
            (
                Effect::Read,
                "limit",
                &json!({"type": "integer", "maximum": 9, "enum": [3, 6]}),
                None,
            ),
            (
                Effect::Read,
                "limit",
                &json!({"type": "integer", "maximum": 10, "multipleOf": 5}),
                bound(None, Some(10)),
            ),
            (
                Effect::Read,
                "limit",
                &json!({"type": "integer", "minimum": 7, "maximum": 7}),
                bound(Some(7), Some(7)),
            ),
            (
                Effect::Read,
                "limit",
                &json!({"type": "integer", "minimum": 8, "maximum": 7}),
                None,
            ),
            (
                Effect::Read,
                "limit",
                &json!({"type": ["integer", "string"], "maximum": 7}),
                None,
            ),
            (
                Effect::Read,
                "limit",
                &json!({"type": "integer", "maximum": 7.5}),
                None,
            ),
            (
                Effect::Read,
                "limit",
                &json!({"type": "integer", "maximum": 1e16}),
                None,
            ),
        ] {
            assert_eq!(page_size(effect, name, schema), want, "{name} {schema}");
        }
    }
}
