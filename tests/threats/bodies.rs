//! A25: an answer that does not end, grows while it is unpacked, or comes a byte at a time.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::scene::{Scene, document, error_code, operation, text};
use crate::support::{PATIENCE, Recorded, Reply};

/// 64 MiB of `a`, compressed by Brotli.
const BROTLI_BOMB: &[u8] = &[
    207, 255, 255, 127, 248, 37, 194, 226, 177, 64, 32, 247, 254, 159, 255, 255, 255, 240, 75, 0,
    196, 97, 1, 128, 238, 253, 63, 255, 255, 255, 225, 151, 0, 136, 195, 34, 0, 221, 251, 255, 252,
    255, 255, 199, 47, 1, 16, 135, 5, 0, 186, 247, 255,
];

/// A document with one read a path.
fn reads(paths: &[&str]) -> Value {
    let mut all = serde_json::Map::new();
    for path in paths {
        all.insert(format!("/{path}"), operation("get", path, &json!({})));
    }
    document(&Value::Object(all))
}

/// Deflate with fixed codes (RFC 1951 §3.2.6): a letter, then `copies` of 258 letters, in 13 bits each.
fn deflate_bomb(copies: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::with_capacity(copies * 13 + 32);
    // Codes are written from their highest bit on: final block, type 1, the letter `a`.
    let write = |bits: &mut Vec<bool>, code: u32, length: u32| {
        (0..length)
            .rev()
            .for_each(|bit| bits.push(code >> bit & 1 == 1));
    };
    write(&mut bits, 0b110, 3);
    write(&mut bits, 0x30 + u32::from(b'a'), 8);
    for _ in 0..copies {
        // Length 258 (code 285), distance 1.
        write(&mut bits, 0b1100_0101, 8);
        write(&mut bits, 0, 5);
    }
    write(&mut bits, 0, 7);
    bits.chunks(8)
        .map(|eight| {
            eight
                .iter()
                .rev()
                .fold(0, |byte, bit| byte << 1 | u8::from(*bit))
        })
        .collect()
}

pub(super) fn gzip_bomb(copies: usize) -> Vec<u8> {
    [
        &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255][..],
        &deflate_bomb(copies),
        &[0; 8],
    ]
    .concat()
}

/// Zstandard (RFC 8878 §3.1.1): a window of 2^`window_log`, then blocks of one repeated byte.
fn zstd_bomb(window_log: u8, blocks: usize) -> Vec<u8> {
    let mut out = vec![0x28, 0xb5, 0x2f, 0xfd, 0, (window_log - 10) << 3];
    for _ in 0..blocks {
        let header: u32 = (128 * 1024) << 3 | 1 << 1;
        out.extend_from_slice(&header.to_le_bytes()[..3]);
        out.push(b'a');
    }
    out
}

#[test]
fn a25_bodies_that_grow() {
    let packed = |encoding: &str, body: Vec<u8>| {
        Reply::content("application/json", body).header("Content-Encoding", encoding)
    };
    let paths = [
        "gzip",
        "brotli",
        "zstd",
        "zstd_window",
        "zstd_wide",
        "zstd_wider",
        "twice",
        "two_headers",
        "deflate",
        "cut",
        "garbage",
        "unknown",
        "plain",
    ];
    let mut scene = Scene::with(
        &reads(&paths),
        &[],
        &[],
        move |request: &Recorded| match request.path() {
            "/gzip" => packed("gzip", gzip_bomb(400_000)),
            "/brotli" => packed("br", BROTLI_BOMB.to_vec()),
            "/zstd" => packed("zstd", zstd_bomb(20, 4_000)),
            "/zstd_window" => packed("zstd", zstd_bomb(23, 4_000)),
            "/zstd_wide" => packed("zstd", zstd_bomb(27, 4_000)),
            "/zstd_wider" => packed("zstd", zstd_bomb(31, 4_000)),
            "/twice" => packed("gzip, gzip", gzip_bomb(400_000)),
            "/two_headers" => packed("gzip", gzip_bomb(400_000)).header("Content-Encoding", "br"),
            "/deflate" => packed("deflate", deflate_bomb(400_000)),
            "/cut" => packed("gzip", gzip_bomb(100)[..40].to_vec()),
            "/garbage" => packed("gzip", b"{\"not\": \"gzip\"}".to_vec()),
            "/unknown" => packed("evil", b"{}".to_vec()),
            _ => Reply::json(&json!({})),
        },
    );
    for (tool, codes) in [
        ("gzip", &["response_too_large"][..]),
        ("brotli", &["response_too_large"]),
        ("zstd", &["response_too_large"]),
        ("zstd_window", &["response_too_large"]),
        ("zstd_wide", &["response_too_large", "upstream_broken"]),
        ("zstd_wider", &["upstream_broken"]),
        (
            "twice",
            &["invalid_json", "upstream_broken", "response_too_large"],
        ),
        (
            "two_headers",
            &["invalid_json", "upstream_broken", "response_too_large"],
        ),
        (
            "deflate",
            &["invalid_json", "upstream_broken", "response_too_large"],
        ),
        ("cut", &["upstream_broken"]),
        ("garbage", &["upstream_broken"]),
        ("unknown", &["", "upstream_broken"]),
        ("plain", &[""]),
    ] {
        let start = Instant::now();
        let (result, requests) = scene.call(tool, json!({}));
        assert!(codes.contains(&error_code(&result)), "{tool}: {result}");
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{tool}: {:?}",
            start.elapsed()
        );
        assert_eq!(requests.len(), 1);
    }
    let peak = super::validation::peak_memory(scene.client.pid());
    assert!(peak < 300 << 20, "{} MiB", peak >> 20);
}

#[test]
fn a25_bodies_without_end() {
    let json = |name: &str| vec![("Content-Type".to_owned(), name.to_owned())];
    let paths = [
        "endless", "tiny", "stream", "edge", "over", "three", "told", "image",
    ];
    let mut scene = Scene::with(
        &reads(&paths),
        &[],
        &[],
        move |request: &Recorded| match request.path() {
            "/endless" => Reply::Endless {
                headers: json("application/json"),
                chunk: vec![b'1'; 65_536],
            },
            "/tiny" => Reply::Endless {
                headers: json("text/plain"),
                chunk: vec![b' '; 97],
            },
            "/stream" => Reply::Endless {
                headers: json("text/event-stream"),
                chunk: b"data: {}\n\n".repeat(100),
            },
            "/edge" => Reply::content("text/plain", vec![b'a'; 2 << 20]),
            "/over" => Reply::content("text/plain", vec![b'a'; (2 << 20) + 1]),
            "/three" => Reply::json(&json!({"a": "a".repeat(3_000_000)})),
            "/told" => {
                Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n{}".to_vec())
            }
            _ => Reply::content("image/png", vec![0; 3 << 20]),
        },
    );
    for (index, (tool, code)) in [
        ("endless", "response_too_large"),
        ("tiny", "response_too_large"),
        ("stream", ""),
    ]
    .iter()
    .enumerate()
    {
        let (result, _) = scene.call(tool, json!({}));
        assert_eq!(error_code(&result), *code, "{tool}: {result}");
        scene.upstream.wait_for_abandoned(index + 1, PATIENCE);
    }
    // What was read is of the order of the cap, not of what was sent.
    assert!(
        scene.upstream.bytes_sent() < 64 << 20,
        "{}",
        scene.upstream.bytes_sent()
    );
    for (tool, code) in [
        ("edge", ""),
        ("over", "response_too_large"),
        ("three", "response_too_large"),
        ("told", "upstream_broken"),
        ("image", "response_too_large"),
    ] {
        let (result, _) = scene.call(tool, json!({}));
        assert_eq!(
            error_code(&result),
            code,
            "{tool}: {}",
            text(&result).chars().take(200).collect::<String>()
        );
    }
}

#[test]
fn a25_slow_answers() {
    let paths = ["drip", "hang", "late_body"];
    let mut scene = Scene::with(
        &reads(&paths),
        &["--timeout", "300ms"],
        &[],
        |request: &Recorded| match request.path() {
            "/drip" => Reply::Drip {
                body: vec![b'1'; 10_000],
                step: 1,
                pause: Duration::from_millis(20),
            },
            "/hang" => Reply::Hang,
            _ => Reply::Drip {
                body: b"{}".to_vec(),
                step: 1,
                pause: Duration::from_mins(1),
            },
        },
    );
    for (index, tool) in paths.iter().enumerate() {
        let start = Instant::now();
        let (result, _) = scene.call(tool, json!({}));
        assert_eq!(error_code(&result), "timeout", "{tool}: {result}");
        assert!(text(&result).contains("0.3 s"), "{result}");
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{tool}: {:?}",
            start.elapsed()
        );
        scene.upstream.wait_for_abandoned(index + 1, PATIENCE);
    }
}

#[test]
fn a25_answers_that_are_no_http() {
    // The connection ends with each: no other call may come to it while it does.
    let ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
    let replies: Vec<(&str, Vec<u8>, &[&str])> = vec![
        (
            "many_headers",
            format!("{ok}{}\r\n{{}}", "X: y\r\n".repeat(5_000)).into_bytes(),
            &["upstream_broken"],
        ),
        (
            "long_header",
            format!("{ok}X: {}\r\n\r\n{{}}", "y".repeat(2 << 20)).into_bytes(),
            &["upstream_broken"],
        ),
        (
            "long_status",
            format!("HTTP/1.1 200 {}", "O".repeat(2 << 20)).into_bytes(),
            &["upstream_broken"],
        ),
        (
            "informed",
            format!(
                "{}{ok}Content-Length: 2\r\n\r\n{{}}",
                "HTTP/1.1 100 Continue\r\n\r\n".repeat(5_000)
            )
            .into_bytes(),
            &["", "upstream_broken"],
        ),
        (
            "switched",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n{}"
                .to_vec(),
            &["upstream_broken", "upstream_error"],
        ),
        (
            "other",
            b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
            &["upstream_broken"],
        ),
        ("empty", b"".to_vec(), &["upstream_broken"]),
        ("half", b"HTTP/1.1 2".to_vec(), &["upstream_broken"]),
        (
            "cut",
            format!("{ok}Content-Length: 9\r\n\r\n{{").into_bytes(),
            &["upstream_broken"],
        ),
        (
            "bad_chunk",
            format!("{ok}Transfer-Encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n").into_bytes(),
            &["upstream_broken"],
        ),
        (
            "huge_chunk",
            format!("{ok}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{{}}").into_bytes(),
            &["upstream_broken"],
        ),
        (
            "two_lengths",
            format!("{ok}Content-Length: 2\r\nContent-Length: 4\r\n\r\n{{}}").into_bytes(),
            &["upstream_broken"],
        ),
        (
            "negative",
            format!("{ok}Content-Length: -1\r\n\r\n{{}}").into_bytes(),
            &["upstream_broken"],
        ),
        (
            "status_0",
            b"HTTP/1.1 000 Odd\r\nContent-Length: 2\r\n\r\n{}".to_vec(),
            &["upstream_broken"],
        ),
        (
            "status_999",
            b"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}".to_vec(),
            &["upstream_error"],
        ),
        (
            "deep",
            [ok.as_bytes(), b"\r\n", &b"[".repeat(100_000)[..]].concat(),
            &["invalid_json"],
        ),
        (
            "private",
            format!("{ok}\r\n{{\"a\":{{\"$serde_json::private::Number\":\"x\"}}}}").into_bytes(),
            &["invalid_json", ""],
        ),
    ];
    let names: Vec<&str> = replies.iter().map(|(name, ..)| *name).collect();
    let doc = reads(&names);
    let answers = replies.clone();
    let mut scene = Scene::with(&doc, &[], &[], move |request: &Recorded| {
        let reply = answers
            .iter()
            .find(|(name, ..)| request.path() == format!("/{name}"));
        Reply::Raw(reply.expect("it is one of them").1.clone())
    });
    for (name, _, codes) in &replies {
        let (result, requests) = scene.call(name, json!({}));
        assert!(codes.contains(&error_code(&result)), "{name}: {result}");
        assert_eq!(requests.len(), 1, "{name}");
    }
}
