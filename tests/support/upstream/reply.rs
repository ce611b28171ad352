//! What the upstream does with a request: answer it, or misbehave in one of the known ways.

use std::fmt::Write as _;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::request::{Recorded, Wire};
use super::{Outcome, Waited};

/// What the upstream does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// An ordinary answer. `Content-Length` is added unless the headers frame the body themselves.
    Answer {
        /// The status code.
        status: u16,
        /// Headers, written as given and in this order.
        headers: Vec<(String, String)>,
        /// The body, as it goes over the wire (compressed, if the headers say so).
        body: Vec<u8>,
    },
    /// These bytes, then the end of the connection.
    Raw(Vec<u8>),
    /// Nothing, until the client goes away.
    Hang,
    /// The end of the connection, without a byte.
    Close,
    /// A JSON answer that arrives a few bytes at a time.
    Drip {
        /// The whole body.
        body: Vec<u8>,
        /// Bytes written at a time.
        step: usize,
        /// Pause before each of them.
        pause: Duration,
    },
    /// The beginning of an answer, in chunks or as the headers frame it; the connection ends before the
    /// body does.
    Broken {
        /// The status code.
        status: u16,
        /// Headers.
        headers: Vec<(String, String)>,
        /// The beginning of the body.
        body: Vec<u8>,
    },
    /// The beginning of a chunked answer, then nothing, until the client goes away.
    Stall {
        /// The status code.
        status: u16,
        /// Further headers.
        headers: Vec<(String, String)>,
        /// The beginning of the body.
        body: Vec<u8>,
    },
    /// A chunked answer without an end: the chunk again and again, until the client goes away.
    Endless {
        /// Further headers, such as a content type.
        headers: Vec<(String, String)>,
        /// What is repeated.
        chunk: Vec<u8>,
    },
}

impl Reply {
    /// 200 with JSON.
    pub(crate) fn json(value: &Value) -> Self {
        Self::content("application/json", value.to_string())
    }

    /// 200 with a body of some media type.
    pub(crate) fn content(media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::status(200).body(media_type, body)
    }

    /// An empty answer.
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// The same answer with a body.
    #[must_use]
    pub(crate) fn body(mut self, media_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        if let Self::Answer { body, .. } = &mut self {
            *body = bytes.into();
        }
        self.header("Content-Type", media_type)
    }

    /// The same answer with another status.
    #[must_use]
    pub(crate) fn with_status(mut self, code: u16) -> Self {
        if let Self::Answer { status, .. } = &mut self {
            *status = code;
        }
        self
    }

    /// The same answer with one more header.
    #[must_use]
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer { headers, .. } | Self::Endless { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Carries the reply out.
    pub(super) fn send(self, wire: &mut Wire, request: &Recorded, sent: &AtomicU64) -> Outcome {
        let write = |wire: &mut Wire, bytes: &[u8]| -> io::Result<()> {
            wire.write(bytes)?;
            sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            Ok(())
        };
        let done = match self {
            Self::Answer {
                status,
                headers,
                body,
            } => {
                let mut bytes = head(status, &headers, Some(body.len())).into_bytes();
                if request.method() != "HEAD" {
                    bytes.extend_from_slice(&body);
                }
                write(wire, &bytes).map(|()| Outcome::Complete)
            }
            Self::Raw(bytes) => write(wire, &bytes).map(|()| Outcome::Closing),
            Self::Close => Ok(Outcome::Closing),
            Self::Hang => {
                wire.wait_gone(None);
                Ok(Outcome::Abandoned)
            }
            Self::Drip { body, step, pause } => {
                let json = [("Content-Type".to_owned(), "application/json".to_owned())];
                let head = head(200, &json, Some(body.len()));
                let mut drip = || {
                    write(wire, head.as_bytes())?;
                    for piece in body.chunks(step.max(1)) {
                        if wire.wait_gone(Some(pause)) == Waited::Gone {
                            return Ok(Outcome::Abandoned);
                        }
                        write(wire, piece)?;
                    }
                    Ok(Outcome::Complete)
                };
                drip()
            }
            Self::Broken {
                status,
                headers,
                body,
            } => {
                let mut bytes = head(status, &headers, None).into_bytes();
                bytes.extend_from_slice(&body);
                write(wire, &bytes).map(|()| Outcome::Closing)
            }
            Self::Stall {
                status,
                mut headers,
                body,
            } => {
                headers.push(chunked());
                let mut bytes = head(status, &headers, None).into_bytes();
                bytes.extend_from_slice(&piece(&body));
                write(wire, &bytes).map(|()| {
                    wire.wait_gone(None);
                    Outcome::Abandoned
                })
            }
            Self::Endless { mut headers, chunk } => {
                headers.push(chunked());
                let piece = piece(&chunk);
                let mut pour = || -> io::Result<Outcome> {
                    write(wire, head(200, &headers, None).as_bytes())?;
                    loop {
                        write(wire, &piece)?;
                    }
                };
                pour()
            }
        };
        done.unwrap_or(Outcome::Abandoned)
    }
}

fn chunked() -> (String, String) {
    ("Transfer-Encoding".to_owned(), "chunked".to_owned())
}

/// A chunk of a chunked body.
fn piece(bytes: &[u8]) -> Vec<u8> {
    let mut piece = format!("{:x}\r\n", bytes.len()).into_bytes();
    piece.extend_from_slice(bytes);
    piece.extend_from_slice(b"\r\n");
    piece
}

/// The status line and the headers; a body length is added unless the headers frame the body.
fn head(status: u16, headers: &[(String, String)], length: Option<usize>) -> String {
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let framed = headers.iter().any(|(name, _)| {
        ["content-length", "transfer-encoding"].contains(&&*name.to_ascii_lowercase())
    });
    let bodiless = status == 204 || status == 304 || status < 200;
    if let (Some(length), false, false) = (length, framed, bodiless) {
        let _ = write!(head, "Content-Length: {length}\r\n");
    }
    head + "\r\n"
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
