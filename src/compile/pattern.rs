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

/// Where a finding is, and where findings go.
struct Report<'a> {
    loc: &'a Loc,
    diags: &'a mut Diagnostics,
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
        self.walk(schema, "", &mut Report { loc, diags });
    }

    /// `name` is that of the innermost property.
    fn walk(&mut self, schema: &mut Value, name: &str, report: &mut Report<'_>) {
        let Value::Object(object) = schema else {
            if let Value::Array(items) = schema {
                for item in items {
                    self.walk(item, name, report);
                }
            }
            return;
        };
        let pattern = object.get("pattern").and_then(Value::as_str);
        if let Some(pattern) = pattern.map(str::to_owned)
            && !self.enforced(&pattern)
        {
            object.shift_remove("pattern");
            let said = object.get("description").and_then(Value::as_str);
            let text = format!("{} Pattern: {pattern}", said.unwrap_or_default());
            object.insert("description".into(), text.trim().into());
            report.push(&pattern, name);
        }
        if let Some(Value::Object(map)) = object.get_mut("patternProperties") {
            map.retain(|pattern, _| {
                let works = self.enforced(pattern);
                if !works {
                    report.push(pattern, name);
                }
                works
            });
        }
        for (key, value) in object.iter_mut() {
            match (key.as_str(), value) {
                ("enum" | "const" | "default" | "examples", _) => {}
                // Their keys are names, whatever the names are.
                ("properties", Value::Object(map)) => {
                    for (name, schema) in map {
                        self.walk(schema, name, report);
                    }
                }
                ("patternProperties" | "$defs" | "dependentSchemas", Value::Object(map)) => {
                    for (_, schema) in map {
                        self.walk(schema, name, report);
                    }
                }
                (_, value) => self.walk(value, name, report),
            }
        }
    }
}

impl Report<'_> {
    fn push(&mut self, pattern: &str, name: &str) {
        let short: String = pattern.chars().take(80).collect();
        let message = format!(
            "pattern `{short}` of `{name}` cannot be enforced; the model is only told of it"
        );
        let found = Diagnostic::new(Code::PatternNotEnforced, self.loc.clone(), message);
        self.diags
            .push(found.help("write a valid ECMA-262 regular expression of moderate size"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_not_keywords() {
        let broken = || json!({"type": "string", "pattern": "("});
        let mut schema = json!({"properties": {
            "pattern": broken(), "default": broken(),
            "patternProperties": {"type": "object", "properties": {"(": {"enum": [{"pattern": "("}]}}},
        }});
        let told = json!({"type": "string", "description": "Pattern: ("});
        let mut want = schema.clone();
        want["properties"]["pattern"] = told.clone();
        want["properties"]["default"] = told;
        let mut diags = Diagnostics::default();
        Patterns::default().check(&mut schema, &Loc::at(""), &mut diags);
        assert_eq!(schema, want);
        assert_eq!(diags.iter().count(), 2);
    }
}
