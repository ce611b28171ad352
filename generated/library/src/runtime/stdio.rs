//! The stdio transport: one message a line, both protocol eras in one process.
//!
//! rmcp chooses one era when it starts and ends when the first message is not what it expects. So each
//! era has its own rmcp service, started when a message of that era comes; a message is scanned before
//! it reaches either, and what is refused is answered here.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::model::{ClientJsonRpcMessage, ClientRequest, ServerJsonRpcMessage};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::{RoleServer, ServerHandler};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::scan::{Kind, MESSAGE_MAX, Message, Refusal, scan};

/// Messages that wait for a service or for the reader of our output.
const QUEUE: usize = 256;
/// Requests in flight; with more, reading waits.
const IN_FLIGHT_MAX: usize = 128;
/// How long calls in flight may go on after the input has ended.
const END_DRAIN: Duration = Duration::from_secs(30);
/// How often it is looked for a service that ended without answering.
const LOOK: Duration = Duration::from_millis(100);
/// The error of a request that is not answered any more.
const STOPPING: i64 = -32603;

type Lines = mpsc::Sender<Vec<u8>>;

/// Serves until the input ends or `stop` fires; then calls in flight are given time to end: `drain`
/// after `stop`, half a minute after the end of the input. What is left then is answered with an
/// error.
///
/// # Errors
///
/// The input cannot be read.
pub async fn serve<H, R, W>(
    handler: H,
    input: R,
    output: W,
    stop: CancellationToken,
    drain: Duration,
) -> io::Result<()>
where
    H: ServerHandler + Clone,
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let (out, lines) = mpsc::channel(QUEUE);
    let writer = tokio::spawn(write_lines(lines, output));
    let changed = Arc::new(Notify::new());
    let mut eras = Eras {
        modern: Era::new(handler.clone(), out.clone(), changed.clone()),
        legacy: Era::new(handler, out.clone(), changed.clone()),
        changed,
    };
    let mut input = BufReader::new(input);
    let result = loop {
        let line = tokio::select! {
            line = next_line_with_room(&eras, &mut input) => line,
            () = stop.cancelled() => break Ok(()),
            () = out.closed() => break Ok(()),
        };
        match line {
            Ok(Line::Text(text)) if text.trim_ascii().is_empty() => {}
            Ok(Line::Text(text)) => match scan(&text) {
                Ok(message) => eras.dispatch(message).await,
                Err(refusal) => answer(&out, &refusal).await,
            },
            Ok(Line::TooLong) => {
                let refusal = Refusal::unread(format!(
                    "invalid request: a message larger than {MESSAGE_MAX} bytes"
                ));
                answer(&out, &refusal).await;
            }
            Ok(Line::End) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    eras.drain(&out, &stop, drain).await;
    eras.modern.finish().await;
    eras.legacy.finish().await;
    drop(eras);
    drop(out);
    // It ends when the last sender is gone; it cannot panic.
    let _ = writer.await;
    result
}

async fn answer(out: &Lines, refusal: &Refusal) {
    // A closed channel means that the client is gone.
    let _ = out.send(refusal.response().to_string().into_bytes()).await;
}

async fn write_lines<W: AsyncWrite + Unpin>(mut lines: mpsc::Receiver<Vec<u8>>, mut output: W) {
    while let Some(mut line) = lines.recv().await {
        line.push(b'\n');
        if output.write_all(&line).await.is_err() || output.flush().await.is_err() {
            return;
        }
    }
}

/// Reads a line once there is room for another request.
async fn next_line_with_room<H, R: AsyncRead + Unpin>(
    eras: &Eras<H>,
    input: &mut BufReader<R>,
) -> io::Result<Line> {
    loop {
        let changed = eras.changed.notified();
        if eras.in_flight() < IN_FLIGHT_MAX {
            break;
        }
        tokio::select! {
            () = changed => {}
            () = sleep(LOOK) => {}
        }
    }
    next_line(input).await
}

/// One read of the input.
enum Line {
    Text(Vec<u8>),
    TooLong,
    End,
}

/// Reads a line without ever holding more than the largest message. The last line may lack its end.
async fn next_line<R: AsyncRead + Unpin>(input: &mut BufReader<R>) -> io::Result<Line> {
    let mut line = Vec::new();
    let mut too_long = false;
    loop {
        let available = input.fill_buf().await?;
        if available.is_empty() {
            return Ok(match (too_long, line.is_empty()) {
                (true, _) => Line::TooLong,
                (_, true) => Line::End,
                _ => Line::Text(line),
            });
        }
        let end = available.iter().position(|b| *b == b'\n');
        let part = available
            .get(..end.unwrap_or(available.len()))
            .unwrap_or_default();
        too_long |= line.len() + part.len() > MESSAGE_MAX;
        if too_long {
            line.clear();
        } else {
            line.extend_from_slice(part);
        }
        let used = end.map_or(available.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            return Ok(if too_long {
                Line::TooLong
            } else {
                Line::Text(line)
            });
        }
    }
}

struct Eras<H> {
    modern: Era<H>,
    legacy: Era<H>,
    /// Told when a request is answered.
    changed: Arc<Notify>,
}

impl<H> Eras<H> {
    fn in_flight(&self) -> usize {
        self.modern.in_flight() + self.legacy.in_flight()
    }

    /// Waits until every request is answered, within bounds, then answers those that are left.
    async fn drain(&mut self, out: &Lines, stop: &CancellationToken, after_stop: Duration) {
        let end = Instant::now() + END_DRAIN;
        let stopped = async {
            stop.cancelled().await;
            sleep(after_stop).await;
        };
        tokio::pin!(stopped);
        loop {
            let changed = self.changed.notified();
            if self.in_flight() == 0 {
                break;
            }
            tokio::select! {
                () = changed => {}
                () = sleep(LOOK) => {}
                () = sleep_until(end) => break,
                () = &mut stopped => break,
                () = out.closed() => break,
            }
        }
        self.modern.give_up().await;
        self.legacy.give_up().await;
    }
}

impl<H: ServerHandler + Clone> Eras<H> {
    /// Passes a message to the service of its era.
    async fn dispatch(&mut self, message: Message) {
        let discover = message.method() == "server/discover";
        match message.kind {
            Kind::Request if message.modern || discover => {
                self.modern.open |= !discover;
                self.modern.pass(message).await;
            }
            Kind::Request => {
                self.legacy.open |= message.method() == "initialize";
                self.legacy.pass(message).await;
            }
            // A notification before any request is ignored, as the specification asks. Ids are the
            // client's own in both eras, so a cancellation goes to both.
            Kind::Notification => {
                if self.modern.open && message.method() == "notifications/cancelled" {
                    self.modern.pass(message.clone()).await;
                }
                if self.legacy.open {
                    self.legacy.pass(message).await;
                }
            }
            Kind::Response if self.legacy.open => self.legacy.pass(message).await,
            Kind::Response => {}
        }
    }
}

/// The ids of requests that are not answered yet.
#[derive(Clone)]
struct Unanswered {
    state: Arc<Mutex<Pending>>,
    changed: Arc<Notify>,
}

#[derive(Default)]
struct Pending {
    ids: BTreeSet<String>,
    /// Whether those that were left have been answered for the service.
    closed: bool,
}

impl Unanswered {
    /// Whether the id was free.
    fn begin(&self, id: &Value) -> bool {
        self.lock().ids.insert(id.to_string())
    }

    /// Whether the answer to the id may still be sent.
    fn end(&self, id: &Value) -> bool {
        let mut state = self.lock();
        let was_there = state.ids.remove(&id.to_string());
        let open = !state.closed;
        drop(state);
        self.changed.notify_waiters();
        was_there || open
    }

    /// The ids that are left; from now on no service answers them.
    fn close(&self) -> Vec<Value> {
        let mut state = self.lock();
        state.closed = true;
        let left = std::mem::take(&mut state.ids);
        left.iter()
            .filter_map(|id| serde_json::from_str(id).ok())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One era's service.
struct Era<H> {
    handler: H,
    out: Lines,
    unanswered: Unanswered,
    /// Whether a request came that opens it to notifications.
    open: bool,
    running: Option<(mpsc::Sender<ClientJsonRpcMessage>, JoinHandle<()>)>,
}

impl<H> Era<H> {
    /// How many requests its service may still answer.
    fn in_flight(&self) -> usize {
        match &self.running {
            Some((_, task)) if !task.is_finished() => self.unanswered.lock().ids.len(),
            _ => 0,
        }
    }

    /// Ends the calls that are left and answers them.
    async fn give_up(&self) {
        for id in self.unanswered.close() {
            let cancel = serde_json::json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
                "params": {"requestId": id}});
            if let (Some((inbox, _)), Ok(cancel)) = (&self.running, serde_json::from_value(cancel))
            {
                // A full queue means that it is ended with its service, a little later.
                let _ = inbox.try_send(cancel);
            }
            let response = serde_json::json!({"jsonrpc": "2.0", "id": id,
                "error": {"code": STOPPING, "message": "the server is stopping"}});
            tracing::warn!(%id, "a call in flight was cut off");
            let _ = self.out.send(response.to_string().into_bytes()).await;
        }
    }
}

impl<H: ServerHandler + Clone> Era<H> {
    fn new(handler: H, out: Lines, changed: Arc<Notify>) -> Self {
        Self {
            handler,
            out,
            unanswered: Unanswered {
                state: Arc::default(),
                changed,
            },
            open: false,
            running: None,
        }
    }

    async fn pass(&mut self, message: Message) {
        if message.kind == Kind::Request && !self.unanswered.begin(message.id()) {
            // rmcp would answer one of the two.
            let refusal = Refusal::reused_id(message.id());
            return answer(&self.out, &refusal).await;
        }
        if let Some(id) = message.cancels() {
            self.unanswered.end(id);
        }
        let id = message.value.get("id").cloned();
        let kind = message.kind;
        let message = match typed(message) {
            Ok(message) => message,
            Err(error) => {
                if let (Kind::Request, Some(id)) = (kind, id) {
                    let response = serde_json::json!({"jsonrpc": "2.0", "id": id,
                        "error": {"code": -32602, "message": format!("invalid params: {error}")}});
                    self.unanswered.end(&id);
                    let _ = self.out.send(response.to_string().into_bytes()).await;
                }
                return;
            }
        };
        let own = id.map(|id| id.to_string()).unwrap_or_default();
        // A service that ended (a refused handshake) is replaced once.
        let mut message = Some(message);
        for _ in 0..2 {
            let (inbox, _) = self.running.get_or_insert_with(|| {
                start(
                    self.handler.clone(),
                    self.out.clone(),
                    self.unanswered.clone(),
                )
            });
            let Some(next) = message.take() else { return };
            match inbox.send(next).await {
                Ok(()) => return,
                Err(unsent) => {
                    message = Some(unsent.0);
                    self.running = None;
                    // What the old service had got is lost with it.
                    self.unanswered.lock().ids.retain(|other| *other == own);
                }
            }
        }
    }

    /// Closes the service's input and waits until it has ended.
    async fn finish(&mut self) {
        if let Some((inbox, task)) = self.running.take() {
            drop(inbox);
            // The task's only results are its messages.
            let _ = task.await;
        }
    }
}

/// Methods that are known; rmcp takes one whose parameters are wrong for a method that is not.
const KNOWN: [&str; 5] = [
    "initialize",
    "ping",
    "server/discover",
    "tools/call",
    "tools/list",
];

/// A message in rmcp's terms. The arguments of a call go around its reader, which would write some
/// numbers (such as -0) anew, and copy the rest.
fn typed(mut message: Message) -> Result<ClientJsonRpcMessage, String> {
    let method = message.method().to_owned();
    let slot = message.value.pointer_mut("/params/arguments");
    let arguments = match slot {
        Some(Value::Object(arguments)) if method == "tools/call" => Some(std::mem::take(arguments)),
        _ => None,
    };
    let mut typed: ClientJsonRpcMessage =
        serde_json::from_value(message.value).map_err(|error| error.to_string())?;
    if let ClientJsonRpcMessage::Request(request) = &mut typed {
        match &mut request.request {
            ClientRequest::CallToolRequest(call) => call.params.arguments = arguments,
            ClientRequest::CustomRequest(_) if KNOWN.contains(&method.as_str()) => {
                return Err(format!("they are not those of {method}"));
            }
            _ => {}
        }
    }
    Ok(typed)
}

fn start<H: ServerHandler>(
    handler: H,
    out: Lines,
    unanswered: Unanswered,
) -> (mpsc::Sender<ClientJsonRpcMessage>, JoinHandle<()>) {
    let (inbox, messages) = mpsc::channel(QUEUE);
    let task = tokio::spawn(async move {
        match rmcp::service::serve_server(
            handler,
            Channel {
                messages,
                out,
                unanswered,
            },
        )
        .await
        {
            Ok(service) => {
                if let Err(error) = service.waiting().await {
                    tracing::warn!(%error, "the service ended");
                }
            }
            // The client went away, or its handshake was refused and answered.
            Err(error) => tracing::debug!(%error, "no session"),
        }
    });
    (inbox, task)
}

/// The end of a service that faces the lines.
struct Channel {
    messages: mpsc::Receiver<ClientJsonRpcMessage>,
    out: Lines,
    unanswered: Unanswered,
}

impl Transport<RoleServer> for Channel {
    type Error = io::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let out = self.out.clone();
        let id = match &item {
            ServerJsonRpcMessage::Response(response) => serde_json::to_value(&response.id).ok(),
            ServerJsonRpcMessage::Error(error) => serde_json::to_value(&error.id).ok(),
            _ => None,
        };
        let answered = id.is_some_and(|id| !self.unanswered.end(&id));
        async move {
            if answered {
                return Ok(());
            }
            let line = serde_json::to_vec(&item).map_err(io::Error::other)?;
            out.send(line)
                .await
                .map_err(|_| io::ErrorKind::BrokenPipe.into())
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        self.messages.recv().await
    }

    async fn close(&mut self) -> io::Result<()> {
        self.messages.close();
        Ok(())
    }
}
