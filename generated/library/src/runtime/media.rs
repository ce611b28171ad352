//! Media types (RFC 9110 §8.3.1): what they are without their parameters, and which kind of text or
//! bytes they stand for.

/// The media type without its parameters, lower case.
pub fn essence(media_type: &str) -> String {
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// A parameter such as `charset`, without quotes and in lower case.
pub fn parameter(media_type: &str, name: &str) -> Option<String> {
    let mut parts = media_type.split(';').skip(1);
    parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        let value = value.trim().trim_matches('"').to_ascii_lowercase();
        key.trim().eq_ignore_ascii_case(name).then_some(value)
    })
}

/// Whether a media type is JSON: `application/json`, `text/json` or a `+json` suffix (RFC 6839 §3.1).
pub fn is_json(media_type: &str) -> bool {
    let essence = essence(media_type);
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

/// Whether a media type is JSON values one after the other: a line each (NDJSON, JSON Lines) or with a
/// record separator before each (RFC 7464).
pub fn is_json_sequence(media_type: &str) -> bool {
    let essence = essence(media_type);
    let name = essence.strip_prefix("application/");
    let name = name.or_else(|| essence.strip_prefix("text/"));
    let name = name.map(|name| name.strip_prefix("x-").unwrap_or(name));
    name.is_some_and(|name| {
        ["ndjson", "jsonl", "jsonlines", "json-lines", "json-seq"].contains(&name)
            || name.ends_with("+json-seq")
    })
}

/// Whether a media type is server-sent events (WHATWG HTML §9.2).
pub fn is_events(media_type: &str) -> bool {
    essence(media_type) == "text/event-stream"
}

/// Whether the values of a sequence begin with a record separator (RFC 7464 §2.2).
pub fn is_separated(media_type: &str) -> bool {
    essence(media_type).ends_with("json-seq")
}

/// Whether a media type is text that people read, in whatever markup.
pub fn is_text(media_type: &str) -> bool {
    let essence = essence(media_type);
    essence.starts_with("text/")
        || essence.ends_with("xml")
        || essence.ends_with("yaml")
        || is_json(&essence)
        || is_json_sequence(&essence)
        || [
            "application/javascript",
            "application/sdp",
            "application/graphql",
        ]
        .contains(&essence.as_str())
}

/// Whether a media type is within a range such as `image/*` (RFC 9110 §12.5.1). Parameters do not count.
pub fn is_within(media_type: &str, range: &str) -> bool {
    let (one, range) = (essence(media_type), essence(range));
    if range == "*/*" || range == "*" {
        return true;
    }
    let below = |kind: &str| one.split('/').next() == Some(kind);
    one == range || range.strip_suffix("/*").is_some_and(below)
}

/// Whether a text names one media type, not a range, and may stand in a header: tokens around a slash
/// (RFC 9110 §5.6.2), then perhaps parameters.
pub fn is_concrete(media_type: &str) -> bool {
    let token = |text: &str| {
        let char = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&b);
        !text.is_empty() && text.bytes().all(char)
    };
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let named = essence
        .split_once('/')
        .is_some_and(|(a, b)| token(a) && token(b));
    named && media_type.bytes().all(|b| matches!(b, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        for (media_type, json, sequence, text) in [
            ("application/json; charset=utf-8", true, false, true),
            ("Application/Vnd.Api+JSON", true, false, true),
            ("application/x-ndjson", false, true, true),
            ("application/jsonl;v=1", false, true, true),
            ("application/geo+json-seq", false, true, true),
            ("text/csv", false, false, true),
            ("application/soap+xml", false, false, true),
            ("image/png", false, false, false),
            ("application/jsonx", false, false, false),
        ] {
            let found = (
                is_json(media_type),
                is_json_sequence(media_type),
                is_text(media_type),
            );
            assert_eq!(found, (json, sequence, text), "{media_type}");
        }
        assert!(is_separated("application/json-seq") && !is_separated("application/x-ndjson"));
        let charset = parameter("text/plain; a=b; Charset=\"UTF-8\"", "charset");
        assert_eq!(charset.as_deref(), Some("utf-8"));
    }

    #[test]
    fn ranges_and_names() {
        for (one, range, want) in [
            ("image/png", "image/*", true),
            ("image/png", "*/*", true),
            ("IMAGE/PNG; q=1", "image/png", true),
            ("image/png", "image/p", false),
            ("imagex/png", "image/*", false),
        ] {
            assert_eq!(is_within(one, range), want, "{one} {range}");
        }
        for (text, want) in [
            ("image/png", true),
            ("text/plain; charset=utf-8", true),
            ("image/*", false),
            ("image", false),
            ("a/b/c", false),
            ("a/b\r\nX: y", false),
            ("", false),
        ] {
            assert_eq!(is_concrete(text), want, "{text:?}");
        }
    }
}
