//! PostgreSQL, with the real one: throw-away clusters, and what is read of a database's catalogue.

mod bouncer;
mod cluster;
mod envelope;
mod made;
mod pages;
mod perf;
mod posture;
mod proxy;
mod reads;
mod statement;
mod types;
