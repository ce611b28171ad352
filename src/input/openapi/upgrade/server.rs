//! Servers: `schemes`, `host` and `basePath` become a URL.

use serde_json::{Value, json};

use super::Upgrade;
use crate::input::openapi::node::Node;

impl<'a> Upgrade<'a, '_> {
    /// The servers that a document, or an operation with schemes of its own, has. `None`: it says
    /// nothing of where it is.
    pub(super) fn servers(
        &mut self,
        owner: &Node<'a>,
        here: &str,
        has_address: bool,
    ) -> Option<Value> {
        let top = self.top.clone();
        let (host, base) = (top.get("host"), top.get("basePath"));
        let origin = host.as_ref().or(base.as_ref()).unwrap_or(&top);
        let loc = origin.loc();
        self.moves.made_of(format!("{here}/servers"), &origin.loc());
        let path = base.as_ref().and_then(|base| base.value.as_str());
        let path = path.unwrap_or_default().trim_end_matches('/');
        let slash = if path.is_empty() || path.starts_with('/') {
            ""
        } else {
            "/"
        };
        let Some(host) = host.as_ref().and_then(|host| host.value.as_str()) else {
            base?;
            // Relative to where the document was loaded from.
            return Some(json!([{ "url": format!("{slash}{path}/") }]));
        };
        let host = host.trim().trim_end_matches('/');
        // Some write a whole URL.
        if let Some((own, _)) = host.split_once("://") {
            let message = format!("`host` has a scheme, `{own}`; it is used");
            let help = "write the name alone, and the scheme in `schemes`";
            self.assume(loc, message, help);
            return Some(json!([{ "url": format!("{host}{slash}{path}") }]));
        }
        let schemes = owner.get("schemes").or_else(|| top.get("schemes"));
        let scheme = match preferred(schemes.as_ref()) {
            Some(scheme) => format!("{scheme}:"),
            // That by which the document was loaded.
            None if has_address => String::new(),
            None => {
                let help = "write `schemes: [https]`, or pass --base-url with the whole URL";
                self.assume(
                    loc.clone(),
                    "the document has no `schemes`; https is assumed",
                    help,
                );
                "https:".to_owned()
            }
        };
        let url = format!("{scheme}//{host}{slash}{path}");
        Some(json!([{ "url": url }]))
    }
}

/// https if it is there, else http, else the first.
fn preferred<'a>(schemes: Option<&Node<'a>>) -> Option<&'a str> {
    let all: Vec<&str> = schemes?
        .items()
        .filter_map(|scheme| scheme.value.as_str())
        .collect();
    let known = ["https", "http"];
    let best = known.into_iter().find(|scheme| all.contains(scheme));
    best.or_else(|| all.first().copied())
}
