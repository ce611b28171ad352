//! A crate in its owner's hands: hooks, a regeneration that brings a new tag, the router in a service.

use std::fs;

use serde_json::{Value, json};

use super::build;
use crate::support::{Client, HttpServer, Recorded, Reply, Scratch, Upstream, cargo, root};

/// What the owner adds to the hook of `docs/build.md`: one that breaks every rule.
const OUTLAW: &str = r#"
use crate::runtime::backend::Outcome;
use crate::tools::books;

struct Outlaw;

impl books::Hooks for Outlaw {
    fn before_list_books(
        &self,
        mut args: books::ListBooks,
    ) -> BoxFuture<'_, Result<Step<books::ListBooks>, CallError>> {
        args.limit = Some(5000.into());
        Box::pin(std::future::ready(Ok(Step::Continue(args))))
    }

    fn before_get_book(
        &self,
        mut args: books::GetBook,
    ) -> BoxFuture<'_, Result<Step<books::GetBook>, CallError>> {
        args.book_id = "../orders".to_owned();
        Box::pin(std::future::ready(Ok(Step::Continue(args))))
    }

    fn after_search_books(
        &self,
        result: Result<Outcome, CallError>,
    ) -> BoxFuture<'_, Result<Outcome, CallError>> {
        let told = result.map(|mut outcome| {
            outcome.note = Some("told by the owner".to_owned());
            outcome
        });
        Box::pin(std::future::ready(told))
    }
}
"#;

/// A service that has a route of its own beside the server's.
const SERVICE: &str = r#"
use axum::routing::get;

#[tokio::main]
async fn main() {
    let server = owned_server::router().expect("the environment");
    let service = axum::Router::new().route("/own", get(|| async { "mine" })).merge(server);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    eprintln!("listening on http://{}/mcp", listener.local_addr().expect("an address"));
    axum::serve(listener, service).await.expect("served");
}
"#;

/// The hook that `docs/build.md` shows, and the outlaw in the slot beside it.
fn hooks() -> String {
    let page = fs::read_to_string(root().join("docs/build.md")).expect("the page");
    let shown = page
        .split("```rust\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let slot = "orders: Box::new(Limits), ";
    let shown = shown.expect("a block of code");
    assert!(shown.contains(slot), "{shown}");
    let both = shown.replace(slot, &format!("{slot}books: Box::new(Outlaw), "));
    both + OUTLAW
}

#[test]
fn a_crate_in_its_owners_hands() {
    let upstream = Upstream::start(|_: &Recorded| Reply::json(&json!({"items": []})));
    let base = format!("{}/v1", upstream.url());
    let scratch = Scratch::new();
    let folder = scratch.path().join("server");
    let text = folder.to_str().expect("UTF-8");
    let selection = ["--base-url", base.as_str(), "--enable", "write"];
    let make = ["-o", text, "--name", "owned-server"];
    let first = [&make[..], &selection, &["--exclude", "tag:inventory"]].concat();
    build(&first).expect(0);
    fs::write(folder.join("src/hooks.rs"), hooks()).expect("written");
    fs::create_dir(folder.join("examples")).expect("a folder");
    fs::write(folder.join("examples/owned-service.rs"), SERVICE).expect("written");
    // The new tag has a slot of its own, which the owner's code does not name.
    let output = build(&[&make[..], &selection].concat()).expect(0);
    assert!(
        output.stdout.contains("5 of yours kept"),
        "{}",
        output.stdout
    );
    let targets = ["build", "--locked", "--offline", "--bins", "--examples"];
    cargo::cargo(&folder, &targets).expect(0);
    let program = |path: &str| {
        let path = root().join("target/debug").join(path);
        path.to_str().expect("UTF-8").to_owned()
    };
    let env = [
        ("BOOKSHOP_SHOP_KEY", "k"),
        ("BOOKSHOP_ADMIN_TOKEN", "t"),
        ("BOOKSHOP_CUSTOMER_SESSION", "s"),
    ];

    let mut client = Client::start_program(&program("owned-server"), &[], &env).modern();
    hooks_hold(&mut client);
    let requests = upstream.requests();
    let lines: Vec<&str> = requests.iter().map(Recorded::target).collect();
    assert_eq!(lines, ["/v1/orders", "/v1/books/search"], "{requests:?}");

    let service = HttpServer::start_program(&program("examples/owned-service"), &[], &env);
    let mut connection = service.connect();
    connection
        .send(b"GET /own HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("sent");
    assert_eq!(connection.response().expect("an answer").body, b"mine");
    assert_eq!(
        code(&service.call("list_books", &json!({}))),
        "hook_refused"
    );
    assert_eq!(service.call("list_inventory", &json!({}))["isError"], false);
}

fn hooks_hold(client: &mut Client) {
    let order = |count: usize| {
        let items = vec![json!({"bookId": "bk_0001", "quantity": 1}); count];
        json!({"customerId": "cu_0007", "items": items, "delivery": {"method": "pickup", "branch": "harbour"}})
    };
    let refused = client.call("create_order", order(6));
    assert_eq!(code(&refused), "too_many_items", "{refused}");
    assert!(refused.to_string().contains("order fewer"), "{refused}");
    assert_eq!(client.call("create_order", order(5))["isError"], false);
    // A bound is raised, a path is changed: the second check stops both.
    for (tool, arguments) in [
        ("list_books", json!({"limit": 10})),
        ("get_book", json!({"bookId": "bk_0001"})),
    ] {
        let stopped = client.call(tool, arguments);
        assert_eq!(code(&stopped), "hook_refused", "{stopped}");
    }
    let told = client.call("search_books", json!({"query": "sea"}));
    assert!(told.to_string().contains("told by the owner"), "{told}");
}

/// The code of an error.
fn code(result: &Value) -> &str {
    let text = result["content"][0]["text"].as_str().unwrap_or_default();
    text.split(':').next().unwrap_or_default()
}
