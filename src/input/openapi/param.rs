//! Parameters: declared on the operation or on its path, with the style that they are sent in.

use serde_json::{Value, json};

use super::Version;
use super::node::Node;
use super::operation::OperationReader;
use super::template::{self, placeholders};
use crate::catalog::Param;
use crate::diag::nearest::nearest;
use crate::diag::{Code, Diagnostic, Loc};
use crate::runtime::backends::http::{is_reserved_header, same_name};
use crate::runtime::manifest::{CredentialSpec, KeyPlace, ParamContent, Place, Style};

mod content;
mod style;

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
                if let Some(param) = self.param(node, [operation, item])?
                    && !params
                        .iter()
                        .any(|(p, _)| p.name == param.name && p.place == param.place)
                {
                    params.push((param, loc));
                }
            }
        }
        self.match_placeholders(&mut params)?;
        self.fixed_pairs(&mut params);
        self.whole_query(&mut params)?;
        Ok(params.into_iter().map(|(param, _)| param).collect())
    }

    /// One parameter; `None` if it is not for the caller to fill.
    fn param(
        &mut self,
        node: Node<'a>,
        owners: [&Node<'a>; 2],
    ) -> Result<Option<Param>, Box<Diagnostic>> {
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
            Some("querystring") => Place::Querystring,
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
            .param_schema(&node, name, place)?
            .and_then(|found| sendable(&node, name, place).map(|()| found))
            .and_then(|(schema, content)| self.styled(&node, owners, name, place, schema, content));
        let mut param = match written {
            Ok(param) => param,
            Err(found) if required => return Err(found),
            Err(mut found) => {
                found.message += "; the tool goes without it";
                self.schemas.diags().push(*found);
                return Ok(None);
            }
        };
        param.required = required;
        param.schema = self.described(param.schema, &node, described);
        Ok(Some(param))
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
        let (_, pairs) = template::halves(self.path);
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
            let in_query = |param: &Param| pairs.iter().any(|pair| template::fills(param, pair));
            if params
                .iter()
                .any(|(p, _)| p.name == name && (p.place == Place::Path || in_query(p)))
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
                allow_empty: false,
                content: None,
            };
            params.push((param, path_loc.clone()));
        }
        Ok(())
    }

    /// What the path's own query says is no argument.
    fn fixed_pairs(&mut self, params: &mut Vec<(Param, Loc)>) {
        let (_, pairs) = template::halves(self.path);
        let diags = self.schemas.diags();
        params.retain(|(param, loc)| {
            let same = |pair: &&&str| same_name(&template::pair_name(pair), &param.name);
            let fixed = pairs.iter().find(same);
            let fixed = fixed.filter(|pair| !template::fills(param, pair));
            let Some(pair) = fixed.filter(|_| param.place == Place::Query) else {
                return true;
            };
            let message = format!(
                "query parameter `{}` is in the path already, as `{pair}`; the tool goes without it",
                param.name
            );
            let help = "remove one of the two";
            diags.push(Diagnostic::new(Code::FixedInPath, loc.clone(), message).help(help));
            false
        });
    }

    /// A parameter that is the whole query string stands alone (OpenAPI 3.2.0 §4.12.1).
    fn whole_query(&mut self, params: &mut Vec<(Param, Loc)>) -> Result<(), Box<Diagnostic>> {
        let whole = |param: &Param| param.place == Place::Querystring;
        let first = params.iter().position(|(param, _)| whole(param));
        let Some(first) = first else { return Ok(()) };
        let queries = params.iter().any(|(param, _)| param.place == Place::Query);
        let key = self.credentials.values().any(|credential| {
            let place = match credential {
                CredentialSpec::ApiKey { place, .. } => Some(*place),
                _ => None,
            };
            place == Some(KeyPlace::Query)
        });
        let (_, pairs) = template::halves(self.path);
        let mut at = 0;
        let mut refused: Vec<(Param, Diagnostic)> = Vec::new();
        params.retain(|(param, loc)| {
            at += 1;
            let form = param.content == Some(ParamContent::Form);
            let why = if !whole(param) {
                return true;
            } else if queries {
                "stands beside query parameters"
            } else if at - 1 != first {
                "is not the only one"
            } else if !form && (key || !pairs.is_empty()) {
                "leaves no room for what else is in the query"
            } else {
                return true;
            };
            let message = format!("`{}` is the whole query string, but {why}", param.name);
            let found = Diagnostic::new(Code::WholeQuery, loc.clone(), message);
            let help = "declare one `in: querystring`, or `in: query` parameters";
            refused.push((param.clone(), found.help(help)));
            false
        });
        for (param, mut found) in refused {
            if param.required {
                return Err(Box::new(found));
            }
            found.message += "; the tool goes without it";
            self.schemas.diags().push(found);
        }
        Ok(())
    }

    fn path_loc(&self) -> Loc {
        Loc::key(format!("/paths/{}", crate::diag::escape(self.path)))
    }
}

/// A header's or cookie's name is a token (RFC 9110 §5.1, RFC 6265 §4.1.1); nothing else can be sent.
fn sendable(node: &Node<'_>, name: &str, place: Place) -> Result<(), Box<Diagnostic>> {
    if !matches!(place, Place::Header | Place::Cookie) || is_token(name) {
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
