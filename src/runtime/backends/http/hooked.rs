//! Hooks around calls that go out: what they change is checked like what callers send.

use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::{Map, Value, json};

use crate::runtime::backend::{Content, Outcome};
use crate::runtime::backends;
use crate::runtime::config::Config;
use crate::runtime::error::CallError;
use crate::runtime::hooks::{Arguments, Hooks, Step};
use crate::runtime::manifest::{
    Action, Bound, Control, Effect, HttpAction, Limits, Manifest, Place, Shape, Style, ToolSpec,
    WireParam, schema,
};
use crate::runtime::server::Server;

/// A hook that puts one value into the arguments.
struct Sets(&'static str, Value);

impl Hooks for Sets {
    fn before<'a>(
        &'a self,
        _tool: &'a str,
        mut args: Arguments,
    ) -> BoxFuture<'a, Result<Step<Arguments>, CallError>> {
        args.insert(self.0.to_owned(), self.1.clone());
        Box::pin(std::future::ready(Ok(Step::Continue(args))))
    }

    fn after<'a>(
        &'a self,
        _tool: &'a str,
        result: Result<Outcome, CallError>,
    ) -> BoxFuture<'a, Result<Outcome, CallError>> {
        Box::pin(std::future::ready(result))
    }
}

fn manifest() -> Manifest {
    let param = |name: &str, place, style| WireParam {
        arg: name.to_owned(),
        name: name.to_owned(),
        place,
        style,
        explode: true,
        allow_reserved: false,
        slash: false,
        allow_empty: false,
        content: None,
    };
    let tool = json!({"version": 1, "server": {"name": "s", "version": "0"}, "tools": [],
        "sources": {"s": {"timeout_ms": 1000, "max_response_bytes": 1000}}});
    let mut manifest: Manifest = serde_json::from_value(tool).unwrap();
    manifest.tools.push(ToolSpec {
        name: "t".to_owned(),
        title: None,
        group: None,
        description: String::new(),
        source: "s".to_owned(),
        effect: Effect::Read,
        idempotent: true,
        input_schema: schema(
            r#"{"type": "object", "additionalProperties": false, "properties":
                {"id": {"type": "string"}, "limit": {"type": "integer", "maximum": 100}}}"#,
        ),
        checked: indexmap::IndexMap::new(),
        output_schema: None,
        controls: vec![Control {
            pointer: "/limit".to_owned(),
            clamp: Some(Bound {
                max: Some(100.into()),
                ..Bound::default()
            }),
            ..Control::default()
        }],
        limits: Limits::default(),
        shape: Shape::default(),
        action: Action::Http(HttpAction {
            method: "GET".to_owned(),
            base_url: Some("http://192.0.2.1".to_owned()),
            path: "/a/{id}".to_owned(),
            params: vec![
                param("id", Place::Path, Style::Simple),
                param("limit", Place::Query, Style::Form),
            ],
            body: None,
            accept: None,
            security: vec![],
            retries: None,
            idempotency_key: None,
        }),
    });
    manifest
}

#[tokio::test]
async fn a_hook_cannot_weaken_a_guard() {
    let manifest = manifest();
    for (name, value, code) in [
        ("limit", json!(5000), "hook_refused"),
        ("hidden", json!(1), "hook_refused"),
        ("id", json!(7), "hook_refused"),
        ("id", json!("../admin"), "refused_value"),
        // What is in order goes on, here to an address that only the owner may name.
        ("limit", json!(7), "refused_address"),
    ] {
        let config = Config::default();
        let backends = backends::open(&manifest, &config).unwrap();
        let hooks: Arc<dyn Hooks> = Arc::new(Sets(name, value.clone()));
        let server = Server::with_hooks(&manifest, backends, &config, Some(hooks));
        let sent = json!({"id": "x", "limit": 9000});
        let Value::Object(sent) = sent else { return };
        let error = server.call("t", sent).await.unwrap().unwrap_err();
        assert_eq!(error.code, code, "{name} = {value}");
    }
}

#[tokio::test]
async fn a_hook_may_answer() {
    struct Answers;
    impl Hooks for Answers {
        fn before<'a>(
            &'a self,
            _tool: &'a str,
            _args: Arguments,
        ) -> BoxFuture<'a, Result<Step<Arguments>, CallError>> {
            let content = Content::Text("mine".to_owned());
            let outcome = Outcome::new(content);
            Box::pin(std::future::ready(Ok(Step::Answer(outcome))))
        }

        fn after<'a>(
            &'a self,
            _tool: &'a str,
            result: Result<Outcome, CallError>,
        ) -> BoxFuture<'a, Result<Outcome, CallError>> {
            Box::pin(std::future::ready(result))
        }
    }
    let manifest = manifest();
    let config = Config::default();
    let backends = backends::open(&manifest, &config).unwrap();
    let server = Server::with_hooks(&manifest, backends, &config, Some(Arc::new(Answers)));
    let (outcome, _) = server.call("t", Map::new()).await.unwrap().unwrap();
    assert_eq!(outcome.content, Content::Text("mine".to_owned()));
}
