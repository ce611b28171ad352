//! mcpgen compiles an OpenAPI document into a safe MCP server for AI agents.
//!
//! **Catalog** is what a source can do. **Policy** is what an agent may do.
//! **Manifest = Catalog × Policy** is what the server does. One **runtime** executes a Manifest.
//!
//! ```text
//!  openapi.yaml ─ input::fetch ─▶ Source ─ input::openapi ─▶ Catalog ─┐
//!                     I/O                       pure                  ├─ compile ─▶ Manifest ─▶ runtime
//!  command line ─ cli ─────────────────────────────────────▶ Policy ──┘   pure                    I/O
//! ```
//!
//! # Code map
//!
//! - [`cli`]: one file a command; each command is a straight line through the stages.
//! - [`diag`]: findings with stable codes and places; `diag::render` prints them.
//! - [`source`]: an input text with its name; reading it as a tree; JSON Pointer → line and column.
//! - [`input`]: front ends. `fetch` gets a text, and the files that it refers to [I/O]; `overlay` changes
//!   a tree as its owner says; `openapi` turns trees into a Catalog, purely.
//! - [`catalog`]: all that a source offers, in terms that no kind of source owns.
//! - [`policy`]: what an agent may do.
//! - [`compile`]: one pass a file; Catalog and Policy become a Manifest and diagnostics.
//! - [`demo`]: a bookshop with an HTTP API of its own, for `mcpgen demo`.
//! - [`mock`]: a back end that answers with samples from the document.
//! - [`emit`]: a Manifest becomes the files of a crate that contains the same runtime; `write` puts
//!   them on disk [I/O].
//! - [`runtime`]: executes a Manifest. `args` checks arguments, `backends` carry out actions,
//!   `scan` looks at every incoming message, `server` speaks MCP, `stdio` and `serve` run it.
//!
//! # Invariants
//!
//! - `runtime` imports nothing of the crate but itself; `input` never imports `policy` or `compile`;
//!   `policy` never imports `catalog` or `input`; `compile` never imports `input`.
//! - [`runtime::args::Args`] is made by `Checker::check` alone, and a request is made from an action
//!   and `&Args` alone: an unchecked argument cannot reach a network.
//! - A request whose method and path template are not in the Manifest, or whose path left its
//!   template, is refused at the edge, whatever was built before it.
//! - No secret is in a Manifest, a diagnostic or a log: only names of environment variables are.
//! - One bad operation is a diagnostic; it never takes another with it.
//! - Output is deterministic: the same inputs give the same bytes.

pub mod catalog;
pub mod cli;
pub mod compile;
pub mod demo;
pub mod diag;
pub mod emit;
pub mod input;
pub mod mock;
pub mod policy;
pub mod runtime;
pub mod source;
