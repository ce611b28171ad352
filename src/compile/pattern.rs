//! Regular expressions of schemas: what the runtime's engines cannot hold is described to the model
//! instead of enforced, and reported.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::diag::{Code, Diagnostic, Diagnostics, Loc};

/// Which patterns can be enforced, each tried once.
#[derive(Default)]
pub(super) struct Patterns {
    known: BTreeMap<String, bool>,
}

impl Patterns {
    fn enforced(&mut self, pattern: &str) -> bool {
        if let Some(known) = self.known.get(pattern) {
            return *known;
        }
        let works = crate::runtime::args::validator(&json!({ "pattern": pattern })).is_ok();
        self.known.insert(pattern.to_owned(), works);
        works
    }

    /// Moves every pattern of a schema that cannot be enforced into its description.
    pub(super) fn check(&mut self, schema: &mut Value, loc: &Loc, diags: &mut Diagnostics) {
        match schema {
            Value::Array(items) => items
                .iter_mut()
                .for_each(|item| self.check(item, loc, diags)),
            Value::Object(object) => {
                if let Some(pattern) = object
                    .get("pattern")
                    .and_then(Value::as_str)
                    .map(str::to_owned)
                    && !self.enforced(&pattern)
                {
                    object.shift_remove("pattern");
                    let said = object
                        .get("description")
                        .and_then(Value::as_str)
                        .unwrap_or_default();
                    let text = format!("{said} Pattern: {pattern}");
                    object.insert("description".into(), text.trim().into());
                    report(&pattern, loc, diags);
                }
                if let Some(Value::Object(map)) = object.get_mut("patternProperties") {
                    map.retain(|pattern, _| {
                        let works = self.enforced(pattern);
                        if !works {
                            report(pattern, loc, diags);
                        }
                        works
                    });
                }
                for (key, value) in object.iter_mut() {
                    if !matches!(key.as_str(), "enum" | "const" | "default" | "examples") {
                        self.check(value, loc, diags);
                    }
                }
            }
            _ => {}
        }
    }
}

fn report(pattern: &str, loc: &Loc, diags: &mut Diagnostics) {
    let short: String = pattern.chars().take(80).collect();
    diags.push(
        Diagnostic::new(
            Code::PatternNotEnforced,
            loc.clone(),
            format!("pattern `{short}` cannot be enforced; the model is only told of it"),
        )
        .help("use a regular expression of ECMA-262 without an excessive size"),
    );
}
