//! `multipart/form-data` (RFC 7578), written as browsers write it (WHATWG HTML §4.10.21.8).

use super::field::{self, Field};
use super::{Encoded, refused};
use crate::runtime::error::CallError;

/// Boundaries that are tried before content that holds them all is refused: nothing innocent does.
const TRIES: u64 = 8;

/// The body, with a boundary that follows from the content and does not occur in it: the same
/// arguments always make the same bytes.
pub(super) fn encode(content_type: &str, fields: &[Field<'_>]) -> Result<Encoded, CallError> {
    let parts = fields.iter().map(|field| Ok((head(field)?, &field.value)));
    let parts: Vec<(String, &Vec<u8>)> = parts.collect::<Result<_, CallError>>()?;
    let boundary = boundary(&parts)?;
    let mut bytes = Vec::new();
    for (head, value) in &parts {
        bytes.extend_from_slice(format!("--{boundary}\r\n{head}\r\n").as_bytes());
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok(Encoded {
        content_type: format!("{content_type}; boundary={boundary}"),
        bytes,
        chosen: field::chosen(fields),
    })
}

/// The header lines of a part.
fn head(field: &Field<'_>) -> Result<String, CallError> {
    let mut head = format!(
        "Content-Disposition: form-data; name=\"{}\"",
        quoted(&field.name)?
    );
    if let Some(name) = &field.filename {
        head.push_str(&format!("; filename=\"{}\"", quoted(name)?));
    }
    head.push_str("\r\n");
    let own = field.content_type.iter().map(|kind| ("Content-Type", kind));
    let further = field.headers.into_iter().flatten();
    for (name, value) in own.chain(further.map(|(name, value)| (name.as_str(), value))) {
        let visible = |text: &str| text.bytes().all(|b| matches!(b, b' '..=b'~'));
        if !visible(name) || !visible(value) {
            return Err(refused(&format!(
                "a header of part `{}` holds a character that a header cannot carry",
                field.name
            )));
        }
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    Ok(head)
}

/// A name as browsers put it between quotes: what would end it is percent-encoded, the rest is UTF-8.
/// Some parsers read `\"` as a quote that does not end it, so there is no backslash.
fn quoted(name: &str) -> Result<String, CallError> {
    let odd = |c: char| c == '\\' || (c.is_control() && !matches!(c, '\r' | '\n'));
    if name.contains(odd) {
        let shown: String = name.chars().filter(|c| !c.is_control()).collect();
        return Err(refused(&format!(
            "the name of part `{shown}` holds a backslash or control character"
        )));
    }
    Ok(name
        .replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A"))
}

fn boundary(parts: &[(String, &Vec<u8>)]) -> Result<String, CallError> {
    let all = parts
        .iter()
        .flat_map(|(head, value)| [head.as_bytes(), value.as_slice()]);
    let hash = all.clone().fold(FNV_BASIS, fnv);
    (0..TRIES)
        .map(|attempt| format!("mcpgen-{:016x}", fnv(hash, &attempt.to_be_bytes())))
        .find(|boundary| !all.clone().any(|bytes| holds(bytes, boundary.as_bytes())))
        .ok_or_else(|| refused("the body holds the boundaries of its parts"))
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: it need not withstand anybody, since the content is searched for what comes of it.
fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_is_not_in_the_content() {
        let head = "Content-Disposition: form-data; name=\"a\"\r\n".to_owned();
        let first = boundary(&[(head.clone(), &b"x".to_vec())]).unwrap();
        assert_eq!(first, boundary(&[(head.clone(), &b"x".to_vec())]).unwrap());
        let other = boundary(&[(head, &first.clone().into_bytes())]).unwrap();
        assert_ne!(first, other);
        assert!(holds(b"xaby", b"ab") && !holds(b"xa", b"ab"));
    }

    #[test]
    fn names_stay_between_their_quotes() {
        for (name, want) in [
            ("a", Some("a")),
            ("a\"; filename=\"b", Some("a%22; filename=%22b")),
            ("a\r\nX: y", Some("a%0D%0AX: y")),
            ("ä", Some("ä")),
            ("a\\", None),
            ("a\0", None),
        ] {
            assert_eq!(quoted(name).ok().as_deref(), want, "{name:?}");
        }
    }
}
