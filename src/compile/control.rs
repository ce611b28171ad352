//! What a policy says of arguments: the schema that clients are shown becomes narrower, and what a
//! schema cannot say (a value that is moved, filled in or hidden) becomes a [`Control`].
//!
//! What is shown is what is checked. Nothing here makes a schema wider: a rule that would is an error.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::args::Arguments;
use crate::catalog::Capability;
use crate::diag::nearest::nearest;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc, escape};
use crate::policy::format::{ArgRule, OnViolation};
use crate::runtime::manifest::{BodyContent, Control, Place};

mod facts;
mod misses;
mod narrow;
mod reach;
#[cfg(test)]
mod tests;
mod value;
mod wish;

use crate::runtime::pointer::unescape;
pub(super) use misses::Misses;
use reach::{Reach, Token};
use wish::{Wish, Wishes};

/// Tokens that a pointer may have.
const TOKENS_MAX: usize = 16;
/// Names that a finding lists.
const LISTED_MAX: usize = 8;

/// Applies what the rules of an operation say of its arguments: by key, each rule with its index.
pub(super) fn apply(
    arguments: &mut Arguments,
    capability: &Capability,
    rules: &IndexMap<&str, Vec<(&ArgRule, usize)>>,
    on_violation: OnViolation,
    misses: &mut Misses,
    diags: &mut Diagnostics,
) {
    if rules.is_empty() {
        return;
    }
    let mut schema = std::mem::take(&mut arguments.schema);
    let defs = match schema.shift_remove("$defs") {
        Some(Value::Object(defs)) => defs,
        _ => Map::new(),
    };
    let mut work = Work {
        root: Value::Object(schema),
        reach: Reach::new(&defs),
        arguments,
        capability,
        on_violation,
        fixed: Vec::new(),
        misses,
        diags,
    };
    let wishes = work.wishes(rules);
    work.settled_inside(&wishes);
    for (tokens, wish) in &wishes {
        work.apply(tokens, wish);
    }
    work.parents();
    work.arguments.controls.retain(|control| {
        let nothing = Control {
            pointer: control.pointer.clone(),
            ..Control::default()
        };
        *control != nothing
    });
    let used = work.reach.used(&work.root);
    let mut root = match work.root {
        Value::Object(root) => root,
        _ => Map::new(),
    };
    if !used.is_empty() {
        root.insert("$defs".to_owned(), Value::Object(used));
    }
    arguments.schema = root;
}

/// The arguments of one tool while rules are applied.
struct Work<'w> {
    /// The input schema, without its definitions.
    root: Value,
    reach: Reach<'w>,
    /// All but the schema.
    arguments: &'w mut Arguments,
    capability: &'w Capability,
    on_violation: OnViolation,
    /// Parts of the arguments that have a value whatever the caller gives.
    fixed: Vec<Vec<Token>>,
    misses: &'w mut Misses,
    diags: &'w mut Diagnostics,
}

impl Work<'_> {
    /// What the rules wish, by the part of the arguments that they mean.
    fn wishes<'r>(&mut self, rules: &IndexMap<&'r str, Vec<(&'r ArgRule, usize)>>) -> Wishes<'r> {
        let mut wishes = Wishes::new();
        let mut all: IndexMap<Vec<Token>, Vec<(&str, &ArgRule, Loc)>> = IndexMap::new();
        let mut said: Vec<(usize, &str, &ArgRule)> = Vec::new();
        for (key, of_key) in rules {
            said.extend(of_key.iter().map(|(rule, index)| (*index, *key, *rule)));
        }
        // In the order of the rules, whatever their keys.
        said.sort_by_key(|(index, ..)| *index);
        for (index, key, rule) in said {
            let loc = Loc::at(format!("/rules/{index}/args")).child(key);
            let Some(tokens) = self.meant(key, &loc) else {
                continue;
            };
            self.misses.hit(&loc);
            let wish: &mut Wish<'r> = wishes.entry(tokens.clone()).or_default();
            wish.add(key, rule, &loc);
            all.entry(tokens).or_default().push((key, rule, loc));
        }
        for (tokens, rules) in &all {
            if let Some(wish) = wishes.get(tokens) {
                wish.contradictions(rules, self.diags);
            }
        }
        wishes
    }

    /// The part of the arguments that a key means; one that means none is a miss.
    fn meant(&mut self, key: &str, loc: &Loc) -> Option<Vec<Token>> {
        let names = self.names();
        let (first, rest) = match key.strip_prefix('/') {
            None => (key.to_owned(), Vec::new()),
            Some(pointer) => {
                let mut tokens = pointer.split('/').map(unescape);
                let first = tokens.next().unwrap_or_default();
                let each = |token: String| match token.as_str() {
                    "*" => Token::Each,
                    _ => Token::Key(token),
                };
                (first, tokens.take(TOKENS_MAX).map(each).collect())
            }
        };
        let Some(argument) = self.argument(&names, &first) else {
            let shown: Vec<String> = names.iter().map(|name| written(key, name)).collect();
            self.unknown(key, loc, &shown);
            return None;
        };
        let mut tokens = vec![Token::Key(argument)];
        tokens.extend(rest);
        let depth = (1..=tokens.len()).find(|depth| {
            let some = tokens.get(..*depth).unwrap_or_default();
            self.reach.gather(&self.root, some).is_none()
        });
        let Some(depth) = depth else {
            return Some(tokens);
        };
        let known = tokens.get(..depth.saturating_sub(1)).unwrap_or_default();
        let parent = self.reach.gather(&self.root, known).unwrap_or_default();
        let start = pointer(known);
        let names = self.reach.names(&parent);
        let mut shown: Vec<String> = names
            .iter()
            .map(|name| format!("{start}/{}", escape(name)))
            .collect();
        if self.reach.gather(&parent, &[Token::Each]).is_some() {
            shown.push(format!("{start}/*"));
        }
        self.unknown(key, loc, &shown);
        None
    }

    fn unknown(&mut self, key: &str, loc: &Loc, names: &[String]) {
        let label = self.capability.label();
        let message = format!("{label} has no argument `{key}`");
        let found = Diagnostic::new(Code::PolicyName, Loc::key(loc.pointer.clone()), message);
        let all: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let near = nearest(key, names.iter().map(String::as_str));
        let help = match (near, all.as_slice()) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, []) if key.starts_with('/') => "nothing is known of what is in it".to_owned(),
            (None, []) => "it has no arguments".to_owned(),
            (None, [one]) => format!("there is {one}"),
            (None, some) if some.len() <= LISTED_MAX => format!("there are {}", some.join(", ")),
            (None, _) => "`mcpgen plan` shows what there is".to_owned(),
        };
        self.misses.miss(found.help(help));
    }

    /// The names of the arguments.
    fn names(&self) -> Vec<String> {
        let properties = self.root.get("properties").and_then(Value::as_object);
        properties
            .into_iter()
            .flat_map(Map::keys)
            .cloned()
            .collect()
    }

    /// The argument of a name: the model's, or that of the wire where only one has it.
    fn argument(&self, names: &[String], name: &str) -> Option<String> {
        if names.iter().any(|own| own == name) {
            return Some(name.to_owned());
        }
        let params = self.arguments.params.iter().map(|p| (&p.arg, &p.name));
        let body = self.arguments.body.as_ref().map(|body| &body.content);
        let fields = match body {
            Some(BodyContent::Properties(map)) => Some(map.iter()),
            _ => None,
        };
        let mut found = params
            .chain(fields.into_iter().flatten())
            .filter(|(_, wire)| *wire == name)
            .map(|(argument, _)| argument);
        let one = found.next()?;
        found.next().is_none().then(|| one.clone())
    }

    /// Where the argument goes that a pointer begins with.
    fn goes_to(&self, tokens: &[Token]) -> Option<Place> {
        let Some(Token::Key(argument)) = tokens.first() else {
            return None;
        };
        let mut params = self.arguments.params.iter();
        let param = params.find(|param| param.arg == *argument);
        param.map(|param| param.place)
    }

    /// Reports rules for parts of what has its value by another rule, or is not there.
    fn settled_inside(&mut self, wishes: &Wishes<'_>) {
        for (tokens, wish) in wishes {
            let above = (1..tokens.len()).find_map(|depth| {
                let above = wishes.get(tokens.get(..depth)?)?;
                above.is_settled().then_some(above)
            });
            if let Some(above) = above {
                let message = format!(
                    "`{}` is inside `{}`, whose value is not the caller's",
                    wish.name, above.name
                );
                let found = Diagnostic::new(Code::PolicyArgument, wish.loc.clone(), message);
                let found = found.also(above.loc.clone(), "said here");
                self.diags.push(found.help("take one of them out"));
            }
        }
    }

    fn apply(&mut self, tokens: &[Token], wish: &Wish<'_>) {
        // What another rule took away is reported there.
        let Some(document) = self.reach.gather(&self.root, tokens) else {
            return;
        };
        if let Some(loc) = &wish.forbid {
            self.leave_out(tokens, wish, loc);
            return;
        }
        self.narrow(tokens, wish, &document);
        self.settle(tokens, wish);
        self.slash(tokens, wish);
    }

    /// Changes the control of a part of the arguments.
    fn control(&mut self, tokens: &[Token], change: impl FnOnce(&mut Control)) {
        let pointer = pointer(tokens);
        let controls = &mut self.arguments.controls;
        if let Some(control) = controls.iter_mut().find(|c| c.pointer == pointer) {
            return change(control);
        }
        let mut control = Control {
            pointer,
            ..Control::default()
        };
        change(&mut control);
        controls.push(control);
    }

    fn report(&mut self, code: Code, loc: &Loc, message: String, help: impl Into<String>) {
        let found = Diagnostic::new(code, loc.clone(), message);
        self.diags.push(found.help(help));
    }

    /// `slash: encode`: a path value may hold `/`.
    fn slash(&mut self, tokens: &[Token], wish: &Wish<'_>) {
        let Some(loc) = &wish.slash else { return };
        let path = self
            .capability
            .sent_path()
            .split('?')
            .next()
            .unwrap_or_default();
        let params = &mut self.arguments.params;
        let param = params
            .iter_mut()
            .find(|param| param.place == Place::Path && *tokens == [Token::Key(param.arg.clone())]);
        // Values side by side cannot be told apart in what is decoded.
        let alone = |name: &str| {
            let slot = format!("{{{name}}}");
            let mut segments = path.split('/').filter(|segment| segment.contains(&slot));
            let mut alone = segments
                .clone()
                .all(|segment| segment.matches('{').count() == 1);
            alone &= segments.next().is_some();
            alone
        };
        match param {
            Some(param) if alone(&param.name) => param.slash = true,
            Some(_) => {
                let message = format!("`{}` shares its segment of the path", wish.name);
                self.report(
                    Code::PolicyArgument,
                    loc,
                    message,
                    "a value with `/` has a segment of its own",
                );
            }
            None => {
                let message = format!("`{}` is no argument of the path", wish.name);
                self.report(
                    Code::PolicyArgument,
                    loc,
                    message,
                    "only there `/` has to be allowed: take `slash` out",
                );
            }
        }
    }
}

/// Tokens as a JSON Pointer, `*` for every element.
fn pointer(tokens: &[Token]) -> String {
    tokens
        .iter()
        .fold(String::new(), |text, token| match token {
            Token::Key(name) => format!("{text}/{}", escape(name)),
            Token::Each => format!("{text}/*"),
        })
}

/// A name as it stands in a policy beside a key.
fn written(key: &str, name: &str) -> String {
    match key.starts_with('/') {
        true => format!("/{}", escape(name)),
        false => name.to_owned(),
    }
}
