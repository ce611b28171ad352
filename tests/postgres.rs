//! PostgreSQL, with the real one: throw-away clusters, and what is read of a database's catalogue.

mod cluster;
mod envelope;
mod made;
mod pages;
mod posture;
mod proxy;
mod reads;
mod statement;
mod types;
