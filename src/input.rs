//! Front ends: each turns one kind of source into a Catalog and knows nothing of what is allowed.

pub mod documents;
pub mod fetch;
pub mod openapi;
pub mod overlay;
pub mod postgres;
