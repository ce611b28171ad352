//! The one test binary: a module a subject, `support` for what they share.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod build;
mod cli;
mod conformance;
mod corpus;
mod credentials;
mod demo;
mod diagnostics;
mod docs;
mod expectations;
mod explained;
mod fuzz;
mod golden;
mod hostile;
mod http;
mod install;
mod interop;
mod lint;
mod loss;
mod parity;
mod policies;
mod policy;
#[cfg(unix)]
mod postgres;
mod profiles;
mod property;
mod responses;
mod search;
mod sources;
mod starter;
#[allow(
    dead_code,
    unused_imports,
    reason = "a toolbox: each subject takes what it needs"
)]
mod support;
mod threats;
mod tidy;
mod tokens;
mod upstream_cases;
mod wire;
