//! [I/O] The back end for databases.

pub mod connect;
mod dsn;
