//! A2 and A3: a call goes to a host that the owner did not name.

use serde_json::{Value, json};

use super::oracle;
use super::scene::{Scene, document, error_code, operation, param, text, willing};
use crate::support::{Client, Output, Recorded, Reply, Scratch, Upstream, run};

#[test]
fn a02_host_override_by_arguments() {
    let sentinel = Upstream::start(willing);
    let other = format!("127.0.0.1:{}", sentinel.port());
    let string = json!({"type": "string"});
    let both = json!([
        param("path", "id", &string),
        param("query", "url", &string),
        param("query", "host", &string),
        param("header", "Host", &string),
        param("header", "X-Forwarded-Host", &string),
        param("header", "x-forwarded-proto", &string),
        param("header", "Forwarded", &string),
        param("header", "Via", &string),
        param("header", "X-Callback", &string)
    ]);
    let mut doc = document(
        &json!({"/a/{id}/b": operation("get", "get_b", &json!({"parameters": both})),
        "/{id}": operation("get", "get_root", &json!({"parameters": [param("path", "id", &string)]}))}),
    );
    // The owner's base URL wins over every server that the document names.
    let evil = json!([{"url": format!("http://{{host}}:{}", sentinel.port()), "variables": {"host": {"default": "127.0.0.1"}}}]);
    doc["servers"] = evil.clone();
    doc["paths"]["/a/{id}/b"]["servers"] = evil.clone();
    doc["paths"]["/a/{id}/b"]["get"]["servers"] = evil;
    let mut scene = Scene::new(&doc);

    let tools = scene.client.tools();
    let listed = tools
        .iter()
        .find(|tool| tool["name"] == "get_b")
        .expect("it is a tool");
    let names: Vec<_> = listed["inputSchema"]["properties"]
        .as_object()
        .expect("it has some")
        .keys()
        .collect();
    assert_eq!(names, ["id", "url", "host", "X-Callback"]);

    for value in [
        format!("//{other}"),
        format!("//{other}/x"),
        format!("@{other}"),
        format!(":x@{other}"),
        format!("http://{other}/"),
        format!("http:{other}"),
        format!("\\\\{other}\\x"),
        format!("/\\{other}"),
        format!("?@{other}"),
        format!("#@{other}"),
        format!("..//{other}"),
        format!("\t//{other}"),
        format!(".{other}"),
    ] {
        for (tool, template) in [("get_b", "/a/{id}/b"), ("get_root", "/{id}")] {
            let (result, requests) = scene.call(tool, json!({"id": value}));
            match &requests[..] {
                [] => assert_eq!(error_code(&result), "refused_value", "{value:?}"),
                [request] => assert_eq!(oracle::in_template(template, request.path()), [&*value]),
                _ => panic!("{value:?}: {requests:?}"),
            }
        }
        if !value.contains('\t') {
            let request = scene.sends(
                "get_b",
                json!({"id": "1", "url": value, "host": value, "X-Callback": value}),
            );
            let want = ["url", "host"].map(|name| (name.to_owned(), value.clone()));
            assert_eq!(oracle::pairs(request.query().unwrap()), want);
        }
    }
    for name in [
        "Host",
        "X-Forwarded-Host",
        "x-forwarded-proto",
        "Forwarded",
        "Via",
        "server",
        "base_url",
        "baseUrl",
        "scheme",
        "port",
    ] {
        scene.refuses(
            "get_b",
            json!({"id": "1", name: other}),
            "invalid_arguments",
        );
    }
    assert_eq!(sentinel.connections(), 0);
}

/// Calls every tool of a document without a base URL; each must be refused as `code` says, if it says
/// something.
#[track_caller]
fn nothing_is_dialled(servers: &[(String, &str)], options: &[&str]) {
    let mut paths = serde_json::Map::new();
    for (index, (url, _)) in servers.iter().enumerate() {
        let rest = json!({"servers": [{"url": url}]});
        paths.insert(
            format!("/p{index}"),
            operation("get", &format!("op{index}"), &rest),
        );
    }
    let scratch = Scratch::new();
    let file = scratch.file("openapi.json", document(&Value::Object(paths)).to_string());
    let args = [&["serve", &*file, "--timeout", "5s"], options].concat();
    let mut client = Client::start(&args, &[]);
    client.initialize();
    for (index, (url, code)) in servers.iter().enumerate() {
        let result = client.call(&format!("op{index}"), json!({}));
        assert_eq!(result["isError"], true, "{url}: {result}");
        if !code.is_empty() {
            assert_eq!(error_code(&result), *code, "{url}: {result}");
        }
    }
}

/// Every way to write a loopback address that a URL parser or a resolver understands.
fn loopback_forms(port: u16) -> Vec<(String, &'static str)> {
    let hosts = [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "127.0.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "017700000001",
        "0x7f.0.0.0x1",
        "127.255.255.254",
        "0",
        "0.0.0.0",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "LocalHost",
        "a.localhost",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b:1::127.0.0.1]",
        "[2002:7f00:1::]",
        "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
        "127\u{3002}0\u{3002}0\u{3002}1",
        "\u{2460}\u{2461}\u{2466}.0.0.1",
        "%31%32%37.0.0.1",
        "user@127.0.0.1",
        "api.example.com@127.0.0.1",
    ];
    hosts
        .iter()
        .map(|host| (format!("http://{host}:{port}"), "refused_address"))
        .collect()
}

#[test]
fn a03_ssrf_by_the_documents_servers() {
    let sentinel = Upstream::start(willing);
    let mut servers = loopback_forms(sentinel.port());
    for host in [
        "10.0.0.1",
        "10.1",
        "172.16.0.1",
        "172.31.255.254",
        "192.168.0.1",
        "0xc0a80001",
        "100.64.0.1",
        "169.254.1.1",
        "169.254.169.254",
        "169.254.169.254.",
        "0xa9fea9fe",
        "2852039166",
        "0251.0376.0251.0376",
        "169.254.43518",
        "198.18.0.1",
        "192.0.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "[fe80::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "[fec0::1]",
        "[::ffff:10.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::169.254.169.254]",
        "[2002:a9fe:a9fe::]",
        "[2001:db8::1]",
        "[2001::1]",
        "100.100.100.200",
        "168.63.129.16",
    ] {
        servers.push((format!("http://{host}/latest"), "refused_address"));
        servers.push((format!("https://{host}:8443"), "refused_address"));
    }
    // Names that a machine gives itself.
    for host in ["ip6-localhost", "ip6-loopback", "localhost.localdomain"] {
        servers.push((format!("http://{host}:{}", sentinel.port()), ""));
    }
    nothing_is_dialled(&servers, &[]);
    assert_eq!(sentinel.connections(), 0);
}

#[test]
fn a03_ssrf_through_the_owners_proxy() {
    // A proxy stands in the owner's network: what may not be dialled may not be asked of it either.
    let proxy = Upstream::start(willing);
    let mut servers = loopback_forms(80);
    for host in [
        "169.254.169.254",
        "10.0.0.1",
        "[fd00:ec2::254]",
        "metadata.google.internal",
        "METADATA.google.internal.",
    ] {
        servers.push((format!("http://{host}"), "refused_address"));
    }
    nothing_is_dialled(&servers, &["--proxy", &proxy.url()]);
    assert_eq!(proxy.connections(), 0);
    let doc = document(&json!({"/x": operation("get", "get_x", &json!({}))}));
    let scratch = Scratch::new();
    let file = scratch.file("openapi.json", doc.to_string());
    let by_name = format!("http://localhost:{}", proxy.port());
    for (index, proxy_url) in [proxy.url(), by_name].iter().enumerate() {
        let args = [
            "call",
            &file,
            "get_x",
            "--base-url",
            "http://api.example.com/v1",
            "--proxy",
            proxy_url,
        ];
        run(&args, &[], b"").expect(0);
        let requests = proxy.requests();
        assert_eq!(requests.len(), index + 1);
        assert_eq!(requests[index].target(), "http://api.example.com/v1/x");
    }
    let args = [
        "call",
        &file,
        "get_x",
        "--base-url",
        "http://169.254.169.254",
        "--proxy",
        &proxy.url(),
    ];
    assert!(run(&args, &[], b"").expect(1).stderr.contains("metadata"));
    assert_eq!(proxy.requests().len(), 2);
}

#[test]
fn a03_metadata_even_if_the_owner_names_it() {
    let doc = document(&json!({"/latest": operation("get", "get_it", &json!({}))}));
    let scratch = Scratch::new();
    let file = scratch.file("openapi.json", doc.to_string());
    for host in [
        "169.254.169.254",
        "169.254.169.254.",
        "0xa9fea9fe",
        "2852039166",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "[fd00:ec2::254]",
    ] {
        let base = format!("http://{host}");
        let Output { stderr, .. } =
            run(&["call", &file, "get_it", "--base-url", &base], &[], b"").expect(1);
        assert!(
            stderr.contains("refused_address") && stderr.contains("metadata"),
            "{host}: {stderr}"
        );
    }
}

#[test]
fn a03_trust_is_for_one_port() {
    // Who fetches a document from a port of this machine has not named its other ports.
    let sentinel = Upstream::start(willing);
    let port = sentinel.port();
    let upstream = Upstream::start(move |request: &Recorded| match request.path() {
        "/openapi.json" => {
            let to = |host: &str| json!({"servers": [{"url": format!("http://{host}:{port}")}]});
            Reply::json(&document(&json!({
                "/own": operation("get", "own", &json!({"servers": [{"url": "/api"}]})),
                "/ip": operation("get", "ip", &to("127.0.0.1")),
                "/name": operation("get", "name", &to("localhost")),
            })))
        }
        _ => Reply::json(&json!({})),
    });
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("http://{host}:{}/openapi.json", upstream.port());
        let mut client = Client::start(&["serve", &url], &[]);
        client.initialize();
        for tool in ["ip", "name"] {
            let result = client.call(tool, json!({}));
            assert_eq!(
                error_code(&result),
                "refused_address",
                "{host} {tool}: {}",
                text(&result)
            );
        }
        assert_eq!(client.call("own", json!({}))["isError"], false);
        assert_eq!(upstream.requests().last().unwrap().target(), "/api/own");
    }
    assert_eq!(sentinel.connections(), 0);
}

#[test]
fn a03_private_networks_of_the_owner() {
    let api = Upstream::start(willing);
    for (server, networks, code) in [
        (api.url(), json!(["127.0.0.0/8"]), ""),
        (api.url(), json!(["10.0.0.0/8", "127.0.0.1/32"]), ""),
        (
            format!("http://localhost:{}", api.port()),
            json!(["127.0.0.0/8", "::1/128"]),
            "",
        ),
        (
            format!("http://[::ffff:127.0.0.1]:{}", api.port()),
            json!(["127.0.0.0/8"]),
            "",
        ),
        (api.url(), json!([]), "refused_address"),
        (api.url(), json!(["10.0.0.0/8", "::/0"]), "refused_address"),
        (
            format!("http://localhost:{}", api.port()),
            json!(["10.0.0.0/8"]),
            "refused_address",
        ),
        // Never these, whatever network they are in.
        (
            "http://169.254.169.254".to_owned(),
            json!(["0.0.0.0/0", "::/0"]),
            "refused_address",
        ),
        (
            "http://[::ffff:169.254.169.254]".to_owned(),
            json!(["0.0.0.0/0"]),
            "refused_address",
        ),
        (
            "http://metadata.google.internal".to_owned(),
            json!(["0.0.0.0/0"]),
            "refused_address",
        ),
    ] {
        let mut shop = document(&json!({"/a": operation("get", "a", &json!({}))}));
        shop["servers"] = json!([{"url": server}]);
        let policy = json!({
            "sources": {"shop": {"base_url": null}},
            "egress": {"allow_private": networks},
        });
        let before = api.requests().len();
        let mut scene = Scene::under(&shop, &policy, &[], willing);
        let (result, _) = scene.call("a", json!({}));
        assert_eq!(error_code(&result), code, "{server} {networks}: {result}");
        let arrived = api.requests().len() - before;
        assert_eq!(arrived, usize::from(code.is_empty()), "{server} {networks}");
    }
}
