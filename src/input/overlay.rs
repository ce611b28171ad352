//! OpenAPI Overlay 1.0: actions that change a document before it is read
//! (<https://spec.openapis.org/overlay/v1.0.0.html>).
//!
//! An action has a JSONPath (RFC 9535) and either `update`, which is merged into what the path
//! selects, or `remove`. What an overlay wrote is where the overlay has it, for every finding.

use std::time::Instant;

use serde_json::{Map, Value};
use url::Url;

use crate::diag::nearest::nearest;
use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Loc, escape};
use crate::source::{Budget, Origins};

mod change;
mod target;

use change::Change;
use target::SelectError;

/// The fields of an action (Overlay 1.0.0 §4.4.3).
const FIELDS: [&str; 4] = ["target", "description", "update", "remove"];

/// A document that overlays are applied to.
#[derive(Debug)]
pub struct Overlaid<'a> {
    /// Its tree.
    pub tree: &'a mut Value,
    /// Where it was read from, if that is an address.
    pub address: Option<&'a Url>,
    /// Where its nodes come from.
    pub origins: &'a mut Origins,
    /// What overlays may still cost.
    pub room: &'a mut Room,
}

/// What overlays may still cost, all actions of all overlays together.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    nodes: usize,
    bytes: usize,
    deadline: Option<Instant>,
}

impl Default for Room {
    /// As much as YAML aliases may add, and as long as reading may take.
    fn default() -> Self {
        let budget = Budget::default();
        Self {
            nodes: budget.nodes / 5,
            bytes: budget.bytes,
            deadline: Instant::now().checked_add(budget.time),
        }
    }
}

impl Room {
    /// Whether there was room for so many values and bytes more.
    fn take(&mut self, nodes: usize, bytes: usize) -> bool {
        let left = (self.nodes.checked_sub(nodes), self.bytes.checked_sub(bytes));
        let (Some(nodes), Some(bytes)) = left else {
            return false;
        };
        (self.nodes, self.bytes) = (nodes, bytes);
        true
    }

    fn late(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() > deadline)
    }
}

/// An overlay.
#[derive(Debug, Clone, Copy)]
pub struct Overlay<'a> {
    /// Its tree.
    pub tree: &'a Value,
    /// Its text's id, for places.
    pub file: FileId,
    /// Where it was read from.
    pub address: Option<&'a Url>,
}

impl Overlay<'_> {
    fn loc(&self, pointer: &str) -> Loc {
        Loc::at(pointer).of(self.file)
    }

    fn error(&self, pointer: &str, message: impl Into<String>, help: &str) -> Diagnostic {
        Diagnostic::new(Code::Overlay, self.loc(pointer), message).help(help)
    }

    /// Applies all actions, in order. An action that cannot be applied is an error: a document without
    /// it is not the one that its owner wants.
    pub fn apply(&self, document: &mut Overlaid<'_>, diags: &mut Diagnostics) {
        if let Err(found) = self.check_version() {
            diags.push(*found);
            return;
        }
        self.check_extends(document.address, diags);
        let Some(actions) = self.tree.get("actions").and_then(Value::as_array) else {
            let message = "the overlay has no list of `actions`";
            let help = "write `actions: [{target: $.info, update: {…}}]`";
            diags.push(self.error("/actions", message, help));
            return;
        };
        for (index, action) in actions.iter().enumerate() {
            let place = format!("/actions/{index}");
            if document.room.late() {
                let message = "the overlays take more than 30 seconds";
                let found = Diagnostic::new(Code::Budget, self.loc(&place), message);
                diags.push(found.help("this limit is fixed; fewer or simpler actions are needed"));
                return;
            }
            if let Err(found) = self.action(action, &place, document, diags) {
                diags.push(*found);
            }
        }
    }

    fn check_version(&self) -> Result<(), Box<Diagnostic>> {
        let version = match self.tree.get("overlay") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => {
                let message = "not an overlay: it has no `overlay` field";
                let help = "an overlay begins with `overlay: 1.0.0`";
                return Err(Box::new(self.error("", message, help)));
            }
        };
        if version == "1.0" || version.starts_with("1.0.") {
            return Ok(());
        }
        let message = format!("Overlay version `{version}` is not read");
        Err(Box::new(self.error("/overlay", message, "1.0.x is")))
    }

    /// `extends` names the document that the overlay is for; it is compared, never opened.
    fn check_extends(&self, document: Option<&Url>, diags: &mut Diagnostics) {
        let Some(extends) = self.tree.get("extends").and_then(Value::as_str) else {
            return;
        };
        let named = match self.address {
            Some(address) => address.join(extends),
            None => Url::parse(extends),
        };
        if document.is_some() && named.ok().as_ref() == document {
            return;
        }
        let message =
            format!("the overlay is for `{extends}`, which is not this document's address");
        let found = Diagnostic::new(Code::OverlayExtends, self.loc("/extends"), message);
        diags.push(found.help("apply it to that document, or correct or remove `extends`"));
    }

    fn action(
        &self,
        action: &Value,
        place: &str,
        document: &mut Overlaid<'_>,
        diags: &mut Diagnostics,
    ) -> Result<(), Box<Diagnostic>> {
        let refuse = |pointer: &str, message: &str, help: &str| {
            Err(Box::new(self.error(pointer, message, help)))
        };
        let Some(fields) = action.as_object() else {
            let help = "an action has a `target`, and an `update` or `remove: true`";
            return refuse(place, "the action is not an object", help);
        };
        self.check_fields(fields, place)?;
        let Some(target) = fields.get("target").and_then(Value::as_str) else {
            let help = "write a JSONPath, as in `$.paths['/pets'].get`";
            return refuse(place, "the action has no `target`", help);
        };
        let at_target = format!("{place}/target");
        let pointers = self.select(target, &at_target, document.tree)?;
        if pointers.is_empty() {
            let message = format!("`{target}` selects nothing in the document");
            let found = Diagnostic::new(Code::OverlayNoMatch, self.loc(&at_target), message);
            diags.push(found.help("correct the path, or remove the action"));
            return Ok(());
        }
        match (fields.get("remove"), fields.get("update")) {
            (Some(Value::Bool(true)), _) => {
                if pointers.iter().any(String::is_empty) {
                    let help = "select what is below `$`";
                    return refuse(&at_target, "the document itself cannot be removed", help);
                }
                change::remove(document.tree, document.origins, &pointers);
                Ok(())
            }
            (None | Some(Value::Bool(false)), Some(update)) => {
                self.update(update, &format!("{place}/update"), &pointers, document)
            }
            (None | Some(Value::Bool(false)), None) => {
                let help = "write `update: {…}` or `remove: true`";
                refuse(place, "the action does nothing", help)
            }
            (Some(_), _) => {
                let pointer = format!("{place}/remove");
                refuse(
                    &pointer,
                    "`remove` is neither true nor false",
                    "write `remove: true`",
                )
            }
        }
    }

    fn check_fields(
        &self,
        fields: &Map<String, Value>,
        place: &str,
    ) -> Result<(), Box<Diagnostic>> {
        let known = |key: &str| FIELDS.contains(&key) || key.starts_with("x-");
        let Some(key) = fields.keys().find(|key| !known(key)) else {
            return Ok(());
        };
        let message = format!("`{key}` is no field of an action");
        let help = nearest(key, FIELDS).map_or_else(
            || "an action has `target`, `update`, `remove` and `description`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let loc = Loc::key(format!("{place}/{}", escape(key))).of(self.file);
        Err(Box::new(
            Diagnostic::new(Code::Overlay, loc, message).help(help),
        ))
    }

    /// Pointers to what a path selects, each once.
    fn select(
        &self,
        target: &str,
        place: &str,
        tree: &Value,
    ) -> Result<Vec<String>, Box<Diagnostic>> {
        target::select(target, tree).map_err(|error| match error {
            SelectError::TooMuch => {
                let message = "finding what this path selects would take too much time or memory";
                let found = Diagnostic::new(Code::Budget, self.loc(place), message);
                let help =
                    "this limit is fixed; use fewer `..` and brackets, and no `$` within a filter";
                Box::new(found.help(help))
            }
            SelectError::Syntax(error) => {
                let message = format!("the target is no JSONPath: {error}");
                let help = "write it as in RFC 9535: `$.paths['/pets'].get`";
                Box::new(self.error(place, message, help))
            }
        })
    }

    fn update(
        &self,
        update: &Value,
        place: &str,
        pointers: &[String],
        document: &mut Overlaid<'_>,
    ) -> Result<(), Box<Diagnostic>> {
        let (nodes, bytes) = count(update);
        let all = |size: usize| size.saturating_mul(pointers.len());
        let levels = height(update);
        let deepest = pointers.iter().map(|p| p.matches('/').count()).max();
        let too_deep = deepest.unwrap_or_default() + levels > Budget::default().depth;
        if too_deep || !document.room.take(all(nodes), all(bytes)) {
            let message = format!(
                "this update, at {} places, makes the document too large or too deep",
                pointers.len()
            );
            let found = Diagnostic::new(Code::Budget, self.loc(place), message);
            return Err(Box::new(
                found.help("this limit is fixed; update fewer places"),
            ));
        }
        let mut change = Change {
            file: self.file,
            origins: &mut *document.origins,
        };
        for pointer in pointers {
            // An update before this one may have put something else in its place.
            let Some(target) = document.tree.pointer_mut(pointer) else {
                continue;
            };
            match (&mut *target, update) {
                (Value::Object(_), Value::Object(_)) => {
                    change.merge(target, pointer, update, place);
                }
                (Value::Array(items), entry) => {
                    let pointer = format!("{pointer}/{}", items.len());
                    change.came_from(&pointer, place.to_owned());
                    items.push(entry.clone());
                }
                (other, _) => {
                    let what = kind(other);
                    let message =
                        format!("the target selects {what}, which this cannot be merged with");
                    let help = "select the object that holds it, and update its property";
                    return Err(Box::new(self.error(place, message, help)));
                }
            }
        }
        Ok(())
    }
}

/// Values of a tree, and bytes of their texts and keys.
fn count(tree: &Value) -> (usize, usize) {
    let (mut nodes, mut bytes) = (0, 0);
    let mut waiting = vec![tree];
    while let Some(value) = waiting.pop() {
        nodes += 1;
        match value {
            Value::Array(items) => waiting.extend(items),
            Value::Object(entries) => {
                bytes += entries.keys().map(String::len).sum::<usize>();
                waiting.extend(entries.values());
            }
            Value::String(text) => bytes += text.len(),
            _ => {}
        }
    }
    (nodes, bytes)
}

/// Levels of objects and lists; the budget of the text that it is from bounds them.
fn height(value: &Value) -> usize {
    let deepest = match value {
        Value::Array(items) => items.iter().map(height).max(),
        Value::Object(entries) => entries.values().map(height).max(),
        _ => return 0,
    };
    deepest.unwrap_or_default() + 1
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn applied(tree: &Value, actions: &Value) -> (Value, Vec<String>) {
        let overlay = json!({"overlay": "1.0.0", "actions": actions});
        let (mut tree, mut origins) = (tree.clone(), Origins::default());
        let mut document = Overlaid {
            tree: &mut tree,
            address: None,
            origins: &mut origins,
            room: &mut Room::default(),
        };
        let overlay = Overlay {
            tree: &overlay,
            file: FileId(1),
            address: None,
        };
        let mut diags = Diagnostics::default();
        overlay.apply(&mut document, &mut diags);
        let found = diags.iter();
        let found =
            found.map(|d| format!("{} {}", d.code.as_str(), d.loc.as_ref().unwrap().pointer));
        (tree.clone(), found.collect())
    }

    #[test]
    fn actions() {
        let tree = json!({"a": {"b": [1, 2, 3], "c": {"d": 1, "e": 2}, "s": "x"}});
        for (actions, want, found) in [
            (
                json!([{"target": "$.a.c", "update": {"d": {"n": 1}, "f": 3}}]),
                json!({"a": {"b": [1, 2, 3], "c": {"d": {"n": 1}, "e": 2, "f": 3}, "s": "x"}}),
                "",
            ),
            (
                json!([{"target": "$.a.b", "update": 4}, {"target": "$", "update": {"a": {"b": [5], "s": null}}}]),
                json!({"a": {"b": [1, 2, 3, 4, 5], "c": {"d": 1, "e": 2}, "s": null}}),
                "",
            ),
            (
                json!([{"target": "$.a.b[?@ < 3]", "remove": true}, {"target": "$..d", "remove": true, "update": 1}]),
                json!({"a": {"b": [3], "c": {"e": 2}, "s": "x"}}),
                "",
            ),
            (json!([{"target": "$..*", "remove": true}]), json!({}), ""),
            (
                json!([{"target": "$.z", "update": {}}]),
                tree.clone(),
                "MG116 /actions/0/target",
            ),
            (
                json!([{"target": "$", "remove": true}]),
                tree.clone(),
                "MG115 /actions/0/target",
            ),
            (
                json!([{"target": "$.a.s", "update": "y"}]),
                tree.clone(),
                "MG115 /actions/0/update",
            ),
            (
                json!([{"target": "a.s", "update": {}}]),
                tree.clone(),
                "MG115 /actions/0/target",
            ),
            (
                json!([{"tarket": "$.a"}]),
                tree.clone(),
                "MG115 /actions/0/tarket",
            ),
            (json!([{"target": "$.a"}]), tree.clone(), "MG115 /actions/0"),
            (
                json!([{"target": "$.a", "remove": "yes"}]),
                tree.clone(),
                "MG115 /actions/0/remove",
            ),
            (json!([7]), tree.clone(), "MG115 /actions/0"),
            (json!({}), tree.clone(), "MG115 /actions"),
            (
                json!([{"target": "$..*..*..*..*..*..*..*..*", "remove": true}]),
                tree.clone(),
                "MG105 /actions/0/target",
            ),
        ] {
            let (tree, diags) = applied(&tree, &actions);
            assert_eq!((tree, diags.join(" ").as_str()), (want, found), "{actions}");
        }
    }
}
