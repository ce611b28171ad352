//! Reading a request from a socket without losing a byte of how it was written.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};

/// A request as it came over the wire.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// Which connection it came over, counted from 0.
    pub connection: usize,
    /// The bytes up to the empty line, that line included.
    pub head: Vec<u8>,
    /// The first line without its end: `GET /pets?limit=2 HTTP/1.1`.
    pub request_line: String,
    /// Header lines in order, names in the case they were sent in.
    pub headers: Vec<(String, String)>,
    /// The bytes of the body as they were framed, chunk sizes included.
    pub raw_body: Vec<u8>,
    /// The body itself.
    pub body: Vec<u8>,
}

impl Recorded {
    /// `GET`.
    pub(crate) fn method(&self) -> &str {
        self.word(0)
    }

    /// The request target, `/pets?limit=2`.
    pub(crate) fn target(&self) -> &str {
        self.word(1)
    }

    /// The target up to the question mark.
    pub(crate) fn path(&self) -> &str {
        self.target().split('?').next().unwrap_or_default()
    }

    /// The target after the question mark.
    pub(crate) fn query(&self) -> Option<&str> {
        self.target().split_once('?').map(|(_, query)| query)
    }

    /// The value of the first header of that name, in whatever case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.header_values(name).next()
    }

    /// The values of all headers of that name, in whatever case, in order.
    pub(crate) fn header_values(&self, name: &str) -> impl Iterator<Item = &str> {
        let same = move |(n, _): &&(String, String)| n.eq_ignore_ascii_case(name);
        self.headers.iter().filter(same).map(|(_, value)| &**value)
    }

    /// The body as text.
    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("the body is not JSON: {error}\n{self:?}"))
    }

    /// The whole request as text, line ends as `\n`, the upstream's address as `UPSTREAM`, so that
    /// it can be kept in a golden file.
    pub(crate) fn transcript(&self) -> String {
        let head = String::from_utf8_lossy(&self.head).replace("\r\n", "\n");
        let head = match self.header("host") {
            Some(host) if !host.is_empty() => head.replace(host, "UPSTREAM"),
            _ => head,
        };
        head + &String::from_utf8_lossy(&self.raw_body)
    }

    /// Whether the client asked to end the connection after the answer.
    pub(crate) fn wants_close(&self) -> bool {
        self.header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    fn word(&self, index: usize) -> &str {
        self.request_line.split(' ').nth(index).unwrap_or_default()
    }
}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [&*self.head, &*self.raw_body].concat();
        write!(f, "«{}»", String::from_utf8_lossy(&all).escape_debug())
    }
}

/// A connection with what was read of it and not yet used.
pub(super) struct Wire {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            buffer: Vec::new(),
        }
    }

    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)
    }

    /// Reads once; 0 at the end of the stream.
    pub(super) fn fill(&mut self) -> io::Result<usize> {
        let mut chunk = [0; 16 * 1024];
        let count = loop {
            match self.socket.read(&mut chunk) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.buffer.extend_from_slice(&chunk[..count]);
        Ok(count)
    }

    /// The next request, or nothing if the client closed the connection or broke off.
    pub(super) fn read_request(&mut self, connection: usize) -> Option<Recorded> {
        let head = self.take_through(b"\r\n\r\n")?;
        let text = String::from_utf8_lossy(&head).into_owned();
        let mut lines = text.split("\r\n").take_while(|line| !line.is_empty());
        let request_line = lines.next().unwrap_or_default().to_owned();
        let headers = lines
            .map(|line| {
                let (name, value) = line.split_once(':').unwrap_or((line, ""));
                (name.to_owned(), value.trim().to_owned())
            })
            .collect();
        let mut request = Recorded {
            connection,
            head,
            request_line,
            headers,
            raw_body: Vec::new(),
            body: Vec::new(),
        };
        let chunked = request
            .header("transfer-encoding")
            .is_some_and(|value| value.to_ascii_lowercase().contains("chunked"));
        if chunked {
            self.read_chunks(&mut request)?;
        } else if let Some(length) = request.header("content-length") {
            let length = length.parse().ok()?;
            request.raw_body = self.take(length)?;
            request.body.clone_from(&request.raw_body);
        }
        Some(request)
    }

    fn read_chunks(&mut self, request: &mut Recorded) -> Option<()> {
        loop {
            let line = self.take_through(b"\r\n")?;
            let digits = std::str::from_utf8(&line).ok()?.trim();
            let digits = digits.split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(digits.trim(), 16).ok()?;
            request.raw_body.extend_from_slice(&line);
            if size == 0 {
                break;
            }
            let data = self.take(size.checked_add(2)?)?;
            request.raw_body.extend_from_slice(&data);
            request.body.extend_from_slice(&data[..size]);
        }
        // Trailers, up to the empty line.
        loop {
            let line = self.take_through(b"\r\n")?;
            request.raw_body.extend_from_slice(&line);
            if line == b"\r\n" {
                return Some(());
            }
        }
    }

    fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < count {
            if self.fill().ok()? == 0 {
                return None;
            }
        }
        Some(self.buffer.drain(..count).collect())
    }

    fn take_through(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        loop {
            let found = self.buffer.windows(mark.len()).position(|w| w == mark);
            if let Some(at) = found {
                return self.take(at + mark.len());
            }
            if self.fill().ok()? == 0 {
                return None;
            }
        }
    }
}

impl Drop for Wire {
    /// Ends the connection for all who hold it, also when a handler panicked; the client still gets
    /// what was written.
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}
