//! Client profiles: what each client is shown of one document, that the wire and the checks stay what they
//! are, and that the strict tools keep the rules of every client.

use mcpgen::runtime::manifest::Manifest;
use serde_json::{Value, json};

use crate::support::{Output, clients, golden, run, tools};

const DOC: &str = "tests/profiles/doc.yaml";
const PROFILES: [&str; 5] = ["anthropic", "openai", "gemini", "strict", "none"];

fn mcpgen(command: &str, profile: &str, args: &[&str]) -> Output {
    let line = [command, DOC, "--enable", "write", "--profile", profile];
    run(&[&line, args].concat(), &[], "")
}

fn manifest(profile: &str) -> Manifest {
    serde_json::from_value(mcpgen("plan", profile, &["--json"]).json()).expect("a Manifest")
}

#[test]
fn each_profile_shows_what_its_clients_take() {
    for profile in PROFILES {
        let plan = mcpgen("plan", profile, &["--json"]).expect(0).stdout;
        golden(&format!("profiles/{profile}.json"), &plan);
        let check = mcpgen("check", profile, &["--verbose"]).expect(0).stdout;
        golden(&format!("profiles/{profile}.txt"), &check);
    }
    let unnamed = run(&["plan", DOC, "--enable", "write"], &[], "")
        .expect(0)
        .stdout;
    assert_eq!(unnamed, mcpgen("plan", "strict", &[]).stdout);
    assert!(unnamed.starts_with("profile strict\n"), "{unnamed}");
}

#[test]
fn the_strict_tools_keep_the_rules_of_every_client() {
    assert_eq!(clients::refused(&manifest("strict")), Vec::<String>::new());
    assert_eq!(tools::problems(&manifest("strict")), Vec::<String>::new());
    // The rules are broken where nothing is rewritten, so they can be.
    let broken = clients::refused(&manifest("none"));
    for part in [
        "75 characters",
        "is not of letters",
        "the argument \"filter[name]\"",
        "the pattern ^(?!x-)",
        r"the pattern ^\p{L}+$",
        "the pattern ^(?!_)",
        "no text",
        "the format date",
        "an array without items",
        "several types",
    ] {
        assert!(
            broken.iter().any(|what| what.contains(part)),
            "{part}: {broken:#?}"
        );
    }
}

/// The first line of the request of a call, or what is said against it.
fn request(profile: &str, tool: &str, args: &Value) -> String {
    let text = args.to_string();
    let args = [
        "call",
        DOC,
        tool,
        &text,
        "--enable",
        "write",
        "--dry-run",
        "--profile",
        profile,
    ];
    let output = run(&args, &[], "");
    if output.status == 0 {
        output.stdout.lines().next().unwrap_or_default().to_owned()
    } else {
        output.stderr
    }
}

#[test]
fn the_wire_and_the_checks_are_the_same_for_all_clients() {
    for profile in PROFILES {
        let manifest = manifest(profile);
        let list = manifest
            .tools
            .iter()
            .find(|tool| tool.name == "list_items")
            .unwrap();
        let named = |index: usize| list.arguments().nth(index).expect("an argument").0.as_str();
        let (name, top, long) = (named(0), named(1), named(8));
        let all =
            json!({name: "abc", top: 20, "sort": "price", "state": "", "code": "AB-1", long: true});
        assert_eq!(
            request(profile, "list_items", &all),
            "GET https://shop.example/items?filter%5Bname%5D=abc&%24top=20&sort=price&state=&code=AB-1\
             &only-those-that-were-on-the-shelf-for-a-much-longer-time-than-is-usual=true",
            "{profile}"
        );
        for (wrong, why) in [
            (json!({name: "x-abc"}), "x-abc"),
            (json!({top: 15}), "15 is not one of [10,20,50]"),
            (json!({"state": "lost"}), "lost"),
            (json!({"code": "ab"}), "ab"),
        ] {
            let said = request(profile, "list_items", &wrong);
            assert!(
                said.contains("invalid_arguments") || said.contains("nothing was sent"),
                "{said}"
            );
            assert!(said.contains(why), "{profile} {wrong}: {said}");
        }
        let kind = if ["openai", "none"].contains(&profile) {
            "@type"
        } else {
            "type"
        };
        for (args, good) in [
            (
                json!({kind: "a", "place": {"town": "Köln", "door bell": "x"}}),
                true,
            ),
            (json!({kind: "a", "place": {"town": "K1"}}), false),
            (json!({kind: "a", "labels": {"x": "y"}}), true),
            (json!({kind: "a", "labels": {"_x": "y"}}), false),
            (json!({kind: "a", "parts": [null, {"weight": 1}]}), true),
            (json!({kind: "a", "parts": [1]}), false),
            (json!({kind: "a", "anything": {"value": [1, null]}}), true),
        ] {
            let said = request(profile, "add_item", &args);
            assert_eq!(
                said.starts_with("POST https://"),
                good,
                "{profile} {args}: {said}"
            );
        }
    }
}

#[test]
fn a_plan_says_what_is_checked_further() {
    let plan = mcpgen("plan", "strict", &[]).stdout;
    for line in [
        "  filter_name: string -> query `filter[name]`, checked further than shown\n",
        "  code: string -> query `code`\n",
        "  place: object -> body `place`, checked further than shown\n",
    ] {
        assert!(plan.contains(line), "{line}{plan}");
    }
    let none = mcpgen("plan", "none", &[]).stdout;
    assert!(
        none.contains("  filter[name]: string -> query `filter[name]`\n"),
        "{none}"
    );
    assert!(!none.contains("further"), "{none}");
}
