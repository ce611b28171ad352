//! Files in arguments: base64, or a data URI (RFC 2397) that may tell the media type and the name.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

use super::{BODY_MAX, refused};
use crate::runtime::error::CallError;
use crate::runtime::media;

/// Longest name of a file, in bytes.
const NAME_MAX: usize = 255;
/// What bytes are of which nothing is known (RFC 2046 §4.5.1).
const BYTES: &str = "application/octet-stream";

/// A file of an argument.
#[derive(Debug, PartialEq)]
pub(super) struct File {
    pub(super) bytes: Vec<u8>,
    pub(super) content_type: String,
    pub(super) name: Option<String>,
}

/// Whether a text is a data URI.
pub(super) fn is_data_uri(text: &str) -> bool {
    text.trim_start()
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

/// Reads a file. `what` names its place in messages; `types` are the media types that it may have, none
/// for any. What does not say its type has the first that is no range.
///
/// # Errors
///
/// It is no base64, too large, of another media type, or has a name that no file may have.
pub(super) fn read(what: &str, text: &str, types: &[&str]) -> Result<File, CallError> {
    let (media_type, name, bytes) = if is_data_uri(text) {
        data_uri(what, text.trim())?
    } else {
        (None, None, decode(what, text)?)
    };
    if bytes.len() > BODY_MAX {
        return Err(refused(&format!("{what} is larger than {BODY_MAX} bytes")));
    }
    if let Some(name) = &name {
        check_name(what, name)?;
    }
    Ok(File {
        content_type: content_type(what, media_type, types)?,
        bytes,
        name,
    })
}

/// A file that is given as its text.
pub(super) fn of_text(text: &str, types: &[&str]) -> File {
    let kind = types.iter().find(|kind| media::is_concrete(kind));
    File {
        bytes: text.as_bytes().to_vec(),
        content_type: (*kind.unwrap_or(&"text/plain")).to_owned(),
        name: None,
    }
}

fn content_type(what: &str, given: Option<String>, types: &[&str]) -> Result<String, CallError> {
    let list = || types.join(", ");
    match given {
        Some(given) if types.is_empty() || types.iter().any(|t| media::is_within(&given, t)) => {
            Ok(given)
        }
        // The declared type may have parameters that the argument does not repeat.
        Some(given) if given == BYTES && types.iter().any(|t| media::is_concrete(t)) => {
            content_type(what, None, types)
        }
        Some(given) => Err(
            refused(&format!("{what} is {given}, which is not declared"))
                .hint(format!("send one of: {}", list())),
        ),
        None => match types.iter().find(|t| media::is_concrete(t)) {
            Some(first) => Ok((*first).to_owned()),
            None if types.is_empty() || types.iter().any(|t| media::is_within(BYTES, t)) => {
                Ok(BYTES.to_owned())
            }
            None => Err(
                refused(&format!("{what} does not say its media type")).hint(format!(
                    "give it as a data URI, as in data:{};base64,…, of one of: {}",
                    types.first().unwrap_or(&BYTES).replace('*', "x"),
                    list()
                )),
            ),
        },
    }
}

type Parts = (Option<String>, Option<String>, Vec<u8>);

/// `data:image/png;name=a.png;base64,iVBORw0K`.
fn data_uri(what: &str, text: &str) -> Result<Parts, CallError> {
    let bad = |why: &str| {
        refused(&format!("{what} is a data URI {why}"))
            .hint("write it as in data:image/png;name=a.png;base64,iVBORw0K")
    };
    let rest = text.get(5..).unwrap_or_default();
    let (head, data) = rest.split_once(',').ok_or_else(|| bad("without a comma"))?;
    let mut parts = head.split(';').map(str::trim);
    let media_type = parts.next().filter(|part| !part.is_empty());
    let (mut name, mut charset, mut base64) = (None, None, false);
    for part in parts {
        match part.split_once('=') {
            None if part.eq_ignore_ascii_case("base64") => base64 = true,
            Some((key, value)) if ["name", "filename"].contains(&key.to_lowercase().as_str()) => {
                let value = percent_decode_str(value.trim_matches('"')).decode_utf8();
                let value = value.map_err(|_| bad("whose name is not UTF-8"))?;
                name = Some(value.into_owned()).filter(|name| !name.is_empty());
            }
            Some((key, value)) if key.eq_ignore_ascii_case("charset") => charset = Some(value),
            _ => {}
        }
    }
    let media_type = match (media_type, charset) {
        (Some(kind), Some(charset)) => Some(format!("{kind};charset={charset}")),
        (kind, _) => kind.map(str::to_owned),
    };
    if media_type
        .as_ref()
        .is_some_and(|kind| !media::is_concrete(kind))
    {
        return Err(bad("whose media type is none"));
    }
    let bytes = if base64 {
        let data = percent_decode_str(data).decode_utf8();
        decode(what, &data.map_err(|_| bad("whose data is not base64"))?)?
    } else {
        percent_decode_str(data).collect()
    };
    Ok((media_type, name, bytes))
}

/// Base64, perhaps in lines. It is not read leniently: words look much like it.
fn decode(what: &str, text: &str) -> Result<Vec<u8>, CallError> {
    let text: String = text.trim().split(['\r', '\n']).collect();
    STANDARD.decode(text).map_err(|_| {
        refused(&format!("{what} is not base64"))
            .hint("encode the bytes in standard base64, with padding")
    })
}

/// A name stays in the folder that it is put into, and in its header.
fn check_name(what: &str, name: &str) -> Result<(), CallError> {
    let why = if name.len() > NAME_MAX {
        "is too long"
    } else if name.chars().any(char::is_control) {
        "holds a control character"
    } else if name.contains('\\') || name.starts_with('/') || name.split('/').any(|p| p == "..") {
        "leads out of its folder"
    } else {
        return Ok(());
    };
    Err(refused(&format!("the file name of {what} {why}"))
        .hint("give the plain name, as in report.pdf"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files() {
        for (text, types, want) in [
            ("aGk=", &[][..], Some((&b"hi"[..], BYTES, None))),
            ("aG\r\nk=\n", &[], Some((b"hi", BYTES, None))),
            (
                "aGk=",
                &["image/*", "image/png"],
                Some((b"hi", "image/png", None)),
            ),
            ("data:;base64,aGk=", &[], Some((b"hi", BYTES, None))),
            ("data:,a%20b", &[], Some((b"a b", BYTES, None))),
            (
                "DATA:text/plain;charset=utf-8;name=%C3%A4%20b.txt;base64,aGk%3D",
                &["text/*"],
                Some((b"hi", "text/plain;charset=utf-8", Some("ä b.txt"))),
            ),
            (
                "data:image/png;filename=\"a.png\";base64,aGk=",
                &["image/png"],
                Some((b"hi", "image/png", Some("a.png"))),
            ),
            (
                "data:application/octet-stream;base64,aGk=",
                &["image/png"],
                Some((b"hi", "image/png", None)),
            ),
            ("data:image/png;base64,aGk=", &["image/jpeg"], None),
            ("aGk=", &["image/*"], None),
            ("data:image/png", &[], None),
            ("data:image;base64,aGk=", &[], None),
            ("data:image/png\r\nX: y;base64,aGk=", &[], None),
            ("data:image/png;name=a%0D%0AX: y;base64,aGk=", &[], None),
            ("data:image/png;name=..%2Fa;base64,aGk=", &[], None),
            ("data:image/png;name=%2Fetc%2Fpasswd;base64,aGk=", &[], None),
            ("data:image/png;name=a%5Cb;base64,aGk=", &[], None),
            ("data:image/png;name=%FF;base64,aGk=", &[], None),
            ("no base64!", &[], None),
            ("nothing of the kind", &[], None),
            ("aGk", &[], None),
            ("aGk-", &[], None),
        ] {
            let found = read("`f`", text, types);
            let want = want.map(|(bytes, content_type, name)| File {
                bytes: bytes.to_vec(),
                content_type: content_type.to_owned(),
                name: name.map(str::to_owned),
            });
            assert_eq!(found.as_ref().ok(), want.as_ref(), "{text}: {found:?}");
            if let Err(error) = found {
                assert_eq!(error.code, "refused_value");
            }
        }
    }
}
