//! Text in the charset that it is in: its byte order mark tells first, then the `charset` of its media
//! type, else it is UTF-8 (WHATWG Encoding §4.2 and §6.1).

use std::borrow::Cow;

use crate::runtime::media;

/// What windows-1252 has in place of the control characters 0x80 to 0x9F of ISO 8859-1 (WHATWG Encoding,
/// index windows-1252).
const WINDOWS: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}',
    '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}',
    '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Charset {
    Utf8,
    /// Servers that name it send UTF-8 as well.
    Ascii,
    /// ISO 8859-1, which is read as windows-1252 everywhere.
    Latin,
    /// Without a mark the first byte tells the order: texts of APIs begin with ASCII.
    Utf16,
    Utf16Le,
    Utf16Be,
}

/// The charset of a label; `None` if it is not read here.
fn charset(label: &str) -> Option<Charset> {
    Some(match label {
        "utf-8" | "utf8" | "unicode-1-1-utf-8" => Charset::Utf8,
        "us-ascii" | "ascii" => Charset::Ascii,
        "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "latin-1" | "l1"
        | "windows-1252" | "cp1252" | "x-cp1252" => Charset::Latin,
        "utf-16" | "utf16" | "unicode" | "ucs-2" => Charset::Utf16,
        "utf-16le" => Charset::Utf16Le,
        "utf-16be" => Charset::Utf16Be,
        _ => return None,
    })
}

/// The text of bytes, without a byte order mark.
///
/// # Errors
///
/// Why they are no text, as what is said of the text: `is in charset x, which is not read`.
pub(super) fn decode<'b>(bytes: &'b [u8], media_type: &str) -> Result<Cow<'b, str>, String> {
    for (mark, charset) in [
        (&b"\xef\xbb\xbf"[..], Charset::Utf8),
        (b"\xff\xfe", Charset::Utf16Le),
        (b"\xfe\xff", Charset::Utf16Be),
    ] {
        if let Some(rest) = bytes.strip_prefix(mark) {
            return text(rest, charset);
        }
    }
    let label = media::parameter(media_type, "charset").unwrap_or_default();
    let known = match label.as_str() {
        "" => Some(Charset::Utf8),
        label => charset(label),
    };
    let known = known.ok_or_else(|| {
        let label: String = label.chars().filter(|c| !c.is_control()).take(40).collect();
        format!("is in charset `{label}`, which is not read")
    })?;
    text(bytes, known)
}

fn text(bytes: &[u8], charset: Charset) -> Result<Cow<'_, str>, String> {
    match charset {
        Charset::Utf8 => std::str::from_utf8(bytes)
            .map(Cow::Borrowed)
            .map_err(|error| format!("is not UTF-8 at byte {}", error.valid_up_to())),
        Charset::Ascii => Ok(match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(latin(bytes)),
        }),
        Charset::Latin => Ok(Cow::Owned(latin(bytes))),
        Charset::Utf16 if bytes.first() == Some(&0) => wide(bytes, u16::from_be_bytes),
        Charset::Utf16 | Charset::Utf16Le => wide(bytes, u16::from_le_bytes),
        Charset::Utf16Be => wide(bytes, u16::from_be_bytes),
    }
}

fn latin(bytes: &[u8]) -> String {
    let char = |byte: &u8| {
        let place = byte.checked_sub(0x80).map(usize::from);
        let special = place.and_then(|place| WINDOWS.get(place));
        special.copied().unwrap_or(char::from(*byte))
    };
    bytes.iter().map(char).collect()
}

fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'_, str>, String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let text: Option<String> = char::decode_utf16(units).map(Result::ok).collect();
    text.filter(|_| rest.is_empty())
        .map(Cow::Owned)
        .ok_or_else(|| "is not UTF-16".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets() {
        for (media_type, bytes, want) in [
            ("text/plain", &b"\xc3\xa4"[..], Ok("ä")),
            ("text/plain", b"\xef\xbb\xbfa", Ok("a")),
            (
                "text/plain; charset=latin1",
                b"\xef\xbb\xbf\xc3\xa4",
                Ok("ä"),
            ),
            ("text/plain; Charset=\"UTF-8\"", b"\xc3\xa4", Ok("ä")),
            ("text/plain; charset=us-ascii", b"\xc3\xa4", Ok("ä")),
            ("text/plain; charset=us-ascii", b"\xe4", Ok("ä")),
            ("text/plain; charset=ISO-8859-1", b"\xe4\x80", Ok("ä€")),
            ("text/plain; charset=windows-1252", b"\x9f", Ok("Ÿ")),
            ("text/plain; charset=utf-16", b"\xff\xfea\0", Ok("a")),
            (
                "text/plain",
                b"\xfe\xff\0a\xd8\x3d\xdc\xa5",
                Ok("a\u{1f4a5}"),
            ),
            ("text/plain; charset=utf-16", b"\0a", Ok("a")),
            ("text/plain; charset=utf-16", b"a\0", Ok("a")),
            ("text/plain; charset=utf-16be", b"\0a", Ok("a")),
            ("text/plain; charset=utf-16le", b"a\0", Ok("a")),
            (
                "text/plain; charset=utf-16le",
                b"a\0b",
                Err("is not UTF-16"),
            ),
            (
                "text/plain; charset=utf-16be",
                b"\xd8\x3d\0a",
                Err("is not UTF-16"),
            ),
            ("text/plain", b"a\xe4", Err("is not UTF-8 at byte 1")),
            (
                "text/plain; charset=shift_jis",
                b"a",
                Err("is in charset `shift_jis`, which is not read"),
            ),
        ] {
            let found = decode(bytes, media_type);
            let found = found.as_ref().map(AsRef::as_ref).map_err(String::as_str);
            assert_eq!(found, want, "{media_type}");
        }
    }
}
