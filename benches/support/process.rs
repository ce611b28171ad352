//! A process under measurement: what it costs, and that it ends with the benchmark.

use std::fs;
use std::process::Child;
use std::time::Duration;

use anyhow::{Context, Result};

/// A child process. Dropping it kills it.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, which is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Largest resident set so far, in KiB (`VmHWM`, proc(5)).
    pub(crate) fn peak_kib(&self) -> Result<u64> {
        self.kib("VmHWM:")
    }

    /// Resident set, in KiB.
    #[allow(dead_code, reason = "not every benchmark shows it")]
    pub(crate) fn resident_kib(&self) -> Result<u64> {
        self.kib("VmRSS:")
    }

    fn kib(&self, name: &str) -> Result<u64> {
        let path = format!("/proc/{}/status", self.0.id());
        let text = fs::read_to_string(&path).with_context(|| path.clone())?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|rest| rest.split_whitespace().next());
        number
            .and_then(|digits| digits.parse().ok())
            .with_context(|| format!("{path}: no {name}"))
    }
}

/// The middle one of an odd number of figures; of an even number, the lower of the two.
pub(crate) fn median<T: Copy + PartialOrd>(figures: &[T]) -> Option<T> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

/// A duration in milliseconds.
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// KiB as MB of 1,000,000 bytes.
#[allow(
    clippy::cast_precision_loss,
    reason = "a resident set is far below 2^53"
)]
pub(crate) fn megabytes(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}
