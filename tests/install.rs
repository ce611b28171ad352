//! `mcpgen install`: what is written into the configurations of clients, and what never is.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::process::run_in;
use crate::support::{Output, Reply, Scratch, Upstream, golden, run};

mod tokens;
#[cfg(unix)]
mod unix;

const DOCUMENT: &str = include_str!("install/bookshop.yaml");

/// A client: its name, its file below the scratch folder, the key of its servers.
type Row = (&'static str, &'static str, &'static str);

const CLIENTS: [Row; 5] = [
    ("claude-desktop", DESKTOP, "mcpServers"),
    ("claude-code", "project/.mcp.json", "mcpServers"),
    ("cursor", "home/.cursor/mcp.json", "mcpServers"),
    ("vscode", "project/.vscode/mcp.json", "servers"),
    (
        "windsurf",
        "home/.codeium/windsurf/mcp_config.json",
        "mcpServers",
    ),
];

const DESKTOP: &str = if cfg!(target_os = "macos") {
    "home/Library/Application Support/Claude/claude_desktop_config.json"
} else {
    "home/.config/Claude/claude_desktop_config.json"
};

/// A value that the environment has for every variable and that may be seen nowhere.
const CANARY: &str = "canary-7f3a";

/// A home folder and a project with a document, where `mcpgen install` runs.
struct Machine {
    scratch: Scratch,
}

impl Machine {
    fn new() -> Self {
        let scratch = Scratch::new();
        scratch.file("project/openapi.yaml", DOCUMENT);
        fs::create_dir_all(scratch.path().join("home")).unwrap();
        Self { scratch }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// Runs `mcpgen install openapi.yaml --client …` and looks for the secret everywhere.
    #[track_caller]
    fn install(&self, client: &str, more: &[&str]) -> Output {
        let args = [&["install", "openapi.yaml", "--client", client], more].concat();
        self.run(&args)
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> Output {
        let home = self.path("home").into_os_string().into_string().unwrap();
        let env = [
            ("HOME", home.as_str()),
            ("BOOKSHOP_API_KEY", CANARY),
            ("TENANT_TOKEN", CANARY),
        ];
        let output = run_in(&self.path("project"), args, &env);
        for text in [&output.stdout, &output.stderr] {
            assert!(!text.contains(CANARY), "{text}");
        }
        for file in self.files() {
            let text = self.read(&file);
            assert!(!text.contains(CANARY), "{file}: {text}");
        }
        output
    }

    /// All files but the document, by their paths below the scratch folder.
    fn files(&self) -> Vec<String> {
        let mut folders = vec![self.scratch.path().to_path_buf()];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.is_file() {
                    let name = path.strip_prefix(self.scratch.path()).unwrap();
                    files.push(name.display().to_string());
                }
            }
        }
        files.retain(|file| file != "project/openapi.yaml");
        files.sort();
        files
    }

    /// The text without the paths of this run and this system.
    fn plain(&self, text: &str) -> String {
        let scratch = self.scratch.path().display().to_string();
        text.replace(&program(), "<mcpgen>")
            .replace(&scratch, "<scratch>")
            .replace("Library/Application Support", ".config")
    }
}

/// The program as it sees itself.
fn program() -> String {
    let path = fs::canonicalize(env!("CARGO_BIN_EXE_mcpgen")).unwrap();
    path.into_os_string().into_string().unwrap()
}

#[test]
fn a_fresh_file() {
    for (client, file, key) in CLIENTS {
        let machine = Machine::new();
        let output = machine.install(client, &[]).expect(0);
        assert_eq!(machine.files(), [file]);
        let text = machine.read(file);
        let page = format!("{}\n{text}", output.stdout);
        golden(&format!("install/{client}.txt"), &machine.plain(&page));

        let entry = &machine.json(file)[key]["bookshop"];
        assert_eq!(entry["command"], program());
        let document = machine.path("project/openapi.yaml");
        assert_eq!(entry["args"], json!(["serve", document]));
        // The command line that was written is one that serves.
        let args: Vec<_> = entry["args"].as_array().unwrap().iter().collect();
        let args: Vec<_> = args.iter().filter_map(|arg| arg.as_str()).collect();
        let served = run(&args, &[], "").expect(0);
        assert!(served.stderr.contains("2 tools"), "{}", served.stderr);
    }
}

#[test]
fn other_servers_stay() {
    let styles = [
        "{\n    \"theme\": \"dark\",\n    \"KEY\": {\n        \"other\": { \"command\":\"x\" }\n    },\n    \"n\": 1.50\n}\n",
        "{\"KEY\":{\"other\":{\"command\":\"x\"}},\"n\":[1,  2]}",
        "{\r\n\t\"KEY\": {\r\n\t\t\"other\": {}\r\n\t}\r\n}\r\n",
        "\u{feff}{\n  \"a\": \"caf\\u00e9 \\\"}\",\n  \"KEY\": {}\n}",
        "{ }",
        "",
    ];
    for (client, file, key) in CLIENTS {
        for before in styles {
            let machine = Machine::new();
            let before = before.replace("KEY", key);
            machine.scratch.file(file, &before);
            machine.install(client, &[]).expect(0);
            let after = machine.read(file);
            let value: Value = serde_json::from_str(after.trim_start_matches('\u{feff}')).unwrap();
            assert_eq!(value[key]["bookshop"]["command"], program());
            assert_eq!(machine.read(&format!("{file}.bak")), before);
            assert_eq!(machine.files().len(), 2, "{:?}", machine.files());
            // VS Code gets its inputs besides; the others exactly one piece of text.
            let blank = before.trim().trim_start_matches('{').trim() == "}" || before.is_empty();
            if client != "vscode" && !blank {
                assert_insertion(&before, &after);
            }
        }
    }
}

/// `after` is `before` with something put in at one place; blanks between brackets may go.
#[track_caller]
fn assert_insertion(before: &str, after: &str) {
    let same = |(a, b): &(u8, u8)| a == b;
    let head = before.bytes().zip(after.bytes()).take_while(same).count();
    let tail = before
        .bytes()
        .rev()
        .zip(after.bytes().rev())
        .take_while(same)
        .count();
    assert!(head + tail >= before.len(), "{before}\n{after}");
}

#[test]
fn vscode_keeps_its_inputs() {
    let machine = Machine::new();
    let file = "project/.vscode/mcp.json";
    let before = "{\n  \"inputs\": [\n    {\"type\": \"pickString\", \"id\": \"bookshop-api-key\", \"options\": [\"a\"]}\n  ],\n  \"servers\": {\n    \"other\": {\"type\": \"stdio\", \"command\": \"x\"}\n  }\n}\n";
    machine.scratch.file(file, before);
    machine.install("vscode", &[]).expect(0);
    golden(
        "install/vscode-inputs.txt",
        &machine.plain(&machine.read(file)),
    );
    // A second server of the same document asks with the same input.
    machine.install("vscode", &["--name", "again"]).expect(0);
    let config = machine.json(file);
    assert_eq!(config["inputs"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        config["servers"]["again"]["env"],
        config["servers"]["bookshop"]["env"]
    );
}

#[test]
fn a_name_that_is_taken() {
    let mine = format!(
        "{{\"command\": {:?}, \"args\": [\"serve\", \"/else.yaml\"]}}",
        program()
    );
    let others = [
        "{\"command\": \"npx\", \"args\": [\"-y\", \"bookshop\"]}",
        "{\"url\": \"https://bookshop.example/mcp\"}",
        "{\"command\": \"mcpgen\", \"args\": \"serve\"}",
        "null",
        &mine,
    ];
    for (client, file, key) in CLIENTS {
        for other in others {
            let machine = Machine::new();
            let before = format!("{{\n  {key:?}: {{\n    \"bookshop\": {other}\n  }}\n}}\n");
            machine.scratch.file(file, &before);
            let output = machine.install(client, &[]).expect(2);
            let name = Path::new(file).file_name().unwrap().to_str().unwrap();
            let place = format!("{name}:3:17: `bookshop` is there already");
            assert!(output.stderr.contains(&place), "{}", output.stderr);
            assert!(output.stderr.contains("--name"), "{}", output.stderr);
            assert_eq!(machine.files(), [file]);
            assert_eq!(machine.read(file), before);

            machine.install(client, &["--name", "shop"]).expect(0);
            assert!(machine.json(file)[key]["shop"].is_object());
        }
    }
}

#[test]
fn an_update_keeps_what_its_owner_wrote() {
    for (client, file, key) in CLIENTS {
        let machine = Machine::new();
        machine.install(client, &[]).expect(0);
        let mut config = machine.json(file);
        let entry = &mut config[key]["bookshop"];
        entry["env"]["BOOKSHOP_API_KEY"] = json!("filled in");
        entry["env"]["LANG"] = json!("C");
        entry["disabled"] = json!(true);
        // Another build of mcpgen, elsewhere.
        entry["command"] = json!("/opt/old/mcpgen");
        let before = config.to_string();
        machine.scratch.file(file, &before);

        let output = machine.install(client, &["--enable", "write"]).expect(0);
        assert!(output.stdout.starts_with("Updated"), "{}", output.stdout);
        assert!(!output.stdout.contains("BOOKSHOP"), "{}", output.stdout);
        let entry = &mut config[key]["bookshop"];
        entry["command"] = json!(program());
        let args = entry["args"].as_array_mut().unwrap();
        args.extend([json!("--enable"), json!("write")]);
        assert_eq!(machine.json(file), config, "{client}");
        assert_eq!(machine.read(&format!("{file}.bak")), before);
    }
}

#[test]
fn already_installed() {
    for (client, file, _) in CLIENTS {
        let machine = Machine::new();
        machine.install(client, &[]).expect(0);
        let before = machine.read(file);
        for document in ["openapi.yaml", "../project/openapi.yaml"] {
            let output = machine
                .run(&["install", document, "--client", client])
                .expect(0);
            let said = "`bookshop` is already installed";
            assert!(output.stdout.starts_with(said), "{}", output.stdout);
        }
        assert_eq!(machine.files(), [file]);
        assert_eq!(machine.read(file), before);
    }
}

#[test]
fn what_is_not_plain_json() {
    let texts = [
        (
            "{\n  // a comment\n  \"KEY\": {}\n}\n",
            "2:3: this is not plain JSON",
        ),
        ("{\n  \"KEY\": {},\n}\n", "3:1: this is not plain JSON"),
        ("{\"KEY\": ", "1:8: this is not plain JSON"),
        ("[]", "1:1: an object is expected"),
        ("{\n  \"KEY\": []\n}", "is expected to be an object"),
        ("{\n  \"KEY\": null\n}", "is expected to be an object"),
    ];
    for (client, file, key) in CLIENTS {
        for (text, wanted) in texts {
            let machine = Machine::new();
            let text = text.replace("KEY", key);
            let wanted = wanted.replace("1:8", &format!("1:{}", text.len()));
            machine.scratch.file(file, &text);
            let output = machine.install(client, &[]).expect(2);
            assert!(output.stderr.contains(&wanted), "{text}\n{}", output.stderr);
            assert!(output.stderr.contains("--print"), "{}", output.stderr);
            assert_eq!(machine.read(file), text);
            assert_eq!(machine.files(), [file]);
        }
    }
}

#[test]
fn print_writes_nothing() {
    for (client, file, key) in CLIENTS {
        let machine = Machine::new();
        let output = machine.install(client, &["--print"]).expect(0);
        assert_eq!(machine.files(), [""; 0]);
        let name = Path::new(file).file_name().unwrap().to_str().unwrap();
        assert!(
            output.stderr.ends_with(&format!("{name}:\n")),
            "{}",
            output.stderr
        );
        assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
        // It is what a fresh file gets, whatever is there.
        machine.install(client, &[]).expect(0);
        assert_eq!(output.json(), machine.json(file));
        machine.scratch.file(file, "not JSON");
        let again = machine.install(client, &["--print"]).expect(0);
        assert_eq!(again.json()[key], output.json()[key]);
        assert_eq!(machine.read(file), "not JSON");
    }
}

#[test]
fn older_backups_stay() {
    let machine = Machine::new();
    let file = "home/.cursor/mcp.json";
    machine.scratch.file(file, "{}");
    machine.scratch.file("home/.cursor/mcp.json.bak", "mine");
    machine.install("cursor", &[]).expect(0);
    let first = machine.read(file);
    let output = machine.install("cursor", &["--enable", "write"]).expect(0);
    let said = "backup    ~/.cursor/mcp.json.bak.2\n";
    assert!(output.stdout.contains(said), "{}", output.stdout);
    for (name, text) in [("bak", "mine"), ("bak.1", "{}"), ("bak.2", &first)] {
        assert_eq!(machine.read(&format!("{file}.{name}")), text, "{name}");
    }
}

#[test]
fn options_become_arguments() {
    let machine = Machine::new();
    // Certificates are read when something is fetched or served.
    machine.scratch.file("project/ca.pem", "");
    let options = [
        ("--base-url", "http://127.0.0.1:9/v1"),
        ("--token-url", "http://127.0.0.1:9/token"),
        ("--token-auth", "form"),
        ("--token-field", "audience=shop"),
        ("--token-field", "resource=a b"),
        ("--enable", "destroy"),
        ("--include", "/books/**"),
        ("--include", "list_books"),
        ("--exclude", "remove_book"),
        ("--header", "X-Tenant-Token: a ${env:TENANT_TOKEN}"),
        ("--timeout", "2m"),
        ("--budget", "30000"),
        ("--profile", "gemini"),
        ("--ca-cert", "ca.pem"),
        ("--proxy", "http://127.0.0.1:8"),
    ];
    let typed: Vec<&str> = options.iter().flat_map(|(name, v)| [*name, *v]).collect();
    let typed = [&typed[..], &["--allow-http"]].concat();
    let output = machine.install("cursor", &typed).expect(0);
    assert!(
        output.stdout.contains("BOOKSHOP_API_KEY and TENANT_TOKEN"),
        "{}",
        output.stdout
    );
    let entry = &machine.json("home/.cursor/mcp.json")["mcpServers"]["bookshop"];
    let mut wanted = vec![json!("serve"), json!(machine.path("project/openapi.yaml"))];
    wanted.extend(typed.iter().map(|text| match *text {
        "ca.pem" => json!(machine.path("project/ca.pem")),
        "2m" => json!("120000ms"),
        text => json!(text.replace("${env:", "$env{")),
    }));
    assert_eq!(entry["args"], json!(wanted));
    assert_eq!(
        entry["env"],
        json!({"BOOKSHOP_API_KEY": "", "TENANT_TOKEN": ""})
    );

    // The second spelling of a variable is read as the first.
    let args = [
        "call",
        "openapi.yaml",
        "list_books",
        "--dry-run",
        "--header",
    ];
    let header = "X-Tenant-Token: a $env{TENANT_TOKEN}";
    let sent = machine.run(&[&args[..], &[header]].concat()).expect(0);
    assert!(sent.stdout.contains("x-tenant-token"), "{}", sent.stdout);
}

#[test]
fn what_is_refused() {
    let cases: [(&[&str], i32, &str); 9] = [
        (&["-", "--client", "cursor"], 2, "no standard input"),
        (&["openapi.yaml"], 2, "--client"),
        (&["openapi.yaml", "--client", "emacs"], 2, "claude-desktop"),
        (
            &["openapi.yaml", "--client", "cursor", "--name", "a b"],
            2,
            "--name",
        ),
        (&["broken.yaml", "--client", "cursor"], 1, "broken.yaml:1"),
        (&["nowhere.yaml", "--client", "cursor"], 2, "does not exist"),
        (&["homeless.yaml", "--client", "cursor"], 2, "--base-url"),
        (
            &[
                "openapi.yaml",
                "--client",
                "cursor",
                "--proxy",
                "http://a:canary-7f3a@127.0.0.1",
            ],
            2,
            "do not belong",
        ),
        (
            &[
                "openapi.yaml",
                "--client",
                "cursor",
                "--header",
                "X-A: ${userHome}",
            ],
            2,
            "in place of",
        ),
    ];
    let machine = Machine::new();
    machine.scratch.file("project/broken.yaml", "openapi: [");
    let homeless = DOCUMENT.replace("  - url: https://bookshop.example/v1\n", "  []\n");
    machine.scratch.file("project/homeless.yaml", homeless);
    for (args, status, said) in cases {
        let before = machine.files();
        let output = machine.run(&[&["install"], args].concat()).expect(status);
        assert!(output.stderr.contains(said), "{args:?}: {}", output.stderr);
        assert_eq!(machine.files(), before);
    }
}

#[test]
fn a_document_with_an_address() {
    let upstream = Upstream::start(|_| Reply::content("application/yaml", DOCUMENT.as_bytes()));
    let machine = Machine::new();
    let url = format!("{}/openapi.yaml?format=3.1", upstream.url());
    machine
        .run(&["install", &url, "--client", "cursor"])
        .expect(0);
    let config = machine.json("home/.cursor/mcp.json");
    assert_eq!(
        config["mcpServers"]["bookshop"]["args"],
        json!(["serve", url])
    );
    for bad in [
        format!("{}/openapi.yaml?access_token={CANARY}", upstream.url()),
        upstream.url().replace("//", &format!("//u:{CANARY}@")),
    ] {
        let output = machine
            .run(&["install", &bad, "--client", "vscode"])
            .expect(2);
        assert!(
            output.stderr.contains("holds a secret"),
            "{}",
            output.stderr
        );
    }
    assert_eq!(machine.files(), ["home/.cursor/mcp.json"]);
}

#[test]
fn no_spinner_in_a_pipe() {
    let upstream = Upstream::start(|_| {
        std::thread::sleep(std::time::Duration::from_millis(1300));
        Reply::content("application/yaml", DOCUMENT.as_bytes())
    });
    let output = run(&["list", &upstream.url()], &[], "").expect(0);
    assert_eq!(output.stderr, "");
}
