//! Arguments: from what a client sent to what may reach an upstream.
//!
//! [`Args`] can only be made by [`Checker::check`], and the only way to I/O takes `&Args`: an
//! unchecked value cannot leave.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::{Map, Value, json};

use super::config::Secret;
use super::error::CallError;
use super::manifest::Control;

mod changes;
mod coerce;
mod control;
mod effort;
mod limits;
pub mod number;

pub use changes::{Changes, Clamped, Coerced};
pub(super) use control::read_as;

use crate::runtime::pointer::escape;
use coerce::Types;
use control::Controls;

/// Violations that are told at once.
const VIOLATIONS_MAX: usize = 20;
/// Most values in arguments of which every violation is looked for; in larger ones it is the first.
const THOROUGH_MAX: usize = 10_000;
/// Characters of a value that a message quotes.
const QUOTE_MAX: usize = 60;

/// Arguments that passed validation and clamping.
#[derive(Debug, Clone, PartialEq)]
pub struct Args {
    values: Map<String, Value>,
    /// The values with those that no caller gives, if there are any of these.
    sent: Option<Map<String, Value>>,
    masked: bool,
    changes: Changes,
}

impl Args {
    /// The value of an argument as it is sent; `None` if there is none, `Some(Null)` if it was given as
    /// null.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.sent.as_ref().unwrap_or(&self.values).get(name)
    }

    /// All values that the caller may see, by argument.
    pub fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// What was done to the values.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Whether `***` stands for what the environment gives.
    pub fn is_masked(&self) -> bool {
        self.masked
    }
}

/// Checks the arguments of one tool.
pub struct Checker {
    schema: Arc<Map<String, Value>>,
    controls: Controls,
    /// Compiled at the first call: a server of a thousand tools starts without a thousand validators.
    validator: OnceLock<Result<Validator, String>>,
    types: OnceLock<Types>,
}

impl Checker {
    /// The checker of a tool whose input schema is `schema`. `variables` has the values of the
    /// environment that controls name; without one of them every call is refused.
    pub fn new(
        controls: &[Control],
        schema: Arc<Map<String, Value>>,
        variables: &BTreeMap<String, Secret>,
    ) -> Self {
        Self {
            schema,
            controls: Controls::new(controls, variables),
            validator: OnceLock::new(),
            types: OnceLock::new(),
        }
    }

    /// Reads texts that hold a value, drops, fills in and clamps, validates, and adds what no caller
    /// gives, in this order.
    ///
    /// # Errors
    ///
    /// `invalid_arguments` with every violation at once, each with a JSON Pointer and a hint.
    pub fn check(&self, values: Map<String, Value>) -> Result<Args, CallError> {
        let mut instance = bounded(values)?;
        let mut changes = Changes::default();
        // Most calls are in order as they are.
        let plain = self.controls.is_empty() && self.accepts(&instance)?;
        if !plain {
            if let Value::Object(values) = &mut instance
                && values.values().any(Value::is_string)
            {
                let types = self.types.get_or_init(|| Types::new(&self.schema));
                changes.coerced = types.coerce(values);
            }
            self.controls.prepare(&mut instance, &mut changes);
            self.validate(&instance)?;
        }
        let Value::Object(values) = instance else {
            return Err(no_object());
        };
        Ok(Args {
            sent: self.controls.injected(&values, false)?,
            values,
            masked: false,
            changes,
        })
    }

    /// The second check, of what a hook made of checked arguments: nothing is moved into its bounds
    /// any more, what is outside them is refused. What no caller gives is added again.
    ///
    /// # Errors
    ///
    /// `hook_refused` with every violation at once.
    pub fn recheck(&self, values: Map<String, Value>, first: Args) -> Result<Args, CallError> {
        if values == first.values {
            return Ok(first);
        }
        let checked = bounded(values).and_then(|mut instance| {
            self.controls.drop(&mut instance);
            self.validate(&instance)?;
            let Value::Object(values) = instance else {
                return Err(no_object());
            };
            let sent = self.controls.injected(&values, false)?;
            Ok((values, sent))
        });
        let (values, sent) = checked.map_err(|error| {
            CallError::new("hook_refused", error.message)
                .hint("the owner of this server has to correct its hook")
        })?;
        Ok(Args {
            values,
            sent,
            ..first
        })
    }

    /// The same arguments for a person to read: `***` stands for what the environment gives.
    ///
    /// # Errors
    ///
    /// Those of `check`.
    pub fn masked(&self, args: &Args) -> Result<Args, CallError> {
        Ok(Args {
            sent: self.controls.injected(&args.values, true)?,
            masked: true,
            ..args.clone()
        })
    }

    fn validator(&self) -> Result<&Validator, CallError> {
        let validator = self.validator.get_or_init(|| {
            validator(&Value::Object((*self.schema).clone())).map_err(|error| error.to_string())
        });
        validator.as_ref().map_err(|why| {
            CallError::new(
                "invalid_tool",
                format!("the tool's own schema cannot be used: {why}"),
            )
        })
    }

    fn accepts(&self, instance: &Value) -> Result<bool, CallError> {
        let validator = self.validator()?;
        effort::bounded(|| validator.is_valid(instance))
    }

    fn validate(&self, instance: &Value) -> Result<(), CallError> {
        let given = self.controls.given(instance);
        if given.is_empty() && self.accepts(instance)? {
            return Ok(());
        }
        let validator = self.validator()?;
        Err(effort::bounded(|| violations(validator, instance, given))?)
    }
}

fn no_object() -> CallError {
    CallError::new("invalid_arguments", "arguments are not an object")
}

/// The values, if none has a size that is refused before anything else looks at it.
fn bounded(values: Map<String, Value>) -> Result<Value, CallError> {
    let instance = Value::Object(values);
    let found = limits::findings(&instance, VIOLATIONS_MAX);
    if found.is_empty() {
        Ok(instance)
    } else {
        Err(invalid(&found, false))
    }
}

/// A validator for a schema, within bounds of time: a linear regex engine where it can hold all of
/// the schema's patterns, else a backtracking one with a limit.
///
/// # Errors
///
/// The schema is not valid JSON Schema 2020-12, or a pattern suits neither engine.
pub fn validator(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    let schema = effort::metered(schema);
    let options = || effort::with_meter(jsonschema::options().with_draft(Draft::Draft202012));
    options()
        .with_pattern_options(linear_options())
        .build(&schema)
        .or_else(|_| {
            let backtracking = PatternOptions::fancy_regex().backtrack_limit(100_000);
            options().with_pattern_options(backtracking).build(&schema)
        })
}

/// Whether a pattern is one that is matched in linear time.
///
/// # Errors
///
/// Why it is not.
pub fn linear(pattern: &str) -> Result<(), String> {
    let options = jsonschema::options().with_draft(Draft::Draft202012);
    let built = options
        .with_pattern_options(linear_options())
        .build(&json!({ "pattern": pattern }));
    // The engine says it better than the validator.
    built.map(drop).map_err(|error| match error.kind() {
        ValidationErrorKind::Format { .. } => {
            "it is not a regular expression of moderate size".to_owned()
        }
        _ => error.to_string(),
    })
}

fn linear_options() -> PatternOptions<jsonschema::Regex> {
    PatternOptions::regex()
        .size_limit(1 << 20)
        .dfa_size_limit(1 << 20)
}

/// Whether a value matches a schema, within the same bounds as arguments.
pub(super) fn is_valid(validator: &Validator, value: &Value) -> bool {
    limits::findings(value, 1).is_empty()
        && effort::bounded(|| validator.is_valid(value)).unwrap_or(false)
}

/// Every violation, in one error; `given` are those that the schema does not find.
fn violations(validator: &Validator, instance: &Value, given: Vec<String>) -> CallError {
    let mut lines: Vec<String> = Vec::new();
    let mut more = false;
    if limits::size(instance) > THOROUGH_MAX {
        let first = validator.validate(instance).err();
        let mut lines = first.iter().flat_map(describe).collect::<Vec<_>>();
        lines.extend(given);
        lines.truncate(VIOLATIONS_MAX);
        return invalid(&lines, false);
    }
    let found = validator.iter_errors(instance).flat_map(|e| describe(&e));
    for line in found.chain(given) {
        more |= lines.len() >= VIOLATIONS_MAX;
        if more {
            break;
        }
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    invalid(&lines, more)
}

/// The error that tells these violations; `more`: and there are others.
pub(super) fn invalid(lines: &[String], more: bool) -> CallError {
    let count = if more {
        format!("more than {VIOLATIONS_MAX}")
    } else {
        lines.len().to_string()
    };
    let noun = if lines.len() == 1 {
        "violation"
    } else {
        "violations"
    };
    let message = format!(
        "{count} {noun} of the input schema; nothing was sent\n- {}",
        lines.join("\n- ")
    );
    CallError::new("invalid_arguments", message)
        .hint("correct the arguments and call again")
        .fact("violations", json!(lines))
}

/// A violation as lines `/pointer: what is wrong; what to do`.
fn describe(error: &ValidationError<'_>) -> Vec<String> {
    let pointer = error.instance_path().as_str();
    let at = |name: &str| format!("{pointer}/{}", escape(name));
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![format!("{}: required, but missing", at(name))]
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|name| format!("{}: no such argument", at(&quote(name))))
            .collect(),
        ValidationErrorKind::Enum { options } => {
            vec![format!(
                "{pointer}: {} is not one of {}",
                quoted(error),
                quote(&options.to_string())
            )]
        }
        ValidationErrorKind::Maximum { limit } => vec![format!(
            "{pointer}: {} is above the maximum {limit}",
            quoted(error)
        )],
        ValidationErrorKind::Minimum { limit } => vec![format!(
            "{pointer}: {} is below the minimum {limit}",
            quoted(error)
        )],
        ValidationErrorKind::OneOfNotValid { .. } | ValidationErrorKind::AnyOf { .. } => {
            vec![format!(
                "{pointer}: {} matches none of the alternatives",
                quoted(error)
            )]
        }
        _ => {
            let pointer = if pointer.is_empty() { "/" } else { pointer };
            vec![format!(
                "{pointer}: {}",
                quote_long(&error.to_string(), 4 * QUOTE_MAX)
            )]
        }
    }
}

fn quoted(error: &ValidationError<'_>) -> String {
    quote(&error.instance().to_string())
}

fn quote(text: &str) -> String {
    quote_long(text, QUOTE_MAX)
}

fn quote_long(text: &str, max: usize) -> String {
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(max).collect();
    if text.chars().count() > max {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::manifest::Bound;

    fn checker(schema: Value, clamps: &[(&str, Option<i64>, Option<i64>)]) -> Checker {
        let Value::Object(schema) = schema else {
            panic!("not an object")
        };
        let controls: Vec<Control> = clamps
            .iter()
            .map(|(name, min, max)| Control {
                pointer: format!("/{name}"),
                clamp: Some(Bound {
                    min: min.map(Into::into),
                    max: max.map(Into::into),
                    ..Bound::default()
                }),
                ..Control::default()
            })
            .collect();
        Checker::new(&controls, Arc::new(schema), &BTreeMap::new())
    }

    #[allow(clippy::needless_pass_by_value, reason = "it reads better in a table")]
    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn page_sizes_move_into_their_bounds() {
        let schema = json!({"type": "object", "properties": {"limit": {"type": "integer", "minimum": 1, "maximum": 100}}});
        let checker = checker(schema, &[("limit", Some(1), Some(100))]);
        for (sent, want) in [
            ("5000", "100"),
            ("0", "1"),
            ("-99999999999999999999999999999999999999999999", "1"),
            ("99999999999999999999999999999999999999999999", "100"),
            ("7", "7"),
            ("5000.0", "100"),
            ("5e3", "100"),
            ("5.01E+2", "100"),
            ("50000e-1", "100"),
            ("-5.0", "1"),
            ("0.00", "1"),
            ("1e999", "100"),
            ("-1e40", "1"),
        ] {
            let sent: Value = serde_json::from_str(&format!(r#"{{"limit": {sent}}}"#)).unwrap();
            let args = checker.check(object(sent)).unwrap();
            assert_eq!(args.get("limit").unwrap().to_string(), want);
        }
        assert!(checker.check(object(json!({"limit": "abc"}))).is_err());
        assert!(checker.check(object(json!({"limit": 1.5}))).is_err());
    }

    #[test]
    fn every_violation_is_told_at_once() {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["id"],
            "properties": {"id": {"type": "integer"}, "n": {"type": "integer", "maximum": 3}, "k": {"enum": ["a"]}}
        });
        let error = checker(schema, &[])
            .check(object(json!({"n": 9, "k": "b", "x": 1})))
            .unwrap_err();
        for line in [
            "/id: required, but missing",
            "/x: no such argument",
            "/n: 9 is above the maximum 3",
            r#"/k: "b" is not one of ["a"]"#,
        ] {
            assert!(error.message.contains(line), "{}", error.message);
        }
    }

    #[test]
    fn violations_are_few_and_told_once() {
        let schema = json!({
            "type": "object",
            "properties": {
                "n": {"minimum": 1}, "a": {"anyOf": [{"type": "null"}, {"const": 1}]},
                "l": {"items": {"type": "null"}}, "s": {"maxLength": 1},
            },
        });
        let told = |value: Value| {
            let found = checker(schema.clone(), &[]).check(object(value));
            found.unwrap_err().message
        };
        assert!(told(json!({"n": 0})).contains("1 violation of"));
        assert!(told(json!({"n": 0})).contains("/n: 0 is below the minimum 1"));
        assert!(told(json!({"a": 2})).contains("/a: 2 matches none of the alternatives"));
        let lines = |message: &str| message.matches("\n- ").count();
        let twenty = told(json!({"l": vec![0; 20]}));
        assert!(lines(&twenty) == 20 && twenty.starts_with("20 violations"));
        let more = told(json!({"l": vec![0; 21]}));
        assert!(lines(&more) == 20 && more.starts_with("more than 20 violations"));
        // In very many values, it is the first one; the arguments and the list are values, too.
        assert_eq!(lines(&told(json!({"l": vec![0; THOROUGH_MAX - 2]}))), 20);
        assert_eq!(lines(&told(json!({"l": vec![0; THOROUGH_MAX - 1]}))), 1);
        assert_eq!(quote_long("abc", 3), "abc");
        assert_eq!(quote_long("abcd", 3), "abc…");
    }

    #[test]
    fn patterns_that_take_linear_time() {
        for (pattern, good) in [
            ("^a+$", true),
            ("[", false),
            ("(a)\\1", false),
            ("(?=a)", false),
            ("(a{999}){99999}", false),
        ] {
            assert_eq!(linear(pattern).is_ok(), good, "{pattern}");
        }
    }

    #[test]
    fn an_exponential_schema_is_given_up_on() {
        let mut defs = Map::new();
        for i in 0..30 {
            let next = json!({"$ref": format!("#/$defs/d{}", i + 1)});
            defs.insert(format!("d{i}"), json!({"oneOf": [next, next]}));
        }
        defs.insert("d30".into(), json!({"type": "string"}));
        let schema =
            json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": defs});
        for value in [json!({"a": "x"}), json!({"a": 1})] {
            let error = checker(schema.clone(), &[])
                .check(object(value))
                .unwrap_err();
            assert_eq!(error.code, "arguments_too_complex");
        }
    }
}
