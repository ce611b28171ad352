//! A first walk with a crate of one's own: build it into an empty folder, `cargo run` there, and a client
//! calls its tools, whose upstream is the bookshop itself.

use mcpgen::demo::CREDENTIALS;
use mcpgen::demo::bookshop::Bookshop;
use serde_json::json;

use super::{Sdk, client, list};
use crate::support::{Scratch, cargo, root, run};

#[test]
fn a_first_walk() {
    let Some(python) = client(Sdk::Python) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let shop = runtime.block_on(Bookshop::open()).expect("loopback");
    let (books, orders) = (shop.books(), shop.orders());
    let scratch = Scratch::new();
    let folder = scratch.path().join("empty");
    std::fs::create_dir(&folder).expect("a folder");
    let text = folder.to_str().expect("UTF-8");
    let document = "specs/bookshop/openapi.yaml";
    let base = ["--base-url", &shop.url, "--name", "walk-server"];
    let build = ["build", document, "-o", text, "--enable", "write"];
    run(&[&build[..], &base].concat(), &[], "").expect(0);
    // Compiled before the client's patience is tried.
    cargo::program(&folder, "walk-server");

    let variables = ["SHOP_KEY", "CUSTOMER_SESSION", "ADMIN_TOKEN"];
    let pairs = variables.iter().zip(CREDENTIALS);
    let mut command = vec!["env".to_owned()];
    command.extend(pairs.map(|(name, (_, value))| format!("BOOKSHOP_{name}={value}")));
    // The client gives its servers a small environment.
    for name in ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
        command.extend(
            std::env::var(name)
                .ok()
                .map(|value| format!("{name}={value}")),
        );
    }
    let target = root().join("target").display().to_string();
    let manifest = folder.join("Cargo.toml").display().to_string();
    let cargo = [env!("CARGO"), "run", "--quiet", "--locked", "--offline"];
    command.extend(cargo.map(str::to_owned));
    command.extend([
        "--target-dir".to_owned(),
        target,
        "--manifest-path".to_owned(),
        manifest,
    ]);
    let order = json!({
        "customerId": "cu_0007",
        "items": [{"bookId": "bk_0001", "quantity": 1}],
        "delivery": {"method": "pickup", "branch": "harbour"},
    });
    for (era, version) in [("legacy", "2025-11-25"), ("modern", "2026-07-28")] {
        let summary = python(&json!({
            "transport": "stdio", "era": era, "command": command,
            "calls": {
                "list": ["list_books", {"limit": 2}],
                "get": ["get_book", {"bookId": "bk_0001"}],
                "missing": ["get_book", {"bookId": "bk_9999"}],
                "order": ["create_order", order],
                "off": ["delete_book", {"bookId": "bk_0001"}],
            },
        }));
        assert_eq!(summary["protocolVersion"], version, "{summary}");
        let calls = &summary["calls"];
        let page = &calls["list"]["structured"];
        assert_eq!(list(&page["items"]).len(), 2, "{page}");
        assert_eq!(page["total"], books, "{page}");
        assert_eq!(calls["get"]["structured"]["id"], "bk_0001", "{calls}");
        assert_eq!(calls["missing"]["isError"], true, "{calls}");
        assert_eq!(calls["order"]["isError"], false, "{calls}");
        assert_eq!(calls["off"]["protocolError"]["code"], -32602, "{calls}");
    }
    assert_eq!((shop.books(), shop.orders()), (books, orders + 2));
}
