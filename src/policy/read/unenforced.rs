//! Keys of the format that this version does not enforce: they are errors, never ignored.

/// The keys, by the place that they belong to: the pointer's shape, where `*` stands for any token.
const KEYS: &[(&str, &[&str], &str)] = &[
    ("", &["auth", "roles"], "who calls is not known yet"),
    (
        "",
        &["audit", "state", "kill_switch", "lock"],
        "nothing of the kind is done yet",
    ),
    ("", &["prompts", "resources"], "only tools are served"),
    ("", &["queries"], QUERIES),
    (
        "/credentials/*",
        &["mtls", "token_exchange", "forward"],
        "this kind of credential is not known yet",
    ),
    ("/defaults/response", &["redact"], REDACT),
    ("/rules/*/response", &["redact"], REDACT),
    (
        "/rules/*",
        &["allow", "deny", "confirm", "budget"],
        "expressions and confirmations are not read yet",
    ),
    ("/rules/*", &["max_cost", "bind"], QUERIES),
    ("/rules/*/match", &["function", "query"], QUERIES),
    ("/rules/*/rate/*", &["key"], "who calls is not known yet"),
    ("/defaults/rate/*", &["key"], "who calls is not known yet"),
    ("/tests/*", &["as"], "who calls is not known yet"),
];

const QUERIES: &str = "of a database only relations are served yet";
const REDACT: &str = "`drop` takes parts of a response away";

/// Why a key of the format is not enforced; `None` for a key that the format does not have there.
pub(super) fn reason(pointer: &str, key: &str) -> Option<&'static str> {
    let mut found = at(pointer).filter(|(keys, _)| keys.contains(&key));
    found.next().map(|(_, reason)| reason)
}

/// The keys that are not enforced at a place.
pub(super) fn keys(pointer: &str) -> impl Iterator<Item = &'static str> {
    at(pointer).flat_map(|(keys, _)| keys.iter().copied())
}

fn at(pointer: &str) -> impl Iterator<Item = (&'static [&'static str], &'static str)> {
    let fits = move |shape: &str| {
        let (shape, pointer) = (shape.split('/'), pointer.split('/'));
        shape.clone().count() == pointer.clone().count()
            && shape.zip(pointer).all(|(s, p)| s == "*" || s == p)
    };
    let found = KEYS.iter().filter(move |(shape, ..)| fits(shape));
    found.map(|(_, keys, reason)| (*keys, *reason))
}
