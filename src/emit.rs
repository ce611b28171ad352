//! Emit: a Manifest becomes the files of a Rust crate that contains the same runtime.
//!
//! Pure: no clock, no environment, no path of a machine. Nothing of a document reaches Rust source
//! except as an escaped literal or as an identifier made by one function.

use minijinja::{Environment, UndefinedBehavior, context};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::runtime::manifest::{Manifest, VERSION};

mod ident;
mod layout;
mod lockfile;
mod stage;
mod tree;
mod vendor;
mod view;
pub mod write;

use tree::is_rust;
pub use tree::{File, Kind, Tree};

/// Name of the lock file.
pub const LOCK: &str = "mcpgen.lock";

/// What an emitted crate is called and made from.
#[derive(Debug, Clone)]
pub struct Options {
    /// Package name, one that Cargo takes.
    pub name: String,
    /// Inputs by name, with the SHA-256 of their text.
    pub inputs: Vec<(String, String)>,
}

/// Why a Manifest cannot be emitted.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// A name that Cargo refuses.
    #[error(
        "`{0}` is not a package name: use letters, digits, `-` and `_`, with a letter first, and no word that Rust or Cargo keeps for itself"
    )]
    PackageName(String),
    /// The name of a package that the crate is built from.
    #[error(
        "`{0}` is the name of a package that the server is built from: choose another with --name"
    )]
    DependencyName(String),
    /// A template could not be filled in, or what came out is not Rust: a defect of mcpgen.
    #[error("{file} could not be generated: {reason}")]
    Defect {
        /// The file.
        file: String,
        /// Why not.
        reason: String,
    },
}

/// The templates, by name.
const TEMPLATES: [(&str, &str); 9] = [
    ("Cargo.toml", include_str!("../templates/Cargo.toml.j2")),
    ("README.md", include_str!("../templates/README.md.j2")),
    ("main.rs", include_str!("../templates/main.rs.j2")),
    ("hooks.rs", include_str!("../templates/hooks.rs.j2")),
    ("backends.rs", include_str!("../templates/backends.rs.j2")),
    ("lib.rs", include_str!("../templates/lib.rs.j2")),
    ("tools.rs", include_str!("../templates/tools.rs.j2")),
    ("group.rs", include_str!("../templates/group.rs.j2")),
    (
        "manifest_test.rs",
        include_str!("../templates/manifest_test.rs.j2"),
    ),
];

/// The files of a crate.
///
/// # Errors
///
/// The name is not one for a package.
pub fn emit(manifest: &Manifest, options: &Options) -> Result<Tree, EmitError> {
    if !ident::is_package_name(&options.name) {
        return Err(EmitError::PackageName(options.name.clone()));
    }
    if lockfile::has(&options.name) {
        return Err(EmitError::DependencyName(options.name.clone()));
    }
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    for (name, text) in TEMPLATES {
        templates
            .add_template(name, text)
            .map_err(|error| defect(name, &error))?;
    }
    let crate_view = view::Crate::new(manifest, &options.name);
    let fill = |template: &str, path: &str, view: minijinja::Value| {
        let filled = templates
            .get_template(template)
            .and_then(|t| t.render(view));
        // The line end after the last line is not a template's to give.
        let text = filled.map_err(|error| defect(path, &error))? + "\n";
        Ok(if is_rust(path) {
            layout::laid_out(&text)
        } else {
            text
        })
    };
    let mut tree = Tree::default();
    let view = || context! { view => minijinja::value::Serde(&crate_view) };
    for (template, path, kind) in [
        ("Cargo.toml", "Cargo.toml", Kind::Seeded),
        ("README.md", "README.md", Kind::Seeded),
        ("main.rs", "src/main.rs", Kind::Seeded),
        ("hooks.rs", "src/hooks.rs", Kind::Seeded),
        ("lib.rs", "src/lib.rs", Kind::Generated),
        ("tools.rs", "src/tools.rs", Kind::Generated),
        ("backends.rs", "src/runtime/backends.rs", Kind::Generated),
        ("manifest_test.rs", "tests/manifest.rs", Kind::Generated),
    ] {
        tree.add(path, fill(template, path, view())?, kind);
    }
    for group in &crate_view.groups {
        let path = format!("src/tools/{}.rs", group.module);
        tree.add(
            &path,
            fill(
                "group.rs",
                &path,
                context! { view => minijinja::value::Serde(group) },
            )?,
            Kind::Generated,
        );
    }
    let needs = crate_view.needs;
    let locked = lockfile::text(&options.name, needs);
    tree.add("Cargo.lock", locked, Kind::Seeded);
    for (path, text) in vendor::files(needs) {
        tree.add(path, text.to_owned(), Kind::Generated);
    }
    for file in tree.iter().filter(|file| is_rust(&file.path)) {
        syn::parse_file(&file.text).map_err(|error| defect(&file.path, &error))?;
    }
    Ok(tree)
}

fn defect(file: &str, reason: &dyn std::fmt::Display) -> EmitError {
    EmitError::Defect {
        file: file.to_owned(),
        reason: reason.to_string(),
    }
}

/// The text of the lock file: what made the crate, and a hash of every generated file and every tool.
pub fn lock(tree: &Tree, manifest: &Manifest, options: &Options) -> String {
    let inputs: Map<String, Value> = options
        .inputs
        .iter()
        .map(|(name, hash)| (name.clone(), json!(hash)))
        .collect();
    let generated = tree.iter().filter(|file| file.kind == Kind::Generated);
    let files: Map<String, Value> = generated
        .map(|file| (file.path.clone(), json!(sha256(&file.text))))
        .collect();
    let tools: Map<String, Value> = manifest
        .tools
        .iter()
        .map(|tool| {
            (
                tool.name.clone(),
                json!(sha256(&serde_json::to_string(tool).unwrap_or_default())),
            )
        })
        .collect();
    let lock = json!({"mcpgen": VERSION, "inputs": inputs, "files": files, "tools": tools});
    format!("{lock:#}\n")
}

/// The SHA-256 of a text, in hexadecimal.
pub fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"))
}
