//! A loopback HTTP upstream that records each request exactly as it came over the wire and answers,
//! or misbehaves, as the test says. Threads and blocking sockets only.

use std::io::ErrorKind;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

mod reply;
mod request;

pub(crate) use reply::Reply;
pub(crate) use request::Recorded;
use request::Wire;

type Handler = dyn Fn(&Recorded) -> Reply + Send + Sync;

/// A running upstream. It stops, with all its connections, when it is dropped.
pub(crate) struct Upstream {
    shared: Arc<Shared>,
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    handler: Box<Handler>,
    stopping: AtomicBool,
    sent: AtomicU64,
    log: Mutex<Log>,
    changed: Condvar,
}

#[derive(Default)]
struct Log {
    requests: Vec<Recorded>,
    /// Indices of the requests whose client left before the answer was complete.
    abandoned: Vec<usize>,
    /// One a connection, to be able to end them all; none once it ended.
    sockets: Vec<Option<TcpStream>>,
    workers: Vec<JoinHandle<()>>,
}

impl Upstream {
    /// Starts an upstream on a free port of 127.0.0.1.
    pub(crate) fn start(handler: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let address = listener.local_addr().expect("the listener has an address");
        let shared = Arc::new(Shared {
            handler: Box::new(handler),
            stopping: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            log: Mutex::default(),
            changed: Condvar::new(),
        });
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self {
            shared,
            address,
            acceptor: Some(acceptor),
        }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port alone.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// All requests so far that arrived whole, in the order in which they did.
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.shared.log().requests.clone()
    }

    /// Connections accepted so far, whether or not a request came over them.
    pub(crate) fn connections(&self) -> usize {
        self.shared.log().sockets.len()
    }

    /// Bytes written so far, over all connections.
    pub(crate) fn bytes_sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// Waits until `count` requests arrived and returns all of them.
    #[track_caller]
    pub(crate) fn wait_for(&self, count: usize, limit: Duration) -> Vec<Recorded> {
        let log = self.wait(limit, |log| log.requests.len() >= count);
        let seen = log.requests.clone();
        drop(log);
        assert!(
            seen.len() >= count,
            "{count} requests were expected, {} came within {limit:?}: {seen:?}",
            seen.len()
        );
        seen
    }

    /// Waits until the clients of `count` requests went away before their answer was complete, and
    /// returns the indices of those requests, in the order in which their clients left.
    #[track_caller]
    pub(crate) fn wait_for_abandoned(&self, count: usize, limit: Duration) -> Vec<usize> {
        let log = self.wait(limit, |log| log.abandoned.len() >= count);
        let seen = log.abandoned.clone();
        drop(log);
        assert!(
            seen.len() >= count,
            "{count} clients should have gone away, {} did within {limit:?}",
            seen.len()
        );
        seen
    }

    fn wait(&self, limit: Duration, done: impl Fn(&Log) -> bool) -> MutexGuard<'_, Log> {
        let log = self.shared.log();
        let (log, _) = self
            .shared
            .changed
            .wait_timeout_while(log, limit, |log| !done(log))
            .expect("the log is not poisoned");
        log
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // The acceptor may be waiting for a connection: this is the last one.
        let woken = TcpStream::connect(self.address).is_ok();
        if let Some(acceptor) = self.acceptor.take()
            && woken
        {
            let _ = acceptor.join();
        }
        let (sockets, workers) = {
            let mut log = self.shared.log();
            (
                std::mem::take(&mut log.sockets),
                std::mem::take(&mut log.workers),
            )
        };
        // Reads and writes that block end at once.
        for socket in sockets.into_iter().flatten() {
            let _ = socket.shutdown(Shutdown::Both);
        }
        let outcomes: Vec<_> = workers.into_iter().map(JoinHandle::join).collect();
        if !thread::panicking() {
            assert!(
                outcomes.iter().all(Result::is_ok),
                "the handler of an upstream panicked"
            );
        }
    }
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect("the log is not poisoned")
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for socket in listener.incoming() {
        if shared.stopping() {
            return;
        }
        let Ok(socket) = socket else { continue };
        let Ok(handle) = socket.try_clone() else {
            continue;
        };
        let _ = socket.set_nodelay(true);
        let mut log = shared.log();
        let connection = log.sockets.len();
        log.sockets.push(Some(handle));
        log.workers.push(thread::spawn({
            let shared = Arc::clone(shared);
            move || {
                converse(socket, connection, &shared);
                if let Some(socket) = shared.log().sockets.get_mut(connection) {
                    *socket = None;
                }
            }
        }));
    }
}

/// Serves one connection: request, reply, and again while it is kept alive.
fn converse(socket: TcpStream, connection: usize, shared: &Shared) {
    let mut wire = Wire::new(socket);
    while let Some(request) = wire.read_request(connection) {
        let index = {
            let mut log = shared.log();
            log.requests.push(request.clone());
            log.requests.len() - 1
        };
        shared.changed.notify_all();
        let reply = (shared.handler)(&request);
        let outcome = reply.send(&mut wire, &request, &shared.sent);
        if outcome == Outcome::Abandoned && !shared.stopping() {
            shared.log().abandoned.push(index);
            shared.changed.notify_all();
        }
        if outcome != Outcome::Complete || request.wants_close() {
            return;
        }
    }
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Sent; another request may follow on the connection.
    Complete,
    /// Sent, or deliberately not; the connection ends here.
    Closing,
    /// The client went away first.
    Abandoned,
}

/// How a wait on a socket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waited {
    /// The time is over and the client is still there.
    TimeOver,
    /// The client closed its side, or the upstream is stopping.
    Gone,
}

impl Wire {
    /// Waits until the client goes away, or for `limit`. What the client sends meanwhile is kept.
    fn wait_gone(&mut self, limit: Option<Duration>) -> Waited {
        let until = limit.map(|limit| Instant::now() + limit);
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Waited::TimeOver;
            }
            let _ = self.socket().set_read_timeout(left);
            let filled = self.fill();
            let _ = self.socket().set_read_timeout(None);
            match filled {
                Ok(0) => return Waited::Gone,
                Ok(_) => {}
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return Waited::Gone,
            }
        }
    }
}

#[cfg(test)]
mod tests;
