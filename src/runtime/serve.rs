//! Runs a server until its client or the operating system ends it.

use std::io;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::server::Server;
use super::stdio;

/// How long calls in flight may go on after a signal.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves standard input and output until the input ends, SIGTERM or SIGINT. A second signal ends
/// the process at once.
///
/// # Errors
///
/// The input cannot be read, or signals cannot be handled.
pub async fn serve_stdio(server: Server) -> io::Result<()> {
    let stop = CancellationToken::new();
    let mut signals = Signals::new()?;
    let serving = stdio::serve(
        server,
        tokio::io::stdin(),
        tokio::io::stdout(),
        stop.clone(),
    );
    tokio::pin!(serving);
    tokio::select! {
        result = &mut serving => return result,
        () = signals.next() => stop.cancel(),
    }
    tracing::info!("stopping: calls in flight may end");
    tokio::select! {
        result = &mut serving => result,
        () = signals.next() => Ok(()),
        () = tokio::time::sleep(DRAIN) => Ok(()),
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        // Without a handler there is nothing to wait for.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
