//! Reads of a PostgreSQL database.

pub mod connect;
pub mod dsn;
pub mod seal;
pub mod statement;
