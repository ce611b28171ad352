//! A10 and A11: small documents that would become large, deep or endless ones. Every run has a bound on
//! memory and on time, and an operation beside the bomb stays a tool.

use std::ops::Range;

use serde_json::{Value, json};

use super::scene::{document, operation, param};
use crate::support::process::run_program;
use crate::support::{Output, Scratch, run};

/// Seconds of a processor that a run may take, in a build without optimization: more than the
/// program's own deadline of 30.
const SECONDS: u64 = 45;
/// Kilobytes of address space that a run may take. Threads reserve much that they never use.
const MEMORY_KB: u64 = 3 << 20;

/// Runs the program with bounds on its memory and its time.
#[track_caller]
pub(super) fn bounded(args: &[&str]) -> Output {
    let output = if cfg!(unix) {
        let script = format!("ulimit -v {MEMORY_KB}; ulimit -t {SECONDS}; exec \"$0\" \"$@\"");
        let line = ["-c", &*script, env!("CARGO_BIN_EXE_mcpgen")];
        run_program("sh", &[&line[..], args].concat(), &[], b"")
    } else {
        run(args, &[], "")
    };
    let said: String = output.stderr.chars().take(500).collect();
    assert!(
        [0, 1].contains(&output.status),
        "{args:?}: {} {said}",
        output.status
    );
    output
}

/// What `check --json` says of a file, and `plan` of it in at most so many bytes.
#[track_caller]
fn checked(file: &str, options: &[&str], plan_max: usize) -> Value {
    let report = bounded(&[&["check", file, "--json"], options].concat()).json();
    let plan = bounded(&[&["plan", file, "--json"], options].concat()).stdout;
    assert!(plan.len() <= plan_max, "a plan of {} bytes", plan.len());
    report
}

/// Whether the program took too long for its own deadline of 30 seconds, which is an answer, too. On a
/// machine that is busy enough it does.
pub(super) fn late(report: &Value) -> bool {
    let found = report["diagnostics"].as_array().expect("a list");
    let late = |d: &Value| d["message"].to_string().contains("more than 30 seconds");
    found.iter().any(late)
}

fn codes(report: &Value) -> Vec<&str> {
    let found = report["diagnostics"].as_array().expect("a list");
    found.iter().filter_map(|d| d["code"].as_str()).collect()
}

fn tools(report: &Value) -> u64 {
    report["summary"]["tools"].as_u64().expect("a number")
}

/// A document with these paths and an operation that nothing is wrong with.
fn beside(mut doc: Value) -> Value {
    doc["servers"] = json!([{"url": "https://shop.example"}]);
    doc["paths"]["/fine"] = operation("get", "fine", &json!({}));
    doc
}

fn query(id: &str, schema: &Value) -> Value {
    operation(
        "get",
        id,
        &json!({"parameters": [param("query", "q", schema)]}),
    )
}

fn reference(target: impl AsRef<str>) -> Value {
    json!({"$ref": target.as_ref()})
}

#[test]
fn a10_references_that_lead_back() {
    let scratch = Scratch::new();
    scratch.file("a.yaml", "$ref: b.yaml\n");
    scratch.file("b.yaml", "$ref: 'c/c.yaml#/x'\n");
    scratch.file("c/c.yaml", "x: {$ref: ../a.yaml}\n");
    let kinds = [
        "schemas",
        "parameters",
        "responses",
        "requestBodies",
        "headers",
        "pathItems",
    ];
    let mut doc = document(&json!({}));
    for kind in kinds {
        let at = |name: &str| reference(format!("#/components/{kind}/{name}"));
        doc["components"][kind] = json!({
            "Self": at("Self"), "Ping": at("Pong"), "Pong": at("Ping"), "Far": reference("a.yaml"),
            "Within": reference(format!("#/components/{kind}/Within/x")),
        });
    }
    let mut left_out = 0;
    for name in ["Self", "Ping", "Far", "Within"] {
        let at = |kind: &str| reference(format!("#/components/{kind}/{name}"));
        let body =
            json!({"requestBody": {"content": {"application/json": {"schema": at("schemas")}}}});
        let parameters = json!({"parameters": [at("parameters")]});
        for (kind, item) in [
            ("schema", query("a", &at("schemas"))),
            (
                "property",
                query("b", &json!({"properties": {"p": at("schemas")}})),
            ),
            (
                "all",
                query("c", &json!({"allOf": [at("schemas"), {"type": "string"}]})),
            ),
            ("any", query("d", &json!({"anyOf": [at("schemas")]}))),
            ("parameter", operation("get", "e", &parameters)),
            (
                "body",
                operation("post", "f", &json!({"requestBody": at("requestBodies")})),
            ),
            ("content", operation("post", "g", &body)),
            ("item", at("pathItems")),
        ] {
            doc["paths"][format!("/{name}/{kind}")] = item;
            left_out += 1;
        }
        let answer = json!({"responses": {"200": at("responses")}});
        doc["paths"][format!("/{name}/answer")] = operation("get", "h", &answer);
    }
    doc["paths"]["/own"] = reference("#/paths/~1own");
    doc["paths"]["/one"] = reference("#/paths/~1two");
    doc["paths"]["/two"] = reference("#/paths/~1one");
    left_out += 3;
    let file = scratch.file("doc.json", beside(doc).to_string());
    let report = checked(&file, &["--enable", "destroy"], 100_000);
    if late(&report) {
        return;
    }
    let gone = report["summary"]["left_out"].as_array().expect("a list");
    assert_eq!(gone.len(), left_out, "{gone:#?}");
    assert_eq!(tools(&report), 1 + 4, "{report}");
}

/// Trees that contain themselves are no bombs: they become `$defs`.
#[test]
fn a10_schemas_that_contain_themselves() {
    let scratch = Scratch::new();
    let node = "type: object\nproperties: {left: {$ref: '#'}, right: {$ref: other.yaml}}\n";
    scratch.file("node.yaml", node);
    scratch.file(
        "other.yaml",
        "anyOf: [{$ref: node.yaml}, {type: 'null'}, {items: {$ref: '#'}}]\n",
    );
    let body = |schema: Value| {
        let content = json!({"application/json": {"schema": {"properties": {"a": schema}}}});
        json!({"requestBody": {"content": content}})
    };
    let doc = document(&json!({
        "/a": operation("post", "a", &body(reference("node.yaml"))),
        "/b": operation("post", "b", &body(reference("other.yaml"))),
    }));
    let file = scratch.file("doc.json", beside(doc).to_string());
    let report = checked(&file, &["--enable", "write"], 20_000);
    if late(&report) {
        return;
    }
    assert_eq!(tools(&report), 3, "{report}");
    let plan = bounded(&["plan", &file, "--json", "--enable", "write"]).stdout;
    assert!(plan.contains("#/$defs/node"), "{plan}");
}

#[test]
fn a10_chains_of_ten_thousand() {
    let scratch = Scratch::new();
    let mut doc = document(&json!({}));
    let long = 10_000;
    for index in 0..long {
        let next = |kind: &str| reference(format!("#/components/{kind}/x{}", index + 1));
        doc["components"]["schemas"][format!("x{index}")] = next("schemas");
        doc["components"]["parameters"][format!("x{index}")] = next("parameters");
        doc["components"]["schemas"][format!("y{index}")] = json!({"properties": {
            "p": reference(format!("#/components/schemas/y{}", index + 1)),
        }});
        doc["components"]["schemas"][format!("z{index}")] =
            json!({"allOf": [reference(format!("#/components/schemas/z{}", index + 1))]});
    }
    for (kind, end) in [("schemas", "x"), ("schemas", "y"), ("schemas", "z")] {
        doc["components"][kind][format!("{end}{long}")] = json!({"type": "string"});
    }
    doc["components"]["parameters"][format!("x{long}")] = param("query", "p", &json!({}));
    let first = |kind: &str, name: &str| reference(format!("#/components/{kind}/{name}0"));
    for name in ["x", "y", "z"] {
        doc["paths"][format!("/{name}")] = query(name, &first("schemas", name));
    }
    let parameters = json!({"parameters": [first("parameters", "x")]});
    doc["paths"]["/p"] = operation("get", "p", &parameters);
    // A chain that walks through the one before it.
    let through = format!("#/components/schemas/x0{}", "/properties/p".repeat(2_000));
    doc["paths"]["/t"] = query("t", &reference(through));
    let file = scratch.file("doc.json", beside(doc).to_string());
    let report = checked(&file, &[], 4_000_000);
    if late(&report) {
        return;
    }
    assert!(tools(&report) >= 1, "{report}");
    let gone = report["summary"]["left_out"].to_string();
    for path in ["/x", "/p", "/t"] {
        assert!(gone.contains(&format!("GET {path}\"")), "{path}: {gone}");
    }
}

#[test]
fn a10_chains_of_files() {
    let scratch = Scratch::new();
    let long = 1_500;
    for index in 0..long {
        let text = format!("properties: {{p: {{$ref: f{}.yaml}}}}\n", index + 1);
        scratch.file(&format!("f{index}.yaml"), text);
        let text = format!("$ref: g{}.yaml\n", index + 1);
        scratch.file(&format!("g{index}.yaml"), text);
    }
    let doc = document(&json!({
        "/f": query("f", &reference("f0.yaml")),
        "/g": query("g", &reference("g0.yaml")),
    }));
    let file = scratch.file("doc.json", beside(doc).to_string());
    let report = checked(&file, &[], 2_000_000);
    if late(&report) {
        return;
    }
    assert!(tools(&report) >= 1, "{report}");
    let gone = report["summary"]["left_out"].to_string();
    assert!(gone.contains("GET /g"), "{gone}");
}

/// A schema around another one.
type Shape = fn(Value) -> Value;

/// Thirty levels, each with the next one twice: 2^30 places.
#[test]
fn a10_fans() {
    let scratch = Scratch::new();
    let levels = 30;
    let mut doc = document(&json!({}));
    let shapes: [(&str, Shape); 5] = [
        ("properties", |n| json!({"properties": {"l": n, "r": n}})),
        ("allOf", |n| json!({"allOf": [n, {"not": {"not": n}}]})),
        ("anyOf", |n| json!({"anyOf": [n, {"items": n}]})),
        ("oneOf", |n| json!({"oneOf": [n, n]})),
        (
            "mixed",
            |n| json!({"type": "object", "additionalProperties": n, "allOf": [{"properties": {"x": n}}, {"patternProperties": {"^y": n}}]}),
        ),
    ];
    for (name, shape) in shapes {
        for level in 0..levels {
            let next = reference(format!("#/components/schemas/{name}{}", level + 1));
            doc["components"]["schemas"][format!("{name}{level}")] = shape(next);
            let next = reference(format!("{name}{}.json", level + 1));
            scratch.file(&format!("{name}{level}.json"), shape(next).to_string());
        }
        let end = json!({"type": "string"});
        scratch.file(&format!("{name}{levels}.json"), end.to_string());
        doc["components"]["schemas"][format!("{name}{levels}")] = end;
        for (way, first) in [
            ("in", format!("#/components/schemas/{name}0")),
            ("files", format!("{name}0.json")),
        ] {
            let body = json!({"properties": {"a": reference(&first)}});
            let media = json!({"application/json": {"schema": body}});
            let rest = json!({"requestBody": {"content": media}, "responses": {"200": {"description": "ok", "content": media}}});
            doc["paths"][format!("/{name}/{way}")] =
                operation("post", &format!("{name} {way}"), &rest);
        }
    }
    let file = scratch.file("doc.json", beside(doc).to_string());
    let report = checked(&file, &["--enable", "write"], 2_000_000);
    if late(&report) {
        return;
    }
    assert!(tools(&report) >= 1, "{report}");
}

fn repeated(numbers: Range<usize>, text: impl Fn(usize) -> String) -> String {
    numbers.map(text).collect::<Vec<_>>().concat()
}

/// YAML of ten levels, each with the one before it ten times.
fn laughs(value: &str) -> String {
    let mut text = format!("a0: &a0 {value}\n");
    for level in 1..10 {
        let list = format!("*a{},", level - 1).repeat(10);
        text += &format!("a{level}: &a{level} [{list}]\n");
    }
    text
}

/// Texts that are small and would be large.
fn bombs() -> Vec<(&'static str, String)> {
    let merged = repeated(1..10, |n| {
        let old = format!("*m{}", n - 1);
        format!("m{n}: &m{n} {{<<: [{old}, {old}], k{n}: {old}, l{n}: {old}}}\n")
    });
    vec![
        ("laughs", laughs("lol")),
        ("long-laughs", laughs(&"lol".repeat(100_000))),
        (
            "maps",
            laughs("{a: 1, b: 2}")
                .replace('[', "{k: [")
                .replace(']', "]}"),
        ),
        ("merged", format!("m0: &m0 {{a: 1, b: 2}}\n{merged}")),
        ("anchor-to-itself", "a: &a [*a]\n".to_owned()),
        ("map-of-itself", "a: &a {b: *a, <<: *a}\n".to_owned()),
        (
            "flow",
            "x: ".to_owned() + &"[".repeat(20_000) + &"]".repeat(20_000),
        ),
        ("block", "x:\n  ".to_owned() + &"- ".repeat(20_000) + "1\n"),
        ("keys", "? ".repeat(20_000) + "1\n"),
        (
            "tags",
            "x: !!python/object/apply:os.system ['id']".to_owned(),
        ),
        (
            "tag-bytes",
            format!("x: !<tag:{}> 1\n", "y".repeat(1_000_000)),
        ),
        (
            "anchors",
            repeated(0..100_000, |n| format!("k{n}: &a{n} 1\n")),
        ),
        ("unclosed", "x: {".repeat(10_000)),
        ("quotes", format!("x: \"{}", "\\u0041".repeat(500_000))),
        (
            "directives",
            "%TAG ! tag:x,2000:\n".repeat(20_000) + "--- 1\n",
        ),
    ]
}

fn a_million_keys() -> String {
    repeated(0..1_000_000, |n| format!("k{n}: 1\n"))
}

#[test]
fn a11_documents() {
    let scratch = Scratch::new();
    let head = beside(document(&json!({}))).to_string();
    let mut all = bombs();
    all.push(("million", a_million_keys()));
    for (name, bomb) in all {
        // As the whole, and in a document that is fine besides.
        for text in [bomb.clone(), format!("{head}\n---\n{bomb}")] {
            let file = scratch.file("doc.yaml", text);
            let report = checked(&file, &[], 1_000_000);
            let codes = codes(&report);
            assert!(!codes.is_empty(), "{name}: nothing was said");
        }
    }
}

#[test]
fn a11_files_that_are_referred_to() {
    let scratch = Scratch::new();
    let mut doc = document(&json!({}));
    for (name, bomb) in bombs() {
        scratch.file(&format!("{name}.yaml"), bomb);
        doc["paths"][format!("/{name}")] = query(name, &reference(format!("{name}.yaml")));
    }
    let file = scratch.file("doc.json", beside(doc).to_string());
    let report = checked(&file, &[], 2_000_000);
    if late(&report) {
        return;
    }
    assert!(tools(&report) >= 1, "{report}");
    assert!(codes(&report).contains(&"MG114"), "{report}");
}

/// Each file is within its bounds, all of them together are not.
#[test]
fn a11_bounds_are_for_all_files() {
    for (text, said) in [
        (
            format!("{{\"x\": \"{}\"}}", "x".repeat(7 << 20)),
            "more than 67108864 bytes",
        ),
        (format!("[{}1]", "1,".repeat(400_000)), "values"),
    ] {
        let scratch = Scratch::new();
        let mut doc = document(&json!({}));
        for index in 0..20 {
            let name = format!("f{index:02}");
            scratch.file(&format!("{name}.json"), &text);
            let schema = reference(format!("{name}.json#/no"));
            doc["paths"][format!("/{name}")] = query(&name, &schema);
        }
        let file = scratch.file("doc.json", beside(doc).to_string());
        let report = bounded(&["check", &file, "--json"]).json();
        assert_eq!(tools(&report), 1, "{report}");
        let gone = report["diagnostics"].to_string();
        let found = (gone.matches("MG110").count(), gone.matches("MG114").count());
        assert!(
            found.0 > 0 && found.1 > 5 && found.0 + found.1 == 20,
            "{found:?}"
        );
        assert!(gone.contains(said) || late(&report), "{gone}");
    }
}

#[test]
fn a11_overlays() {
    let scratch = Scratch::new();
    let mut doc = document(&json!({}));
    for index in 0..3_000 {
        doc["paths"][format!("/p{index}")] =
            query(&format!("p{index}"), &json!({"type": "string"}));
    }
    let file = scratch.file("doc.json", beside(doc).to_string());
    let overlay = |actions: Value| json!({"overlay": "1.0.0", "info": {}, "actions": actions});
    let (mut twice, mut wide) = (json!({}), json!({}));
    for level in 0..60 {
        twice = json!({"x": twice});
        wide[format!("k{level}")] = json!("v".repeat(10_000));
    }
    let action = |target: &str, update: &Value| json!({"target": target, "update": update});
    let again = vec![action("$..*[?@.x || !@.x]", &json!({"x": {"y": {}}})); 50];
    let mut texts: Vec<(&str, String)> = bombs();
    for (name, actions) in [
        (
            "everywhere",
            json!([action("$..*", &json!({"x": [1, 2, 3]}))]),
        ),
        (
            "wide",
            json!([action("$.paths.*", &wide), action("$.paths.*.*", &wide)]),
        ),
        ("deeper", json!(vec![action("$..x", &twice); 20])),
        ("again", json!(again)),
        (
            "steps",
            json!([{"target": "$..*..*..*..*..*..*", "remove": true}]),
        ),
        (
            "square",
            json!([{"target": "$..[?@..*[?@ == $..*]]", "remove": true}]),
        ),
        (
            "brackets",
            json!([{"target": "[".repeat(1_900), "remove": true}]),
        ),
        (
            "parens",
            json!([{"target": format!("$[?{}@.x{}]", "(".repeat(900), ")".repeat(900)), "remove": true}]),
        ),
        (
            "nots",
            json!([{"target": format!("$[?{}@.x]", "!".repeat(1_900)), "remove": true}]),
        ),
        (
            "long",
            json!([{"target": "$".to_owned() + &".a".repeat(500_000), "remove": true}]),
        ),
        (
            "regex",
            json!([{"target": "$..[?search(@.name, '((a{1,1000}){1,1000}){1,1000}')]", "remove": true}]),
        ),
        (
            "backtrack",
            json!([{"target": "$..[?match(@.name, '(a+)+b')]", "remove": true}]),
        ),
        (
            "slice",
            json!([{"target": "$..[0:9007199254740991:1]", "remove": true}]),
        ),
    ] {
        texts.push((name, overlay(actions).to_string()));
    }
    for (name, text) in texts {
        let overlay = scratch.file(&format!("{name}.overlay.yaml"), text);
        let report = bounded(&["check", &file, "--json", "--overlay", &overlay]).json();
        assert!(
            !codes(&report).is_empty() || tools(&report) > 0,
            "{name}: nothing was said"
        );
    }
}
