//! The checkers. Each looks at one file and returns the lines that break its rule; the tables above
//! each are what there is to extend.

use super::code::{paths, within, words as words_of};
use super::{File, Finding};

/// What a module may name of the crate.
enum Scope {
    /// These and nothing else.
    Only(&'static [&'static str]),
    /// Anything but these.
    Never(&'static [&'static str]),
}

const IMPORTS: &[(&str, Scope)] = &[
    ("runtime", Scope::Only(&["runtime"])),
    ("input", Scope::Never(&["policy", "compile", "emit"])),
    ("policy", Scope::Never(&["catalog", "input"])),
    ("compile", Scope::Never(&["input", "emit"])),
    ("emit", Scope::Only(&["emit", "runtime::manifest", "diag"])),
];

/// Which module may name which.
pub(super) fn imports(file: &File) -> Vec<Finding> {
    let mut found = Vec::new();
    for (module, scope) in IMPORTS.iter().filter(|(module, _)| file.is_module(module)) {
        for named in paths(&file.path, &file.code) {
            // `crate` itself stands for `use crate::*`, which no scope allows.
            let whole = named.path == "crate";
            let target = named.path.strip_prefix("crate::");
            let Some(target) = target.or(whole.then_some("")) else {
                continue;
            };
            let listed = |list: &[&str]| list.iter().any(|entry| within(target, entry));
            let broken = match scope {
                Scope::Only(list) => !listed(list),
                Scope::Never(list) => listed(list),
            };
            if whole || broken {
                found.push((named.line, format!("{module} may not name {}", named.path)));
            }
        }
    }
    found
}

/// Foreign crates that have a home, and the files that are it.
const HOMES: &[(&str, &[&str])] = &[
    (
        "rmcp",
        &[
            "src/runtime/server.rs",
            "src/runtime/server/",
            "src/runtime/serve.rs",
            "src/runtime/output.rs",
            "src/runtime/stdio.rs",
            "src/runtime/streamable.rs",
        ],
    ),
    (
        "axum",
        &[
            "src/runtime/streamable.rs",
            "src/runtime/listen.rs",
            "src/runtime/serve.rs",
            "src/demo/",
            "src/cli/test/upstream.rs",
        ],
    ),
    ("hyper", &["src/runtime/listen.rs"]),
    ("hyper_util", &["src/runtime/listen.rs"]),
    (
        "clap",
        &[
            "src/cli.rs",
            "src/cli/",
            "src/main.rs",
            "src/runtime/command.rs",
        ],
    ),
    ("clap_complete", &["src/cli.rs", "src/cli/"]),
    ("clap_mangen", &["src/cli.rs", "src/cli/"]),
    ("comfy_table", &["src/cli.rs", "src/cli/"]),
    ("indicatif", &["src/cli/"]),
    ("anyhow", &["src/cli.rs", "src/cli/", "src/main.rs"]),
    ("saphyr_parser", &["src/source.rs", "src/source/"]),
    (
        "serde_saphyr",
        &[
            "src/source.rs",
            "src/source/",
            "src/policy.rs",
            "src/policy/",
        ],
    ),
    (
        "reqwest",
        &[
            "src/runtime/backends/http.rs",
            "src/runtime/backends/http/",
            "src/input/fetch.rs",
            "src/input/fetch/",
        ],
    ),
    ("annotate_snippets", &["src/diag/render.rs"]),
    (
        "tokio_postgres",
        &[
            "src/cluster.rs",
            "src/input/postgres/introspect.rs",
            "src/input/postgres/introspect/",
            "src/runtime/backends/postgres.rs",
            "src/runtime/backends/postgres/",
        ],
    ),
    ("tokio_postgres_rustls", &["src/runtime/backends/postgres/"]),
    ("minijinja", &["src/emit.rs", "src/emit/"]),
];

/// A foreign crate is named in its home only.
pub(super) fn foreign_crates(file: &File) -> Vec<Finding> {
    if !in_src(file) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for named in paths(&file.path, &file.code) {
        for (name, homes) in HOMES {
            if named.within(name) && !file.is_in(homes) {
                found.push((
                    named.line,
                    format!("{name} has its home in {}", homes.join(", ")),
                ));
            }
        }
    }
    found
}

/// What reaches outside the process, or differs from run to run.
const IO: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::os::unix::net",
    "std::process",
    "std::time::SystemTime",
    "tokio::fs",
    "tokio::net",
    "tokio::process",
    "tokio::signal",
    "reqwest",
];

/// Plain data that lives beside it.
const IO_DATA: &[&str] = &[
    "std::net::IpAddr",
    "std::net::Ipv4Addr",
    "std::net::Ipv6Addr",
    "std::net::SocketAddr",
    "std::net::AddrParseError",
];

/// The files that the architecture page marks as input and output, the commands, and `main.rs`.
const IO_FILES: &[&str] = &[
    "src/main.rs",
    "src/cli.rs",
    "src/cli/",
    "src/cluster.rs",
    "src/cluster/",
    "src/demo/bookshop.rs",
    "src/emit/stage.rs",
    "src/emit/write.rs",
    "src/input/fetch.rs",
    "src/input/fetch/",
    "src/input/postgres/introspect.rs",
    "src/runtime/command.rs",
    "src/runtime/config.rs",
    "src/runtime/backends/http.rs",
    "src/runtime/backends/http/client.rs",
    "src/runtime/backends/http/dial.rs",
    "src/runtime/backends/http/failure.rs",
    "src/runtime/backends/http/grant.rs",
    "src/runtime/backends/http/receive.rs",
    "src/runtime/backends/http/upstream.rs",
    "src/runtime/backends/postgres.rs",
    "src/runtime/backends/postgres/cancel.rs",
    "src/runtime/backends/postgres/connect.rs",
    "src/runtime/backends/postgres/envelope.rs",
    "src/runtime/backends/postgres/failure.rs",
    "src/runtime/backends/postgres/pool.rs",
    "src/runtime/backends/postgres/posture.rs",
    "src/runtime/backends/postgres/answer.rs",
    "src/runtime/listen.rs",
    "src/runtime/serve.rs",
    "src/runtime/server.rs",
    "src/runtime/stdio.rs",
];

/// Input and output stay in their files.
pub(super) fn input_and_output(file: &File) -> Vec<Finding> {
    if !in_src(file) || file.is_in(IO_FILES) {
        return Vec::new();
    }
    let named = paths(&file.path, &file.code).into_iter();
    let reaches_out = named.filter(|named| {
        IO.iter().any(|entry| named.within(entry))
            && !IO_DATA.iter().any(|entry| named.within(entry))
    });
    reaches_out
        .map(|named| (named.line, format!("{} is input or output", named.path)))
        .collect()
}

const PRINTERS: &[&str] = &["src/main.rs", "src/cli.rs", "src/cli/"];
const PROTOCOL: &[&str] = &[
    "src/runtime/command.rs",
    "src/runtime/stdio.rs",
    "src/runtime/serve.rs",
];

/// Standard output belongs to the commands and, in stdio mode, to the protocol.
pub(super) fn standard_output(file: &File) -> Vec<Finding> {
    if !in_src(file) || file.is_in(PRINTERS) || file.is_in(PROTOCOL) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (line, word, rest) in words_of(&file.code) {
        match word {
            "print" | "println" | "dbg" if rest.starts_with('!') => {
                found.push((line, format!("{word}! outside the commands")));
            }
            // What a child writes is thrown away; that is no output.
            "stdout" if rest.starts_with('(') && !rest.starts_with("(Stdio::null()") => {
                found.push((line, "stdout() outside the commands".to_owned()));
            }
            _ => {}
        }
    }
    found
}

/// Files that may hash, each with the reason why its order never becomes output.
pub(super) const HASH_ALLOWED: &[(&str, &str)] = &[];

/// No map without an order.
pub(super) fn hash_order(file: &File) -> Vec<Finding> {
    let allowed = HASH_ALLOWED.iter().any(|(path, _)| *path == file.path);
    if !in_src(file) || allowed {
        Vec::new()
    } else {
        hashes(file)
    }
}

/// The lines on which a file names a hash map or set.
pub(super) fn hashes(file: &File) -> Vec<Finding> {
    words_of(&file.code)
        .filter(|(_, word, _)| ["HashMap", "HashSet"].contains(word))
        .map(|(line, word, _)| (line, format!("{word}: its order is not that of the input")))
        .collect()
}

/// What the PostgreSQL driver sends by the simple protocol, in which one text can be many statements; a
/// transaction of the driver's begins and ends by it, too.
const SIMPLE_PROTOCOL: &[&str] = &[
    "batch_execute",
    "simple_query",
    "simple_query_raw",
    "build_transaction",
    "transaction",
];

/// A text is one statement, wherever it is sent, but for files of definitions and throw-away clusters.
pub(super) fn simple_protocol(file: &File) -> Vec<Finding> {
    if !in_src(file) || file.path == "src/cluster.rs" {
        return Vec::new();
    }
    words_of(&file.code)
        .filter(|(_, word, rest)| SIMPLE_PROTOCOL.contains(word) && rest.starts_with('('))
        .map(|(line, word, _)| (line, format!("{word} is the simple protocol")))
        .collect()
}

const BACK_ENDS: &[&str] = &["http", "postgres"];

/// Only `backends.rs` knows which back ends there are: a generated crate may lack one. A back end
/// knows itself and no other.
pub(super) fn one_place_for_back_ends(file: &File) -> Vec<Finding> {
    if !file.is_module("runtime") || file.path == "src/runtime/backends.rs" {
        return Vec::new();
    }
    let mut found = Vec::new();
    for name in BACK_ENDS {
        if file.is_module(&format!("runtime/backends/{name}")) {
            continue;
        }
        let below = format!("backends::{name}");
        for named in paths(&file.path, &file.code) {
            let relative = named
                .path
                .strip_prefix("crate::runtime::")
                .unwrap_or(&named.path);
            let beside = relative != named.path && within(relative, name);
            if beside || within(relative, &below) {
                found.push((
                    named.line,
                    format!("{} may be missing: use runtime::backends", named.path),
                ));
            }
        }
    }
    found
}

/// Every Rust file begins by saying what it is.
pub(super) fn first_line(file: &File) -> Vec<Finding> {
    let first = file.text.lines().next().unwrap_or_default();
    let says = first
        .strip_prefix("//!")
        .is_some_and(|rest| !rest.trim().is_empty());
    if !file.is_rust() || says {
        return Vec::new();
    }
    vec![(1, "a file begins with //! and a sentence".to_owned())]
}

const MOST_LINES: usize = 500;

/// No Rust file is too long to read at once.
pub(super) fn file_length(file: &File) -> Vec<Finding> {
    let lines = file.text.lines().count();
    if !file.is_rust() || lines <= MOST_LINES {
        return Vec::new();
    }
    vec![(lines, format!("over {MOST_LINES} lines"))]
}

/// Texts that may stand nowhere, in two pieces so that they do not stand here.
const WORDS: &[(&str, &str, &str)] = &[
    ("TO", "DO", "a note to self"),
    ("FIX", "ME", "a note to self"),
    ("XX", "X", "a note to self"),
    ("to", "do!(", "unfinished code"),
    ("unimpl", "emented!(", "unfinished code"),
    ("/ro", "ot/", "a path of one machine"),
    ("/ho", "me/", "a path of one machine"),
    ("/wo", "rk/", "a path of one machine"),
    ("/Us", "ers/", "a path of one machine"),
    ("crates", ".io", "a package registry"),
    ("pypi", ".org", "a package registry"),
    ("npmjs", ".", "a package registry"),
    ("debian", ".org", "a package registry"),
];

/// Words that may stand nowhere. A path counts where it begins, not within another path or address.
pub(super) fn words(file: &File) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for (start, end, what) in WORDS {
            let text = format!("{start}{end}");
            let begins = |at: usize| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || "_-./}~$*".contains(c))
            };
            // A registry's host is one also below another name.
            let anywhere = *what == "a package registry";
            if line
                .match_indices(&text)
                .any(|(at, _)| anywhere || begins(at))
            {
                found.push((index + 1, format!("{what}: {text}")));
            }
        }
    }
    found
}

fn in_src(file: &File) -> bool {
    file.is_rust() && file.path.starts_with("src/")
}
