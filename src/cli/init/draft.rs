//! The text of a policy file to start from.

use indexmap::IndexMap;
use serde_json::Value;
use url::Url;

use super::example::{Example, examples};
use super::groups::{Operation, groups, operations};
use super::yaml;
use crate::catalog::Catalog;
use crate::cli::options::checked_base_url;
use crate::cli::report::{count, thousands};
use crate::compile::{Compiled, PAGE_SIZES};
use crate::runtime::backends::http::is_private;
use crate::runtime::manifest::{CredentialSpec, Effect, KeyPlace, Place};

/// Most writes and deletes that are listed one by one; more are listed by their groups.
const LISTED_MAX: usize = 60;
/// A page that is large enough, where the document has no bound.
const PAGE: u64 = 100;

/// What a policy is made of.
pub(super) struct Draft<'a> {
    pub(super) catalog: &'a Catalog,
    /// With everything enabled.
    pub(super) compiled: &'a Compiled,
    /// The document as the policy names it.
    pub(super) document: String,
    pub(super) overlays: Vec<String>,
    pub(super) refs: Vec<String>,
    pub(super) hosts: Vec<String>,
    /// Whether the format's schema is beside the policy.
    pub(super) schema: bool,
}

/// The lines that editors look at; `schema`: the format's schema is beside the policy.
pub(super) fn editors(schema: bool) -> &'static str {
    match schema {
        true => "# yaml-language-server: $schema=./mcpgen.schema.json",
        false => {
            "# For an editor that completes this file: mcpgen schema policy -o mcpgen.schema.json, and here\n\
             # yaml-language-server: $schema=./mcpgen.schema.json, instead of these two lines."
        }
    }
}

impl Draft<'_> {
    /// The file.
    pub(super) fn text(&self) -> String {
        let operations = operations(self.catalog, self.compiled);
        let parts = [
            self.head(),
            self.source(),
            self.credentials(),
            Self::defaults(),
            self.tools(),
            rules(&operations),
            tests(&examples(&operations, self.compiled)),
        ];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("\n")
    }

    /// How many reads there are.
    pub(super) fn reads(&self) -> usize {
        self.compiled.count(Effect::Read)
    }

    /// What the reads cost.
    pub(super) fn read_tokens(&self) -> usize {
        let operations = operations(self.catalog, self.compiled);
        let reads = operations.iter().filter(|operation| operation.is_read());
        reads.map(|operation| operation.tokens).sum()
    }

    /// What is off, as the end of a sentence.
    pub(super) fn off(&self) -> String {
        let (writes, destroys) = (
            self.compiled.count(Effect::Write),
            self.compiled.count(Effect::Destroy),
        );
        let all = [(writes, "write"), (destroys, "delete")];
        let all = all.iter().filter(|(number, _)| *number > 0);
        let all: Vec<String> = all.map(|(number, noun)| count(*number, noun)).collect();
        match all.is_empty() {
            true => String::new(),
            false => format!("; {} off", all.join(" and ")),
        }
    }

    /// The environment variables of the credentials.
    pub(super) fn variables(&self) -> Vec<String> {
        let credentials = self.used_credentials();
        let variables = credentials.iter().flat_map(|(_, spec)| spec.variables());
        variables.map(str::to_owned).collect()
    }

    fn head(&self) -> String {
        let title = format!("{} {}", self.catalog.title, self.catalog.version);
        let editors = editors(self.schema);
        format!(
            "{editors}\n\
             #\n\
             # What an agent may do with {}.\n\
             # Reads are tools. Writes and deletes are not, until a rule below enables them.\n\
             version: 1\n\
             \n\
             server:\n  name: {}\n  # instructions: \"What the model should know about these tools.\"\n",
            yaml::comment(title.trim()),
            yaml::text(&self.catalog.source),
        )
    }

    fn source(&self) -> String {
        let mut out = format!(
            "sources:\n  {}:\n    openapi: {}\n",
            yaml::text(&self.catalog.source),
            yaml::text(&self.document),
        );
        if !self.overlays.is_empty() {
            out.push_str(&format!(
                "    overlays: {}\n",
                yaml::list(&self.overlays, 6)
            ));
        }
        let refs = [("files", &self.refs), ("hosts", &self.hosts)];
        let refs = refs.iter().filter(|(_, all)| !all.is_empty());
        let refs: Vec<String> = refs
            .map(|(key, all)| format!("{key}: {}", yaml::list(all, 6)))
            .collect();
        if !refs.is_empty() {
            out.push_str(&format!("    refs: {{{}}}\n", refs.join(", ")));
        }
        out.push_str(&self.base_url());
        out
    }

    /// Where the API is. A host that only the document names is not made the owner's own.
    fn base_url(&self) -> String {
        let mut urls: Vec<&str> = Vec::new();
        for tool in &self.compiled.manifest.tools {
            let url = tool
                .action
                .http()
                .and_then(|action| action.base_url.as_deref());
            if let Some(url) = url.filter(|url| !urls.contains(url)) {
                urls.push(url);
            }
        }
        let none = "    # base_url: https://api.example.com";
        let said = |url: &str| checked_base_url(url, "base_url").is_ok();
        match urls.as_slice() {
            [] => format!("{none}   # the document does not say where the API is\n"),
            [url] if !said(url) => format!("{none}   # the document's server cannot be used\n"),
            [url] if Url::parse(url).is_ok_and(|url| is_private(&url)) => format!(
                "    # The document names a private address. Uncomment this if it is yours:\n    # base_url: {}\n",
                yaml::text(url)
            ),
            [url] => format!(
                "    # As the document says; requests and credentials go here and nowhere else.\n    base_url: {}\n",
                yaml::text(url)
            ),
            [url, ..] => format!(
                "    # The document names {} servers; with this, all requests go to one.\n    # base_url: {}\n",
                urls.len(),
                yaml::text(url)
            ),
        }
    }

    /// The credentials that operations name.
    fn used_credentials(&self) -> Vec<(&String, &CredentialSpec)> {
        let named = |name: &String| {
            let mut all = self.catalog.capabilities.iter();
            all.any(|c| c.security.iter().any(|any| any.contains_key(name)))
        };
        let all = self.catalog.credentials.iter();
        all.filter(|(name, _)| named(name)).collect()
    }

    fn credentials(&self) -> String {
        let used = self.used_credentials();
        if used.is_empty() {
            return String::new();
        }
        let mut out = String::from(
            "# The document asks for these credentials; each is sent where the document says, if its variable\n\
             # is set. To send one with every request instead, uncomment it and name it in the source, as in\n",
        );
        let first = used
            .first()
            .map(|(name, _)| yaml::text(name))
            .unwrap_or_default();
        out.push_str(&format!("# `credential: {first}`.\n# credentials:\n"));
        for (name, spec) in used {
            out.push_str(&format!("#   {}: {}\n", yaml::text(name), credential(spec)));
        }
        out
    }

    fn defaults() -> String {
        "\
defaults:
  effect: read     # the highest effect that becomes a tool by itself: none, read, write or destroy
  timeout: 30s     # one deadline for a call
  # retries: {max: 2, on: [connect, 429, 502, 503]}
  # concurrency: 16
  # rate: [{limit: 120/min, burst: 20}]
  # response: {max_bytes: 64KiB, max_items: 100}
"
        .to_owned()
    }

    fn tools(&self) -> String {
        let tokens = thousands(self.read_tokens());
        format!(
            "# A list of the {} costs about {tokens} tokens of every conversation. Above the budget, clients\n\
             # search for tools instead.\n\
             # tools: {{mode: auto, budget: 20000}}\n",
            count(self.reads(), "read")
        )
    }
}

/// A credential as the policy writes it.
fn credential(spec: &CredentialSpec) -> String {
    let env = |name: &str| yaml::text(&format!("${{env:{name}}}"));
    match spec {
        CredentialSpec::ApiKey {
            place,
            name,
            env: variable,
        } => {
            let place = match place {
                KeyPlace::Header => "header",
                KeyPlace::Query => "query",
                KeyPlace::Cookie => "cookie",
            };
            format!(
                "{{api_key: {{{place}: {}, value: {}}}}}",
                yaml::text(name),
                env(variable)
            )
        }
        CredentialSpec::Bearer { env: variable } => {
            format!("{{bearer: {{token: {}}}}}", env(variable))
        }
        CredentialSpec::Basic {
            env_user,
            env_password,
        } => {
            format!(
                "{{basic: {{user: {}, password: {}}}}}",
                env(env_user),
                env(env_password)
            )
        }
        CredentialSpec::ClientCredentials {
            env_secret,
            token_url,
            ..
        } => format!(
            "{{oauth2_client_credentials: {{token_url: {}, client_id: CLIENT, client_secret: {}}}}}",
            yaml::text(token_url),
            env(env_secret)
        ),
    }
}

fn rules(operations: &[Operation<'_>]) -> String {
    let pages = page_rules(operations);
    let mut out = String::from(
        "# In order; a later rule refines an earlier one, and never undoes a guard.\n",
    );
    match pages.is_empty() {
        true => out.push_str("# rules:   # uncomment this line, too\n"),
        false => out.push_str(&format!(
            "rules:\n  # Page sizes: a value beyond `max` is moved to it, and the model is told.\n{pages}"
        )),
    }
    let groups = groups(operations);
    if groups.len() > 1 {
        out.push_str("\n  # Groups. Uncomment those that the agent has no use for.\n");
        for (key, group) in &groups {
            let [reads, writes, destroys] = group.counts;
            let tokens = thousands(group.tokens);
            let mut counts = vec![format!("{} (about {tokens} tokens)", count(reads, "read"))];
            let others = [(writes, "write"), (destroys, "delete")];
            counts.extend(
                others
                    .iter()
                    .filter(|(number, _)| *number > 0)
                    .map(|(number, noun)| count(*number, noun)),
            );
            out.push_str(&format!(
                "  # - {{match: {{{key}}}, exclude: true}}   # {}\n",
                counts.join(", ")
            ));
        }
    }
    for (effect, title) in [
        (
            Effect::Write,
            "Writes are off. Uncomment what the agent may do.",
        ),
        (Effect::Destroy, "Deletes are off."),
    ] {
        let off: Vec<&Operation<'_>> = operations
            .iter()
            .filter(|operation| operation.tool.effect == effect)
            .collect();
        if off.is_empty() {
            continue;
        }
        out.push_str(&format!("\n  # {title}\n"));
        let word = effect.as_str();
        if off.len() > LISTED_MAX && groups.len() > 1 {
            for (key, group) in &groups {
                let [_, writes, destroys] = group.counts;
                let (number, noun) = match effect {
                    Effect::Destroy => (destroys, "delete"),
                    _ => (writes, "write"),
                };
                if number > 0 {
                    let number = count(number, noun);
                    out.push_str(&format!(
                        "  # - {{match: {{{key}, effect: {word}}}, enable: {word}}}   # {number}\n"
                    ));
                }
            }
            continue;
        }
        for operation in off {
            let Some(matching) = operation.matching() else {
                continue;
            };
            let summary = operation.capability.summary.as_deref().unwrap_or_default();
            let what = format!("{}: {summary}", operation.capability.label());
            out.push_str(&format!(
                "  # - {{match: {{{matching}}}, enable: {word}}}   # {}\n",
                yaml::comment(what.trim_end_matches([':', ' ']))
            ));
        }
    }
    out
}

/// One rule for each page size and bound, for the reads that have it.
fn page_rules(operations: &[Operation<'_>]) -> String {
    let mut rules: IndexMap<(String, u64, bool), Vec<&Operation<'_>>> = IndexMap::new();
    for operation in operations.iter().filter(|operation| operation.is_read()) {
        for (name, max, bounded) in page_sizes(operation) {
            rules
                .entry((name, max, bounded))
                .or_default()
                .push(operation);
        }
    }
    let mut out = String::new();
    for ((name, max, bounded), operations) in rules {
        let named = operations
            .iter()
            .filter_map(|operation| operation.name.clone());
        let named: Vec<String> = named.collect();
        let mut matching = Vec::new();
        if !named.is_empty() {
            matching.push(format!("operation: {}", yaml::list(&named, 8)));
        }
        let others = operations
            .iter()
            .filter(|operation| operation.name.is_none());
        matching.extend(others.filter_map(|operation| operation.matching()));
        let why = match bounded {
            true => "the document's bound",
            false => "the document has no bound",
        };
        for matching in matching {
            out.push_str(&format!(
                "  - match: {{{matching}}}\n    args: {{{}: {{max: {max}}}}}   # {why}\n",
                yaml::text(&name)
            ));
        }
    }
    out
}

/// The page sizes of a tool: argument, bound, and whether it is the document's.
fn page_sizes(operation: &Operation<'_>) -> Vec<(String, u64, bool)> {
    let tool = operation.tool;
    let Some(action) = tool.action.http() else {
        return Vec::new();
    };
    let schema = tool.checked_schema();
    let mut found = Vec::new();
    for (name, _) in tool.arguments().filter(|(name, _)| !name.starts_with('/')) {
        if let Some(bound) = tool.clamp(name) {
            let max = bound.max.as_ref().and_then(serde_json::Number::as_u64);
            found.extend(max.map(|max| (name.clone(), max, true)));
            continue;
        }
        let mut params = action.params.iter();
        let in_query = params.any(|param| param.arg == *name && param.place == Place::Query);
        let property = schema.get("properties").and_then(|p| p.get(name));
        if in_query
            && PAGE_SIZES.contains(&name.as_str())
            && property.is_some_and(is_unbounded_integer)
        {
            found.push((name.clone(), PAGE, false));
        }
    }
    found
}

/// Whether a schema is of integers, and any page size up to [`PAGE`] is one.
fn is_unbounded_integer(schema: &Value) -> bool {
    let Some(schema) = schema.as_object() else {
        return false;
    };
    let known = [
        "type",
        "format",
        "description",
        "title",
        "default",
        "examples",
        "minimum",
    ];
    let small = |key: &str| {
        let value = schema.get(key);
        value.is_none_or(|value| value.as_u64().is_some_and(|n| n <= PAGE))
    };
    schema.get("type") == Some(&"integer".into())
        && schema.keys().all(|key| known.contains(&key.as_str()))
        && small("default")
        && small("minimum")
}

fn tests(examples: &[Example]) -> String {
    if examples.is_empty() {
        return "# Calls, and what must become of them: `mcpgen test` runs them against no API.\n\
                # tests:\n\
                #   - {call: TOOL, args: {}, expect: {request: {method: GET, path: /x}}}\n"
            .to_owned();
    }
    let mut out = String::from(
        "# Calls, and what must become of them: `mcpgen test` runs them against no API.\ntests:\n",
    );
    for example in examples {
        out.push_str(&format!("  - call: {}\n", yaml::text(&example.tool)));
        if !example.args.is_empty() {
            let args = yaml::value(&Value::Object(example.args.clone()));
            out.push_str(&format!("    args: {args}\n"));
        }
        out.push_str(&format!("    expect: {}\n", yaml::value(&example.expect)));
    }
    out
}
