//! The upstream itself, seen from a bare socket.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::PATIENCE;
use super::{Recorded, Reply, Upstream};

fn dial(upstream: &Upstream, text: &str) -> TcpStream {
    let mut socket = TcpStream::connect(("127.0.0.1", upstream.port())).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(text.as_bytes()).unwrap();
    socket
}

fn exchange(upstream: &Upstream, text: &str) -> String {
    let mut answer = Vec::new();
    dial(upstream, text).read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

const GET: &str = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn a_request_is_recorded_as_sent() {
    let upstream = Upstream::start(|request: &Recorded| {
        Reply::json(&json!({"path": request.path()})).header("X-Two", "2")
    });
    let head = "POST /a%2Fb?q=1&q=2 HTTP/1.1\r\nhOsT: x:1\r\nX-One:  1 \r\nx-one: 2\r\n\
                Content-Length: 5\r\nConnection: close\r\n\r\n";
    let answer = exchange(&upstream, &format!("{head}a\r\nb\n"));
    assert_eq!(
        answer,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Two: 2\r\nContent-Length: 17\
         \r\n\r\n{\"path\":\"/a%2Fb\"}"
    );
    let [request] = &upstream.requests()[..] else {
        panic!("one request")
    };
    assert_eq!(request.head, head.as_bytes());
    assert_eq!(request.request_line, "POST /a%2Fb?q=1&q=2 HTTP/1.1");
    assert_eq!(
        (request.method(), request.query()),
        ("POST", Some("q=1&q=2"))
    );
    assert_eq!(request.headers[0], ("hOsT".to_owned(), "x:1".to_owned()));
    assert_eq!(
        request.header_values("X-ONE").collect::<Vec<_>>(),
        ["1", "2"]
    );
    assert_eq!(request.text(), "a\r\nb\n");
    assert!(
        request
            .transcript()
            .starts_with("POST /a%2Fb?q=1&q=2 HTTP/1.1\nhOsT: UPSTREAM\n")
    );
}

#[test]
fn chunks_and_kept_connections_are_understood() {
    let upstream = Upstream::start(|_| Reply::status(204));
    let chunked = "PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
                   3;x=y\r\n{\"a\r\n4\r\n\":1}\r\n0\r\nT: 1\r\n\r\n";
    let last = "HEAD /d HTTP/1.1\r\nConnection: close\r\n\r\n";
    let answer = exchange(&upstream, &format!("{chunked}{last}"));
    assert_eq!(answer, "HTTP/1.1 204 No Content\r\n\r\n".repeat(2));
    let requests = upstream.wait_for(2, PATIENCE);
    assert_eq!(requests[0].json(), json!({"a": 1}));
    assert!(requests[0].raw_body.ends_with(b"0\r\nT: 1\r\n\r\n"));
    assert_eq!((requests[0].connection, requests[1].connection), (0, 0));
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn raw_bytes_and_silence_end_the_connection() {
    let upstream = Upstream::start(|request: &Recorded| match request.path() {
        "/a" => Reply::Close,
        _ => Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec()),
    });
    assert_eq!(exchange(&upstream, GET), "");
    assert!(exchange(&upstream, &GET.replace("/a", "/b")).ends_with("\r\n\r\n{"));
}

#[test]
fn a_client_that_leaves_is_noticed() {
    let upstream = Upstream::start(|request: &Recorded| match request.path() {
        "/a" => Reply::Hang,
        "/drip" => Reply::Drip {
            body: b"[]".repeat(1000),
            step: 1,
            pause: Duration::from_hours(1),
        },
        _ => Reply::Endless {
            headers: Vec::new(),
            chunk: vec![b'x'; 4096],
        },
    });
    for (index, path) in ["/a", "/drip", "/endless"].iter().enumerate() {
        let mut socket = dial(&upstream, &GET.replace("/a", path));
        upstream.wait_for(index + 1, PATIENCE);
        if *path == "/endless" {
            socket.read_exact(&mut vec![0; 100_000]).unwrap();
        }
        drop(socket);
        let gone = upstream.wait_for_abandoned(index + 1, PATIENCE);
        assert_eq!(gone.last(), Some(&index));
    }
    assert!(upstream.bytes_sent() >= 100_000);
}

#[test]
fn a_drip_arrives_whole() {
    let upstream = Upstream::start(|_| Reply::Drip {
        body: b"[1,2,3]".to_vec(),
        step: 3,
        pause: Duration::from_millis(2),
    });
    let close = GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    assert!(exchange(&upstream, &close).ends_with("\r\n\r\n[1,2,3]"));
}

#[test]
fn dropping_ends_whatever_hangs() {
    let upstream = Upstream::start(|_| Reply::Hang);
    let mut idle = dial(&upstream, "");
    let mut hung = dial(&upstream, GET);
    upstream.wait_for(1, PATIENCE);
    let start = Instant::now();
    drop(upstream);
    assert!(start.elapsed() < PATIENCE);
    for socket in [&mut idle, &mut hung] {
        // The end of the stream, or a reset: the connection is over either way.
        assert!(!matches!(socket.read(&mut [0; 1]), Ok(1..)));
    }
}

#[test]
#[should_panic(expected = "the handler of an upstream panicked")]
fn a_failed_handler_fails_the_test() {
    let upstream = Upstream::start(|request: &Recorded| {
        assert_eq!(request.path(), "/b", "planted");
        Reply::status(200)
    });
    exchange(&upstream, GET);
}
