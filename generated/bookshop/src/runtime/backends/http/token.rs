//! Tokens that were fetched: kept until shortly before they expire, one request for all calls that
//! wait for it. No I/O; the clock is the caller's.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::runtime::config::Secret;
use crate::runtime::error::CallError;

/// How long a token is kept whose endpoint does not say (RFC 6749 §5.1 only recommends it).
const LIFETIME_UNSAID: Duration = Duration::from_mins(5);
/// Longest time that a token is kept, whatever its endpoint says.
const LIFETIME_MAX: Duration = Duration::from_hours(24);
/// A token is replaced when a tenth of its time is left, or this.
const MARGIN_MAX: Duration = Duration::from_mins(1);
/// How long a failure answers for the endpoint: a client that is locked after some wrong attempts, or
/// an endpoint in trouble, is not asked at the pace of the calls.
const FAILURE_KEPT: Duration = Duration::from_secs(5);
/// Tokens that are still hidden in answers after others took their place.
const RECENT_MAX: usize = 8;

/// What a token is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wanted {
    /// Name of the security scheme.
    pub(super) scheme: String,
    /// Scopes to ask for; none: what the endpoint gives by itself.
    pub(super) scopes: Vec<String>,
}

/// What a token endpoint gave.
#[derive(Debug, Clone)]
pub(super) struct Granted {
    pub(super) token: Secret,
    /// `expires_in`.
    pub(super) lifetime: Option<Duration>,
}

/// A token for one call.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) token: Secret,
    /// Whether it was there before the call began.
    pub(super) kept: bool,
}

/// The tokens of a source.
#[derive(Default)]
pub(super) struct Tokens {
    /// As many as the Manifest has pairs of scheme and scopes.
    cells: Mutex<BTreeMap<Wanted, Arc<Cell>>>,
    recent: Mutex<VecDeque<Secret>>,
}

#[derive(Default)]
struct Cell {
    /// Held while a token is fetched: whoever waits for it takes what it brings.
    last: tokio::sync::Mutex<Last>,
    /// How many attempts have ended.
    attempts: AtomicU64,
}

/// What the attempts so far have brought.
#[derive(Default)]
struct Last {
    kept: Option<Kept>,
    /// The last attempt, if it brought nothing, and until when it counts.
    failed: Option<(CallError, Instant)>,
}

struct Kept {
    token: Secret,
    /// When another is fetched.
    until: Instant,
    /// When it expires.
    end: Instant,
}

impl Tokens {
    /// A token: the one that is kept, unless it is about to expire or is the `refused` one; else what
    /// `fetch` brings. If that fails, a token that has not expired yet goes on being used. A failure is
    /// shared by those that waited for it and by those that come shortly after.
    ///
    /// # Errors
    ///
    /// Those of `fetch`.
    pub(super) async fn get(
        &self,
        wanted: &Wanted,
        refused: Option<&Secret>,
        now: impl Fn() -> Instant,
        fetch: impl Future<Output = Result<Granted, CallError>>,
    ) -> Result<Held, CallError> {
        let cell = self.cell(wanted);
        let before = cell.attempts.load(Ordering::SeqCst);
        let mut last = cell.last.lock().await;
        // An attempt ended while this call waited: its outcome is as new as another one's would be.
        let ended_meanwhile = cell.attempts.load(Ordering::SeqCst) != before;
        if let Some(kept) = &last.kept {
            let brought = ended_meanwhile && last.failed.is_none();
            if brought || (refused != Some(&kept.token) && now() < kept.until) {
                return Ok(Held {
                    token: kept.token.clone(),
                    kept: !ended_meanwhile,
                });
            }
        }
        if let Some((error, until)) = &last.failed
            && (ended_meanwhile || now() < *until)
        {
            return Err(error.clone());
        }
        // Its time runs from when it was asked for: it may be as old as that.
        let asked = now();
        let brought = fetch.await;
        cell.attempts.fetch_add(1, Ordering::SeqCst);
        match brought {
            Ok(granted) => {
                self.remember(&granted.token);
                let lifetime = granted.lifetime.unwrap_or(LIFETIME_UNSAID);
                let lifetime = lifetime.min(LIFETIME_MAX);
                last.failed = None;
                last.kept = Some(Kept {
                    token: granted.token.clone(),
                    until: later(asked, kept_for(lifetime)),
                    end: later(asked, lifetime),
                });
                Ok(Held {
                    token: granted.token,
                    kept: false,
                })
            }
            Err(error) => {
                let ended = now();
                let pause = later(ended, FAILURE_KEPT);
                if let Some(kept) = &mut last.kept
                    && refused != Some(&kept.token)
                    && ended < kept.end
                {
                    kept.until = pause.min(kept.end);
                    return Ok(Held {
                        token: kept.token.clone(),
                        kept: true,
                    });
                }
                last.kept = None;
                last.failed = Some((error.clone(), pause));
                Err(error)
            }
        }
    }

    /// Keeps a token no longer. Where another is being fetched just now, there is nothing to do: a call
    /// that has its answer does not wait for that.
    pub(super) fn forget(&self, wanted: &Wanted, token: &Secret) {
        if let Ok(mut last) = self.cell(wanted).last.try_lock() {
            last.kept.take_if(|kept| kept.token == *token);
        }
    }

    /// The tokens that came last, for whatever they are: an answer may show any of them.
    pub(super) fn recent(&self) -> Vec<Secret> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.iter().cloned().collect()
    }

    fn remember(&self, token: &Secret) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|known| known != token);
        recent.push_front(token.clone());
        recent.truncate(RECENT_MAX);
    }

    fn cell(&self, wanted: &Wanted) -> Arc<Cell> {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        cells.entry(wanted.clone()).or_default().clone()
    }
}

/// How long a token of this lifetime is used before another is fetched.
fn kept_for(lifetime: Duration) -> Duration {
    lifetime.saturating_sub((lifetime / 10).min(MARGIN_MAX))
}

fn later(now: Instant, by: Duration) -> Instant {
    now.checked_add(by).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell as Count;

    fn wanted(scope: &str) -> Wanted {
        Wanted {
            scheme: "login".into(),
            scopes: vec![scope.to_owned()],
        }
    }

    /// A token endpoint that counts: `t1`, `t2`, …
    async fn endpoint(
        count: &Count<u32>,
        lifetime: Option<u64>,
        good: bool,
    ) -> Result<Granted, CallError> {
        // Others come meanwhile.
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        count.set(count.get() + 1);
        if good {
            Ok(Granted {
                token: Secret::new(format!("t{}", count.get())),
                lifetime: lifetime.map(Duration::from_secs),
            })
        } else {
            Err(CallError::new("no_token", format!("{}", count.get())))
        }
    }

    #[tokio::test]
    async fn a_token_is_kept_until_shortly_before_it_expires() {
        for (lifetime, kept) in [
            (Some(3600), 3540),
            (Some(100), 90),
            (Some(0), 0),
            (None, 270),
            (Some(u64::MAX), 86_340),
        ] {
            let tokens = Tokens::default();
            let (count, start) = (Count::new(0), Instant::now());
            let get = async |after: u64| {
                let now = || start + Duration::from_secs(after);
                let fetch = endpoint(&count, lifetime, true);
                let held = tokens.get(&wanted("a"), None, now, fetch).await.unwrap();
                held.token.reveal().to_owned()
            };
            assert_eq!(get(0).await, "t1", "{lifetime:?}");
            if kept > 0 {
                assert_eq!(get(kept - 1).await, "t1", "{lifetime:?}");
            }
            assert_eq!(get(kept).await, "t2", "{lifetime:?}");
        }
    }

    #[tokio::test]
    async fn many_calls_at_once_fetch_one_token() {
        for (lifetime, good) in [(Some(3600), true), (Some(0), true), (None, false)] {
            let (tokens, count) = (Tokens::default(), Count::new(0));
            let one = || {
                let fetch = endpoint(&count, lifetime, good);
                let key = wanted("a");
                let tokens = &tokens;
                async move { tokens.get(&key, None, Instant::now, fetch).await }
            };
            let all = futures::future::join_all((0..100).map(|_| one())).await;
            assert_eq!(count.get(), 1, "{lifetime:?} {good}");
            assert!(all.iter().all(|held| held.is_ok() == good));
            let again = one().await;
            let want = if lifetime == Some(0) { 2 } else { 1 };
            assert_eq!((again.is_ok(), count.get()), (good, want));
        }
    }

    #[tokio::test]
    async fn a_failure_counts_for_some_seconds() {
        let (tokens, count, start) = (Tokens::default(), Count::new(0), Instant::now());
        let get = async |after: u64, good: bool| {
            let now = || start + Duration::from_secs(after);
            let fetch = endpoint(&count, Some(100), good);
            let got = tokens.get(&wanted("a"), None, now, fetch).await;
            (got.is_ok(), count.get())
        };
        assert_eq!(get(0, false).await, (false, 1));
        assert_eq!(get(4, true).await, (false, 1));
        assert_eq!(get(5, true).await, (true, 2));
        // Another is due after 90 seconds and not to be had: this one is good for 100.
        assert_eq!(get(95, false).await, (true, 3));
        assert_eq!(get(99, false).await, (true, 3));
        assert_eq!(get(100, false).await, (true, 4));
        assert_eq!(get(104, false).await, (true, 4));
        assert_eq!(get(105, false).await, (false, 5));
        assert_eq!(get(106, true).await, (false, 5));
        assert_eq!(get(110, true).await, (true, 6));
    }

    #[tokio::test]
    async fn a_refused_token_is_not_used_again() {
        let (tokens, count) = (Tokens::default(), Count::new(0));
        let get = async |refused: Option<&str>, good: bool| {
            let refused = refused.map(Secret::new);
            let fetch = endpoint(&count, None, good);
            let key = wanted("a");
            let got = tokens.get(&key, refused.as_ref(), Instant::now, fetch);
            (got.await.is_ok(), count.get())
        };
        assert_eq!(get(None, true).await, (true, 1));
        assert_eq!(get(Some("t1"), false).await, (false, 2));
        assert_eq!(get(None, true).await, (false, 2));
    }

    #[tokio::test]
    async fn whoever_goes_away_leaves_the_next_to_fetch() {
        let (tokens, count) = (Tokens::default(), Count::new(0));
        let key = wanted("a");
        let mut first =
            Box::pin(tokens.get(&key, None, Instant::now, endpoint(&count, None, true)));
        assert!(futures::poll!(&mut first).is_pending());
        let mut second =
            Box::pin(tokens.get(&key, None, Instant::now, endpoint(&count, None, true)));
        assert!(futures::poll!(&mut second).is_pending());
        drop(first);
        assert_eq!(second.await.unwrap().token.reveal(), "t1");
    }

    #[tokio::test]
    async fn a_token_is_for_its_scopes_and_until_it_is_refused() {
        let (tokens, count) = (Tokens::default(), Count::new(0));
        let get = async |scope: &str, refused: Option<&str>| {
            let refused = refused.map(Secret::new);
            let fetch = endpoint(&count, None, true);
            let held = tokens
                .get(&wanted(scope), refused.as_ref(), Instant::now, fetch)
                .await
                .unwrap();
            (held.token.reveal().to_owned(), held.kept)
        };
        assert_eq!(get("a", None).await, ("t1".into(), false));
        assert_eq!(get("b", None).await, ("t2".into(), false));
        assert_eq!(get("a", None).await, ("t1".into(), true));
        assert_eq!(get("a", Some("t1")).await, ("t3".into(), false));
        assert_eq!(get("a", Some("t1")).await, ("t3".into(), true));
        tokens.forget(&wanted("a"), &Secret::new("t1"));
        assert_eq!(get("a", None).await, ("t3".into(), true));
        tokens.forget(&wanted("a"), &Secret::new("t3"));
        assert_eq!(get("a", None).await, ("t4".into(), false));
        assert_eq!(tokens.recent().len(), 4);
    }
}
