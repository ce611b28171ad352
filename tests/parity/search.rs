//! The same in search mode: a crate's answers are the interpreter's, and those of calls through
//! `call_read_tool` and `call_write_tool` are those of direct calls.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{DOCUMENT, Transcript, assert_same, built, recorded, session};
use crate::support::{HttpServer, Scratch, run};

const LISTED: &str = "list_books";

/// Which tool of search mode calls each tool.
fn callers(options: &[&str]) -> BTreeMap<String, &'static str> {
    let plan = run(&[&["plan", DOCUMENT, "--json"], options].concat(), &[], "");
    let plan = plan.expect(0).json();
    let tools = plan["tools"].as_array().expect("tools").iter();
    let caller = |tool: &Value| match tool["effect"].as_str() {
        Some("read") => "call_read_tool",
        _ => "call_write_tool",
    };
    tools
        .map(|tool| {
            let name = tool["name"].as_str().expect("a name").to_owned();
            (name, caller(tool))
        })
        .collect()
}

/// The call of a tool as the arguments of the tool that calls it. `None` if there is no such tool, or
/// if the arguments are no object: direct, that is an error of the protocol.
fn wrapped(call: &Value, callers: &BTreeMap<String, &str>) -> Option<Value> {
    call.get("arguments")
        .is_none_or(Value::is_object)
        .then_some(())?;
    let caller = callers.get(call["name"].as_str()?)?;
    Some(json!({"name": caller, "arguments": call}))
}

/// The steps that call tools, direct and wrapped.
fn calls(callers: &BTreeMap<String, &str>) -> Vec<(Value, Value)> {
    let wrap = |step: Value| {
        let mut other = step.clone();
        for key in ["params", "cancel", "beside"] {
            if let Some(call) = step.get(key) {
                other[key] = wrapped(call, callers)?;
            }
        }
        let is_call = step["method"] == "tools/call" || step.get("cancel").is_some();
        is_call.then_some((step, other))
    };
    recorded("bookshop").into_iter().filter_map(wrap).collect()
}

/// Without what says that the tools are searched for: the answer to `initialize` has it.
fn uninstructed(mut transcript: Transcript) -> Transcript {
    for answer in &mut transcript.answers {
        let mut value: Value = serde_json::from_str(answer).expect("JSON");
        let object = value.as_object_mut().expect("an object");
        if object.shift_remove("instructions").is_some() {
            *answer = value.to_string();
        }
    }
    transcript
}

#[test]
fn search_mode_is_the_same_in_a_crate() {
    let mut session = session(Vec::new());
    let base = format!("{}/v1", session.upstream.url());
    let options = ["--base-url", base.as_str(), "--enable", "destroy"];
    let search = [&options[..], &["--tools", "search", "--pin", LISTED]].concat();
    let list_args = [&["serve", DOCUMENT], &options[..]].concat();
    let search_args = [&["serve", DOCUMENT], &search[..]].concat();

    let (direct, wrapped): (Vec<_>, Vec<_>) = calls(&callers(&options)).into_iter().unzip();
    assert!(direct.len() >= 100, "{} calls", direct.len());
    let mcpgen = env!("CARGO_BIN_EXE_mcpgen");
    session.steps = direct;
    let stdio = session.over_stdio(mcpgen, &list_args);
    let http = session.over_http(&HttpServer::start(&list_args, &session.env()));
    session.steps = wrapped;
    let through = session.over_stdio(mcpgen, &search_args);
    assert_same(&stdio, &uninstructed(through));
    let through = session.over_http(&HttpServer::start(&search_args, &session.env()));
    assert_same(&http, &through);

    session.steps.extend(recorded("search"));
    let scratch = Scratch::new();
    let program = built(&scratch, "search-server", &search);
    session.compare(&search_args, &program);
}
