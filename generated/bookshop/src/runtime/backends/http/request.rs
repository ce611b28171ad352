//! An HTTP action and checked arguments become the exact request. Pure: no I/O, no clock.

use serde_json::Value;

use super::guard::{self, Unsafe};
use super::{body, wire};
use crate::runtime::args::Args;
use crate::runtime::error::CallError;
use crate::runtime::manifest::{HttpAction, Place, Style, WireParam};

/// Longest path value, in bytes.
const PATH_VALUE_MAX: usize = 2_048;
/// Longest query, in bytes as they are sent.
const QUERY_MAX: usize = 64 * 1024;
/// Longest header or cookie value, in bytes.
const HEADER_VALUE_MAX: usize = 8_192;

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
    let mut request = Request {
        method: action.method.clone(),
        template: action.path.clone(),
        path: action.path.clone(),
        query: String::new(),
        headers: Vec::new(),
        cookies: Vec::new(),
        body: None,
        chosen_fields: Vec::new(),
    };
    if let Some(accept) = &action.accept {
        request.headers.push(("accept".to_owned(), accept.clone()));
    }
    for param in &action.params {
        let Some(value) = args.get(&param.arg) else {
            continue;
        };
        match param.place {
            Place::Path => {
                let text = wire::path(param, value, &|text| path_piece(param, text))?;
                request.path = request.path.replace(&format!("{{{}}}", param.name), &text);
            }
            Place::Query => {
                for (name, value) in chosen_by_argument(action, param, value)? {
                    let separator = if request.query.is_empty() { "" } else { "&" };
                    request
                        .query
                        .push_str(&format!("{separator}{name}={value}"));
                }
                if request.query.len() > QUERY_MAX {
                    let why = format!("makes the query longer than {QUERY_MAX} bytes");
                    return Err(refused(param, &why).hint("send less at once"));
                }
            }
            Place::Header if guard::is_reserved_header(&param.name) => {
                return Err(refused(param, "is a header that no argument may set"));
            }
            Place::Header => {
                if let Some(text) = wire::header(param, value)? {
                    request
                        .headers
                        .push((param.name.clone(), header_value(param, text)?));
                }
            }
            Place::Cookie => {
                for (name, value) in chosen_by_argument(action, param, value)? {
                    request.cookies.push((name, bounded(param, value)?));
                }
            }
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
    guard::same_shape(&action.path, &request.path)?;
    Ok(request)
}

fn refused(param: &WireParam, why: &str) -> CallError {
    CallError::new(
        "refused_value",
        format!("argument `{}` {why}; nothing was sent", param.arg),
    )
}

/// One text of a path value, encoded. Whatever a server, proxy or framework on the way might read as
/// more than one segment, or as a dot segment, is refused: percent-encoding does not help, since
/// some decode first and then resolve dots.
fn path_piece(param: &WireParam, text: &str) -> Result<String, CallError> {
    if text.len() > PATH_VALUE_MAX {
        return Err(refused(
            param,
            &format!("is longer than {PATH_VALUE_MAX} bytes"),
        ));
    }
    let slashless = "give the value of one path segment, without slashes";
    let (why, hint) = match guard::path_text(text) {
        None => return Ok(wire::encode(text)),
        Some(Unsafe::Empty) => ("is empty", "give the value of one path segment"),
        Some(Unsafe::Dots) => ("is a dot segment", "give the value of one path segment"),
        Some(Unsafe::Separator) => ("holds `/`, `\\` or a control character", slashless),
        Some(Unsafe::NotUtf8) => ("holds escapes that are not UTF-8", slashless),
    };
    Err(refused(param, why).hint(hint))
}

/// The pairs of a query or cookie parameter. The keys of an object that is spread out are names that
/// the argument chose: they may not be those of other parameters, nor ask for another method.
fn chosen_by_argument(
    action: &HttpAction,
    param: &WireParam,
    value: &Value,
) -> Result<Vec<(String, String)>, CallError> {
    let pairs = wire::query(param, value)?;
    let keys = match value {
        Value::Object(object) if param.explode && param.style == Style::Form && !param.json => {
            object
                .iter()
                .map(|(key, value)| (key.as_str(), value))
                .collect()
        }
        value => vec![(param.name.as_str(), value)],
    };
    if let (Value::Object(object), Style::DeepObject) = (value, param.style)
        && object.keys().any(|key| key.contains(['[', ']']))
    {
        // Servers decode before they look for brackets: no escape keeps one from being read.
        return Err(refused(param, "has a key with brackets"));
    }
    for (key, value) in keys {
        let own = key == param.name;
        let taken =
            |other: &WireParam| other.place == param.place && guard::same_name(&other.name, key);
        if key.trim().is_empty() || (!own && action.params.iter().any(taken)) {
            return Err(refused(
                param,
                "has a key that is the name of another parameter",
            ));
        }
        if guard::raises_method(&action.method, key, value) {
            return Err(refused(param, "asks for another method"));
        }
    }
    Ok(pairs)
}

/// A header value: visible ASCII and inner spaces, nothing that could end the header
/// (RFC 9110 §5.5).
fn header_value(param: &WireParam, text: String) -> Result<String, CallError> {
    let carried =
        |b: u8| matches!(b, b' '..=b'~') || (b == b'\t' && param.style == Style::TabDelimited);
    if !text.bytes().all(carried) || text.trim() != text {
        return Err(
            refused(param, "holds a character that a header cannot carry")
                .hint("send printable ASCII without spaces at the ends"),
        );
    }
    bounded(param, text)
}

fn bounded(param: &WireParam, text: String) -> Result<String, CallError> {
    if text.len() > HEADER_VALUE_MAX {
        return Err(refused(
            param,
            &format!("is longer than {HEADER_VALUE_MAX} bytes"),
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_values_stay_in_their_segment() {
        let param = WireParam {
            arg: "id".into(),
            name: "id".into(),
            place: Place::Path,
            style: Style::Simple,
            explode: false,
            allow_reserved: false,
            json: false,
        };
        for (value, want) in [
            ("7", Some("7")),
            ("a b", Some("a%20b")),
            ("?x=1", Some("%3Fx%3D1")),
            ("#f", Some("%23f")),
            ("a.b", Some("a.b")),
            ("...", Some("...")),
            ("50%", Some("50%25")),
            ("@evil", Some("%40evil")),
            ("ä", Some("%C3%A4")),
            ("..", None),
            (".", None),
            ("", None),
            (" ", None),
            ("../../admin", None),
            ("..%2Fadmin", None),
            ("%2e%2e", None),
            ("%252e%252e", None),
            ("..\\", None),
            ("..;", None),
            ("..;x", None),
            ("a/b", None),
            ("a\\b", None),
            ("//evil", None),
            ("a\0", None),
            ("a\t", None),
            ("a\r\n", None),
            ("a%00", None),
            ("\u{ff0e}\u{ff0e}", None),
            ("a\u{ff0f}b", None),
        ] {
            assert_eq!(path_piece(&param, value).ok().as_deref(), want, "{value:?}");
        }
        assert!(path_piece(&param, &"x".repeat(10_000)).is_err());
    }
}
