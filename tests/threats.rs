//! The threat rows, from the attacker's side: a real server process between a hostile client and an
//! upstream that records what arrives. Each module is named after its rows. What must hold is computed
//! by `oracle`, which shares no code with the program.

pub(crate) mod oracle;
pub(crate) mod scene;

mod bodies;
mod bombs;
mod consumption;
mod headers;
mod hosts;
mod multipart;
mod parsers;
mod paths;
mod patterns;
mod payloads;
mod policies;
mod queries;
mod redirects;
mod references;
mod retries;
mod secret_files;
mod secrets;
mod sessions;
mod shapes;
mod texts;
mod tls;
mod tokens;
mod validation;
