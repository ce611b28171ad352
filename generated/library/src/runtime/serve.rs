//! Runs a server until its client or the operating system ends it.

use std::io;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::listen::Limits;
use super::server::Server;
use super::streamable::{self, EndpointOptions, Readiness};
use super::{listen, stdio};

/// How long calls in flight may go on after a signal.
const DRAIN: Duration = Duration::from_secs(10);
/// How long connections are still accepted after a signal: load balancers see that it drains.
const GRACE: Duration = Duration::from_secs(1);
/// What the end may take beyond that: what is cut off is told and logged.
const MARGIN: Duration = Duration::from_secs(3);

/// Serves standard input and output until the input ends, SIGTERM or SIGINT. A second signal ends
/// the process at once.
///
/// # Errors
///
/// The input cannot be read, or signals cannot be handled.
pub async fn serve_stdio(server: Server) -> io::Result<()> {
    let stop = CancellationToken::new();
    let serving = stdio::serve(
        server,
        tokio::io::stdin(),
        tokio::io::stdout(),
        stop.clone(),
        DRAIN,
    );
    until_signalled(serving, &|| stop.cancel()).await
}

/// Serves Streamable HTTP on a listener until SIGTERM or SIGINT. A second signal ends the process at
/// once.
///
/// # Errors
///
/// Signals cannot be handled.
pub async fn serve_http(
    server: Server,
    listener: TcpListener,
    options: &EndpointOptions,
) -> io::Result<()> {
    let stop = CancellationToken::new();
    let readiness = Readiness::default();
    let router = streamable::router(server, options, readiness.clone());
    let serving = listen::serve(listener, router, Limits::default(), stop.clone(), DRAIN);
    let drain = || {
        readiness.drain();
        let stop = stop.clone();
        tokio::spawn(async move {
            tokio::time::sleep(GRACE).await;
            stop.cancel();
        });
    };
    until_signalled(serving, &drain).await
}

/// Runs to the end; a signal asks for it, and is given time.
async fn until_signalled(
    serving: impl Future<Output = io::Result<()>>,
    ask: &dyn Fn(),
) -> io::Result<()> {
    let mut signals = Signals::new()?;
    tokio::pin!(serving);
    tokio::select! {
        result = &mut serving => return result,
        () = signals.next() => ask(),
    }
    tracing::info!("stopping: calls in flight may end");
    tokio::select! {
        result = &mut serving => result,
        () = signals.next() => Ok(()),
        () = tokio::time::sleep(GRACE + DRAIN + MARGIN) => Ok(()),
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
