//! The pages for people are true: what they show is what the program prints, what they link to is
//! there, and every code and command has its place.
//!
//! A ```` ```console ```` block holds commands (lines that begin with `$ `, continued after a `\`) and
//! what they print; a line `...` stands for any lines. `UPDATE=1` rewrites what differs. A block
//! tagged `console ignore` is shown only.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::golden::diff;
use crate::support::process::run_program;
use crate::support::{root, run};

/// Stands for any lines of output, none included.
const ANYTHING: &str = "...";

/// A Markdown file of the repository.
struct Page {
    /// Its path from the root, with slashes.
    name: String,
    text: String,
}

/// `README.md` and its like, and everything in `docs`, in the order of their paths.
fn pages() -> Vec<Page> {
    let mut found = Vec::new();
    for folder in ["", "docs", "docs/commands"] {
        for entry in fs::read_dir(root().join(folder)).unwrap().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|e| e == "md") {
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                let text = fs::read_to_string(&path).unwrap();
                found.push(Page { name, text });
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    for expected in ["README.md", "docs/README.md", "docs/commands/serve.md"] {
        assert!(found.iter().any(|page| page.name == expected), "{expected}");
    }
    found
}

/// A page's lines with the console blocks' output taken from `print`.
fn rewritten(page: &Page, print: &dyn Fn(&str) -> String) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut lines = page.text.lines().peekable();
    while let Some(line) = lines.next() {
        out.push(line.to_owned());
        if line.trim() != "```console" {
            continue;
        }
        assert!(
            lines.peek().is_some_and(|line| line.starts_with("$ ")),
            "{}: a console block begins with `$ `",
            page.name
        );
        while let Some(line) = lines.next_if(|line| *line != "```") {
            out.push(line.to_owned());
            let mut command = line.trim_start_matches("$ ").to_owned();
            while command.ends_with('\\') {
                let next = lines.next().unwrap_or_default();
                out.push(next.to_owned());
                command = format!("{command}\n{next}");
            }
            let mut shown = Vec::new();
            while let Some(line) = lines.next_if(|l| *l != "```" && !l.starts_with("$ ")) {
                shown.push(line);
            }
            out.extend(output(&shown, &print(&command)));
        }
    }
    out.join("\n") + "\n"
}

/// What is shown if that is what is printed, else what is printed. White space at the ends of lines
/// and empty lines at the end do not count.
fn output(shown: &[&str], printed: &str) -> Vec<String> {
    let kept = shown.iter().rposition(|line| !line.is_empty());
    let (shown, gap) = shown.split_at(kept.map_or(0, |last| last + 1));
    let printed = printed.trim_end();
    let printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
    let lines = match shown {
        shown if same(shown, &printed) => shown.to_vec(),
        // What was cut off stays cut off, at the same line.
        [head @ .., last] if *last == ANYTHING && head.len() < printed.len() => {
            [&printed[..head.len()], &[ANYTHING]].concat()
        }
        _ => printed,
    };
    let lines = lines.iter().chain(gap);
    lines.map(|line| (*line).to_owned()).collect()
}

/// Whether the lines are the same, [`ANYTHING`] taken for what it stands for.
fn same(shown: &[&str], printed: &[&str]) -> bool {
    match shown {
        [] => printed.is_empty(),
        [line, rest @ ..] if *line == ANYTHING => {
            (0..=printed.len()).any(|skip| same(rest, &printed[skip..]))
        }
        [line, rest @ ..] => printed.first() == Some(line) && same(rest, &printed[1..]),
    }
}

/// What a person sees who types the command in the folder of the repository. Neither a panic nor a
/// complaint of the shell may get into a page.
fn shell(command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_mcpgen"));
    let folder = program.parent().unwrap().display();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
    let script = format!("exec 2>&1\n{command}");
    let output = run_program("sh", &["-c", &script], &[("PATH", &path)], b"");
    let broken = |line: &str| line.contains("panicked at") || line.starts_with("sh: ");
    assert!(!output.stdout.lines().any(broken), "{}", output.stdout);
    output.stdout
}

#[test]
fn commands_print_what_the_pages_show() {
    let update = std::env::var_os("UPDATE").is_some_and(|value| value == "1");
    let mut differing = Vec::new();
    // Where pages have their commands write.
    fs::create_dir_all(root().join("target/docs")).unwrap();
    std::thread::scope(|scope| {
        let running: Vec<_> = pages()
            .into_iter()
            .map(|page| {
                scope.spawn(move || {
                    let text = rewritten(&page, &shell);
                    (page, text)
                })
            })
            .collect();
        for thread in running {
            let (page, text) = thread.join().unwrap();
            if text == page.text {
                continue;
            }
            if update {
                fs::write(root().join(&page.name), text).unwrap();
            } else {
                differing.push(format!("{}\n{}", page.name, diff(&page.text, &text)));
            }
        }
    });
    assert!(
        differing.is_empty(),
        "pages show what is not printed (- as shown, + as printed; UPDATE=1 rewrites them)\n{}",
        differing.join("\n")
    );
}

#[test]
fn only_what_differs_is_rewritten() {
    let page = |text: &str| Page {
        name: "x.md".into(),
        text: text.into(),
    };
    let print = |command: &str| format!("{command} 1  \n{command} 2\n{command} 3\n");
    for (text, want) in [
        ("# T\n\ntext\n", "# T\n\ntext\n"),
        (
            "```console\n$ a\nx\n...\n```\n",
            "```console\n$ a\na 1\n...\n```\n",
        ),
        (
            "```console\n$ a\na 1\n...\n\n$ b\nx\n```\n$ c\n",
            "```console\n$ a\na 1\n...\n\n$ b\nb 1\nb 2\nb 3\n```\n$ c\n",
        ),
        (
            "```console\n$ a \\\nb\n...\n```\n",
            "```console\n$ a \\\nb\n...\n```\n",
        ),
        (
            "```console\n$ a\n...\na 2\n```\n",
            "```console\n$ a\na 1\na 2\na 3\n```\n",
        ),
        (
            "```console ignore\n$ a\n```\n",
            "```console ignore\n$ a\n```\n",
        ),
    ] {
        assert_eq!(rewritten(&page(text), &print), want, "{text}");
    }
}

/// The targets of a page's links, `[text](target)`, outside code.
fn links(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut code = false;
    for line in text.lines() {
        code ^= line.trim_start().starts_with("```");
        if code {
            continue;
        }
        let mut parts = line.split("](");
        parts.next();
        found.extend(parts.filter_map(|rest| Some(rest.split_once(')')?.0)));
    }
    found
}

/// The anchor that a heading gets on the common hosts.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn headings(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        code ^= line.trim_start().starts_with("```");
        !code && line.starts_with('#')
    })
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let file = root().join(&page.name);
        for link in links(&page.text) {
            if link.contains("://") {
                continue;
            }
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target: PathBuf = if path.is_empty() {
                file.clone()
            } else {
                file.parent().unwrap().join(path)
            };
            let found = target.exists();
            let anchored = fragment.is_empty()
                || fs::read_to_string(&target)
                    .is_ok_and(|text| headings(&text).any(|line| anchor(line) == fragment));
            if !found || !anchored {
                broken.push(format!("{}: {link}", page.name));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

/// What the headings of a page put between backquotes at their start.
fn documented(page: &str, level: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(page)).unwrap();
    headings(&text)
        .filter_map(|line| line.strip_prefix(level)?.strip_prefix(" `"))
        .filter_map(|rest| Some(rest.split_once('`')?.0.to_owned()))
        .collect()
}

#[test]
fn every_diagnostic_is_documented() {
    let codes: BTreeSet<String> = mcpgen::diag::Code::ALL
        .iter()
        .map(|code| code.as_str().to_owned())
        .collect();
    assert_eq!(documented("docs/diagnostics.md", "###"), codes);
}

#[test]
fn every_diagnostic_is_explained() {
    let page = fs::read_to_string(root().join("docs/diagnostics.md")).unwrap();
    let all = run(&["explain"], &[], "").expect(0).stdout;
    assert_eq!(all.lines().count(), mcpgen::diag::Code::ALL.len());
    for (code, line) in mcpgen::diag::Code::ALL.iter().zip(all.lines()) {
        assert_eq!(line, format!("{}  {}", code.as_str(), code.summary()));
        let said = run(&["explain", code.as_str()], &[], "").expect(0).stdout;
        let (head, section) = said.split_once("\n\n").unwrap();
        assert_eq!(head, code.as_str());
        let section = section.trim();
        let words = ["Error", "Warning", "Note"];
        assert!(words.iter().any(|word| section.starts_with(word)), "{said}");
        assert!(
            page.contains(section) && !section.contains("\n##"),
            "{said}"
        );
    }
    let said = run(&["explain", "mg999"], &[], "").expect(2).stderr;
    assert!(said.contains("there is no code mg999"), "{said}");
}

#[test]
fn every_error_is_documented() {
    let mut codes = BTreeSet::new();
    let mut folders = vec![root().join("src/runtime")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "tests.rs") {
                codes.extend(error_codes(&fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(codes.contains("invalid_arguments") && codes.contains("rate_limited"));
    assert_eq!(documented("docs/errors.md", "###"), codes);
}

/// The codes that a source file makes errors with: literals, or the literals of the `let (code, …)`
/// that a variable comes from.
fn error_codes(source: &str) -> BTreeSet<String> {
    // A module of tests that has a file of its own may be named before.
    let text = source
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    let mut found = BTreeSet::new();
    for (at, call) in text.match_indices("CallError::new(") {
        let rest = text[at + call.len()..].trim_start();
        if let Some(literal) = rest.strip_prefix('"') {
            found.extend(literal.split('"').next().map(str::to_owned));
        } else if let Some((_, table)) = text[..at].rsplit_once("let (code") {
            let is_code = |t: &&str| {
                t.contains('_') && t.bytes().all(|b| b == b'_' || b.is_ascii_lowercase())
            };
            found.extend(table.split('"').filter(is_code).map(str::to_owned));
        }
    }
    found
}

#[test]
fn error_codes_are_found() {
    let source = "CallError::new(\n  \"one\", x); let (code, hint) = match s { 1 => (\"two_x\", \"A b.\") };\
                  CallError::new(code, m) #[cfg(test)]\nmod tests { CallError::new(\"three\")";
    let found: Vec<_> = error_codes(source).into_iter().collect();
    assert_eq!(found, ["one", "two_x"]);
}

#[test]
fn every_command_has_its_page() {
    let help = run(&["--help"], &[], "").expect(0).stdout;
    let commands: BTreeSet<String> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        // What goes on from the line above is indented further.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect();
    assert!(commands.contains("serve"), "{help}");
    let pages: BTreeSet<String> = pages()
        .iter()
        .filter_map(|page| page.name.strip_prefix("docs/commands/"))
        .map(|name| name.trim_end_matches(".md").to_owned())
        .collect();
    assert_eq!(pages, commands);
}
