//! The runtime's own files: a generated crate has the same bytes.

/// Path and text of each file.
pub(super) const FILES: &[(&str, &str)] = &[
    ("src/runtime.rs", include_str!("../runtime.rs")),
    ("src/runtime/args.rs", include_str!("../runtime/args.rs")),
    (
        "src/runtime/args/effort.rs",
        include_str!("../runtime/args/effort.rs"),
    ),
    (
        "src/runtime/args/limits.rs",
        include_str!("../runtime/args/limits.rs"),
    ),
    (
        "src/runtime/backend.rs",
        include_str!("../runtime/backend.rs"),
    ),
    (
        "src/runtime/backends.rs",
        include_str!("../runtime/backends.rs"),
    ),
    (
        "src/runtime/backends/http.rs",
        include_str!("../runtime/backends/http.rs"),
    ),
    (
        "src/runtime/backends/http/credential.rs",
        include_str!("../runtime/backends/http/credential.rs"),
    ),
    (
        "src/runtime/backends/http/dial.rs",
        include_str!("../runtime/backends/http/dial.rs"),
    ),
    (
        "src/runtime/backends/http/failure.rs",
        include_str!("../runtime/backends/http/failure.rs"),
    ),
    (
        "src/runtime/backends/http/guard.rs",
        include_str!("../runtime/backends/http/guard.rs"),
    ),
    (
        "src/runtime/backends/http/mask.rs",
        include_str!("../runtime/backends/http/mask.rs"),
    ),
    (
        "src/runtime/backends/http/request.rs",
        include_str!("../runtime/backends/http/request.rs"),
    ),
    (
        "src/runtime/backends/http/response.rs",
        include_str!("../runtime/backends/http/response.rs"),
    ),
    (
        "src/runtime/backends/http/upstream.rs",
        include_str!("../runtime/backends/http/upstream.rs"),
    ),
    (
        "src/runtime/backends/http/wire.rs",
        include_str!("../runtime/backends/http/wire.rs"),
    ),
    (
        "src/runtime/command.rs",
        include_str!("../runtime/command.rs"),
    ),
    (
        "src/runtime/config.rs",
        include_str!("../runtime/config.rs"),
    ),
    ("src/runtime/error.rs", include_str!("../runtime/error.rs")),
    ("src/runtime/hooks.rs", include_str!("../runtime/hooks.rs")),
    (
        "src/runtime/listen.rs",
        include_str!("../runtime/listen.rs"),
    ),
    (
        "src/runtime/manifest.rs",
        include_str!("../runtime/manifest.rs"),
    ),
    (
        "src/runtime/output.rs",
        include_str!("../runtime/output.rs"),
    ),
    ("src/runtime/scan.rs", include_str!("../runtime/scan.rs")),
    ("src/runtime/serve.rs", include_str!("../runtime/serve.rs")),
    (
        "src/runtime/server.rs",
        include_str!("../runtime/server.rs"),
    ),
    ("src/runtime/stdio.rs", include_str!("../runtime/stdio.rs")),
    (
        "src/runtime/streamable.rs",
        include_str!("../runtime/streamable.rs"),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                let root = env!("CARGO_MANIFEST_DIR");
                let path = path.strip_prefix(root).unwrap();
                found.push(path.to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_file_of_the_runtime_is_here() {
        let mut found = vec!["src/runtime.rs".to_owned()];
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        walk(&root.join("src/runtime"), &mut found);
        found.sort();
        let mut listed: Vec<_> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        listed.sort();
        assert_eq!(listed, found);
    }

    #[test]
    fn the_version_is_the_package_s() {
        assert_eq!(crate::runtime::VERSION, env!("CARGO_PKG_VERSION"));
        let agent = format!("mcpgen/{}", env!("CARGO_PKG_VERSION"));
        assert_eq!(crate::runtime::USER_AGENT, agent);
    }
}
