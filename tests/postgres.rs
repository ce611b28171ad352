//! PostgreSQL, with the real one: throw-away clusters, and what is read of a database's catalogue.

mod cluster;
mod introspection;
