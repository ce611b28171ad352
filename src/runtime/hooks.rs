//! The owner's code around a call: before it, with the checked arguments, and after it, with the
//! result. What a hook changes is checked again, so no hook can weaken a guard.

use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::backend::Outcome;
use super::error::CallError;

/// Arguments of a call, as they go between the server and a hook.
pub type Arguments = Map<String, Value>;

/// What a hook decides before a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Step<A> {
    /// The call goes on with these arguments.
    Continue(A),
    /// The call is answered without the upstream.
    Answer(Outcome),
}

/// Code around every call of a server.
pub trait Hooks: Send + Sync {
    /// Before a call. An error refuses it.
    fn before<'a>(
        &'a self,
        tool: &'a str,
        args: Arguments,
    ) -> BoxFuture<'a, Result<Step<Arguments>, CallError>>;

    /// After a call, with its result.
    fn after<'a>(
        &'a self,
        tool: &'a str,
        result: Result<Outcome, CallError>,
    ) -> BoxFuture<'a, Result<Outcome, CallError>>;
}

/// Nothing around a call.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHooks;

impl Hooks for NoHooks {
    fn before<'a>(
        &'a self,
        _tool: &'a str,
        args: Arguments,
    ) -> BoxFuture<'a, Result<Step<Arguments>, CallError>> {
        Box::pin(std::future::ready(Ok(Step::Continue(args))))
    }

    fn after<'a>(
        &'a self,
        _tool: &'a str,
        result: Result<Outcome, CallError>,
    ) -> BoxFuture<'a, Result<Outcome, CallError>> {
        Box::pin(std::future::ready(result))
    }
}

/// Runs a hook that takes typed arguments. Only the fields that it changed are written back: what the
/// type cannot hold (a null, an extra digit) stays as the client sent it.
///
/// # Errors
///
/// The hook refused, or the arguments do not have the type, which the check before rules out.
pub async fn typed<A, F>(
    mut args: Arguments,
    hook: impl FnOnce(A) -> F,
) -> Result<Step<Arguments>, CallError>
where
    A: Serialize + DeserializeOwned,
    F: Future<Output = Result<Step<A>, CallError>>,
{
    let unfit = |error: serde_json::Error| {
        CallError::new(
            "invalid_tool",
            format!("the arguments do not fit their type: {error}"),
        )
    };
    let before: A = serde_json::from_value(Value::Object(args.clone())).map_err(unfit)?;
    let shown = fields(&before).map_err(unfit)?;
    match hook(before).await? {
        Step::Answer(outcome) => Ok(Step::Answer(outcome)),
        Step::Continue(after) => {
            let after = fields(&after).map_err(unfit)?;
            for (name, value) in &after {
                if shown.get(name) != Some(value) {
                    args.insert(name.clone(), value.clone());
                }
            }
            for name in shown.keys().filter(|name| !after.contains_key(*name)) {
                args.shift_remove(name);
            }
            Ok(Step::Continue(args))
        }
    }
}

fn fields(args: &impl Serialize) -> Result<Arguments, serde_json::Error> {
    match serde_json::to_value(args)? {
        Value::Object(fields) => Ok(fields),
        _ => Ok(Map::new()),
    }
}
