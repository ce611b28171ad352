//! A policy file's sources: several documents in one server, each with its prefix, credential and place;
//! and the command line beside the file.

use serde_json::{Value, json};

use crate::support::{Output, Reply, Scratch, Upstream, run, run_in};

/// A document with one operation of each effect, and a parameter that a credential may fill.
fn document(title: &str) -> String {
    let operation = |id: &str| {
        json!({
            "operationId": id,
            "tags": [title],
            "parameters": [
                {"name": "X-Api-Key", "in": "header", "schema": {"type": "string"}},
                {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}}
            ],
            "responses": {"200": {"description": "Things."}}
        })
    };
    json!({
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1"},
        "paths": {
            "/things": {"get": operation("listThings"), "post": operation("addThing")},
            "/things/all": {"delete": operation("dropThings")},
            "/broken": {"get": {"operationId": "broken", "parameters": 3, "responses": {}}}
        }
    })
    .to_string()
}

/// A folder with two documents and a policy.
struct Folder {
    scratch: Scratch,
    policy: String,
}

impl Folder {
    fn new(policy: &str) -> Self {
        let scratch = Scratch::new();
        scratch.file("shop.json", document("Shop"));
        scratch.file("crm.json", document("Customers"));
        let policy = scratch.file("mcpgen.yaml", policy);
        Self { scratch, policy }
    }

    fn run(&self, command: &str, more: &[&str]) -> Output {
        run(&[&[command, self.policy.as_str()], more].concat(), &[], "")
    }

    /// The names of the tools.
    fn tools(&self, more: &[&str]) -> Vec<String> {
        let list = self.run("list", &[&["--json"], more].concat()).expect(0);
        let names = list.json()["tools"].as_array().cloned().unwrap_or_default();
        let name = |tool: &Value| tool["name"].as_str().unwrap_or_default().to_owned();
        names.iter().map(name).collect()
    }
}

const TWO: &str = "
version: 1
server: {name: office}
sources:
  shop: {openapi: shop.json, base_url: https://shop.example/v1}
  crm: {openapi: ./crm.json, base_url: https://crm.example, prefix: crm_}
";

#[test]
fn two_sources_in_one_server() {
    let both = Folder::new(TWO);
    assert_eq!(both.tools(&[]), ["list_things", "crm_list_things"]);
    let plan = both.run("plan", &["--json"]).expect(0).json();
    assert_eq!(plan["server"]["name"], "office");
    let base = |index: usize| plan["tools"][index]["action"]["http"]["base_url"].clone();
    assert_eq!(
        [base(0), base(1)],
        ["https://shop.example/v1", "https://crm.example"]
    );
    // What a document leaves out is told in its own text, and counted once a source.
    let check = both.run("check", &["--json"]).expect(0).json();
    let left: Vec<&Value> = check["operations"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|operation| operation["status"] == "left out")
        .map(|operation| &operation["operation"])
        .collect();
    assert_eq!(left, ["shop: GET /broken", "crm: GET /broken"]);
    let found = check["diagnostics"].as_array().unwrap();
    let crm = found.iter().any(|found| {
        found["file"].as_str().unwrap().ends_with("crm.json")
            && found["pointer"]
                .as_str()
                .unwrap()
                .starts_with("/paths/~1broken")
    });
    assert!(crm, "{found:?}");
}

#[test]
fn rules_say_what_is_a_tool() {
    for (rules, want) in [
        ("- {match: {source: crm}, exclude: true}", "list_things"),
        ("- {match: {path: '/things*'}, exclude: true}", ""),
        (
            "- {match: {operation: addThing, source: shop}, enable: write}",
            "list_things add_thing crm_list_things",
        ),
        (
            "- {match: {effect: [write, destroy], source: c*}, enable: destroy}",
            "list_things crm_list_things crm_add_thing crm_drop_things",
        ),
        // A write that is enabled does not enable deletes.
        (
            "- {match: {source: shop}, enable: write}",
            "list_things add_thing crm_list_things",
        ),
        (
            "- {match: {operation: listThings, source: shop}, name: find}",
            "find crm_list_things",
        ),
        (
            "- {match: {method: delete, source: shop}, effect: {as: read, because: 'it deletes nothing'}}",
            "list_things drop_things crm_list_things",
        ),
        (
            "- {match: {tag: Customers, effect: read}, effect: {as: write}}",
            "list_things",
        ),
        // What is left out by the document is a match all the same.
        (
            "- {match: {path: /broken}, exclude: true}",
            "list_things crm_list_things",
        ),
    ] {
        let policy = Folder::new(&format!("{TWO}rules:\n  {rules}\n"));
        if want.is_empty() {
            let said = policy.run("list", &[]).expect(1).stderr;
            assert!(said.contains("MG301"), "{said}");
        } else {
            assert_eq!(policy.tools(&[]).join(" "), want, "{rules}");
        }
    }
}

#[test]
fn options_and_file_do_not_contradict_each_other() {
    let said = format!(
        "{TWO}defaults: {{effect: write, timeout: 5s}}\ntools: {{budget: 9000}}\negress: {{proxy: \"http://proxy.example\"}}\n"
    );
    let policy = Folder::new(&said);
    let document = policy.scratch.path().join("shop.json");
    let document = document.to_str().unwrap();
    for (args, want) in [
        (
            vec!["--enable", "write"],
            "--enable: the policy says it too, as `defaults.effect`",
        ),
        (
            vec!["--timeout", "5s"],
            "--timeout: the policy says it too, as `defaults.timeout`",
        ),
        (
            vec!["--budget", "9000"],
            "--budget: the policy says it too, as `tools.budget`",
        ),
        (
            vec!["--proxy", "http://proxy.example"],
            "--proxy: the policy says it too, as `egress.proxy`",
        ),
        (vec!["--base-url", "https://x.example"], "--base-url: "),
        (vec!["--header", "X-A: b"], "--header: "),
        (vec!["--token-auth", "form"], "--token-auth: "),
    ] {
        let output = policy.run("plan", &args).expect(2);
        assert!(output.stderr.contains(want), "{args:?}: {}", output.stderr);
    }
    // What the file does not say, an option may.
    assert_eq!(
        policy.tools(&["--profile", "none", "--exclude", "crm*"]),
        ["list_things", "add_thing"]
    );
    let both = run(&["list", document, "--policy", &policy.policy], &[], "").expect(2);
    assert!(
        both.stderr.contains("has sources of its own"),
        "{}",
        both.stderr
    );
    let alone = Folder::new("version: 1\nrules: [{match: {method: POST}, enable: write}]\n");
    let none = alone.run("list", &[]).expect(2);
    assert!(
        none.stderr.contains("a policy without sources"),
        "{}",
        none.stderr
    );
    let list = run(
        &[
            "list",
            document,
            "--policy",
            &alone.policy,
            "--base-url",
            "https://x.example",
            "--json",
        ],
        &[],
        "",
    );
    assert_eq!(list.expect(0).json()["tools"].as_array().unwrap().len(), 2);
}

/// Authorities and the proxy are part of what is served and generated, wherever the document is named.
#[test]
fn egress_goes_with_the_server() {
    let egress = "egress: {ca_certs: [./ca.pem], proxy: \"http://proxy.example:3128\"}\n";
    let two = Folder::new(&format!("{TWO}{egress}"));
    let one = Folder::new(&format!("version: 1\n{egress}"));
    let document = one.scratch.path().join("shop.json");
    let named = [document.to_str().unwrap(), "--policy", &one.policy];
    for args in [&[two.policy.as_str()][..], &named] {
        let plan = run(&[&["plan", "--json"], args].concat(), &[], "").expect(0);
        for (name, source) in plan.json()["sources"].as_object().unwrap() {
            assert_eq!(source["proxy"], "http://proxy.example:3128", "{name}");
            let certificates = source["ca_certs"].as_array().unwrap();
            let path = certificates.first().and_then(Value::as_str).unwrap();
            assert!(
                path.ends_with("ca.pem") && certificates.len() == 1,
                "{path}"
            );
        }
    }
    let made = two.scratch.path().join("made");
    let made = made.to_str().unwrap();
    run(&["build", &two.policy, "-o", made], &[], "").expect(0);
    let tools = std::fs::read_to_string(format!("{made}/src/tools.rs")).unwrap();
    assert_eq!(tools.matches("ca.pem\"").count(), 2, "{tools}");
    assert_eq!(
        tools.matches("http://proxy.example:3128").count(),
        2,
        "{tools}"
    );
    // A file that is not there keeps a server from starting.
    let call = run(&["call", &two.policy, "list_things"], &[], "").expect(2);
    assert!(call.stderr.contains("ca.pem"), "{}", call.stderr);
}

#[test]
fn paths_start_from_the_file() {
    let policy = Folder::new(
        &TWO.replace("shop.json", "../${x}shop.json")
            .replace("${x}", ""),
    );
    let inner = policy.scratch.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::fs::copy(&policy.policy, inner.join("mcpgen.yaml")).unwrap();
    std::fs::copy(
        policy.scratch.path().join("crm.json"),
        inner.join("crm.json"),
    )
    .unwrap();
    // From two places, a file above its folder is found beside the policy, not beside who asks.
    let root = policy.scratch.path().join("inner/mcpgen.yaml");
    let root = root.to_str().unwrap();
    run(&["list", root], &[], "").expect(0);
    run_in(&inner, &["list", "mcpgen.yaml"], &[]).expect(0);
    let missing = policy.run("list", &[]).expect(1).stderr;
    assert!(
        missing.contains("does not exist") && missing.contains("mcpgen.yaml:5:"),
        "{missing}"
    );
}

#[test]
fn the_credential_of_a_source() {
    let upstream = Upstream::start(|_| Reply::json(&json!({})));
    let base = upstream.url();
    let scratch = Scratch::new();
    let secret = scratch.file("secret", "from-a-file\n");
    for (credential, header, want) in [
        (
            "api_key: {header: X-Api-Key, value: '${env:CANARY}'}",
            "x-api-key",
            "from-the-environment",
        ),
        (
            "bearer: {token: '${file:SECRET}'}",
            "authorization",
            "Bearer from-a-file",
        ),
        (
            "basic: {user: '${env:CANARY}', password: '${env:CANARY}'}",
            "authorization",
            "Basic ZnJvbS10aGUtZW52aXJvbm1lbnQ6ZnJvbS10aGUtZW52aXJvbm1lbnQ=",
        ),
    ] {
        let credential = credential.replace("SECRET", &secret);
        let policy = Folder::new(&format!(
            "version: 1\nsources: {{shop: {{openapi: shop.json, base_url: '{base}', credential: own}}}}\ncredentials: {{own: {{{credential}}}}}\n"
        ));
        let env = [("CANARY", "from-the-environment")];
        let called = run(&["call", &policy.policy, "list_things"], &env, "").expect(0);
        let sent = upstream.requests().pop().expect("a request");
        assert_eq!(sent.header(header), Some(want), "{called:?}");
        // Neither the tool nor the plan has it.
        let plan = run(&["plan", &policy.policy, "--json"], &env, "").expect(0);
        assert!(!plan.stdout.contains(want) && !plan.stdout.contains("from-a-file"));
        let named = plan.json()["tools"][0]["input_schema"]["properties"]["X-Api-Key"].is_object();
        assert_eq!(named, header != "x-api-key");
        if header == "x-api-key" {
            let own = run(
                &[
                    "call",
                    &policy.policy,
                    "list_things",
                    "--arg",
                    "X-Api-Key=mine",
                ],
                &env,
                "",
            );
            assert!(
                own.expect(1)
                    .stderr
                    .contains("/X-Api-Key: no such argument")
            );
        }
    }
}
