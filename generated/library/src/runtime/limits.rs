//! What calls may cost: one deadline for a whole call, how many run at the same time, how often.
//! Pure but for the waiting: the clock is the caller's.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::error::CallError;
use super::manifest::{Manifest, Rate, ToolSpec};

/// The limits of one tool.
pub(super) struct Limiter {
    timeout: Duration,
    slots: Option<(u32, Semaphore)>,
    /// Its source's and its own; locked in this order.
    rates: Vec<Arc<Rates>>,
}

/// A call that may be carried out. Others that wait get its place when it is dropped.
pub(super) struct Admitted<'a> {
    /// When the call ends at the latest.
    pub(super) deadline: Instant,
    _slot: Option<SemaphorePermit<'a>>,
}

/// The limiter of each tool, in the Manifest's order; the tools of a source share its rates.
pub(super) fn limiters(manifest: &Manifest) -> Vec<Limiter> {
    let shared = manifest.sources.iter();
    let shared: Vec<_> = shared
        .map(|(name, source)| (name, Rates::new("its API", &source.rate)))
        .collect();
    let of_tool = |tool: &ToolSpec| {
        let source = shared.iter().find(|(name, _)| **name == tool.source);
        let rates = source.and_then(|(_, rates)| rates.clone());
        let own = Rates::new("this tool", &tool.limits.rate);
        let spec = manifest.sources.get(&tool.source);
        let timeout = tool.limits.timeout_ms.or(spec.map(|spec| spec.timeout_ms));
        let slots = tool.limits.concurrency;
        Limiter {
            timeout: Duration::from_millis(timeout.unwrap_or_default()),
            slots: slots.map(|most| (most, Semaphore::new(usize::try_from(most).unwrap_or(0)))),
            rates: rates.into_iter().chain(own).collect(),
        }
    };
    manifest.tools.iter().map(of_tool).collect()
}

impl Limiter {
    /// Waits for a place and counts the call. `now` tells the time, which the rates are measured in.
    ///
    /// # Errors
    ///
    /// `rate_limited` at once, or `busy` when the deadline passes before there is a place. In both
    /// cases nothing was sent, and the call does not count.
    pub(super) async fn admit(&self, now: impl Fn() -> Instant) -> Result<Admitted<'_>, CallError> {
        let start = now();
        let deadline = start + self.timeout;
        let slot = match &self.slots {
            None => None,
            Some((most, slots)) => Some(if let Ok(slot) = slots.try_acquire() {
                slot
            } else {
                // Whoever is refused in the end need not wait for it.
                self.ask(start, false)?;
                let waiting = tokio::time::timeout_at(deadline, slots.acquire());
                let slot = waiting.await.ok().and_then(Result::ok);
                slot.ok_or_else(|| busy(*most, self.timeout))?
            }),
        };
        if !self.rates.is_empty() {
            self.ask(now(), true)?;
        }
        Ok(Admitted {
            deadline,
            _slot: slot,
        })
    }

    /// Whether all rates allow a call; `take`: and it is one. One that is refused takes nothing.
    fn ask(&self, now: Instant, take: bool) -> Result<(), CallError> {
        let mut locked = Vec::with_capacity(self.rates.len());
        for rates in &self.rates {
            let meters = rates.meters.lock().unwrap_or_else(PoisonError::into_inner);
            locked.push((rates, meters));
        }
        let waits = locked.iter().flat_map(|(rates, meters)| {
            let waits = meters.iter().map(|meter| (meter.wait(now), rates.whose));
            waits.collect::<Vec<_>>()
        });
        // The longest one: after that, all of them allow a call.
        if let Some((Some(wait), whose)) = waits.max_by_key(|(wait, _)| *wait) {
            return Err(too_often(whose, wait));
        }
        if take {
            let meters = locked.iter_mut().flat_map(|(_, meters)| meters.iter_mut());
            meters.for_each(|meter| meter.take(now));
        }
        Ok(())
    }
}

fn busy(most: u32, timeout: Duration) -> CallError {
    let seconds = timeout.as_secs_f64();
    let calls = if most == 1 { "call runs" } else { "calls run" };
    let message = format!(
        "no more than {most} {calls} at the same time, and none of this tool ended within {seconds} s; nothing was sent"
    );
    CallError::new("busy", message)
        .hint("try again, with fewer calls at the same time")
        .retryable()
}

fn too_often(whose: &str, wait: Duration) -> CallError {
    let ms = u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    let message = format!("the owner's limit for calls of {whose} is reached; nothing was sent");
    let seconds = ms.div_ceil(1_000);
    let unit = if seconds == 1 { "second" } else { "seconds" };
    CallError::new("rate_limited", message)
        .hint(format!("wait {seconds} {unit} before the next call"))
        .retryable()
        .fact("retry_after_ms", ms)
}

/// Rates that hold together.
struct Rates {
    /// Whose they are, in words.
    whose: &'static str,
    meters: Mutex<Vec<Meter>>,
}

impl Rates {
    fn new(whose: &'static str, rates: &[Rate]) -> Option<Arc<Self>> {
        let meters = rates.iter().map(Meter::new).collect();
        let made = || {
            Arc::new(Self {
                whose,
                meters: Mutex::new(meters),
            })
        };
        (!rates.is_empty()).then(made)
    }
}

/// One rate, measured as the generic cell rate algorithm does (ITU-T I.371): a call is due an interval
/// after the one before, and may come some intervals early.
struct Meter {
    /// Between two calls; `None`: never another.
    interval: Option<Duration>,
    /// How much earlier than it is due a call may come.
    early: Duration,
    /// When the next call is due.
    due: Option<Instant>,
    period: Duration,
}

/// An interval that is meant to be for ever, and can be added to a time.
const FOREVER: Duration = Duration::from_hours(24 * 365);

impl Meter {
    fn new(rate: &Rate) -> Self {
        let period = Duration::from_millis(rate.period_ms).min(FOREVER);
        // Rounded up: never more than is allowed.
        let nanos = period.as_nanos().div_ceil(u128::from(rate.count.max(1)));
        let interval = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let early = interval.checked_mul(rate.burst.saturating_sub(1));
        Self {
            interval: (rate.count > 0 && rate.burst > 0).then_some(interval),
            early: early.unwrap_or(FOREVER).min(FOREVER),
            due: None,
            period,
        }
    }

    /// How long it is until a call may come; `None`: it may come now.
    fn wait(&self, now: Instant) -> Option<Duration> {
        if self.interval.is_none() {
            return Some(self.period);
        }
        let ahead = self.due?.saturating_duration_since(now);
        ahead.checked_sub(self.early).filter(|wait| !wait.is_zero())
    }

    fn take(&mut self, now: Instant) {
        let due = self.due.map_or(now, |due| due.max(now));
        self.due = Some(due + self.interval.unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(concurrency: Option<u32>, rates: &[&[Rate]]) -> Limiter {
        Limiter {
            timeout: Duration::from_secs(10),
            slots: concurrency.map(|most| (most, Semaphore::new(most as usize))),
            rates: rates
                .iter()
                .filter_map(|rates| Rates::new("this tool", rates))
                .collect(),
        }
    }

    fn rate(count: u32, period_ms: u64, burst: u32) -> Rate {
        Rate {
            count,
            period_ms,
            burst,
        }
    }

    /// How many calls are let through of those that come at these milliseconds.
    async fn let_through(limiter: &Limiter, start: Instant, times: &[u64]) -> Vec<u64> {
        let mut passed = Vec::new();
        for ms in times {
            let now = || start + Duration::from_millis(*ms);
            if limiter.admit(now).await.is_ok() {
                passed.push(*ms);
            }
        }
        passed
    }

    #[tokio::test]
    async fn a_burst_and_then_the_rate() {
        let start = Instant::now();
        for (rates, times, passed) in [
            // Three at once, then one every half second.
            (
                vec![rate(2, 1_000, 3)],
                vec![
                    0, 0, 0, 0, 499, 500, 500, 999, 1_000, 9_000, 9_000, 9_000, 9_000,
                ],
                vec![0, 0, 0, 500, 1_000, 9_000, 9_000, 9_000],
            ),
            (
                vec![rate(1, 86_400_000, 1)],
                vec![0, 1, 86_399_999, 86_400_000],
                vec![0, 86_400_000],
            ),
            // An interval that is no whole number is not rounded down.
            (
                vec![rate(3, 1_000, 1)],
                vec![0, 333, 334, 667, 668],
                vec![0, 334, 668],
            ),
            (vec![rate(0, 1_000, 1)], vec![0, 5_000], vec![]),
            (vec![rate(1, 1_000, 0)], vec![0, 5_000], vec![]),
            (
                vec![rate(u32::MAX, 1, u32::MAX)],
                vec![0, 0, 0],
                vec![0, 0, 0],
            ),
            // All hold: of the second, two an hour are left.
            (
                vec![rate(10, 1_000, 10), rate(2, 3_600_000, 2)],
                vec![0, 0, 0, 1_000, 1_800_000],
                vec![0, 0, 1_800_000],
            ),
        ] {
            let limiter = limiter(None, &[&rates]);
            assert_eq!(
                let_through(&limiter, start, &times).await,
                passed,
                "{rates:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_refused_call_takes_nothing_from_any_rate() {
        let start = Instant::now();
        let source = [rate(3, 60_000, 3)];
        let shared = Rates::new("its API", &source).unwrap();
        let tool = |own: &[Rate]| Limiter {
            timeout: Duration::from_secs(1),
            slots: None,
            rates: [shared.clone()]
                .into_iter()
                .chain(Rates::new("this tool", own))
                .collect(),
        };
        let (narrow, wide) = (tool(&[rate(1, 3_600_000, 1)]), tool(&[]));
        // The narrow tool's own limit refuses 100 calls; the source's is not touched by them.
        assert_eq!(let_through(&narrow, start, &[0; 100]).await.len(), 1);
        assert_eq!(let_through(&wide, start, &[0; 100]).await.len(), 2);
        let error = narrow.admit(|| start).await.err().unwrap();
        assert_eq!(error.code, "rate_limited");
        assert!(error.retryable && error.message.ends_with("nothing was sent"));
        // The longest wait of both is told.
        assert_eq!(error.facts, [("retry_after_ms", 3_600_000.into())]);
    }

    #[tokio::test]
    async fn waiting_counts_against_the_deadline() {
        let start = Instant::now();
        let limiter = limiter(Some(1), &[&[rate(2, 60_000, 2)]]);
        let first = limiter.admit(|| start).await.unwrap();
        let (second, ()) = tokio::join!(limiter.admit(|| start), async { drop(first) });
        // Its deadline is that of when it came, not of when it had its place.
        let second = second.unwrap();
        assert_eq!(second.deadline, start + Duration::from_secs(10));
        // Refused by its rate, a call does not wait for a place first.
        let error = limiter.admit(|| start).await.err().unwrap();
        assert_eq!(error.code, "rate_limited");
    }

    #[tokio::test]
    async fn a_call_that_waits_in_vain_takes_nothing() {
        let start = Instant::now();
        let mut limiter = limiter(Some(1), &[&[rate(2, 60_000, 2)]]);
        limiter.timeout = Duration::ZERO;
        let held = limiter.admit(|| start).await.unwrap();
        for _ in 0..100 {
            let error = limiter.admit(|| start).await.err().unwrap();
            assert_eq!((error.code, error.retryable), ("busy", true));
            assert!(error.message.ends_with("nothing was sent"));
        }
        drop(held);
        assert!(limiter.admit(|| start).await.is_ok());
        let error = limiter.admit(|| start).await.err().unwrap();
        assert_eq!(error.code, "rate_limited");
    }
}
