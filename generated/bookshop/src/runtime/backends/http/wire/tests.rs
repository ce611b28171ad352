//! The tables of the specification, and values that try to be more than one.

use super::*;
use crate::runtime::manifest::Style;
use serde_json::json;

fn param(place: Place, style: Style, explode: bool) -> WireParam {
    WireParam {
        arg: "color".into(),
        name: "color".into(),
        place,
        style,
        explode,
        allow_reserved: false,
        slash: false,
        allow_empty: false,
        content: None,
    }
}

/// The rows of OpenAPI 3.1.1 §4.8.12.4, "Style Examples".
#[test]
fn the_table_of_the_specification() {
    let list = json!(["blue", "black", "brown"]);
    let object = json!({"R": 100, "G": 200, "B": 150});
    let one = json!("blue");
    for (style, explode, value, want) in [
        (Style::Matrix, false, &one, ";color=blue"),
        (Style::Matrix, false, &list, ";color=blue,black,brown"),
        (Style::Matrix, false, &object, ";color=R,100,G,200,B,150"),
        (
            Style::Matrix,
            true,
            &list,
            ";color=blue;color=black;color=brown",
        ),
        (Style::Matrix, true, &object, ";R=100;G=200;B=150"),
        (Style::Label, false, &one, ".blue"),
        (Style::Label, false, &list, ".blue,black,brown"),
        (Style::Label, false, &object, ".R,100,G,200,B,150"),
        (Style::Label, true, &list, ".blue.black.brown"),
        (Style::Label, true, &object, ".R=100.G=200.B=150"),
        (Style::Simple, false, &one, "blue"),
        (Style::Simple, false, &list, "blue,black,brown"),
        (Style::Simple, false, &object, "R,100,G,200,B,150"),
        (Style::Simple, true, &list, "blue,black,brown"),
        (Style::Simple, true, &object, "R=100,G=200,B=150"),
    ] {
        assert_eq!(
            path(&param(Place::Path, style, explode), value).unwrap(),
            want
        );
    }
    for (style, explode, value, want) in [
        (Style::Form, false, &one, "color=blue"),
        (Style::Form, false, &json!(""), "color="),
        (Style::Form, false, &list, "color=blue,black,brown"),
        (Style::Form, false, &object, "color=R,100,G,200,B,150"),
        (
            Style::Form,
            true,
            &list,
            "color=blue&color=black&color=brown",
        ),
        (Style::Form, true, &object, "R=100&G=200&B=150"),
        (
            Style::SpaceDelimited,
            false,
            &list,
            "color=blue%20black%20brown",
        ),
        (
            Style::SpaceDelimited,
            false,
            &object,
            "color=R%20100%20G%20200%20B%20150",
        ),
        (
            Style::PipeDelimited,
            false,
            &list,
            "color=blue%7Cblack%7Cbrown",
        ),
        (
            Style::DeepObject,
            true,
            &object,
            "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150",
        ),
    ] {
        let pairs = query(&param(Place::Query, style, explode), value).unwrap();
        let text: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(text.join("&"), want);
    }
    for (explode, value, want) in [
        (false, &list, "blue,black,brown"),
        (true, &object, "R=100,G=200,B=150"),
        (false, &object, "R,100,G,200,B,150"),
    ] {
        assert_eq!(
            header(&param(Place::Header, Style::Simple, explode), value)
                .unwrap()
                .unwrap(),
            want
        );
    }
}

#[test]
fn one_key_and_the_exact_value() {
    let form = param(Place::Query, Style::Form, true);
    for (value, want) in [
        (json!("a&admin=true"), "a%26admin%3Dtrue"),
        (json!("a#b"), "a%23b"),
        (json!("a;b"), "a%3Bb"),
        (json!("%26"), "%2526"),
        (json!("ä é+ "), "%C3%A4%20%C3%A9%2B%20"),
        (serde_json::from_str("100.10").unwrap(), "100.10"),
        (
            serde_json::from_str("123456789012345678901234567890").unwrap(),
            "123456789012345678901234567890",
        ),
    ] {
        assert_eq!(
            query(&form, &value).unwrap(),
            [("color".to_owned(), want.to_owned())]
        );
    }
    let deep = param(Place::Query, Style::DeepObject, true);
    assert!(query(&deep, &json!({"x][y]": "1"})).is_err());
    assert!(query(&deep, &json!({"a": {"b": 1}})).is_err());
    let reserved = WireParam {
        allow_reserved: true,
        ..form
    };
    assert_eq!(
        query(&reserved, &json!("a/b?c=d&e#f")).unwrap()[0].1,
        "a/b?c=d%26e%23f"
    );
}

#[test]
fn path_values_stay_in_their_segment() {
    let param = param(Place::Path, Style::Simple, false);
    for (value, want) in [
        ("7", Some("7")),
        ("a b", Some("a%20b")),
        ("?x=1", Some("%3Fx%3D1")),
        ("#f", Some("%23f")),
        ("a.b", Some("a.b")),
        ("...", Some("...")),
        ("50%", Some("50%25")),
        ("@evil", Some("%40evil")),
        ("ä", Some("%C3%A4")),
        ("..", None),
        (".", None),
        ("", None),
        (" ", None),
        ("../../admin", None),
        ("..%2Fadmin", None),
        ("%2e%2e", None),
        ("%252e%252e", None),
        ("..\\", None),
        ("..;", None),
        ("..;x", None),
        ("a/b", None),
        ("a\\b", None),
        ("//evil", None),
        ("a\0", None),
        ("a\t", None),
        ("a\r\n", None),
        ("a%00", None),
        ("\u{ff0e}\u{ff0e}", None),
        ("a\u{ff0f}b", None),
    ] {
        let sent = path(&param, &json!(value)).ok();
        assert_eq!(sent.as_deref(), want, "{value:?}");
    }
    assert!(path(&param, &json!("x".repeat(10_000))).is_err());
}

#[test]
fn slashes_that_are_allowed_are_encoded() {
    let plain = param(Place::Path, Style::Simple, false);
    let slashed = WireParam {
        slash: true,
        ..plain.clone()
    };
    for allow_reserved in [false, true] {
        let param = WireParam {
            allow_reserved,
            ..slashed.clone()
        };
        for (value, want) in [
            ("src/main.rs", Some("src%2Fmain.rs")),
            ("a", Some("a")),
            ("a/b/c d", Some("a%2Fb%2Fc%20d")),
            ("...", Some("...")),
            ("a/.b", Some("a%2F.b")),
            ("", None),
            ("/", None),
            ("/a", None),
            ("a/", None),
            ("a//b", None),
            ("a/ /b", None),
            ("..", None),
            ("../a", None),
            ("a/..", None),
            ("a/../b", None),
            ("a/./b", None),
            ("a/..;x/b", None),
            ("a/ ../b", None),
            ("a/%2e%2e/b", None),
            ("a/%252e./b", None),
            ("a%2Fb", None),
            ("a%2f..%2fb", None),
            ("a%252Fb", None),
            ("a%5Cb", None),
            ("a\\b", None),
            ("a/\u{0}", None),
            ("a/\r\nb", None),
            ("a\u{2215}b", Some("a%E2%88%95b")),
            ("a\u{ff0f}b", None),
            ("a/\u{ff0e}\u{ff0e}/b", None),
            ("a/..?x/b", None),
            ("a/%c0%ae%c0%ae/b", None),
        ] {
            let sent = path(&param, &json!(value)).ok();
            assert_eq!(sent.as_deref(), want, "{value:?}");
        }
    }
    assert!(path(&plain, &json!("a/b")).is_err());
    let list = path(&slashed, &json!(["a/b", "c"])).unwrap();
    assert_eq!(list, "a%2Fb,c");
    assert!(path(&slashed, &json!(["a/b", "../c"])).is_err());
}
