//! Which arguments clamp without a policy: page sizes of reads (policy rule 5). The nearest page size
//! is what was meant; the nearest id or amount is somebody else's.

use serde_json::Value;

use crate::runtime::manifest::{Bound, Effect};

/// Names of page sizes.
const PAGE_SIZES: [&str; 10] = [
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
    let integer = match schema.get("type")? {
        Value::String(one) => one == "integer",
        Value::Array(many) => {
            many.contains(&"integer".into()) && many.iter().all(|t| t == "integer" || t == "null")
        }
        _ => false,
    };
    if effect != Effect::Read || !PAGE_SIZES.contains(&name) || !integer {
        return None;
    }
    let whole = |key: &str| schema.get(key).and_then(Value::as_i64);
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
    Some(Bound { min, max })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_page_sizes_of_reads_clamp() {
        let bounded = json!({"type": "integer", "minimum": 1, "exclusiveMaximum": 101});
        let both = Some(Bound {
            min: Some(1),
            max: Some(100),
        });
        for (effect, name, schema, want) in [
            (Effect::Read, "limit", &bounded, both),
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
                Some(Bound {
                    min: None,
                    max: Some(5),
                }),
            ),
        ] {
            assert_eq!(page_size(effect, name, schema), want, "{name} {schema}");
        }
    }
}
