//! The demonstration: a bookshop with an HTTP API of its own, on loopback, in this process.

pub mod bookshop;
mod store;

/// The bookshop's OpenAPI document.
pub const DOCUMENT: &str = include_str!("../specs/bookshop/openapi.yaml");
/// What the document is called in messages.
pub const DOCUMENT_NAME: &str = "specs/bookshop/openapi.yaml";

/// The credentials that the bookshop takes, by security scheme. They are no secrets: the shop is a
/// sample on loopback.
pub const CREDENTIALS: [(&str, &str); 3] = [
    ("shopKey", "demo-shop-key"),
    ("customerSession", "demo-session"),
    ("adminToken", "demo-admin-token"),
];
