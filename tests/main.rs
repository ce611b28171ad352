//! The one test binary: a module a subject, `support` for what they share.

mod interop;
#[allow(
    dead_code,
    unused_imports,
    reason = "a toolbox: each subject takes what it needs"
)]
mod support;
mod tidy;
