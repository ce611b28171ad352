//! What a policy promises.

mod inside;
