//! A server's entry in a client's configuration: what it holds, and how it meets what is there.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::client::Client;
use super::command::same_document;
use super::edit::{self, Mistake};

/// A server as a client is to start it.
pub(super) struct Server {
    pub(super) name: String,
    pub(super) command: String,
    /// `serve`, the document, options.
    pub(super) args: Vec<String>,
    /// The environment variables that it reads secrets from.
    pub(super) variables: Vec<String>,
}

/// What the entry is to the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Added,
    Updated,
    /// It is there as it should be.
    Nothing,
}

/// A configuration with the entry in it.
#[derive(Debug)]
pub(super) struct Installed {
    pub(super) text: String,
    pub(super) change: Change,
    /// Variables that have no value in the configuration yet.
    pub(super) open: Vec<String>,
}

/// Puts the entry into the text of a configuration.
pub(super) fn install(text: &str, server: &Server, client: Client) -> Result<Installed, Mistake> {
    let root = edit::parse(text)?;
    let keys = [client.key(), server.name.as_str()];
    let existing = root.get(keys[0]).and_then(|servers| servers.get(keys[1]));
    if existing.is_some_and(|entry| !is_ours(entry, server)) {
        let what = format!(
            "`{}` is there already, and is not mcpgen serving this document; \
             say --name to install under another name",
            server.name
        );
        return Err(edit::mistake(text, &keys, &what));
    }
    let mut inputs = Inputs::of(&root);
    let entry = entry(existing, server, client, &mut inputs);
    let open = open_variables(&entry, server, client);
    let change = match existing {
        None => Change::Added,
        Some(existing) if *existing == entry && inputs.added.is_empty() => Change::Nothing,
        Some(_) => Change::Updated,
    };
    let mut changed = text.to_owned();
    if change != Change::Nothing {
        for input in &inputs.added {
            changed = edit::push(&changed, "inputs", input)?;
        }
        changed = edit::set(&changed, &keys, &entry)?;
        check(text, &changed, root, &keys, &entry, &inputs)?;
    }
    Ok(Installed {
        text: changed,
        change,
        open,
    })
}

/// The changed text must read as the old one with the entry and the inputs, and nothing else.
fn check(
    text: &str,
    changed: &str,
    mut root: Map<String, Value>,
    keys: &[&str; 2],
    entry: &Value,
    inputs: &Inputs,
) -> Result<(), Mistake> {
    let servers = root.entry(keys[0]).or_insert_with(|| json!({}));
    servers[keys[1]] = entry.clone();
    if !inputs.added.is_empty() {
        let all = inputs.existing.iter().chain(&inputs.added).cloned();
        root.insert("inputs".to_owned(), all.collect());
    }
    if edit::parse(changed).is_ok_and(|changed| changed == root) {
        Ok(())
    } else {
        let what = "the file cannot be changed safely; add by hand what --print shows";
        Err(edit::mistake(text, &[], what))
    }
}

/// Whether the entry was made by this command for the same document.
fn is_ours(entry: &Value, server: &Server) -> bool {
    let Some(command) = entry.get("command").and_then(Value::as_str) else {
        return false;
    };
    let stem = Path::new(command).file_stem();
    if command != server.command && stem.is_none_or(|stem| stem != "mcpgen") {
        return false;
    }
    let arg = |index: usize| entry.get("args")?.get(index)?.as_str();
    arg(0) == Some("serve")
        && arg(1).is_some_and(|document| same_document(document, &server.args[1]))
}

/// The new entry. Of an older one stay the values that its owner filled in and what else it says.
fn entry(existing: Option<&Value>, server: &Server, client: Client, inputs: &mut Inputs) -> Value {
    let mut entry = existing
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    if client.names_transport() {
        entry.insert("type".to_owned(), json!("stdio"));
    }
    entry.insert("command".to_owned(), json!(server.command));
    entry.insert("args".to_owned(), json!(server.args));
    // An `env` would win over the file in which the owner keeps the values.
    if server.variables.is_empty() || entry.contains_key("envFile") {
        return Value::Object(entry);
    }
    let mut env = match entry.get("env") {
        Some(Value::Object(env)) => env.clone(),
        _ => Map::new(),
    };
    for variable in &server.variables {
        if client == Client::VsCode {
            let value = env.get(variable).and_then(Value::as_str);
            if let Some(value) = inputs.reference(value, variable, &server.name) {
                env.insert(variable.clone(), json!(value));
            }
        } else if !env.contains_key(variable) {
            env.insert(variable.clone(), json!(placeholder(client, variable)));
        }
    }
    entry.insert("env".to_owned(), Value::Object(env));
    Value::Object(entry)
}

/// What stands for a value that is not known here.
fn placeholder(client: Client, variable: &str) -> String {
    match client {
        // The file is often committed: it refers to the environment. Without the empty default an
        // unset variable would reach the server as this very text.
        Client::ClaudeCode => format!("${{{variable}:-}}"),
        _ => String::new(),
    }
}

fn open_variables(entry: &Value, server: &Server, client: Client) -> Vec<String> {
    let is_open = |variable: &&String| {
        let value = entry.get("env").and_then(|env| env.get(variable.as_str()));
        let value = value.and_then(Value::as_str);
        match client {
            Client::VsCode => value.is_some_and(|value| input_id(value).is_some()),
            _ => value == Some(placeholder(client, variable).as_str()),
        }
    };
    server.variables.iter().filter(is_open).cloned().collect()
}

/// VS Code asks for secrets and keeps them itself: the root's `inputs` say what to ask for.
struct Inputs {
    existing: Vec<Value>,
    added: Vec<Value>,
}

impl Inputs {
    fn of(root: &Map<String, Value>) -> Self {
        let existing = root.get("inputs").and_then(Value::as_array);
        Self {
            existing: existing.cloned().unwrap_or_default(),
            added: Vec::new(),
        }
    }

    /// A reference to the input for a variable, unless it has a value of the owner's.
    fn reference(&mut self, value: Option<&str>, variable: &str, server: &str) -> Option<String> {
        let id = match value {
            None => self.free_id(variable),
            Some(value) => input_id(value)?.to_owned(),
        };
        if self.find(&id).is_none() {
            self.added.push(json!({
                "type": "promptString",
                "id": id,
                "description": format!("{variable} for {server}"),
                "password": true,
            }));
        }
        Some(format!("${{input:{id}}}"))
    }

    fn find(&self, id: &str) -> Option<&Value> {
        let mut all = self.existing.iter().chain(&self.added);
        all.find(|input| input.get("id").is_some_and(|found| found == id))
    }

    /// An id that no input has but one that asks for a secret of this name.
    fn free_id(&self, variable: &str) -> String {
        let base = variable.to_ascii_lowercase().replace('_', "-");
        let usable = |id: &String| {
            self.find(id)
                .is_none_or(|input| input["type"] == "promptString" && input["password"] == true)
        };
        let mut ids = (2_usize..).map(|number| format!("{base}-{number}"));
        if usable(&base) {
            base
        } else {
            ids.find(usable).unwrap_or(base)
        }
    }
}

fn input_id(value: &str) -> Option<&str> {
    value.strip_prefix("${input:")?.strip_suffix('}')
}
