//! Parameters: declared on the operation or on its path, with the style that they are sent in.

use serde_json::{Value, json};

use super::Version;
use super::node::Node;
use super::operation::OperationReader;
use crate::catalog::Param;
use crate::diag::nearest::nearest;
use crate::diag::{Code, Diagnostic, Loc};
use crate::runtime::backends::http::is_reserved_header;
use crate::runtime::manifest::{CredentialSpec, KeyPlace, Place, Style};
use crate::runtime::media::is_json;

/// Headers that OpenAPI takes from elsewhere: a parameter of that name is ignored
/// (OpenAPI 3.1.1 §4.8.12.2).
const IGNORED_HEADERS: [&str; 3] = ["accept", "content-type", "authorization"];

/// Parameters that an operation may declare, and its path as many again.
const PARAMS_MAX: usize = 500;

impl<'a> OperationReader<'a, '_> {
    /// All parameters: the operation's own, then those of the path that it does not override, then
    /// the path's placeholders that nobody declared.
    pub(super) fn params(
        &mut self,
        item: &Node<'a>,
        operation: &Node<'a>,
    ) -> Result<Vec<Param>, Box<Diagnostic>> {
        let mut params: Vec<(Param, Loc)> = Vec::new();
        for owner in [operation, item] {
            let Some(list) = owner.get("parameters") else {
                continue;
            };
            if !list.value.is_array() {
                let message = "`parameters` is not a list";
                let found = Diagnostic::new(Code::Malformed, list.loc(), message);
                let help = "write `parameters: [{name: …, in: query, schema: {…}}]`";
                return Err(Box::new(found.help(help)));
            }
            if list.value.as_array().is_some_and(|l| l.len() > PARAMS_MAX) {
                let message = format!("it has more than {PARAMS_MAX} parameters");
                let found = Diagnostic::new(Code::UnsupportedParam, list.loc(), message);
                return Err(Box::new(found.help("no model can fill so many")));
            }
            for node in list.items() {
                let loc = node.loc();
                if let Some(param) = self.param(node)?
                    && !params
                        .iter()
                        .any(|(p, _)| p.name == param.name && p.place == param.place)
                {
                    params.push((param, loc));
                }
            }
        }
        self.match_placeholders(&mut params)?;
        Ok(params.into_iter().map(|(param, _)| param).collect())
    }

    /// One parameter; `None` if it is not for the caller to fill.
    fn param(&mut self, node: Node<'a>) -> Result<Option<Param>, Box<Diagnostic>> {
        let described = node.str("description");
        let node = self.doc.resolve(node)?;
        let malformed = |message: &str| {
            let found = Diagnostic::new(Code::Malformed, node.loc(), message);
            Box::new(
                found.help("a parameter has a `name` and an `in`: path, query, header or cookie"),
            )
        };
        let name = node
            .str("name")
            .ok_or_else(|| malformed("a parameter has no name"))?;
        let place = match node.str("in") {
            Some("path") => Place::Path,
            Some("query") => Place::Query,
            Some("header") => Place::Header,
            Some("cookie") => Place::Cookie,
            // They are in the request body, too, that the upgrade made of them.
            Some("body" | "formData") if self.doc.version == Version::V2_0 => return Ok(None),
            Some(other) => {
                return Err(malformed(&format!(
                    "parameter `{name}` is in `{other}`, which is no place"
                )));
            }
            None => {
                return Err(malformed(&format!(
                    "parameter `{name}` does not say where it goes (`in`)"
                )));
            }
        };
        if self.is_filled_elsewhere(&node, name, place) {
            return Ok(None);
        }
        let required = place == Place::Path || node.flag("required");
        let written = self
            .param_schema(&node, name)?
            .and_then(|found| sendable(&node, name, place).map(|()| found))
            .and_then(|(schema, json)| {
                Ok((schema, json, style(self.doc.version, &node, name, place)?))
            });
        let (schema, json, (style, explode)) = match written {
            Ok(found) => found,
            Err(found) if required => return Err(found),
            Err(mut found) => {
                found.message += "; the tool goes without it";
                self.schemas.diags().push(*found);
                return Ok(None);
            }
        };
        Ok(Some(Param {
            name: name.to_owned(),
            place,
            required,
            schema: self.described(schema, &node, described),
            style,
            explode,
            allow_reserved: place == Place::Query && node.flag("allowReserved"),
            json,
        }))
    }

    /// Headers that the client owns and parameters that a credential fills.
    fn is_filled_elsewhere(&mut self, node: &Node<'a>, name: &str, place: Place) -> bool {
        if place == Place::Header {
            if IGNORED_HEADERS.iter().any(|h| name.eq_ignore_ascii_case(h)) {
                return true;
            }
            if is_reserved_header(name) {
                let message =
                    format!("header `{name}` is set by the HTTP client; the tool goes without it");
                let found = Diagnostic::new(Code::ReservedHeader, node.loc(), message)
                    .help("remove the parameter, or name the header otherwise");
                self.schemas.diags().push(found);
                return true;
            }
        }
        self.credentials
            .values()
            .any(|credential| match credential {
                CredentialSpec::ApiKey {
                    place: key,
                    name: key_name,
                    ..
                } => match (key, place) {
                    // Gateways read `_` as `-`.
                    (KeyPlace::Header, Place::Header) => key_name
                        .replace('_', "-")
                        .eq_ignore_ascii_case(&name.replace('_', "-")),
                    (KeyPlace::Query, Place::Query) | (KeyPlace::Cookie, Place::Cookie) => {
                        key_name == name
                    }
                    _ => false,
                },
                _ => false,
            })
    }

    /// The schema, and whether the value is sent as JSON text (`content`). The inner error concerns
    /// the parameter alone.
    #[allow(
        clippy::type_complexity,
        reason = "the two errors differ in what they cost"
    )]
    fn param_schema(
        &mut self,
        node: &Node<'a>,
        name: &str,
    ) -> Result<Result<(Value, bool), Box<Diagnostic>>, Box<Diagnostic>> {
        if let Some(content) = node.get("content") {
            let Some((media, entry)) = content.entries().next() else {
                let message = format!("parameter `{name}` has an empty `content`");
                let found = Diagnostic::new(Code::UnsupportedParam, content.loc(), message);
                return Ok(Err(Box::new(found.help("write a `schema` instead"))));
            };
            if !is_json(media) {
                let message = format!("parameter `{name}` cannot be sent as {media}");
                let found = Diagnostic::new(Code::UnsupportedParam, entry.loc(), message);
                return Ok(Err(Box::new(found.help("application/json can"))));
            }
            let schema = entry
                .get("schema")
                .map_or(Ok(json!({})), |schema| self.schemas.read(&schema))?;
            return Ok(Ok((schema, true)));
        }
        let schema = match node.get("schema") {
            Some(schema) => self.schemas.read(&schema)?,
            None => json!({"type": "string"}),
        };
        Ok(Ok((schema, false)))
    }

    /// The schema with the parameter's own words on it.
    fn described(&self, mut schema: Value, node: &Node<'a>, sibling: Option<&str>) -> Value {
        let Some(object) = schema.as_object_mut() else {
            return schema;
        };
        if let Some(text) = sibling.or_else(|| node.str("description")) {
            object.insert("description".into(), text.into());
        }
        if node.flag("deprecated") {
            object.insert("deprecated".into(), true.into());
        }
        let example = node.get("example").map(|e| e.value.clone()).or_else(|| {
            let (_, first) = node.get("examples")?.entries().next()?;
            self.doc
                .resolve(first)
                .ok()?
                .get("value")
                .map(|v| v.value.clone())
        });
        if let Some(example) = example {
            object.entry("examples").or_insert_with(|| json!([example]));
        }
        schema
    }

    /// Every `{placeholder}` has a parameter and every path parameter a placeholder
    /// (OpenAPI 3.1.1 §4.8.8).
    fn match_placeholders(
        &mut self,
        params: &mut Vec<(Param, Loc)>,
    ) -> Result<(), Box<Diagnostic>> {
        let names = placeholders(self.path).ok_or_else(|| {
            let message = "the braces of its path do not match";
            let found = Diagnostic::new(Code::Malformed, self.path_loc(), message);
            Box::new(found.help("a placeholder is a name in braces, as in `/pets/{id}`"))
        })?;
        let path_loc = self.path_loc();
        let diags = self.schemas.diags();
        params.retain(|(param, loc)| {
            let known = param.place != Place::Path || names.contains(&param.name.as_str());
            if !known {
                let message = format!(
                    "path parameter `{}` is not in the path; the tool goes without it",
                    param.name
                );
                let help = match nearest(&param.name, names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("put `{{{}}}` into the path, or remove it", param.name),
                };
                let found = Diagnostic::new(Code::UndeclaredPathParam, loc.clone(), message);
                diags.push(found.help(help));
            }
            known
        });
        for name in names {
            if params
                .iter()
                .any(|(p, _)| p.place == Place::Path && p.name == name)
            {
                continue;
            }
            let message =
                format!("path parameter `{name}` is not declared; it is read as a required string");
            diags.push(
                Diagnostic::new(Code::UndeclaredPathParam, path_loc.clone(), message)
                    .help(format!("declare it: `{{name: {name}, in: path, required: true, schema: {{type: string}}}}`")),
            );
            let param = Param {
                name: name.to_owned(),
                place: Place::Path,
                required: true,
                schema: json!({"type": "string"}),
                style: Style::Simple,
                explode: false,
                allow_reserved: false,
                json: false,
            };
            params.push((param, path_loc.clone()));
        }
        Ok(())
    }

    fn path_loc(&self) -> Loc {
        Loc::key(format!("/paths/{}", crate::diag::escape(self.path)))
    }
}

/// A header's or cookie's name is a token (RFC 9110 §5.1, RFC 6265 §4.1.1); nothing else can be sent.
fn sendable(node: &Node<'_>, name: &str, place: Place) -> Result<(), Box<Diagnostic>> {
    if matches!(place, Place::Path | Place::Query) || is_token(name) {
        return Ok(());
    }
    let message = format!("`{name}` is no name of a {}", place.as_str());
    let found = Diagnostic::new(Code::UnsupportedParam, node.loc().child("name"), message);
    Err(Box::new(found.help(
        "letters, digits and !#$%&'*+-.^_`|~ can be sent in a name",
    )))
}

/// Whether a text is a token (RFC 9110 §5.6.2).
pub(super) fn is_token(text: &str) -> bool {
    let char = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(char)
}

/// The names between the braces of a path template, each once; `None` if a brace has no partner.
fn placeholders(path: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut rest = path;
    while let Some(open) = rest.find(['{', '}']) {
        let inner = rest.get(open..)?.strip_prefix('{')?;
        let close = inner.find(['{', '}'])?;
        let (name, after) = (inner.get(..close)?, inner.get(close..)?.strip_prefix('}')?);
        if name.is_empty() {
            return None;
        }
        if !names.contains(&name) {
            names.push(name);
        }
        rest = after;
    }
    Some(names)
}

/// The style and whether it explodes, with the defaults of the place (OpenAPI 3.1.1 §4.8.12.2).
fn style(
    version: Version,
    node: &Node<'_>,
    name: &str,
    place: Place,
) -> Result<(Style, bool), Box<Diagnostic>> {
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
            Place::Header => "header parameters are simple",
            Place::Cookie => "cookie parameters are form",
        }))
    };
    let default = match place {
        Place::Path | Place::Header => Style::Simple,
        Place::Query | Place::Cookie => Style::Form,
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
        Place::Cookie => style == Style::Form,
        Place::Query => !matches!(style, Style::Simple | Style::Label | Style::Matrix),
    };
    if !fits {
        return Err(refuse());
    }
    let explode = node
        .get("explode")
        .and_then(|e| e.value.as_bool())
        .unwrap_or(style == Style::Form);
    Ok((style, explode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_of_a_path() {
        for (path, want) in [
            ("/a/b", Some(vec![])),
            ("/a/{b}/c/{d}.json", Some(vec!["b", "d"])),
            ("/{a}{b}/{a}", Some(vec!["a", "b"])),
            ("/{a", None),
            ("/a}", None),
            ("/{}", None),
            ("/{{a}}", None),
        ] {
            assert_eq!(placeholders(path), want, "{path}");
        }
    }
}
