//! What holds for any bytes, as functions that panic where it does not. `tests/fuzz.rs` gives them
//! mutated documents, `fuzz/` whatever a fuzzer finds.

use std::sync::OnceLock;
use std::time::Duration;

use mcpgen::catalog::Catalog;
use mcpgen::compile::compile;
use mcpgen::diag::{Diagnostics, Loc, render};
use mcpgen::input::documents::Documents;
use mcpgen::input::openapi::{ReadOptions, read};
use mcpgen::input::overlay::{Overlaid, Overlay, Room};
use mcpgen::policy::{self, Policy};
use mcpgen::runtime::backends;
use mcpgen::runtime::config::Config;
use mcpgen::runtime::manifest::{Effect, Manifest};
use mcpgen::runtime::server::Server;
use mcpgen::source::{Budget, Origins, Source, Sources};
use serde_json::{Map, Value};
use url::Url;

use crate::support::tools;
use crate::threats::oracle;

/// Parts the files of one input.
pub(crate) const BETWEEN: &str = "\n%%%\n";
/// Parts the arguments of one input: no UTF-8 has this byte.
pub(crate) const NEXT: u8 = 0xff;
/// What policies are applied to.
const DOCUMENT: &str = include_str!("../../specs/bookshop/openapi.yaml");
/// The operations that requests are made of.
pub(crate) const REQUESTS: &str = include_str!("requests.yaml");

fn budget() -> Budget {
    Budget {
        bytes: 1 << 20,
        nodes: 100_000,
        time: Duration::from_secs(10),
        ..Budget::default()
    }
}

/// The loader: a text becomes a tree within its bounds or there is an error, JSON is read as JSON, and
/// every place of the tree is a place of the text.
pub(crate) fn loader(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let source = Source::new("fuzzed", text.as_ref());
    let mut diags = Diagnostics::default();
    let tree = source.parse(&budget(), &mut diags);
    assert!(tree.is_some() || diags.has_errors(), "nothing was said");
    if let Some(tree) = &tree {
        let json = serde_json::from_str::<Value>(&text).ok();
        if let Some(json) = json.filter(|_| diags.is_empty()) {
            assert_eq!(*tree, json, "JSON is read as something else");
        }
        let mut places = Vec::new();
        all_places(tree, String::new(), 0, &mut places);
        let of_text = source.locate(&places.iter().collect::<Vec<_>>());
        for (place, span) in places.iter().zip(of_text) {
            let Some(span) = span else {
                // What is there twice is where the last of it is.
                assert!(!diags.is_empty(), "no place for {place:?}");
                continue;
            };
            let part = source.text.get(span.start..span.end);
            assert!(part.is_some(), "{place:?} is at {span:?}");
            assert!(span.line > 0 && span.column > 0, "{span:?}");
        }
    }
    said(&diags, &source.into());
}

fn all_places(value: &Value, pointer: String, depth: usize, found: &mut Vec<Loc>) {
    assert!(depth <= Budget::default().depth, "deeper than the budget");
    if found.len() > 300 {
        return;
    }
    let escaped = |key: &str| format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                all_places(item, escaped(&index.to_string()), depth + 1, found);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                found.push(Loc::key(escaped(key)));
                all_places(item, escaped(key), depth + 1, found);
            }
        }
        _ => {}
    }
    found.push(Loc::at(pointer));
}

fn said(diags: &Diagnostics, sources: &Sources) {
    let text = render::text(diags, sources, false);
    assert_eq!(text.is_empty(), diags.is_empty());
    assert_eq!(render::json(diags, sources).len(), diags.iter().count());
}

/// The resolver: a document, its files and overlays become tools that keep the rules of all tools.
/// After the document come files that it may refer to as `1.yaml`, `2.yaml`; those that are overlays are
/// applied.
pub(crate) fn resolver(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut texts = text.split(BETWEEN).take(4);
    let mut sources = Sources::from(Source::new("0.yaml", texts.next().unwrap_or_default()));
    let (mut diags, mut origins) = (Diagnostics::default(), Origins::default());
    let address = |index: usize| Url::parse(&format!("file:///d/{index}.yaml")).ok();
    let mut main = sources.main().parse(&budget(), &mut diags);
    let (mut files, mut room) = (Vec::new(), Room::default());
    for (index, text) in texts.enumerate() {
        let source = Source::new(format!("{}.yaml", index + 1), text);
        let tree = source.parse(&budget(), &mut Diagnostics::default());
        let file = sources.add(source);
        let (Some(tree), Some(main)) = (tree, main.as_mut()) else {
            continue;
        };
        if tree.get("overlay").is_none() {
            files.push((file, tree, address(index + 1)));
            continue;
        }
        let (of_main, own) = (address(0), address(index + 1));
        let mut document = Overlaid {
            tree: main,
            address: of_main.as_ref(),
            origins: &mut origins,
            room: &mut room,
        };
        let overlay = Overlay {
            tree: &tree,
            file,
            address: own.as_ref(),
        };
        overlay.apply(&mut document, &mut diags);
    }
    sources.set_origins(origins);
    let compiled = main.and_then(|main| {
        let mut documents = Documents::at(main, address(0));
        for (file, tree, address) in files {
            documents.add(file, tree, address);
        }
        compiled(&documents, &mut diags)
    });
    assert!(compiled.is_some() || diags.has_errors(), "nothing was said");
    said(&diags, &sources);
    let problems = compiled.map_or(Vec::new(), |manifest| tools::problems(&manifest));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// A policy: read, and applied to the bookshop, it gives tools that keep the rules of all tools, none of
/// which does more than it may, or there is an error.
pub(crate) fn policies(bytes: &[u8]) {
    static BOOKSHOP: OnceLock<Catalog> = OnceLock::new();
    let catalog = BOOKSHOP.get_or_init(|| {
        let source = Source::new("openapi.yaml", DOCUMENT);
        let mut diags = Diagnostics::default();
        let tree = source.parse(&Budget::default(), &mut diags);
        let documents = Documents::alone(tree.expect("a document"));
        catalog(&documents, &mut diags).expect("a Catalog")
    });
    let text = String::from_utf8_lossy(bytes);
    let mut source = Source::new("mcpgen.yaml", text.as_ref());
    let mut diags = Diagnostics::default();
    let file = policy::read(&mut source, &mut diags);
    assert!(file.is_some() || diags.has_errors(), "nothing was said");
    let Some(file) = file else {
        return said(&diags, &source.into());
    };
    let enabled = file
        .rules
        .iter()
        .any(|rule| rule.enable.is_some() || rule.effect.is_some());
    let most = file.defaults.effect.is_some() || enabled;
    let policy = Policy {
        file: Some(file),
        ..Policy::default()
    };
    let manifest = compile(std::slice::from_ref(catalog), &policy, &mut diags).manifest;
    if !diags.has_errors() {
        let problems = tools::problems(&manifest);
        assert!(problems.is_empty(), "{}", problems.join("\n"));
        let reads = manifest
            .tools
            .iter()
            .all(|tool| tool.effect == Effect::Read);
        assert!(reads || most, "a write is a tool, and nothing says so");
    }
    said(&diags, &source.into());
}

fn catalog(documents: &Documents, diags: &mut Diagnostics) -> Option<Catalog> {
    let options = ReadOptions {
        fallback_name: "api".into(),
        ..ReadOptions::default()
    };
    read(documents, &options, diags)
}

fn compiled(documents: &Documents, diags: &mut Diagnostics) -> Option<Manifest> {
    let policy = Policy {
        effect: Effect::Destroy,
        ..Policy::default()
    };
    let catalog = catalog(documents, diags)?;
    Some(compile(std::slice::from_ref(&catalog), &policy, diags).manifest)
}

/// What requests are made with, and what they must look like.
struct Api {
    server: Server,
    manifest: Manifest,
}

fn api() -> &'static Api {
    static API: OnceLock<Api> = OnceLock::new();
    API.get_or_init(|| {
        let source = Source::new("requests.yaml", REQUESTS);
        let mut diags = Diagnostics::default();
        let tree = source.parse(&Budget::default(), &mut diags);
        let documents = Documents::alone(tree.expect("a document"));
        let manifest = compiled(&documents, &mut diags).expect("a Manifest");
        let backends = backends::open(&manifest, &Config::default()).expect("backends");
        let server = Server::new(&manifest, backends, &Config::default());
        Api { server, manifest }
    })
}

/// The request builder: the first byte chooses a tool, the rest are its arguments in order, as JSON or
/// else as text. Either there is an error, or a request to the tool's own path.
pub(crate) fn requests(bytes: &[u8]) {
    request(bytes);
}

/// The same; whether it was a request.
pub(crate) fn request(bytes: &[u8]) -> bool {
    let api = api();
    let (choice, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let count = api.manifest.tools.len();
    let tool = &api.manifest.tools[usize::from(*choice) % count];
    let properties = tool.input_schema.get("properties");
    let names = properties.and_then(Value::as_object).map(Map::keys);
    let mut arguments = Map::new();
    for (name, chunk) in names.into_iter().flatten().zip(rest.split(|b| *b == NEXT)) {
        let text = String::from_utf8_lossy(chunk).into_owned();
        // Nothing between two marks leaves an argument out.
        if !text.is_empty() {
            let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
            arguments.insert(name.clone(), value);
        }
    }
    let shown = format!("{} {}", tool.name, Value::Object(arguments.clone()));
    let made = api.server.preview(&tool.name, arguments);
    let Ok((request, _)) = made.unwrap_or_else(|_| panic!("no tool {}", tool.name)) else {
        return false;
    };
    let action = tool.action.http().expect("an HTTP action");
    let (line, rest) = request.split_once('\n').unwrap_or((&request, ""));
    let (method, url) = line.split_once(' ').expect("a method and a URL");
    assert_eq!(method, action.method, "{shown}");
    let base = action.base_url.as_deref().unwrap_or_default();
    let sent = url.strip_prefix(base);
    let sent = sent.unwrap_or_else(|| panic!("{shown} goes to {url}"));
    assert!(url.is_ascii() && !url.contains([' ', '#', '\\']), "{url}");
    let (path, query) = sent.split_once('?').unwrap_or((sent, ""));
    oracle::in_template(&action.path, path);
    let parsed = Url::parse(url).expect("a URL");
    assert_eq!(parsed.as_str(), url, "{shown}: the URL means another one");
    let names: Vec<&str> = tool.input_schema["properties"]
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .map(String::as_str)
        .collect();
    // A key of the query is a parameter's; one of an exploded object is its own.
    for (key, _) in oracle::pairs(query) {
        let known = names
            .iter()
            .any(|name| key == *name || key.starts_with(&format!("{name}[")));
        assert!(known || names.contains(&"any"), "{shown}: {key} in {url}");
    }
    let (head, _) = rest.split_once("\n\n").unwrap_or((rest, ""));
    for header in head.lines().filter(|line| !line.is_empty()) {
        let (name, value) = header.split_once(": ").unwrap_or((header, ""));
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
        assert!(name.bytes().all(is_token), "{shown}: {header:?}");
        let printable = |c: char| c == ' ' || c.is_ascii_graphic();
        assert!(value.chars().all(printable), "{shown}: {header:?}");
    }
    true
}
