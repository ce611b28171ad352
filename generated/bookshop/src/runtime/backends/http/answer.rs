//! The course of a call: the checks, a token if one is needed, the request, and what the model gets.

use std::sync::atomic::AtomicU32;

use tokio::time::Instant;
use uuid::Uuid;

use super::repeat::Outgoing;
use super::request::Request;
use super::response::{self, Response};
use super::token::Held;
use super::{Endpoint, credential};
use crate::runtime::backend::Outcome;
use crate::runtime::error::CallError;
use crate::runtime::manifest::{Effect, Redirects};

/// What the API answered, and the token that went with the request.
pub(super) struct Answered {
    response: Response,
    token: Option<Held>,
}

impl Endpoint {
    /// Looks at everything first, then fetches a token if one is needed, then sends: once, or twice if
    /// it is a read whose kept token the API no longer takes; what may be repeated, more often. `attempts`
    /// counts what was sent.
    pub(super) async fn answered(
        &self,
        request: &Request,
        deadline: Instant,
        attempts: &AtomicU32,
    ) -> Result<Answered, CallError> {
        self.guard(request)?;
        let mut additions = credential::additions(
            &self.action,
            &self.upstream.spec,
            &self.upstream.config,
            false,
        )?;
        additions.key = self.key(|| Uuid::new_v4().to_string());
        self.not_shadowed(request)?;
        let url = self.url(request, &additions)?;
        self.may_carry(&url, &additions)?;
        self.may_dial(&url)?;
        let Some(wanted) = additions.grant.clone() else {
            let outgoing = Outgoing {
                request,
                url: &url,
                additions: &additions,
                deadline,
            };
            let response = self.sent(&outgoing, attempts).await?;
            return Ok(Answered {
                response,
                token: None,
            });
        };
        let held = self.upstream.token(&wanted, None).await?;
        additions.bear(&held.token);
        let outgoing = Outgoing {
            request,
            url: &url,
            additions: &additions,
            deadline,
        };
        let response = self.sent(&outgoing, attempts).await?;
        let mut answered = Answered {
            response,
            token: Some(held.clone()),
        };
        if answered.response.status != 401 || !held.kept {
            return Ok(answered);
        }
        if self.effect != Effect::Read {
            self.upstream.tokens.forget(&wanted, &held.token);
            return Ok(answered);
        }
        // Without another token the refusal stands.
        if let Ok(new) = self.upstream.token(&wanted, Some(&held.token)).await
            && new.token != held.token
        {
            additions.bear(&new.token);
            let outgoing = Outgoing {
                request,
                url: &url,
                additions: &additions,
                deadline,
            };
            answered = Answered {
                response: self.sent(&outgoing, attempts).await?,
                token: Some(new),
            };
        }
        Ok(answered)
    }

    /// What the model gets, without secrets.
    pub(super) fn outcome(&self, answered: &Answered) -> Result<Outcome, CallError> {
        let token = answered.token.as_ref();
        let mask = self.upstream.mask(token.map(|held| &held.token));
        let withheld = &self.withheld;
        let mut outcome = response::outcome(&answered.response, &mask, withheld, self.effect);
        if let Err(error) = &mut outcome
            && self.upstream.spec.redirects == Redirects::None
        {
            response::no_redirects(error);
        }
        // A write that was refused was not carried out, and its token is dropped.
        let dropped = self.effect != Effect::Read && token.is_some_and(|held| held.kept);
        if let (Err(error), 401, true) = (&mut outcome, answered.response.status, dropped) {
            error.retryable = true;
            error.hint = Some("call again: another token will be fetched".to_owned());
        }
        outcome
    }
}
