//! One tool of a server, and the course of its calls.

use std::sync::OnceLock;

use jsonschema::Validator;
use rmcp::model::JsonObject;
use serde_json::Value;
use tokio::time::Instant;

use crate::runtime::args::{self, Args, Checker};
use crate::runtime::backend::{Backend, Outcome};
use crate::runtime::config::Config;
use crate::runtime::error::CallError;
use crate::runtime::hooks::{Hooks, Step};
use crate::runtime::limits::Limiter;
use crate::runtime::manifest::{Schema, ToolSpec};
use crate::runtime::plain;
use crate::runtime::shape::Shaper;

/// One tool, prepared.
pub(super) struct Entry {
    pub(super) checker: Checker,
    pub(super) backend: Box<dyn Backend>,
    limiter: Limiter,
    shaper: Option<Shaper>,
    /// Whether a client has to repeat arguments in headers.
    pub(super) header_params: bool,
    pub(super) output_schema: Option<Schema>,
    /// Compiled at the first result.
    output: OnceLock<Option<Validator>>,
}

impl Entry {
    /// A tool of a Manifest.
    pub(super) fn new(
        spec: &ToolSpec,
        backend: Box<dyn Backend>,
        limiter: Limiter,
        config: &Config,
    ) -> Self {
        Self {
            checker: Checker::new(&spec.controls, spec.checked_schema(), &config.variables),
            backend,
            limiter,
            shaper: Shaper::new(spec),
            header_params: plain::has_header_params(&spec.input_schema),
            output_schema: spec.output_schema.clone(),
            output: OnceLock::new(),
        }
    }

    /// A call with checked arguments, within its limits.
    pub(super) async fn carried_out(
        &self,
        name: &str,
        args: Args,
        hooks: Option<&dyn Hooks>,
    ) -> Result<(Outcome, Args), CallError> {
        let admitted = self.limiter.admit(Instant::now).await?;
        let (outcome, args) = match hooks {
            None => (self.backend.call(&args, admitted.deadline).await?, args),
            Some(hooks) => self.hooked(name, args, hooks, admitted.deadline).await?,
        };
        let outcome = match &self.shaper {
            None => outcome,
            Some(shaper) => shaper.shape(outcome)?,
        };
        Ok((outcome, args))
    }

    /// A call with the owner's code around it. What the hook before it changed is checked again.
    async fn hooked(
        &self,
        name: &str,
        args: Args,
        hooks: &dyn Hooks,
        deadline: Instant,
    ) -> Result<(Outcome, Args), CallError> {
        let (result, args) = match hooks.before(name, args.values().clone()).await? {
            Step::Answer(outcome) => (Ok(outcome), args),
            Step::Continue(values) => {
                let args = self.checker.recheck(values, args)?;
                (self.backend.call(&args, deadline).await, args)
            }
        };
        Ok((hooks.after(name, result).await?, args))
    }

    /// Whether a structured result matches the advertised schema.
    pub(super) fn fits(&self, schema: &JsonObject, value: &Value) -> bool {
        let validator = self.output.get_or_init(|| {
            let schema = Value::Object(schema.clone());
            args::validator(&schema).ok()
        });
        validator
            .as_ref()
            .is_some_and(|validator| args::is_valid(validator, value))
    }
}
