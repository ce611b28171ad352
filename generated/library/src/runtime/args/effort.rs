//! A bound on the work of one validation.
//!
//! Alternatives that refer to each other take exponential time (`oneOf` thirty levels deep). A keyword
//! of our own in every subschema that can be reached more than once counts its evaluations; past the
//! limit it fails everything, which ends the search.

use std::cell::Cell;

use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError, ValidationOptions};
use serde_json::{Map, Value, json};

use super::super::error::CallError;

/// Evaluations of metered subschemas that one validation may take.
const EFFORT_MAX: u32 = 200_000;
/// The name of the keyword; no document can hold it, since only known keywords come through.
const KEYWORD: &str = "mcpgen:effort";

thread_local! {
    static SPENT: Cell<u32> = const { Cell::new(0) };
}

/// Runs a validation; an error if it took too much work.
pub(super) fn bounded<T>(validation: impl FnOnce() -> T) -> Result<T, CallError> {
    SPENT.set(0);
    let result = validation();
    if SPENT.get() > EFFORT_MAX {
        return Err(CallError::new(
            "arguments_too_complex",
            "the arguments take too much work to check; nothing was sent",
        )
        .hint("send less deeply nested arguments"));
    }
    Ok(result)
}

/// The schema with the meter in every definition and alternative.
pub(super) fn metered(schema: &Value) -> Value {
    let mut schema = schema.clone();
    meter(&mut schema);
    schema
}

fn meter(schema: &mut Value) {
    match schema {
        Value::Array(list) => list.iter_mut().for_each(meter),
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                // Values, not schemas: nothing is added to them.
                if !matches!(
                    key.as_str(),
                    "enum" | "const" | "default" | "examples" | "required"
                ) {
                    meter(value);
                }
            }
            if let Some(Value::Object(defs)) = object.get_mut("$defs") {
                defs.values_mut().for_each(mark);
            }
            for key in ["oneOf", "anyOf", "allOf"] {
                if let Some(Value::Array(list)) = object.get_mut(key) {
                    list.iter_mut().for_each(mark);
                }
            }
        }
        _ => {}
    }
}

/// Puts the meter before the schema, so that its failure ends the evaluation before the rest. (Beside
/// the other keywords it would come last: the library sorts them.)
fn mark(schema: &mut Value) {
    let meter = json!({ KEYWORD: true });
    *schema = json!({"allOf": [meter, schema.take()]});
}

/// Options that know the meter.
pub(super) fn with_meter(
    options: ValidationOptions<'static, std::sync::Arc<dyn jsonschema::Retrieve>>,
) -> ValidationOptions<'static, std::sync::Arc<dyn jsonschema::Retrieve>> {
    options.with_keyword(KEYWORD, factory)
}

#[allow(clippy::unnecessary_wraps, reason = "the signature is the library's")]
fn factory<'a>(
    _parent: &'a Map<String, Value>,
    _value: &'a Value,
    _path: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    Ok(Box::new(Meter))
}

struct Meter;

impl<'i> Keyword<'i> for Meter {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) {
            Ok(())
        } else {
            Err(ValidationError::custom("too much work"))
        }
    }

    fn is_valid(&self, _instance: &'i Value) -> bool {
        let spent = SPENT.get().saturating_add(1);
        SPENT.set(spent);
        spent <= EFFORT_MAX
    }
}
