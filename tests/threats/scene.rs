//! A document, an upstream and a server between a client and both.

use serde_json::{Value, json};

use crate::support::{Client, Recorded, Reply, Scratch, Upstream};

/// A served document and its upstream.
pub(crate) struct Scene {
    pub(crate) client: Client,
    pub(crate) upstream: Upstream,
    seen: usize,
    _scratch: Scratch,
}

/// A document with these paths. The name of the source is `shop`.
pub(crate) fn document(paths: &Value) -> Value {
    json!({"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}, "paths": paths})
}

/// A path item with one operation of that id.
pub(crate) fn operation(method: &str, id: &str, rest: &Value) -> Value {
    let mut operation = json!({"operationId": id, "responses": {"200": {"description": "ok"}}});
    let own = operation.as_object_mut().expect("it is one");
    own.extend(rest.as_object().expect("the rest is an object").clone());
    json!({ method: operation })
}

/// A parameter.
pub(crate) fn param(place: &str, name: &str, schema: &Value) -> Value {
    json!({"in": place, "name": name, "required": place == "path", "schema": schema})
}

/// An upstream that answers everything with `{}`.
pub(crate) fn willing(_: &Recorded) -> Reply {
    Reply::json(&json!({}))
}

impl Scene {
    /// Serves the document with writes and deletes on, and begins a session.
    pub(crate) fn new(document: &Value) -> Self {
        Self::with(document, &["--enable", "destroy"], &[], willing)
    }

    /// Serves the document with these options; `--base-url` is added.
    pub(crate) fn with(
        document: &Value,
        options: &[&str],
        env: &[(&str, &str)],
        handler: impl Fn(&Recorded) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let mut scene = Self::started(document, options, env, handler);
        scene.client.initialize();
        scene
    }

    /// The same without beginning a session.
    pub(crate) fn started(
        document: &Value,
        options: &[&str],
        env: &[(&str, &str)],
        handler: impl Fn(&Recorded) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let upstream = Upstream::start(handler);
        let scratch = Scratch::new();
        let file = scratch.file("openapi.json", document.to_string());
        let base = upstream.url();
        // An attack on one tool is an attack on it, however large its schema makes the list.
        let serve = ["serve", &*file, "--base-url", &*base, "--tools", "list"];
        let client = Client::start(&[&serve, options].concat(), env);
        Self {
            client,
            upstream,
            seen: 0,
            _scratch: scratch,
        }
    }

    /// Serves the document under a policy, whose one source is the document, and begins a session. What
    /// `policy` says of `/sources/shop` stays; a file `secret` is beside it.
    pub(crate) fn under(
        document: &Value,
        policy: &Value,
        env: &[(&str, &str)],
        handler: impl Fn(&Recorded) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let upstream = Upstream::start(handler);
        let scratch = Scratch::new();
        scratch.file("openapi.json", document.to_string());
        scratch.file("secret", "canary-of-a-file\n");
        let mut policy = policy.clone();
        policy["version"] = json!(1);
        policy["sources"]["shop"]["openapi"] = json!("./openapi.json");
        let source = policy["sources"]["shop"]
            .as_object_mut()
            .expect("it is one");
        source.entry("base_url").or_insert(upstream.url().into());
        // Null: the document says where the API is.
        source.retain(|_, value| !value.is_null());
        let all = policy.as_object_mut().expect("it is one");
        let listed = json!({"mode": "list"});
        all.entry("tools").or_insert(listed);
        let file = scratch.file("mcpgen.yaml", policy.to_string());
        let mut client = Client::start(&["serve", &file], env);
        client.initialize();
        Self {
            client,
            upstream,
            seen: 0,
            _scratch: scratch,
        }
    }

    /// Calls a tool; the result and the requests that arrived meanwhile.
    #[track_caller]
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> (Value, Vec<Recorded>) {
        let result = self.client.call(tool, arguments);
        (result, self.arrived())
    }

    /// Calls a tool with arguments as they are written.
    #[track_caller]
    pub(crate) fn call_raw(&mut self, tool: &str, arguments: &str) -> (Value, Vec<Recorded>) {
        self.client.send_raw(
            format!("{{\"jsonrpc\":\"2.0\",\"id\":\"raw\",\"method\":\"tools/call\",\"params\":{{\"name\":\"{tool}\",\"arguments\":{arguments}}}}}\n").as_bytes(),
        );
        let mut response = self.client.recv(crate::support::PATIENCE);
        assert_eq!(response["id"], "raw", "{response}");
        (response["result"].take(), self.arrived())
    }

    /// The requests that arrived since the last look.
    pub(crate) fn arrived(&mut self) -> Vec<Recorded> {
        let all = self.upstream.requests();
        let new = all.get(self.seen..).unwrap_or_default().to_vec();
        self.seen = all.len();
        new
    }

    /// The call must be refused with this code, and nothing may arrive.
    #[track_caller]
    pub(crate) fn refuses(&mut self, tool: &str, arguments: Value, code: &str) -> String {
        let shown: String = arguments.to_string().chars().take(200).collect();
        let (result, requests) = self.call(tool, arguments);
        assert_eq!(error_code(&result), code, "{tool} {shown}: {result}");
        assert!(requests.is_empty(), "{tool} {shown}: {requests:?}");
        text(&result)
    }

    /// The call must succeed with one request.
    #[track_caller]
    pub(crate) fn sends(&mut self, tool: &str, arguments: Value) -> Recorded {
        let shown: String = arguments.to_string().chars().take(200).collect();
        let (result, mut requests) = self.call(tool, arguments);
        assert_eq!(result["isError"], false, "{tool} {shown}: {result}");
        assert_eq!(requests.len(), 1, "{tool} {shown}: {requests:?}");
        let request = requests.remove(0);
        let host = format!("127.0.0.1:{}", self.upstream.port());
        let hosts: Vec<_> = request.header_values("host").collect();
        assert_eq!(hosts, [host], "{request:?}");
        request
    }
}

/// The code of a result that is an error; empty if it is none.
pub(crate) fn error_code(result: &Value) -> &str {
    if result["isError"] == true {
        result["_meta"]["mcpgen/error"]["code"]
            .as_str()
            .expect("an error has a code")
    } else {
        ""
    }
}

/// All text of a result.
pub(crate) fn text(result: &Value) -> String {
    let blocks = result["content"].as_array().into_iter().flatten();
    let texts: Vec<_> = blocks.filter_map(|block| block["text"].as_str()).collect();
    texts.join("\n")
}
