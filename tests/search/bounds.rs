//! Whatever is asked, the answer comes and has its bounds.

use serde_json::{Value, json};

use super::{client, code, names, shop, text};
use crate::support::{Client, Scratch, Upstream};

#[test]
fn bounds() {
    let upstream = Upstream::start(shop);
    let mut client = client(&upstream, &["--tools", "search"]);
    for (tool, arguments) in [
        ("search_tools", json!({"query": "x".repeat(401)})),
        ("search_tools", json!({"tag": "x".repeat(101)})),
        ("search_tools", json!({"detail": "everything"})),
        ("search_tools", json!({"limit": "many"})),
        ("search_tools", json!({"other": 1})),
        ("describe_tool", json!({"names": []})),
        ("describe_tool", json!({"names": vec!["get_pet"; 11]})),
        ("describe_tool", json!({"names": ["x".repeat(101)]})),
        ("call_read_tool", json!({})),
        ("call_read_tool", json!({"name": "x".repeat(101)})),
        (
            "call_read_tool",
            json!({"name": "get_pet", "arguments": "{}"}),
        ),
        ("call_read_tool", json!({"name": "get_pet", "pet_id": 7})),
    ] {
        let result = client.call(tool, arguments.clone());
        assert_eq!(
            code(&result),
            Some("invalid_arguments"),
            "{tool} {arguments}: {result}"
        );
    }
}

/// What no person asks.
#[test]
fn odd_questions() {
    let upstream = Upstream::start(shop);
    let mut client = client(&upstream, &["--tools", "search"]);
    for (query, want) in [
        (String::new(), None),
        (".*(((a+)+)+$[^]{9999}\\".into(), None),
        ("\u{0}\u{7}\r\n\t".into(), None),
        ("\u{202e}pets\u{200b}".into(), None),
        (
            "\u{30da}\u{30c3}\u{30c8} \u{1f415} \u{df}\u{130}".into(),
            None,
        ),
        ("e\u{301}".repeat(200), None),
        ("photo ".repeat(60), None),
        ("a b c d e f g h i j k l m n o p q r s t".repeat(10), None),
        ("pet".repeat(133), None),
        ("GET /".into(), None),
        ("/".repeat(400), None),
        ("x".repeat(401), Some("invalid_arguments")),
        ("pet ".repeat(25_000), Some("invalid_arguments")),
    ] {
        let result = client.call("search_tools", json!({"query": query}));
        assert_eq!(code(&result), want, "{query}: {result}");
        assert!(
            result.to_string().len() < 5_000,
            "{query}: a bounded answer"
        );
    }
}

/// Tools whose schemas are too long for one answer come in several.
#[test]
fn answers_are_bounded() {
    let parameter = |n: usize| {
        let said = "what this argument is for, told at length ".repeat(2);
        format!("{{name: p{n}, in: query, description: {said}, schema: {{type: string}}}}")
    };
    let parameters: Vec<String> = (0..300).map(parameter).collect();
    let parameters = parameters.join(", ");
    let paths: Vec<String> = (0..4)
        .map(|n| {
            format!(
                "  /things{n}: {{get: {{operationId: getThing{n}, summary: Gets thing {n}, parameters: [{parameters}], responses: {{}}}}}}\n"
            )
        })
        .collect();
    let paths = paths.concat();
    let scratch = Scratch::new();
    let document = format!(
        "openapi: 3.1.0\ninfo: {{title: Long, version: '1'}}\nservers: [{{url: https://long.example}}]\npaths:\n{paths}"
    );
    let path = scratch.file("long.yaml", document);
    let mut client = Client::start(&["serve", &path, "--tools", "search", "--mock"], &[]);
    client.initialize();
    let all = ["get_thing0", "get_thing1", "get_thing2", "get_thing3"];
    let result = client.call("describe_tool", json!({ "names": all }));
    let shown = names(&result);
    assert!((1..4).contains(&shown.len()), "{shown:?}");
    assert_eq!(shown, all[..shown.len()]);
    let rest = &result["structuredContent"]["rest"];
    assert_eq!(*rest, json!(all[shown.len()..]));
    assert!(text_end(&result).starts_with("too long for one answer: ask again for `get_thing"));
    let (mut seen, mut offset) = (Vec::new(), json!(0));
    while !offset.is_null() {
        let ask = json!({"query": "thing", "detail": "full", "offset": offset});
        let result = client.call("search_tools", ask);
        assert!(text(&result).len() < 100_000);
        seen.extend(names(&result).into_iter().map(str::to_owned));
        offset = result["structuredContent"]["next_offset"].clone();
    }
    seen.sort();
    assert_eq!(seen, all);
}

/// The last line of a result.
fn text_end(result: &Value) -> &str {
    text(result).lines().last().unwrap_or_default()
}
