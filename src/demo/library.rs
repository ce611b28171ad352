//! A library: a database of the demonstration, and what an agent may see of it.

/// The definitions of the database.
pub const SCHEMA: &str = include_str!("../../specs/library/schema.sql");
/// What is in it.
pub const SEED: &str = include_str!("../../specs/library/seed.sql");
/// Its catalogue.
pub const SNAPSHOT: &str = include_str!("../../specs/library/snapshot.json");
/// What the snapshot is called in messages.
pub const SNAPSHOT_NAME: &str = "specs/library/snapshot.json";
/// What an agent may do with it.
pub const POLICY: &str = include_str!("../../specs/library/mcpgen.yaml");
/// What the policy is called in messages.
pub const POLICY_NAME: &str = "specs/library/mcpgen.yaml";
