//! `mcpgen plan`: the Manifest, for people or as JSON.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Number, Value};

use super::load::load;
use super::options::DocOptions;
use crate::diag::escape;
use crate::diag::render::printable;
use crate::runtime::manifest::{
    BodyContent, ClientAuth, CredentialSpec, HttpAction, ListMode, Manifest, Requirement, ToolSpec,
};

/// Print the finished server: every tool, where each argument goes, its clamps and its request
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Plan {
    #[command(flatten)]
    options: DocOptions,

    /// Print the Manifest as JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  mcpgen plan openapi.yaml
  mcpgen plan openapi.yaml --json > manifest.json

The Manifest is all that the server knows. No secret is in it.";

impl Plan {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let loaded = load(&self.options).await?;
        let Some((_, compiled)) = loaded.usable()? else {
            return Ok(ExitCode::FAILURE);
        };
        if self.json {
            super::report::print_json(&compiled.manifest)?;
        } else {
            print_text(&compiled.manifest)?;
        }
        loaded.mention_warnings(&self.options.doc)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn print_text(manifest: &Manifest) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(anstream::stdout().lock());
    writeln!(out, "profile {}", manifest.profile.as_str())?;
    for (name, source) in &manifest.sources {
        writeln!(
            out,
            "source {name}: one deadline of {} ms, at most {} bytes a response",
            source.timeout_ms, source.max_response_bytes
        )?;
        for origin in &source.trusted_origins {
            writeln!(out, "  may dial {origin} even if its address is private")?;
        }
        for header in source.headers.keys() {
            writeln!(out, "  sends the header {header}")?;
        }
        for (scheme, credential) in &source.credentials {
            if let CredentialSpec::ClientCredentials {
                token_url,
                auth,
                fields,
                ..
            } = credential
            {
                let how = match auth {
                    ClientAuth::Basic => "",
                    ClientAuth::Form => ", its client in the form",
                };
                let line = format!("{scheme}: fetches tokens from {token_url}{how}");
                writeln!(out, "  {}", printable(&line))?;
                for (name, value) in fields {
                    writeln!(out, "    with {}", printable(&format!("{name}={value}")))?;
                }
            }
        }
    }
    if manifest.listing.mode == ListMode::Search {
        writeln!(out, "clients search for the tools")?;
        if !manifest.listing.pinned.is_empty() {
            let pinned = manifest.listing.pinned.join(", ");
            writeln!(out, "  listed all the same: {}", printable(&pinned))?;
        }
    }
    for tool in &manifest.tools {
        writeln!(
            out,
            "\n{} ({})",
            printable(&tool.name),
            tool.effect.as_str()
        )?;
        let http = tool.action.http();
        let base = http.and_then(|action| action.base_url.as_deref());
        let (verb, object) = (tool.action.verb(), tool.action.object());
        let request = format!("{verb} {}{object}", base.unwrap_or_default());
        writeln!(out, "  {}", printable(&request))?;
        let security = http.map_or(&[][..], |action| &action.security);
        let alternatives: Vec<String> = security.iter().map(credentials).collect();
        if !alternatives.is_empty() {
            let text = alternatives.join(", or with ");
            writeln!(out, "  with {}", printable(&text))?;
        }
        for (name, _) in tool.arguments() {
            writeln!(out, "  {}", printable(&argument(tool, name)))?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Credentials that go together, in words, with the scopes of tokens that are fetched.
fn credentials(all: &Requirement) -> String {
    if all.is_empty() {
        return "no credential".to_owned();
    }
    let named = all.iter().map(|(name, scopes)| match scopes.as_slice() {
        [] => name.clone(),
        scopes => format!("{name} ({})", scopes.join(", ")),
    });
    named.collect::<Vec<_>>().join(" and ")
}

/// One argument in a line: name, type, where it goes, what bounds it.
fn argument(tool: &ToolSpec, name: &str) -> String {
    let schema = tool
        .input_schema
        .get("properties")
        .and_then(|p| p.get(name));
    let kind = match schema.and_then(|s| s.get("type")) {
        Some(Value::String(one)) => one.clone(),
        Some(Value::Array(many)) => many
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" or "),
        _ => "any".to_owned(),
    };
    let required = tool.input_schema.get("required").and_then(Value::as_array);
    let required = if required.is_some_and(|r| r.iter().any(|n| n == name)) {
        ", required"
    } else {
        ""
    };
    let clamp = tool.clamp(name).map_or_else(String::new, |bound| {
        let end = |n: &Option<Number>| n.as_ref().map_or_else(String::new, Number::to_string);
        format!(", clamped to {}..{}", end(&bound.min), end(&bound.max))
    });
    let place = format!("/properties/{}", escape(name));
    let within = |pointer: &String| {
        let below = pointer.strip_prefix(&place);
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let checked = if tool.checked.keys().any(within) {
        ", checked further than shown"
    } else {
        ""
    };
    let destination = tool.action.http().map(|action| destination(action, name));
    let destination = destination.map_or_else(String::new, |to| format!(" -> {to}"));
    format!("{name}: {kind}{required}{destination}{clamp}{checked}")
}

fn destination(action: &HttpAction, name: &str) -> String {
    if let Some(param) = action.params.iter().find(|param| param.arg == name) {
        return format!("{} `{}`", param.place.as_str(), param.name);
    }
    match action.body.as_ref().map(|body| &body.content) {
        Some(BodyContent::Properties(properties)) => match properties.get(name) {
            Some(property) => format!("body `{property}`"),
            None => "nowhere".to_owned(),
        },
        Some(BodyContent::Whole(_)) => "body".to_owned(),
        None => "nowhere".to_owned(),
    }
}
