//! An HTTP action and checked arguments become the exact request. Pure: no I/O, no clock.

use serde_json::Value;

use super::wire::{self, refused};
use super::{body, guard};
use crate::runtime::args::Args;
use crate::runtime::error::CallError;
use crate::runtime::manifest::{HttpAction, ParamContent, Place, Style, WireParam};
use crate::runtime::media;

/// Longest query, in bytes as they are sent.
const QUERY_MAX: usize = 64 * 1024;

/// The exact request, without credentials. Only [`plan`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    method: String,
    /// Path template it was made from.
    template: String,
    /// Encoded path below the base URL, with a slash at the start.
    path: String,
    /// Encoded query, without `?`; empty if there is none.
    query: String,
    headers: Vec<(String, String)>,
    cookies: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    /// Names of form fields that arguments chose.
    chosen_fields: Vec<String>,
}

impl Request {
    /// The method, upper case.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path template that the request was made from.
    pub fn template(&self) -> &str {
        &self.template
    }

    /// The encoded path below the base URL.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The encoded query; empty if there is none.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// Headers, in the order they are sent.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// Whether it asks for a media type by its name.
    pub(super) fn accepts(&self, media_type: &str) -> bool {
        let accept = self.headers.iter().filter(|(name, _)| name == "accept");
        let mut types = accept.flat_map(|(_, list)| list.split(','));
        types.any(|one| media::essence(one) == media_type)
    }

    /// Cookies as name and encoded value.
    pub fn cookies(&self) -> &[(String, String)] {
        &self.cookies
    }

    /// Names of form fields that the document does not have: arguments chose them.
    pub fn chosen_fields(&self) -> &[String] {
        &self.chosen_fields
    }

    /// The body's bytes.
    pub fn body(&self) -> Option<&[u8]> {
        self.body.as_deref()
    }
}

/// Makes the request of an action.
///
/// # Errors
///
/// A value cannot be put where it belongs; nothing has been sent.
pub fn plan(action: &HttpAction, args: &Args) -> Result<Request, CallError> {
    let (path, query) = guard::halves(&action.path);
    let mut request = Request {
        method: action.method.clone(),
        template: action.path.clone(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: Vec::new(),
        cookies: Vec::new(),
        body: None,
        chosen_fields: Vec::new(),
    };
    if let Some(accept) = &action.accept {
        request.headers.push(("accept".to_owned(), accept.clone()));
    }
    for param in &action.params {
        if let Some(value) = args.get(&param.arg) {
            place(action, param, value, &mut request)?;
        }
        if request.query.len() > QUERY_MAX {
            let why = format!("makes the query longer than {QUERY_MAX} bytes");
            return Err(refused(param, &why).hint("send less at once"));
        }
    }
    if let Some(spec) = &action.body
        && let Some(encoded) = body::encode(&action.method, spec, args)?
    {
        let content_type = ("content-type".to_owned(), encoded.content_type);
        request.headers.push(content_type);
        request.body = Some(encoded.bytes);
        request.chosen_fields = encoded.chosen;
    }
    guard::same_shape(action, &request.path)?;
    guard::same_query(&action.method, &action.path, &request.query)?;
    Ok(request)
}

/// Puts one argument where it belongs.
fn place(
    action: &HttpAction,
    param: &WireParam,
    value: &Value,
    request: &mut Request,
) -> Result<(), CallError> {
    match param.place {
        Place::Path => {
            let placeholder = format!("{{{}}}", param.name);
            if request.path.contains(&placeholder) {
                let text = wire::path(param, value)?;
                request.path = request.path.replace(&placeholder, &text);
            }
            if request.query.contains(&placeholder) {
                let text = wire::slot(param, value)?;
                request.query = request.query.replace(&placeholder, &text);
            }
        }
        Place::Query => {
            chosen_by_argument(action, param, value)?;
            for (name, value) in wire::query(param, value)? {
                add(&mut request.query, &format!("{name}={value}"));
            }
        }
        Place::Querystring => {
            chosen_by_argument(action, param, value)?;
            add(&mut request.query, &wire::querystring(param, value)?);
        }
        Place::Header if guard::is_reserved_header(&param.name) => {
            return Err(refused(param, "is a header that no argument may set"));
        }
        Place::Header => {
            let text = wire::header(param, value)?;
            request
                .headers
                .extend(text.map(|text| (param.name.clone(), text)));
        }
        Place::Cookie => {
            chosen_by_argument(action, param, value)?;
            request.cookies.extend(wire::cookies(param, value)?);
        }
    }
    Ok(())
}

fn add(query: &mut String, pairs: &str) {
    if !query.is_empty() && !pairs.is_empty() {
        query.push('&');
    }
    query.push_str(pairs);
}

/// The names that a query or cookie parameter sends. The keys of an object that is spread out are
/// names that the argument chose: they may not be those of other parameters or of what the path's own
/// query says, nor ask for another method.
fn chosen_by_argument(
    action: &HttpAction,
    param: &WireParam,
    value: &Value,
) -> Result<(), CallError> {
    let spread = match (param.place, param.content) {
        (Place::Querystring, content) => content == Some(ParamContent::Form),
        (_, Some(_)) => false,
        (_, None) => param.explode && matches!(param.style, Style::Form | Style::Cookie),
    };
    let keys: Vec<(&str, &Value)> = match value {
        Value::Object(object) if spread => object
            .iter()
            .map(|(key, value)| (key.as_str(), value))
            .collect(),
        _ if param.place == Place::Querystring => Vec::new(),
        value => vec![(param.name.as_str(), value)],
    };
    let fixed = if param.place == Place::Cookie {
        Vec::new()
    } else {
        guard::names(guard::halves(&action.path).1)
    };
    for (key, value) in keys {
        let own = key == param.name && param.place != Place::Querystring;
        let taken =
            |other: &WireParam| other.place == param.place && guard::same_name(&other.name, key);
        let beside = !own && param.place != Place::Querystring && action.params.iter().any(taken);
        let fixed = fixed.iter().any(|name| guard::same_name(name, key));
        if key.trim().is_empty() || beside || fixed {
            let why = "has a key that is the name of another parameter";
            return Err(refused(param, why));
        }
        if guard::raises_method(&action.method, key, value) {
            return Err(refused(param, "asks for another method"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
