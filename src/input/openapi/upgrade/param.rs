//! Parameters: what 2.0 says beside the name goes into a schema, and `collectionFormat` is a style.

use serde_json::{Map, Value, json};

use super::{Parameters, Upgrade};
use crate::diag::{Code, Diagnostic};
use crate::input::openapi::node::Node;

/// What a parameter says of its value (Swagger 2.0, Parameter Object), and what some say although it
/// is for schemas only.
const OF_THE_VALUE: [&str; 20] = [
    "type",
    "format",
    "items",
    "default",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "enum",
    "multipleOf",
    "x-nullable",
    "properties",
    "additionalProperties",
    "title",
];

/// How a value of several parts is written.
pub(super) struct Written {
    pub(super) style: &'static str,
    pub(super) explode: bool,
}

impl<'a> Upgrade<'a, '_> {
    /// The parameters of an operation or a path, whose new place is `here`.
    pub(super) fn parameters(&mut self, here: &str, owner: &Node<'a>) -> Parameters<'a> {
        let Some(list) = owner.get("parameters") else {
            return Parameters::default();
        };
        if !list.value.is_array() {
            return Parameters {
                list: list.value.clone(),
                body: Vec::new(),
            };
        }
        let mut found = Vec::new();
        let mut body = Vec::new();
        for (index, entry) in list.items().enumerate() {
            let new = format!("{here}/parameters/{index}");
            let param = self.doc.resolve(entry.clone());
            let Some(param) = param.ok().filter(|p| self.pay_for(&entry, p)) else {
                // The reader says what is wrong.
                self.moves.add(new, &entry.loc());
                found.push(entry.value.clone());
                continue;
            };
            self.moves.add(new.clone(), &param.loc());
            if matches!(param.str("in"), Some("body" | "formData")) {
                found.push(self.copied(&param));
                body.push(param);
            } else {
                found.push(self.parameter(&new, &param));
            }
        }
        Parameters {
            list: Value::Array(found),
            body,
        }
    }

    /// A parameter that is no part of a body.
    fn parameter(&mut self, new: &str, node: &Node<'a>) -> Value {
        let Value::Object(mut out) = self.copied(node) else {
            return node.value.clone();
        };
        for of_3x in ["content", "allowReserved", "examples"] {
            out.shift_remove(of_3x);
        }
        // Some write a schema as in 3.x.
        if out.contains_key("type") || !out.contains_key("schema") {
            self.moves.add(format!("{new}/schema"), &node.loc());
            let schema = self.value_schema(node);
            out.insert("schema".into(), schema);
        }
        let place = node.str("in").unwrap_or_default();
        let written = self.collection_format(node, place);
        let origin = node.get("collectionFormat");
        let origin = origin.as_ref().unwrap_or(node);
        self.moves.made_of(format!("{new}/style"), &origin.loc());
        out.insert("style".into(), written.style.into());
        out.insert("explode".into(), written.explode.into());
        if let Some(example) = example(node) {
            out.insert("example".into(), example);
        }
        Value::Object(out)
    }

    /// How the lists of a parameter are written. The formats other than `csv` have no name in 3.x
    /// outside a query; `tabDelimited` has none at all. The reader knows them in 2.0.
    pub(super) fn collection_format(&mut self, node: &Node<'a>, place: &str) -> Written {
        let in_pairs = matches!(place, "query" | "formData");
        let usual = if in_pairs { "form" } else { "simple" };
        let style = |style| Written {
            style,
            explode: false,
        };
        if node.str("type") != Some("array") {
            return style(usual);
        }
        if place == "formData" {
            self.nested(node);
        }
        match node.str("collectionFormat") {
            None | Some("csv") => style(usual),
            Some("ssv") => style("spaceDelimited"),
            Some("tsv") => style("tabDelimited"),
            Some("pipes") => style("pipeDelimited"),
            Some("multi") if in_pairs => Written {
                style: "form",
                explode: true,
            },
            Some(other) => {
                let message = if other == "multi" {
                    format!("a {place} cannot repeat a name (`multi`); `csv` is assumed")
                } else {
                    format!("`{other}` is no collectionFormat; `csv` is assumed")
                };
                let loc = node.loc().child("collectionFormat");
                let help = "the formats are csv, ssv, tsv, pipes and, in query and formData, multi";
                self.assume(loc, message, help);
                style(usual)
            }
        }
    }

    /// Lists of lists in a form: no style has a place for the inner ones. Of parameters the reader says so.
    fn nested(&mut self, node: &Node<'a>) {
        let Some(items) = node.get("items") else {
            return;
        };
        if items.str("type") == Some("array") {
            let name = node.str("name").unwrap_or_default();
            let message = format!("the lists in field `{name}` cannot be sent");
            let found = Diagnostic::new(Code::UnsupportedParam, items.loc(), message);
            let help = "a list of plain values can; one with lists in it is refused";
            self.found.push(found.help(help));
        }
    }

    /// The schema of a parameter's value.
    pub(super) fn value_schema(&self, node: &Node<'a>) -> Value {
        let entries = node.entries();
        let mut schema: Map<String, Value> = entries
            .filter(|(key, _)| OF_THE_VALUE.contains(key))
            .map(|(key, value)| (key.to_owned(), self.copied(&value)))
            .collect();
        if node.str("type") == Some("file") {
            schema.insert("type".into(), json!("string"));
            schema.insert("format".into(), json!("binary"));
        }
        Value::Object(schema)
    }
}

/// `x-example`, or the first of `x-examples`.
pub(super) fn example(node: &Node<'_>) -> Option<Value> {
    let first = || {
        let examples = node.get("x-examples")?;
        let first = match examples.value {
            Value::Object(named) => named.values().next()?,
            Value::Array(list) => list.first()?,
            one => one,
        };
        Some(first.get("value").unwrap_or(first).clone())
    };
    let one = node.get("x-example").map(|example| example.value.clone());
    one.or_else(first)
}
