//! What an agent may do: as the command line and a policy file say it together. They never contradict
//! each other in silence: what both say is a mistake, even if it is the same.

use std::path::Path;

use anyhow::{bail, ensure};

use super::{DocOptions, Enable, Tools};
use crate::cli::load::Wanted;
use crate::diag::Diagnostics;
use crate::policy::format::{ListMode, Profile as Clients};
use crate::policy::{Pattern, Policy, PolicyFile, ToolsMode};
use crate::runtime::manifest::{Effect, Profile};

impl DocOptions {
    /// The policy, a file's sources apart.
    pub(in crate::cli) fn policy(&self, file: Option<PolicyFile>) -> anyhow::Result<Policy> {
        let default = Policy::default();
        let said = file.as_ref().map(Said::new).unwrap_or_default();
        let enabled = self.enable.map(|enable| match enable {
            Enable::Write => Effect::Write,
            Enable::Destroy => Effect::Destroy,
        });
        let tools = self.tools.map(|tools| match tools {
            Tools::Auto => ToolsMode::Auto,
            Tools::List => ToolsMode::List,
            Tools::Search => ToolsMode::Search,
        });
        let proxy = file.as_ref().and_then(|file| file.egress.proxy.as_ref());
        one(
            self.upstream.proxy.as_ref(),
            proxy,
            "--proxy",
            "egress.proxy",
        )?;
        let mut pins = self.pin.clone();
        pins.extend(said.pins);
        Ok(Policy {
            effect: one(enabled, said.effect, "--enable", "defaults.effect")?
                .unwrap_or(default.effect),
            only_enabled: said.only_enabled && enabled.is_none(),
            include: self.include.iter().map(|text| Pattern::new(text)).collect(),
            exclude: self.exclude.iter().map(|text| Pattern::new(text)).collect(),
            timeout: one(self.timeout, said.timeout, "--timeout", "defaults.timeout")?
                .unwrap_or(default.timeout),
            budget: one(self.budget, said.budget, "--budget", "tools.budget")?
                .unwrap_or(default.budget),
            tools: one(tools, said.tools, "--tools", "tools.mode")?.unwrap_or(default.tools),
            profile: one(
                self.profile.map(Profile::from),
                said.profile,
                "--profile",
                "profile",
            )?
            .unwrap_or(default.profile),
            max_response_bytes: said.max_response.unwrap_or(default.max_response_bytes),
            pins,
            sources: default.sources,
            file,
        })
    }

    /// The document of the command line under a policy that has no sources of its own.
    pub(in crate::cli) fn under(
        &self,
        mut document: Wanted,
        file: &PolicyFile,
        folder: &Path,
    ) -> anyhow::Result<Wanted> {
        let policy = self.policy.as_deref().unwrap_or_default();
        ensure!(
            file.sources.is_empty(),
            "{policy} has sources of its own: name it alone, without the document"
        );
        document.under(file, folder);
        Ok(document)
    }

    /// The sources of a policy file. Options about a document have none to be about, unless there is
    /// one source only, and it does not say the same.
    pub(in crate::cli) fn sources(
        &self,
        file: &PolicyFile,
        folder: &Path,
        diags: &mut Diagnostics,
    ) -> anyhow::Result<Vec<Wanted>> {
        let name = &self.doc;
        ensure!(
            !file.sources.is_empty(),
            "{name} is a policy without sources: add `sources:`, or write `mcpgen … openapi.yaml --policy {name}`"
        );
        if let Some(option) = self.of_document().or_else(|| self.database.given()) {
            bail!("{option}: {name} has sources; say it there, under `sources`");
        }
        Ok(Wanted::of_file(file, folder, self, diags))
    }

    /// The first option that is about one document.
    pub(in crate::cli) fn of_document(&self) -> Option<&'static str> {
        let token = &self.token;
        let given = [
            (!self.refs.is_empty(), "--refs"),
            (!self.refs_host.is_empty(), "--refs-host"),
            (!self.overlay.is_empty(), "--overlay"),
            (self.base_url.is_some(), "--base-url"),
            (!self.header.is_empty(), "--header"),
            (token.url.is_some(), "--token-url"),
            (token.auth.is_some(), "--token-auth"),
            (!token.field.is_empty(), "--token-field"),
        ];
        let mut given = given.iter();
        given.find_map(|(there, option)| there.then_some(*option))
    }
}

/// What a policy file says that options say, too.
#[derive(Default)]
struct Said {
    effect: Option<Effect>,
    only_enabled: bool,
    timeout: Option<std::time::Duration>,
    budget: Option<usize>,
    tools: Option<ToolsMode>,
    profile: Option<Profile>,
    max_response: Option<u64>,
    pins: Vec<String>,
}

impl Said {
    fn new(file: &PolicyFile) -> Self {
        Self {
            effect: file
                .defaults
                .effect
                .map(|e| e.highest().unwrap_or(Effect::Read)),
            only_enabled: file.defaults.effect.is_some_and(|e| e.highest().is_none()),
            timeout: file.defaults.timeout.map(|timeout| timeout.0),
            budget: file.tools.budget,
            tools: file.tools.mode.map(|mode| match mode {
                ListMode::Auto => ToolsMode::Auto,
                ListMode::List => ToolsMode::List,
                ListMode::Search => ToolsMode::Search,
            }),
            profile: file.profile.map(|clients| match clients {
                Clients::Anthropic => Profile::Anthropic,
                Clients::Openai => Profile::Openai,
                Clients::Gemini => Profile::Gemini,
                Clients::Strict => Profile::Strict,
                Clients::None => Profile::None,
            }),
            max_response: file.egress.max_response.map(|size| size.0),
            pins: file.tools.pin.clone(),
        }
    }
}

/// What one of the two says.
fn one<T>(option: Option<T>, file: Option<T>, name: &str, key: &str) -> anyhow::Result<Option<T>> {
    ensure!(
        option.is_none() || file.is_none(),
        "{name}: the policy says it too, as `{key}`; take one of the two out"
    );
    Ok(option.or(file))
}
