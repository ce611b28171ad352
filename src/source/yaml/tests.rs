//! Tests of the YAML composer: one row a rule.

use super::*;

fn read(text: &str) -> (Option<String>, Vec<String>) {
    let mut diags = Diagnostics::default();
    let value = compose(text, &Budget::default(), Manner::Lenient, &mut diags);
    let line = |d: &Diagnostic| {
        let place = d.loc.as_ref().and_then(|l| l.line_column);
        let (line, column) = place.unwrap_or_default();
        let (severity, code) = (d.severity.as_str(), d.code.as_str());
        format!("{severity} {code} {line}:{column} {}", d.message)
    };
    (
        value.map(|v| v.to_string()),
        diags.iter().map(line).collect(),
    )
}

#[test]
fn documents_without_findings() {
    let cases = [
        ("a: 1\nb: [x, 'y', \"z\"]\n", r#"{"a":1,"b":["x","y","z"]}"#),
        ("a:\nb: ''\nc: ~\n", r#"{"a":null,"b":"","c":null}"#),
        (
            "200: ok\n1.0: x\nnull: y\ntrue: z",
            r#"{"200":"ok","1.0":"x","null":"y","true":"z"}"#,
        ),
        ("'on': \"1\"\nno: 'true'", r#"{"on":"1","no":"true"}"#),
        (
            "a: |\n  x\n  y\nb: >-\n  x\n  y\n",
            r#"{"a":"x\ny\n","b":"x y"}"#,
        ),
        (
            "- 012\n- 1_0\n- 2020-01-01\n- 0x1F",
            r#"[12,"1_0","2020-01-01",31]"#,
        ),
        (
            "[!!str 1, !!int '1', ! 1, !!float 1.50]",
            r#"["1",1,"1",1.50]"#,
        ),
        ("a: !!map {b: !!seq [1]}", r#"{"a":{"b":[1]}}"#),
        ("a: &x {k: 1}\nb: *x\n", r#"{"a":{"k":1},"b":{"k":1}}"#),
        ("&k a: 1\nb: *k\n", r#"{"a":1,"b":"a"}"#),
        ("a: &k n\n*k : 1\n", r#"{"a":"n","n":1}"#),
        ("a: &x 1\nb: &x 2\nc: *x\n", r#"{"a":1,"b":2,"c":2}"#),
        (
            "x: &x {a: 1, b: 1}\ny: {b: 2, <<: *x, c: 3}",
            r#"{"x":{"a":1,"b":1},"y":{"a":1,"b":2,"c":3}}"#,
        ),
        (
            "- &x {a: 1}\n- &y {a: 2, b: 2}\n- <<: [*x, *y]",
            r#"[{"a":1},{"a":2,"b":2},{"a":1,"b":2}]"#,
        ),
        ("'<<': 1", r#"{"<<":1}"#),
        ("%YAML 1.2\n---\na: 1\n...\n", r#"{"a":1}"#),
        ("text", r#""text""#),
    ];
    for (text, json) in cases {
        assert_eq!(read(text), (Some(json.to_owned()), vec![]), "{text}");
    }
}

#[test]
fn documents_with_findings() {
    let cases = [
        (
            "a: 1\na: 2\n",
            Some(r#"{"a":2}"#),
            "warning MG106 2:1 the key `a` is there more than once; the last value is used",
        ),
        (
            "a: .inf",
            Some(r#"{"a":".inf"}"#),
            "warning MG107 1:4 JSON has no `.inf`; it is read as text",
        ),
        (
            "a: !!int x",
            Some(r#"{"a":"x"}"#),
            "warning MG107 1:4 `x` is not `!!int`; it is read as text",
        ),
        (
            "a: !env 1",
            Some(r#"{"a":1}"#),
            "warning MG107 1:4 the tag `!env` is ignored",
        ),
        (
            "a: !set {b: 1}",
            Some(r#"{"a":{"b":1}}"#),
            "warning MG107 1:4 the tag `!set` is ignored",
        ),
        (
            "a: 1\n---\nb: 1\n",
            Some(r#"{"a":1}"#),
            "warning MG107 2:1 only the first of several YAML documents is read",
        ),
        (
            "? [a]\n: 1\n",
            None,
            "error MG107 1:3 a mapping or list cannot be a key",
        ),
        (
            "a: {<<: 1}",
            None,
            "error MG107 1:5 the merge key `<<` needs a mapping or a list of them",
        ),
        (
            "a: &x [*x]",
            None,
            "error MG107 1:8 this alias is inside the node that it stands for",
        ),
        (
            "a: *x",
            None,
            "error MG101 1:4 this is not YAML: while parsing node, found unknown anchor",
        ),
        (
            "a: [1",
            None,
            "error MG101 1:6 this is not YAML: while parsing a flow sequence, expected ',' or ']'",
        ),
        ("# x\n", None, "error MG102 1:1 the document is empty"),
    ];
    for (text, json, finding) in cases {
        let expected = (json.map(str::to_owned), vec![finding.to_owned()]);
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn aliases_cannot_make_a_document_explode() {
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..60 {
        let aliases = vec![format!("*a{}", i - 1); 10].join(", ");
        laughs += &format!("a{i}: &a{i} [{aliases}]\n");
    }
    let text = "x".repeat(100_000);
    let long = format!("- &x {text}\n{}", "- *x\n".repeat(1000));
    let mut deep = "- &a0 [x]\n".to_owned();
    for i in 1..200 {
        deep += &format!("- &a{i} [*a{}]\n", i - 1);
    }
    let merged = "a: &a {x: &b {k: 1}}\nb: {<<: [*a, *a, *a]}\n".to_owned();
    let cases = [
        (laughs, "aliases expand the document by more than"),
        (long, "aliases expand the document by more than"),
        (deep, "the document is nested deeper than 100 levels here"),
        (merged, ""),
    ];
    for (text, message) in cases {
        let started = Instant::now();
        let (value, findings) = read(&text);
        assert_eq!(value.is_none(), !message.is_empty());
        assert!(findings.concat().contains(message), "{findings:?}");
        assert!(started.elapsed().as_secs() < 5);
    }
}
