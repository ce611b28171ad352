//! The demonstration: a bookshop with an HTTP API of its own, on loopback, in this process.

pub mod bookshop;
pub mod library;
mod store;

/// The bookshop's OpenAPI document.
pub const DOCUMENT: &str = include_str!("../specs/bookshop/openapi.yaml");
/// What the document is called in messages.
pub const DOCUMENT_NAME: &str = "specs/bookshop/openapi.yaml";
/// What an agent may do in it.
pub const POLICY: &str = include_str!("../specs/bookshop/mcpgen.yaml");
/// What the policy is called in messages.
pub const POLICY_NAME: &str = "specs/bookshop/mcpgen.yaml";

/// The variable that the policy takes a value from, and its value in the demonstration.
pub const TILL: (&str, &str) = ("BOOKSHOP_TILL", "till 1");

/// The credentials that the bookshop takes, by security scheme. They are no secrets: the shop is a
/// sample on loopback.
pub const CREDENTIALS: [(&str, &str); 3] = [
    ("shopKey", "demo-shop-key"),
    ("customerSession", "demo-session"),
    ("adminToken", "demo-admin-token"),
];
