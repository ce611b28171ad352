//! How a parameter's value is written: its style, and which values that style does not define
//! (OpenAPI 3.1.1 §4.8.12.3 and §4.8.12.4).

use serde_json::{Map, Value, json};

use super::super::Version;
use super::super::node::Node;
use super::super::operation::OperationReader;
use crate::catalog::Param;
use crate::diag::{Code, Diagnostic};
use crate::runtime::manifest::{ParamContent, Place, Style};

/// Asks for objects and lists inside a `deepObject`: on the parameter, its operation, its path item
/// or the document.
const DEEP: &str = "x-mcpgen-deep-object";

/// Schemas that are looked at to tell the kinds of one: alternatives and references can be endless.
const LOOKS: usize = 200;

/// Kinds of values that a schema names; none if it allows anything.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kinds {
    /// A string, number or boolean.
    pub(super) plain: bool,
    pub(super) list: bool,
    pub(super) object: bool,
}

impl<'a> OperationReader<'a, '_> {
    /// The parameter as it is written, with what its style does not define reported.
    pub(super) fn styled(
        &mut self,
        node: &Node<'a>,
        owners: [&Node<'a>; 2],
        name: &str,
        place: Place,
        schema: Value,
        content: Option<ParamContent>,
    ) -> Result<Param, Box<Diagnostic>> {
        let (mut style, mut explode) = style(self.doc.version, node, name, place)?;
        if style == Style::DeepObject && content.is_none() {
            style = self.deep(node, owners);
            if explode == Some(false) {
                self.undefined(
                    node,
                    name,
                    "deepObject",
                    "`explode: false`",
                    "it is sent as name[key]=value",
                );
            }
            explode = Some(true);
        }
        let explode = explode.unwrap_or(matches!(style, Style::Form | Style::Cookie));
        let reserved = content.is_none() && node.flag("allowReserved");
        let empty = content.is_none() && place == Place::Query && style == Style::Form;
        let param = Param {
            name: name.to_owned(),
            place,
            required: false,
            schema,
            style,
            explode,
            allow_reserved: reserved && self.reserves(place, style),
            allow_empty: empty && node.flag("allowEmptyValue"),
            content,
        };
        if content.is_none() {
            self.undefined_cells(node, &param)?;
        }
        Ok(Param {
            schema: if param.allow_empty {
                or_empty(param.schema)
            } else {
                param.schema
            },
            ..param
        })
    }

    /// Where `allowReserved` applies: in queries, and since 3.2 wherever values are percent-encoded.
    fn reserves(&self, place: Place, style: Style) -> bool {
        let old = self.doc.version < Version::V3_2;
        match place {
            Place::Query => true,
            Place::Path => !old,
            Place::Cookie => !old && style == Style::Form,
            Place::Querystring | Place::Header => false,
        }
    }

    /// What `deepObject` is to the owner of the document.
    fn deep(&mut self, node: &Node<'a>, owners: [&Node<'a>; 2]) -> Style {
        let root = Node::root(self.doc.root);
        let mut said = [node, owners[0], owners[1], &root].into_iter();
        let Some(value) = said.find_map(|node| node.get(DEEP)) else {
            return Style::DeepObject;
        };
        match value.value.as_str() {
            Some("brackets") => Style::DeepBrackets,
            Some("indices") => Style::DeepIndices,
            _ => {
                let message =
                    format!("`{DEEP}` is neither `brackets` nor `indices`; it is ignored");
                let found = Diagnostic::new(Code::UnknownExtension, value.loc(), message);
                let help = "`brackets` sends lists as a[b][]=1, `indices` as a[b][0]=1";
                self.schemas.diags().push(found.help(help));
                Style::DeepObject
            }
        }
    }

    fn undefined(&mut self, node: &Node<'a>, name: &str, style: &str, what: &str, instead: &str) {
        let message = format!("parameter `{name}`: `{style}` does not define {what}; {instead}");
        let found = Diagnostic::new(Code::UndefinedStyle, node.loc(), message);
        let help = "write a style that defines it, or `content: {application/json: …}`";
        self.schemas.diags().push(found.help(help));
    }

    /// Reports the values that the schema names and the style does not define. The error is that no
    /// value is left.
    fn undefined_cells(&mut self, node: &Node<'a>, param: &Param) -> Result<(), Box<Diagnostic>> {
        let found = kinds(&param.schema, &self.schemas.defs);
        let name = param.name.as_str();
        let word = self.word(param);
        let one = "it is sent as name=value";
        match param.style {
            Style::SpaceDelimited | Style::PipeDelimited | Style::TabDelimited => {
                if found.plain {
                    self.undefined(node, name, word, "a single value", one);
                }
                if param.explode {
                    let instead = "it is sent as `form` is, a=1&a=2";
                    self.undefined(node, name, word, "`explode: true`", instead);
                }
            }
            Style::DeepObject => {
                if found.plain {
                    self.undefined(node, name, word, "a single value", one);
                }
                if found.list {
                    let only = !found.plain && !found.object;
                    self.nowhere(node, param, "a list", only)?;
                }
            }
            _ => {}
        }
        let deeper = matches!(param.style, Style::DeepBrackets | Style::DeepIndices);
        if !deeper && let Some((what, only)) = nested(&param.schema, &self.schemas.defs) {
            let only = only && !found.plain && !found.object;
            self.nowhere(node, param, &what, only)?;
        }
        Ok(())
    }

    /// What the document calls the style of a parameter.
    fn word(&self, param: &Param) -> &'static str {
        match param.style {
            style if self.doc.version > Version::V2_0 => word(style),
            Style::SpaceDelimited => "ssv",
            Style::TabDelimited => "tsv",
            Style::PipeDelimited => "pipes",
            _ if param.explode => "multi",
            _ => "csv",
        }
    }

    /// Values that no style writes. The error is that there are no others.
    fn nowhere(
        &mut self,
        node: &Node<'a>,
        param: &Param,
        what: &str,
        only: bool,
    ) -> Result<(), Box<Diagnostic>> {
        let (name, style) = (&param.name, self.word(param));
        let message = format!("parameter `{name}`: `{style}` does not define {what}");
        let help = if param.style == Style::DeepObject {
            "`x-mcpgen-deep-object: brackets` sends a[b][]=1, `indices` a[b][0]=1"
        } else if self.doc.version == Version::V2_0 {
            "a list of plain values can be sent"
        } else {
            "`content: {application/json: …}` sends it as JSON"
        };
        let mut found = Diagnostic::new(Code::UndefinedStyle, node.loc(), message).help(help);
        if only {
            return Err(Box::new(found));
        }
        found.message += "; such a value is refused";
        self.schemas.diags().push(found);
        Ok(())
    }
}

/// The style's name in OpenAPI 3.
fn word(style: Style) -> &'static str {
    match style {
        Style::Simple => "simple",
        Style::Label => "label",
        Style::Matrix => "matrix",
        Style::Form => "form",
        Style::SpaceDelimited => "spaceDelimited",
        Style::PipeDelimited => "pipeDelimited",
        Style::TabDelimited => "tabDelimited",
        Style::DeepObject | Style::DeepBrackets | Style::DeepIndices => "deepObject",
        Style::Cookie => "cookie",
    }
}

/// The style and what is said of `explode`, with the default style of the place
/// (OpenAPI 3.1.1 §4.8.12.2).
fn style(
    version: Version,
    node: &Node<'_>,
    name: &str,
    place: Place,
) -> Result<(Style, Option<bool>), Box<Diagnostic>> {
    let refuse = || {
        let style = node.str("style").unwrap_or_default();
        let message = format!(
            "`{style}` is no style of {} parameter `{name}`",
            place.as_str()
        );
        let found = Diagnostic::new(Code::UnsupportedParam, node.loc().child("style"), message);
        Box::new(found.help(match place {
            Place::Path => "path parameters are simple, label or matrix",
            Place::Query => {
                "query parameters are form, spaceDelimited, pipeDelimited or deepObject"
            }
            Place::Querystring => "the whole query string has `content` and no style",
            Place::Header => "header parameters are simple",
            Place::Cookie => "cookie parameters are form or cookie",
        }))
    };
    let default = match place {
        Place::Path | Place::Header => Style::Simple,
        Place::Query | Place::Querystring | Place::Cookie => Style::Form,
    };
    let style = match node.str("style") {
        None => default,
        Some("simple") => Style::Simple,
        Some("label") => Style::Label,
        Some("matrix") => Style::Matrix,
        Some("form") => Style::Form,
        Some("spaceDelimited") => Style::SpaceDelimited,
        Some("pipeDelimited") => Style::PipeDelimited,
        // 2.0 has it, as `tsv`, and no later version.
        Some("tabDelimited") if version == Version::V2_0 => Style::TabDelimited,
        Some("deepObject") => Style::DeepObject,
        Some("cookie") => Style::Cookie,
        Some(_) => return Err(refuse()),
    };
    let delimited = matches!(
        style,
        Style::SpaceDelimited | Style::PipeDelimited | Style::TabDelimited
    );
    let fits = match place {
        Place::Path | Place::Header if version == Version::V2_0 && delimited => true,
        Place::Path => matches!(style, Style::Simple | Style::Label | Style::Matrix),
        Place::Header => style == Style::Simple,
        Place::Cookie => matches!(style, Style::Form | Style::Cookie),
        Place::Query => !matches!(
            style,
            Style::Simple | Style::Label | Style::Matrix | Style::Cookie
        ),
        Place::Querystring => style == Style::Form,
    };
    if !fits {
        return Err(refuse());
    }
    let explode = node.get("explode").and_then(|e| e.value.as_bool());
    Ok((style, explode))
}

/// The schema, or the empty text, where the schema does not allow that already.
fn or_empty(schema: Value) -> Value {
    let free = [
        "type",
        "description",
        "default",
        "examples",
        "deprecated",
        "maxLength",
    ];
    let any = schema.as_object().is_some_and(|object| {
        let text = object.get("type").is_none_or(|t| t == "string");
        text && object.keys().all(|key| free.contains(&key.as_str()))
    });
    if any {
        return schema;
    }
    let mut outer = Map::new();
    let mut inner = schema;
    if let Some(object) = inner.as_object_mut() {
        for key in ["description", "deprecated"] {
            outer.extend(object.shift_remove(key).map(|text| (key.to_owned(), text)));
        }
    }
    outer.insert("anyOf".into(), json!([inner, {"const": ""}]));
    Value::Object(outer)
}

/// The kinds of values that a schema names.
pub(super) fn kinds(schema: &Value, defs: &Map<String, Value>) -> Kinds {
    let mut found = Kinds::default();
    each(schema, defs, &mut |object| {
        let mut name = |kind: &str| match kind {
            "array" => found.list = true,
            "object" => found.object = true,
            "string" | "number" | "integer" | "boolean" => found.plain = true,
            _ => {}
        };
        match object.get("type") {
            Some(Value::String(one)) => name(one),
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).for_each(name),
            _ if object.contains_key("properties") => name("object"),
            _ if object.contains_key("items") => name("array"),
            _ => {}
        }
    });
    found
}

/// What lists and objects are inside the lists and objects of a schema, and whether all elements of
/// its lists are some.
fn nested(schema: &Value, defs: &Map<String, Value>) -> Option<(String, bool)> {
    let mut found = None;
    let inner = |schema: &Value| {
        let kinds = kinds(schema, defs);
        (kinds.list || kinds.object).then_some(!kinds.plain)
    };
    each(schema, defs, &mut |object| {
        if let Some(only) = object.get("items").and_then(inner) {
            found.get_or_insert(("a list or object inside a list".to_owned(), only));
        }
        let properties = object.get("properties").and_then(Value::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            if inner(schema).is_some() {
                let what = format!("the list or object in property `{name}`");
                found.get_or_insert((what, false));
            }
        }
    });
    found
}

/// Visits a schema and its alternatives.
fn each<'s>(
    schema: &'s Value,
    defs: &'s Map<String, Value>,
    visit: &mut dyn FnMut(&'s Map<String, Value>),
) {
    let mut waiting = vec![schema];
    for _ in 0..LOOKS {
        let Some(schema) = waiting.pop() else { return };
        let Some(object) = schema.as_object() else {
            continue;
        };
        visit(object);
        let target = object.get("$ref").and_then(Value::as_str);
        waiting.extend(target.and_then(|r| defs.get(r.strip_prefix("#/$defs/")?)));
        for key in ["anyOf", "oneOf", "allOf"] {
            let parts = object.get(key).and_then(Value::as_array);
            waiting.extend(parts.into_iter().flatten().take(LOOKS));
        }
    }
}
