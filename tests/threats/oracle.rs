//! What a request must look like, worked out from the bytes that arrived and nothing else.

/// Percent-decodes once; what is no escape stays.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// The same as text. Where reserved characters stay as they are, a value may bring escapes of its own,
/// which can be of any bytes: those that are no UTF-8 become U+FFFD.
pub(crate) fn decode_text(text: &str) -> String {
    String::from_utf8_lossy(&decode(text)).into_owned()
}

/// Percent-encodes all but letters and digits.
pub(crate) fn encode_text(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// The pairs of a query as every server reads them: a pair ends at `&`, and for some at `;`.
pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    let pieces = query.split(['&', ';']).filter(|piece| !piece.is_empty());
    pieces
        .map(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let plus = |text: &str| decode_text(&text.replace('+', " "));
            (plus(name), plus(value))
        })
        .collect()
}

/// Panics unless the path has the segments of its template: as many, the literal ones unchanged, the
/// others not empty and, however often they are decoded, neither dots nor more than one segment.
/// Returns the values of the segments that are nothing but a placeholder.
#[track_caller]
pub(crate) fn in_template(template: &str, path: &str) -> Vec<String> {
    let wanted: Vec<&str> = template.split('/').collect();
    let sent: Vec<&str> = path.split('/').collect();
    assert_eq!(wanted.len(), sent.len(), "{template} became {path}");
    assert!(
        path.is_ascii() && !path.contains(['\\', '#', ' ', '\t']),
        "{path:?}"
    );
    let mut values = Vec::new();
    for (wanted, sent) in wanted.iter().zip(&sent) {
        if !wanted.contains('{') {
            assert_eq!(wanted, sent, "{template} became {path}");
            continue;
        }
        let mut seen = (*sent).to_owned();
        for _ in 0..4 {
            assert!(
                !matches!(seen.as_str(), "" | "." | ".."),
                "{template} became {path}"
            );
            assert!(
                !seen.contains(['/', '\\', '\0']),
                "{template} became {path}"
            );
            seen = String::from_utf8_lossy(&decode(&seen)).into_owned();
        }
        if wanted.starts_with('{') && wanted.find('}') == Some(wanted.len() - 1) {
            values.push(decode_text(sent));
        }
    }
    values
}

#[test]
fn the_oracle_sees_what_it_should() {
    assert_eq!(in_template("/a/{x}/{y}.z", "/a/1%202/3.z"), ["1 2"]);
    for (template, path) in [
        ("/a/{x}", "/a/1/2"),
        ("/a/{x}", "/b/1"),
        ("/a/{x}", "/a/"),
        ("/a/{x}", "/a/%2e%2E"),
        ("/a/{x}", "/a/%252e."),
        ("/a/{x}", "/a/b%252fc"),
        ("/a/{x}", "/a/b%5Cc"),
    ] {
        let caught = std::panic::catch_unwind(|| in_template(template, path));
        assert!(caught.is_err(), "{template} {path}");
    }
    let two = [("a", "1 2"), ("b[c]", "=&"), ("d", "")];
    let want = two.map(|(n, v)| (n.to_owned(), v.to_owned()));
    assert_eq!(pairs("a=1+2&b%5Bc%5D=%3d%26;d"), want);
}
