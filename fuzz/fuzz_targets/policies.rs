//! `cargo fuzz run policies`: see `fuzz/README.md`.

#![no_main]
#![allow(dead_code, reason = "each target needs a part of what they share with the tests")]

#[path = "../../tests/threats/oracle.rs"]
mod oracle;
#[path = "../../tests/fuzz/targets.rs"]
mod targets;
#[path = "../../tests/support/tools.rs"]
mod tools;

/// As the tests call it.
mod support {
    pub(crate) use crate::tools;
}

/// As the tests call it.
mod threats {
    pub(crate) use crate::oracle;
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::policies(bytes));
