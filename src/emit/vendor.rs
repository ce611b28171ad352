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
        "src/runtime/backends/http/answer.rs",
        include_str!("../runtime/backends/http/answer.rs"),
    ),
    (
        "src/runtime/backends/http/body.rs",
        include_str!("../runtime/backends/http/body.rs"),
    ),
    (
        "src/runtime/backends/http/body/field.rs",
        include_str!("../runtime/backends/http/body/field.rs"),
    ),
    (
        "src/runtime/backends/http/body/file.rs",
        include_str!("../runtime/backends/http/body/file.rs"),
    ),
    (
        "src/runtime/backends/http/body/multipart.rs",
        include_str!("../runtime/backends/http/body/multipart.rs"),
    ),
    (
        "src/runtime/backends/http/client.rs",
        include_str!("../runtime/backends/http/client.rs"),
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
        "src/runtime/backends/http/grant.rs",
        include_str!("../runtime/backends/http/grant.rs"),
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
        "src/runtime/backends/http/token.rs",
        include_str!("../runtime/backends/http/token.rs"),
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
        "src/runtime/manifest/body.rs",
        include_str!("../runtime/manifest/body.rs"),
    ),
    ("src/runtime/media.rs", include_str!("../runtime/media.rs")),
    (
        "src/runtime/output.rs",
        include_str!("../runtime/output.rs"),
    ),
    ("src/runtime/plain.rs", include_str!("../runtime/plain.rs")),
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
