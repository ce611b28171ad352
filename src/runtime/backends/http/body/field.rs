//! The fields of a form: what each property of the body's object becomes, by the rules of the document
//! (OpenAPI 3.1.1 §4.8.15) and under names that no argument can take from another field.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::super::{guard, wire};
use super::file::{self, File};
use super::{refused, text};
use crate::runtime::error::CallError;
use crate::runtime::manifest::{
    BodyContent, BodyFormat, PartStyle, Place, Strings, Style, WireBody, WireParam, WirePart,
};
use crate::runtime::media;

/// Levels of lists and objects that brackets are written for.
const BRACKETS_MAX: usize = 8;

/// One field.
#[derive(Debug, Default)]
pub(super) struct Field<'b> {
    pub(super) name: String,
    pub(super) value: Vec<u8>,
    /// Name and value as they stand in form-urlencoded text, where a parameter style has made them.
    pub(super) encoded: Option<(String, String)>,
    pub(super) content_type: Option<String>,
    pub(super) filename: Option<String>,
    pub(super) headers: Option<&'b IndexMap<String, String>>,
    /// Whether an argument chose the name.
    pub(super) chosen: bool,
}

impl Field<'_> {
    fn of_text(name: &str, text: String) -> Self {
        Self {
            name: name.to_owned(),
            value: text.into_bytes(),
            ..Self::default()
        }
    }
}

/// The fields that an object becomes, in its order. `null` is left out, unless it is JSON's.
///
/// # Errors
///
/// A value cannot be written as the document says, or has the name of another field.
pub(super) fn fields<'b>(
    method: &str,
    body: &'b WireBody,
    object: &Map<String, Value>,
) -> Result<Vec<Field<'b>>, CallError> {
    let declared = declared(body);
    let mut names = Names::new(&declared);
    let mut all = Vec::new();
    for (property, value) in object {
        let undeclared = !declared.contains(property.as_str());
        if undeclared {
            names.chosen(property)?;
        }
        let part = body.parts.get(property);
        let fields = match part.and_then(|part| part.style) {
            Some(style) => styled(property, style, value, body.format)?,
            None => plain(property, part, value, body.format)?,
        };
        for mut field in fields {
            // The keys of a spread object are names that the argument chose.
            let spread = guard::bare_name(&field.name) != guard::bare_name(property);
            field.chosen = undeclared || spread;
            if spread {
                names.spread(property, &field.name)?;
                let text = String::from_utf8_lossy(&field.value).into_owned();
                if guard::raises_method(method, &field.name, &text.into()) {
                    let why = format!("`{}` asks for another method", field.name);
                    return Err(refused(&why));
                }
            }
            all.push(field);
        }
    }
    Ok(all)
}

/// The names that arguments chose.
pub(super) fn chosen(fields: &[Field<'_>]) -> Vec<String> {
    let chosen = fields.iter().filter(|field| field.chosen);
    chosen.map(|field| field.name.clone()).collect()
}

/// The names that the document gives to fields.
fn declared(body: &WireBody) -> BTreeSet<&str> {
    let parts = body.parts.keys().map(String::as_str);
    match &body.content {
        BodyContent::Properties(properties) => parts
            .chain(properties.values().map(String::as_str))
            .collect(),
        BodyContent::Whole(_) => parts.collect(),
    }
}

/// Names of fields, as far as every server tells them apart.
struct Names {
    declared: BTreeSet<String>,
    /// Those of spread objects, with the property that each came from.
    spread: BTreeMap<String, String>,
}

impl Names {
    fn new(declared: &BTreeSet<&str>) -> Self {
        Self {
            declared: declared.iter().map(|name| guard::bare_name(name)).collect(),
            spread: BTreeMap::new(),
        }
    }

    /// A property that is not declared, and so is one that the argument named.
    fn chosen(&self, name: &str) -> Result<(), CallError> {
        let bare = guard::bare_name(name);
        let shadows = !bare.is_empty() && self.declared.contains(&bare);
        if name.trim().is_empty() || shadows {
            let found = refused(&format!(
                "`{name}` is the name of another field of the form"
            ));
            return Err(found.hint("leave it out"));
        }
        Ok(())
    }

    /// The key of a spread object.
    fn spread(&mut self, property: &str, name: &str) -> Result<(), CallError> {
        self.chosen(name)?;
        let from = self.spread.entry(guard::bare_name(name)).or_default();
        if !from.is_empty() && from != property {
            let why = format!("`{name}` is a field of both `{from}` and `{property}`");
            return Err(refused(&why).hint("leave one of them out"));
        }
        property.clone_into(from);
        Ok(())
    }
}

/// A property by the rules of its media type: a list is one field an item.
fn plain<'b>(
    name: &str,
    part: Option<&'b WirePart>,
    value: &Value,
    format: BodyFormat,
) -> Result<Vec<Field<'b>>, CallError> {
    let items = match value {
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    };
    let mut fields = Vec::new();
    for item in items {
        if let Some(field) = item_field(name, part, item, format)? {
            let headers = part.map(|part| &part.headers);
            fields.push(Field { headers, ..field });
        }
    }
    Ok(fields)
}

fn item_field(
    name: &str,
    part: Option<&WirePart>,
    value: &Value,
    format: BodyFormat,
) -> Result<Option<Field<'static>>, CallError> {
    let types = part.map_or(&[][..], |part| &part.content_types);
    let json = types.iter().find(|kind| media::is_json(kind));
    if let Value::String(text) = value {
        let strings = part.map_or(Strings::Text, |part| part.strings);
        let what = format!("`{name}`");
        let kinds: Vec<&str> = types.iter().map(String::as_str).collect();
        let file = match strings {
            Strings::Text => None,
            Strings::Either if !file::is_data_uri(text) => None,
            Strings::TextFiles if !file::is_data_uri(text) => Some(file::of_text(text, &kinds)),
            Strings::Files | Strings::TextFiles | Strings::Either => {
                Some(file::read(&what, text, &kinds)?)
            }
        };
        if let Some(file) = file {
            return Ok(Some(file_field(name, file, format)));
        }
    }
    let only_json = types.iter().all(|kind| media::is_json(kind)) && json.is_some();
    let compound = value.is_array() || value.is_object();
    if compound || only_json {
        let content_type = json
            .cloned()
            .unwrap_or_else(|| "application/json".to_owned());
        return Ok(Some(Field {
            content_type: Some(content_type),
            ..Field::of_text(name, value.to_string())
        }));
    }
    if value.is_null() {
        return Ok(None);
    }
    let mut others = types.iter().filter(|kind| !media::is_json(kind));
    Ok(Some(Field {
        content_type: others.find(|kind| media::is_concrete(kind)).cloned(),
        ..Field::of_text(name, text(value))
    }))
}

/// A part with a file name is one that servers take for a file; the field's own name stands in where
/// the argument gives none.
fn file_field(name: &str, file: File, format: BodyFormat) -> Field<'static> {
    let filename = file.name.unwrap_or_else(|| name.to_owned());
    Field {
        name: name.to_owned(),
        value: file.bytes,
        content_type: Some(file.content_type),
        filename: (format == BodyFormat::Multipart).then_some(filename),
        ..Field::default()
    }
}

/// A property in a parameter style: as in a query. In multipart each pair is a part, and nothing is
/// percent-encoded (OpenAPI 3.1.1 §4.8.15.1.2).
fn styled(
    name: &str,
    style: PartStyle,
    value: &Value,
    format: BodyFormat,
) -> Result<Vec<Field<'static>>, CallError> {
    let urlencoded = format == BodyFormat::Form;
    let param = WireParam {
        arg: name.to_owned(),
        name: name.to_owned(),
        place: Place::Query,
        style: style.style,
        explode: style.explode,
        allow_reserved: style.allow_reserved && urlencoded,
        slash: false,
        allow_empty: false,
        content: None,
    };
    let mut pairs = Vec::new();
    if style.style == Style::DeepObject && (value.is_array() || value.is_object()) {
        brackets(name, value, 0, &mut |name, text| {
            // One text for each name: the style counts for its characters only.
            let scalar = WireParam {
                style: Style::Form,
                name,
                ..param.clone()
            };
            pairs.extend(wire::query(&scalar, &text.into())?);
            Ok(())
        })?;
    } else if holds_compound(value) {
        return Err(CallError::new(
            "unsupported_value",
            format!("`{name}`: a list or object inside a list or object cannot be sent in a form field; nothing was sent"),
        )
        .hint("send plain values inside the list or object"));
    } else {
        pairs = wire::query(&param, value)?;
    }
    let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    let fields = pairs.into_iter().map(|(name, value)| Field {
        name: String::from_utf8_lossy(&decoded(&name)).into_owned(),
        value: decoded(&value),
        encoded: urlencoded.then_some((name, value)),
        ..Field::default()
    });
    Ok(fields.collect())
}

fn holds_compound(value: &Value) -> bool {
    let compound = |value: &Value| value.is_array() || value.is_object();
    match value {
        Value::Array(items) => items.iter().any(compound),
        Value::Object(object) => object.values().any(compound),
        _ => false,
    }
}

/// `name[key]`, and what the specification leaves open as PHP, Rails and qs read it: `name[key][inner]`
/// for what is deeper, `name[0]` for the items of a list.
fn brackets(
    name: &str,
    value: &Value,
    depth: usize,
    pair: &mut dyn FnMut(String, String) -> Result<(), CallError>,
) -> Result<(), CallError> {
    if depth > BRACKETS_MAX {
        return Err(refused(&format!(
            "`{name}` is nested too deeply for a form"
        )));
    }
    match value {
        Value::Null => Ok(()),
        Value::Array(items) => items.iter().enumerate().try_for_each(|(index, item)| {
            brackets(&format!("{name}[{index}]"), item, depth + 1, pair)
        }),
        Value::Object(object) => object.iter().try_for_each(|(key, value)| {
            // Servers decode before they look for brackets: no escape keeps one from being read.
            if key.is_empty() || key.contains(['[', ']']) {
                return Err(refused(&format!(
                    "`{name}` has a key with brackets, or an empty one"
                )));
            }
            brackets(&format!("{name}[{key}]"), value, depth + 1, pair)
        }),
        scalar => pair(name.to_owned(), text(scalar)),
    }
}
