//! The front end for PostgreSQL: a [`Snapshot`] of a database's catalogue becomes a
//! [`Catalog`](crate::catalog::Catalog), purely. `introspect` takes a snapshot of a live database [I/O].

pub mod introspect;
mod read;
pub mod snapshot;

pub use introspect::introspect;
pub use read::read;
pub use snapshot::Snapshot;
