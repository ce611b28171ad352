//! Reads of a PostgreSQL database.

pub mod seal;
pub mod statement;
