//! The fields of forms: their `encoding`, and which of their strings are files (OpenAPI 3.0.4 §4.7.15,
//! 3.1.1 §4.8.15).

use indexmap::IndexMap;
use serde_json::Value;

use super::super::Version;
use super::super::node::Node;
use super::super::operation::OperationReader;
use super::super::param::is_token;
use super::files;
use crate::diag::{Code, Diagnostic, Loc};
use crate::runtime::manifest::{BodyFormat, PartStyle, Strings, Style, WirePart};
use crate::runtime::media;

/// Levels of alternatives and references in which properties are looked for.
const DEPTH_MAX: usize = 8;

/// Headers of a part that are made elsewhere (OpenAPI 3.1.1 §4.8.15.1, RFC 7578 §4.8).
const OWN_HEADERS: [&str; 3] = ["content-type", "content-disposition", "content-length"];

/// The schema of a property while its form is read.
struct Property<'s> {
    name: &'s str,
    schema: &'s mut Value,
    required: bool,
}

impl<'a> OperationReader<'a, '_> {
    /// How each declared field of a form is written. Files become base64 in the schema; a field that
    /// cannot be written goes, and the body with it if it must be there.
    pub(super) fn parts(
        &mut self,
        media: &Node<'a>,
        schema: &mut Value,
        format: BodyFormat,
    ) -> Result<IndexMap<String, WirePart>, Box<Diagnostic>> {
        let mut parts = IndexMap::new();
        self.properties(media, schema, format, &mut parts, 0)?;
        self.undeclared(media, &parts);
        Ok(parts)
    }

    fn properties(
        &mut self,
        media: &Node<'a>,
        schema: &mut Value,
        format: BodyFormat,
        parts: &mut IndexMap<String, WirePart>,
        depth: usize,
    ) -> Result<(), Box<Diagnostic>> {
        let Some(object) = schema.as_object_mut().filter(|_| depth < DEPTH_MAX) else {
            return Ok(());
        };
        let name = object.get("$ref").and_then(Value::as_str);
        if let Some(name) = name
            .and_then(|r| r.strip_prefix("#/$defs/"))
            .map(str::to_owned)
        {
            // Taken out, so that a schema that leads back to itself is not read twice.
            let mut target = self.schemas.defs.get_mut(&name).map(Value::take);
            let target = target.get_or_insert(Value::Null);
            let read = self.properties(media, target, format, parts, depth + 1);
            if let Some(place) = self.schemas.defs.get_mut(&name) {
                *place = target.take();
            }
            read?;
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            for part in object
                .get_mut(key)
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                self.properties(media, part, format, parts, depth + 1)?;
            }
        }
        let required: Vec<Value> = object
            .get("required")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let mut unsent = Vec::new();
        let properties = object.get_mut("properties").and_then(Value::as_object_mut);
        for (name, schema) in properties.into_iter().flatten() {
            let mut property = Property {
                name,
                schema,
                required: required.iter().any(|r| r == name.as_str()),
            };
            match self.part(media, &mut property, format)? {
                Some(part) if parts.get(name).is_none_or(|p| *p == WirePart::default()) => {
                    parts.insert(name.clone(), part);
                }
                Some(_) => {}
                None => {
                    parts.entry(name.clone()).or_default();
                    unsent.push(name.clone());
                }
            }
        }
        if let Some(Value::Object(properties)) = object.get_mut("properties") {
            properties.retain(|name, _| !unsent.contains(name));
        }
        Ok(())
    }

    /// One field; `None` if it cannot be written and is not asked for.
    fn part(
        &mut self,
        media: &Node<'a>,
        property: &mut Property<'_>,
        format: BodyFormat,
    ) -> Result<Option<WirePart>, Box<Diagnostic>> {
        let encoding = media.get("encoding").and_then(|e| e.get(property.name));
        let declared = encoding.as_ref().and_then(|e| e.str("contentType"));
        let mut types: Vec<String> = declared
            .into_iter()
            .flat_map(|list| list.split(','))
            .map(|kind| kind.trim().to_owned())
            .collect();
        types.retain(|kind| media::is_concrete(kind) || kind.ends_with("/*"));
        let mut found = files::find(property.schema, &self.schemas.defs, &types, format);
        if let Some(encoding) = &encoding
            && found.strings() == Strings::Text
            && let Some(style) = self.style(property.name, encoding, format)
        {
            return Ok(Some(WirePart {
                style: Some(style),
                ..WirePart::default()
            }));
        }
        let writes = |kind: &String| media::is_json(kind);
        if found.objects && !types.is_empty() && !types.iter().any(writes) {
            return self.unwritten(property, encoding.as_ref(), &types);
        }
        if found.bounds {
            let message = format!("the length of file `{}` is not checked", property.name);
            let found = Diagnostic::new(Code::PartEncoding, media.loc(), message);
            self.schemas
                .diags()
                .push(found.help("the API checks it; nothing is wrong with the document"));
        }
        if types.is_empty() {
            types.append(&mut found.types);
        }
        let mut headers = IndexMap::new();
        if format == BodyFormat::Multipart {
            // OpenAPI 3.1.1 §4.8.15.1.3 says the same of `contentEncoding` and this header.
            let encoding_of_text = found.encoding.as_ref();
            let header = |name: &String| ("Content-Transfer-Encoding".to_owned(), name.clone());
            headers.extend(encoding_of_text.map(header));
            if let Some(encoding) = &encoding {
                self.headers(property.name, encoding, &mut headers);
            }
        }
        Ok(Some(WirePart {
            style: None,
            content_types: types,
            strings: found.strings(),
            headers,
        }))
    }

    fn unwritten(
        &mut self,
        property: &Property<'_>,
        encoding: Option<&Node<'a>>,
        types: &[String],
    ) -> Result<Option<WirePart>, Box<Diagnostic>> {
        let message = format!(
            "field `{}` is an object of {}, which is not written",
            property.name,
            types.join(" or ")
        );
        let loc = encoding.map_or(Loc::at(""), |e| e.loc().child("contentType"));
        let help = "objects are written as application/json";
        if property.required {
            let found = Diagnostic::new(Code::UnsupportedBody, loc, message);
            return Err(Box::new(found.help(help)));
        }
        let message = format!("{message}; the tool goes without it");
        let found = Diagnostic::new(Code::PartEncoding, loc, message);
        self.schemas.diags().push(found.help(help));
        Ok(None)
    }

    /// The parameter style of a field, if the document gives it one: any of the three words turns
    /// `contentType` off (OpenAPI 3.1.1 §4.8.15.1.2). In 3.0 they count in form-urlencoded only.
    fn style(&mut self, name: &str, encoding: &Node<'a>, format: BodyFormat) -> Option<PartStyle> {
        let given = ["style", "explode", "allowReserved"];
        let ignored = self.doc.version == Version::V3_0 && format == BodyFormat::Multipart;
        if ignored || !given.iter().any(|key| encoding.get(key).is_some()) {
            return None;
        }
        let style = match encoding.str("style") {
            None | Some("form") => Style::Form,
            Some("spaceDelimited") => Style::SpaceDelimited,
            Some("pipeDelimited") => Style::PipeDelimited,
            // 2.0 has it, as `tsv`, and no later version.
            Some("tabDelimited") if self.doc.version == Version::V2_0 => Style::TabDelimited,
            Some("deepObject") => Style::DeepObject,
            Some(other) => {
                let message = format!("`{other}` is no style of form field `{name}`");
                let loc = encoding.loc().child("style");
                let found = Diagnostic::new(Code::PartEncoding, loc, message);
                let help = "lists are sent as a=1&a=2, objects as JSON text";
                self.schemas.diags().push(found.help(help));
                return None;
            }
        };
        let explode = encoding.get("explode").and_then(|e| e.value.as_bool());
        Some(PartStyle {
            style,
            explode: explode.unwrap_or(style == Style::Form),
            allow_reserved: encoding.flag("allowReserved"),
        })
    }

    /// The headers of a part whose value the document fixes; no argument is there for others.
    fn headers(&mut self, part: &str, encoding: &Node<'a>, headers: &mut IndexMap<String, String>) {
        let declared = encoding.get("headers");
        for (name, header) in declared.iter().flat_map(Node::entries) {
            if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                continue;
            }
            let loc = header.loc();
            let value = self
                .doc
                .resolve(header)
                .ok()
                .and_then(|header| fixed(&header));
            if let Some(value) = value.filter(|_| is_token(name)) {
                headers.retain(|known: &String, _: &mut String| !known.eq_ignore_ascii_case(name));
                headers.insert(name.to_owned(), value);
                continue;
            }
            let message = format!("header `{name}` of form field `{part}` is not sent");
            let found = Diagnostic::new(Code::PartEncoding, loc, message);
            let help =
                "only a value that the schema fixes is: `const`, an `enum` of one, or `default`";
            self.schemas.diags().push(found.help(help));
        }
    }

    /// Says that an encoding is for a field that the schema does not have: perhaps its name is wrong.
    fn undeclared(&mut self, media: &Node<'a>, parts: &IndexMap<String, WirePart>) {
        let encoding = media.get("encoding");
        for (name, part) in encoding.iter().flat_map(Node::entries) {
            if !parts.contains_key(name) {
                let message =
                    format!("`{name}` has an encoding, but the schema has no such property");
                let loc = Loc::key(part.pointer.clone());
                let found = Diagnostic::new(Code::PartEncoding, loc, message);
                let help = "the encoding is ignored (OpenAPI 3.1.1 §4.8.14.1): correct its name, or remove it";
                self.schemas.diags().push(found.help(help));
            }
        }
    }
}

/// The only value of a header, as it can be sent.
fn fixed(header: &Node<'_>) -> Option<String> {
    let schema = header.get("schema")?;
    let one = schema.get("enum").filter(|list| list.items().count() == 1);
    let one = one.and_then(|list| list.items().next());
    let value = schema
        .get("const")
        .or(one)
        .or_else(|| schema.get("default"))?;
    let text = match value.value {
        Value::String(text) => text.clone(),
        value @ (Value::Number(_) | Value::Bool(_)) => value.to_string(),
        _ => return None,
    };
    let visible = text.bytes().all(|b| matches!(b, b' '..=b'~'));
    (visible && text.trim() == text).then_some(text)
}
