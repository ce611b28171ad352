//! mcpgen compiles OpenAPI documents and a policy file into a safe MCP server for AI agents.
//!
//! **Catalog** is what a source can do. **Policy** is what an agent may do.
//! **Manifest = Catalog × Policy** is what the server does. One **runtime** executes a Manifest.
//!
//! ```text
//!  openapi.yaml ─ input::fetch ─▶ Source ─ input::openapi ─▶ Catalog ─┐
//!                     I/O                       pure                  ├─ compile ─▶ Manifest ─▶ runtime
//!  mcpgen.yaml ── policy::read ─▶ PolicyFile ─┬─ cli ──────▶ Policy ──┘   pure                    I/O
//!  command line ──────────────────────────────┘
//! ```
//!
//! # Code map
//!
//! - [`cli`]: one file a command; each command is a straight line through the stages.
//! - [`diag`]: findings with stable codes and places; `diag::render` prints them.
//! - [`source`]: an input text with its name; reading it as a tree; JSON Pointer → line and column.
//! - [`input`]: front ends. `fetch` gets a text, and the files that it refers to [I/O]; `overlay` changes
//!   a tree as its owner says; `openapi` turns trees into a Catalog, purely, and `postgres` snapshots of a
//!   database's catalogue, which its `introspect` takes [I/O].
//! - [`catalog`]: all that a source offers, in terms that no kind of source owns.
//! - [`policy`]: what an agent may do. `format` has the types of the policy file, and its JSON Schema is
//!   made of them; `read` reads it strictly and finds all mistakes in one run.
//! - [`compile`]: one pass a file; Catalogs and Policy become a Manifest and diagnostics. `rules` says which
//!   rules an operation has, `control` what they make of its arguments, `limits` and `shape` of its calls.
//! - `cluster`: a throw-away PostgreSQL cluster [I/O].
//! - [`demo`]: a bookshop with an HTTP API of its own, for `mcpgen demo`.
//! - [`mock`]: a back end that answers with samples from the document.
//! - [`emit`]: a Manifest becomes the files of a crate that contains the same runtime; `write` puts
//!   them on disk [I/O].
//! - [`runtime`]: executes a Manifest. `args` checks arguments, `limits` says when a call may go,
//!   `backends` carry out actions, `shape` says what is passed on of an answer, `scan` looks at every
//!   incoming message, `server` speaks MCP, `stdio` and `serve` run it.
//!
//! # Invariants
//!
//! - `runtime` imports nothing of the crate but itself; `input` never imports `policy` or `compile`;
//!   `policy` never imports `catalog` or `input`; `compile` never imports `input`.
//! - [`runtime::args::Args`] is made by `Checker::check` alone, and a request is made from an action
//!   and `&Args` alone: an unchecked argument cannot reach a network.
//! - A request whose method and path template are not in the Manifest, or whose path left its
//!   template, is refused at the edge, whatever was built before it.
//! - Safety is monotone: a later rule narrows what earlier ones say, and one that would widen it is an
//!   error. A key of the policy format that is not enforced is an error, never ignored.
//! - What a rule pins or hides is put in after arguments were checked: no caller sees or sets it.
//! - No secret is in a Manifest, a diagnostic or a log: only names of environment variables and files are.
//! - One bad operation is a diagnostic; it never takes another with it.
//! - Output is deterministic: the same inputs give the same bytes.

pub mod catalog;
pub mod cli;
#[cfg(unix)]
pub mod cluster;
pub mod compile;
pub mod demo;
pub mod diag;
pub mod emit;
pub mod input;
pub mod mock;
pub mod policy;
pub mod runtime;
pub mod source;
