//! What templates see: names and finished literals, nothing to decide.

mod body;
mod control;
mod environment;
mod sql;

use serde::Serialize;
use serde_json::{Number, Value};

use super::ident::{camel, literal, raw_json, snake, unique};
use crate::runtime::manifest::{
    Action, Bound, ClientAuth, CredentialSpec, Effect, HttpAction, KeyPlace, ListMode, Listing,
    Manifest, ParamContent, Place, Requirement, Schema, SourceSpec, ToolSpec, WireParam,
};

/// The whole crate.
#[derive(Debug, Serialize)]
pub(super) struct Crate {
    /// Package name.
    pub(super) name: String,
    /// Library name.
    pub(super) library: String,
    pub(super) groups: Vec<Group>,
    /// Tools in the Manifest's order: (module, function).
    pub(super) tools: Vec<(String, String)>,
    /// Rust expression of the clients that it is written for.
    pub(super) profile: String,
    /// Rust expression of the server's identity.
    pub(super) server: String,
    /// Rust expression of how the tools are listed.
    pub(super) listing: String,
    /// (name literal, expression) of each source.
    pub(super) sources: Vec<(String, String)>,
    /// The back ends that its actions need.
    pub(super) needs: Needs,
    /// What comes from the environment: variables and files between backquotes, and what they are for.
    pub(super) variables: Vec<String>,
}

/// The back ends that a crate has.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Needs {
    pub(super) http: bool,
    pub(super) postgres: bool,
}

impl Needs {
    /// Those that carry out the actions of a Manifest.
    pub(super) fn of(manifest: &Manifest) -> Self {
        let mut actions = manifest.tools.iter().map(|tool| &tool.action);
        let postgres = actions
            .clone()
            .any(|action| matches!(action, Action::Sql(_)));
        Self {
            // A crate without tools is one for HTTP.
            http: !postgres || actions.any(|action| matches!(action, Action::Http(_))),
            postgres,
        }
    }
}

/// The tools of a tag.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    pub(super) module: String,
    /// Literal of the tag.
    pub(super) title: String,
    pub(super) tools: Vec<Tool>,
}

/// One tool.
#[derive(Debug, Serialize)]
pub(super) struct Tool {
    /// Literal of the tool's name.
    pub(super) name: String,
    pub(super) function: String,
    pub(super) arguments: String,
    /// Literal that documents it.
    pub(super) doc: String,
    pub(super) fields: Vec<Field>,
    /// Rust expression of each field of its `ToolSpec`.
    pub(super) spec: Vec<(&'static str, String)>,
}

/// One field of an argument struct.
#[derive(Debug, Serialize)]
pub(super) struct Field {
    pub(super) name: String,
    /// Literal of the argument's name, where it differs.
    pub(super) rename: Option<String>,
    pub(super) rust_type: String,
    pub(super) optional: bool,
    /// Literal that documents it.
    pub(super) doc: String,
}

/// The names that a group's module imports, and those of Rust's own that it uses.
fn imported() -> Vec<String> {
    let template = include_str!("../../templates/group.rs.j2");
    let imports = template
        .split(';')
        .filter_map(|part| part.split_once("\nuse "));
    let names =
        imports.flat_map(|(_, names)| names.split(|c: char| !c.is_alphanumeric() && c != '_'));
    let own = [
        "Hooks", "Option", "Vec", "String", "Box", "Result", "Send", "Sync", "bool",
    ];
    names
        .chain(own)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

impl Crate {
    pub(super) fn new(manifest: &Manifest, name: &str) -> Self {
        let mut groups: Vec<(Option<&String>, Group)> = Vec::new();
        let mut modules = Vec::new();
        // What is imported beside them has these names already.
        let (mut functions, mut types) = (imported(), imported());
        let mut tools = Vec::new();
        for spec in &manifest.tools {
            let tag = spec.group.as_ref();
            let at = groups
                .iter()
                .position(|(known, _)| *known == tag)
                .unwrap_or_else(|| {
                    let module = unique(
                        &snake(tag.map_or("tools", String::as_str), "group"),
                        &mut modules,
                    );
                    let title = literal(tag.map_or("without a tag", String::as_str));
                    groups.push((
                        tag,
                        Group {
                            module,
                            title,
                            tools: Vec::new(),
                        },
                    ));
                    groups.len() - 1
                });
            let Some((_, group)) = groups.get_mut(at) else {
                continue;
            };
            let tool = tool(spec, &mut functions, &mut types);
            tools.push((group.module.clone(), tool.function.clone()));
            group.tools.push(tool);
        }
        let server = &manifest.server;
        Self {
            name: name.to_owned(),
            library: name.replace('-', "_"),
            groups: groups.into_iter().map(|(_, group)| group).collect(),
            tools,
            profile: format!("Profile::{:?}", manifest.profile),
            server: format!(
                "ServerSpec {{ name: {}, title: {}, version: {}, instructions: {}, base_path: {} }}",
                owned(&server.name),
                text(server.title.as_ref()),
                owned(&server.version),
                text(server.instructions.as_ref()),
                text(server.base_path.as_ref())
            ),
            listing: listing(&manifest.listing),
            sources: manifest
                .sources
                .iter()
                .map(|(name, spec)| (literal(name), source(spec)))
                .collect(),
            needs: Needs::of(manifest),
            variables: environment::lines(manifest),
        }
    }
}

fn listing(listing: &Listing) -> String {
    if *listing == Listing::default() {
        return "Listing::default()".to_owned();
    }
    let mode = match listing.mode {
        ListMode::List => "List",
        ListMode::Search => "Search",
    };
    let pinned = list(listing.pinned.iter().map(|name| owned(name)));
    format!("Listing {{ mode: ListMode::{mode}, pinned: {pinned} }}")
}

fn owned(text: &str) -> String {
    format!("{}.to_owned()", literal(text))
}

/// The expression of an optional one.
fn option(expression: Option<String>) -> String {
    expression.map_or("None".to_owned(), |some| format!("Some({some})"))
}

/// The expression of an optional text.
fn text(text: Option<&String>) -> String {
    option(text.map(|text| owned(text)))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("vec![{}]", items.collect::<Vec<_>>().join(", "))
}

/// The expression of an action.
fn action(action: &Action) -> String {
    match action {
        Action::Http(action) => format!("Action::Http({})", http(action)),
        Action::Sql(action) => format!("Action::Sql({})", sql::sql(action)),
    }
}

fn tool(spec: &ToolSpec, functions: &mut Vec<String>, types: &mut Vec<String>) -> Tool {
    let schema = |schema: &Schema| {
        let object = Value::Object(serde_json::Map::clone(schema));
        format!("schema({})", raw_json(&object))
    };
    let output = option(spec.output_schema.as_ref().map(schema));
    let checked = spec.checked.iter();
    let checked =
        checked.map(|(pointer, object)| format!("({}, {})", owned(pointer), schema(object)));
    let checked = checked.collect::<Vec<_>>().join(", ");
    let checked = if checked.is_empty() {
        "IndexMap::new()".to_owned()
    } else {
        format!("IndexMap::from([{checked}])")
    };
    let mut names = Vec::new();
    Tool {
        name: literal(&spec.name),
        function: unique(&snake(&spec.name, "tool"), functions),
        arguments: unique(&camel(&spec.name, "Tool"), types),
        doc: literal(&format!(
            "`{}`: {} {}.",
            spec.name,
            spec.action.verb(),
            spec.action.object()
        )),
        fields: spec
            .arguments()
            .map(|(name, schema)| field(spec, name, schema, &mut names))
            .collect(),
        spec: vec![
            ("name", owned(&spec.name)),
            ("title", text(spec.title.as_ref())),
            ("group", text(spec.group.as_ref())),
            ("description", owned(&spec.description)),
            ("source", owned(&spec.source)),
            (
                "effect",
                format!(
                    "Effect::{}",
                    match spec.effect {
                        Effect::Read => "Read",
                        Effect::Write => "Write",
                        Effect::Destroy => "Destroy",
                    }
                ),
            ),
            ("idempotent", spec.idempotent.to_string()),
            ("input_schema", schema(&spec.input_schema)),
            ("checked", checked),
            ("output_schema", output),
            ("controls", list(spec.controls.iter().map(control::control))),
            ("limits", control::limits(&spec.limits)),
            ("action", action(&spec.action)),
            ("shape", control::shape(&spec.shape)),
        ],
    }
}

fn field(spec: &ToolSpec, argument: &str, schema: &Value, names: &mut Vec<String>) -> Field {
    let required = spec.input_schema.get("required").and_then(Value::as_array);
    let optional = !required.is_some_and(|names| names.iter().any(|name| *name == argument));
    let name = unique(&snake(argument, "arg"), names);
    let said = schema
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let bound = spec.clamp(argument).map_or(String::new(), |bound: &Bound| {
        let end = |n: &Option<Number>| n.as_ref().map_or_else(String::new, Number::to_string);
        format!(" Clamped to {}..={}.", end(&bound.min), end(&bound.max))
    });
    let doc = format!("{said}{bound}");
    let doc = if doc.trim().is_empty() {
        format!("The argument `{argument}`.")
    } else {
        doc
    };
    Field {
        rename: (name != argument).then(|| literal(argument)),
        name,
        rust_type: rust_type(schema),
        optional,
        doc: literal(doc.trim()),
    }
}

/// The Rust type of a schema; what has no plain one is a JSON value.
fn rust_type(schema: &Value) -> String {
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => "String".to_owned(),
        // A JSON number keeps its digits.
        Some("integer" | "number") => "Number".to_owned(),
        Some("boolean") => "bool".to_owned(),
        Some("array") => format!(
            "Vec<{}>",
            schema.get("items").map_or("Value".to_owned(), rust_type)
        ),
        _ => "Value".to_owned(),
    }
}

fn http(action: &HttpAction) -> String {
    let body = option(action.body.as_ref().map(body::wire_body));
    let security = action.security.iter().map(requirement);
    format!(
        "HttpAction {{ method: {}, base_url: {}, path: {}, params: {}, body: {body}, accept: {}, security: {}, retries: {}, idempotency_key: {} }}",
        owned(&action.method),
        text(action.base_url.as_ref()),
        owned(&action.path),
        list(action.params.iter().map(param)),
        text(action.accept.as_ref()),
        list(security),
        control::retries(action.retries.as_ref()),
        text(action.idempotency_key.as_ref())
    )
}

fn requirement(all: &Requirement) -> String {
    let scopes = |scopes: &Vec<String>| list(scopes.iter().map(|scope| owned(scope)));
    let pairs = all
        .iter()
        .map(|(name, wanted)| format!("({}, {})", owned(name), scopes(wanted)));
    let pairs: Vec<String> = pairs.collect();
    format!("IndexMap::from([{}])", pairs.join(", "))
}

fn param(param: &WireParam) -> String {
    let place = match param.place {
        Place::Path => "Path",
        Place::Query => "Query",
        Place::Querystring => "Querystring",
        Place::Header => "Header",
        Place::Cookie => "Cookie",
    };
    let style = body::style_name(param.style);
    let content = match param.content {
        None => "None",
        Some(ParamContent::Json) => "Some(ParamContent::Json)",
        Some(ParamContent::Text) => "Some(ParamContent::Text)",
        Some(ParamContent::Form) => "Some(ParamContent::Form)",
    };
    format!(
        "WireParam {{ arg: {}, name: {}, place: Place::{place}, style: Style::{style}, explode: {}, allow_reserved: {}, slash: {}, allow_empty: {}, content: {content} }}",
        owned(&param.arg),
        owned(&param.name),
        param.explode,
        param.allow_reserved,
        param.slash,
        param.allow_empty
    )
}

fn source(spec: &SourceSpec) -> String {
    let credentials = spec
        .credentials
        .iter()
        .map(|(name, kind)| format!("({}, {})", owned(name), credential(kind)));
    let headers = spec
        .headers
        .iter()
        .map(|(name, value)| format!("({}, {})", owned(name), owned(value)));
    format!(
        "SourceSpec {{ trusted_origins: {}, credentials: IndexMap::from([{}]), headers: IndexMap::from([{}]), timeout_ms: {}, max_response_bytes: {}, allow_private: {}, redirects: {}, ca_certs: {}, proxy: {}, rate: {}, postgres: {} }}",
        list(spec.trusted_origins.iter().map(|origin| owned(origin))),
        credentials.collect::<Vec<_>>().join(", "),
        headers.collect::<Vec<_>>().join(", "),
        spec.timeout_ms,
        spec.max_response_bytes,
        list(spec.allow_private.iter().map(|network| owned(network))),
        control::redirects(spec.redirects),
        list(spec.ca_certs.iter().map(|path| owned(path))),
        text(spec.proxy.as_ref()),
        control::rates(&spec.rate),
        sql::postgres(spec.postgres.as_ref())
    )
}

fn credential(spec: &CredentialSpec) -> String {
    match spec {
        CredentialSpec::ApiKey { place, name, env } => {
            let place = match place {
                KeyPlace::Header => "Header",
                KeyPlace::Query => "Query",
                KeyPlace::Cookie => "Cookie",
            };
            format!(
                "CredentialSpec::ApiKey {{ place: KeyPlace::{place}, name: {}, env: {} }}",
                owned(name),
                owned(env)
            )
        }
        CredentialSpec::Basic {
            env_user,
            env_password,
        } => format!(
            "CredentialSpec::Basic {{ env_user: {}, env_password: {} }}",
            owned(env_user),
            owned(env_password)
        ),
        CredentialSpec::Bearer { env } => {
            format!("CredentialSpec::Bearer {{ env: {} }}", owned(env))
        }
        CredentialSpec::ClientCredentials {
            env,
            env_id,
            env_secret,
            token_url,
            auth,
            fields,
        } => {
            let auth = match auth {
                ClientAuth::Basic => "Basic",
                ClientAuth::Form => "Form",
            };
            let fields = fields
                .iter()
                .map(|(name, value)| format!("({}, {})", owned(name), owned(value)));
            let fields = fields.collect::<Vec<_>>().join(", ");
            format!(
                "CredentialSpec::ClientCredentials {{ env: {}, env_id: {}, env_secret: {}, token_url: {}, auth: ClientAuth::{auth}, fields: IndexMap::from([{fields}]) }}",
                owned(env),
                owned(env_id),
                owned(env_secret),
                owned(token_url)
            )
        }
    }
}
