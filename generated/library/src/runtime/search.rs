//! Search mode: a server of a thousand tools lists a few, which find, describe and call the others.
//!
//! What is not listed cannot be called by its name: a client decides by a tool's annotations whether a
//! call needs a person's consent, and it has none of a tool that is not listed. So every call goes
//! through `call_read_tool`, which reaches only tools that change nothing, or `call_write_tool`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::args::Args;
use super::error::CallError;
use super::manifest::{Effect, ListMode, Manifest, Schema, ToolSpec};

mod answer;
mod index;
mod lexicon;
pub mod meta;
mod question;
mod rank;
mod words;

use answer::{Detail, Told};
use meta::{Kind, LIMIT, Meta};
use rank::{Entry, Ranking};
use words::{is_request, likeness, split};

/// How alike a name must be that was perhaps meant.
const ALIKE: f64 = 0.45;
/// Names that were perhaps meant, at most.
const NEAR_MAX: usize = 3;
/// Characters of the tags that a description names.
const GROUPS_MAX: usize = 400;

/// What stands in front of the tools in search mode.
pub struct Search {
    metas: Vec<Meta>,
    pinned: Vec<String>,
    tools: Vec<Known>,
    /// Place in `tools` by name.
    places: BTreeMap<String, usize>,
    /// Tags with the number of their tools, in the order of the document.
    groups: Vec<(String, usize)>,
    /// Made at the first search: most of a start is not for it.
    ranking: OnceLock<Ranking>,
}

/// What is known of a tool.
struct Known {
    name: String,
    title: Option<String>,
    description: String,
    group: Option<String>,
    effect: Effect,
    /// Method and path.
    request: String,
    input_schema: Schema,
}

/// What a tool of search mode comes to.
pub enum Reply {
    /// An answer of this server's own.
    Told {
        /// For programs.
        value: Value,
        /// For the model, in fewer words.
        text: String,
        /// The arguments that were used.
        args: Args,
    },
    /// A call of another tool.
    Call {
        /// Its name; there is such a tool.
        tool: String,
        /// Its arguments, not checked yet.
        arguments: Map<String, Value>,
    },
}

/// The tools of search mode that stand for those of a Manifest, in the order they are listed.
pub fn metas(manifest: &Manifest) -> Vec<Meta> {
    let tools = &manifest.tools;
    let writes = tools.iter().any(|tool| tool.effect != Effect::Read);
    let named = answer::tags(&groups(manifest), GROUPS_MAX);
    let kinds = Kind::all(writes).iter();
    kinds
        .map(|kind| Meta::new(*kind, tools.len(), &named, writes))
        .collect()
}

/// Tags with the number of their tools, in the order of the document.
fn groups(manifest: &Manifest) -> Vec<(String, usize)> {
    let mut counts: IndexMap<&String, usize> = IndexMap::new();
    for group in manifest.tools.iter().filter_map(|tool| tool.group.as_ref()) {
        *counts.entry(group).or_default() += 1;
    }
    let counts = counts.into_iter();
    counts.map(|(tag, count)| (tag.clone(), count)).collect()
}

impl Search {
    /// The search over the tools of a Manifest that lists them in search mode.
    pub fn new(manifest: &Manifest) -> Option<Self> {
        if manifest.listing.mode != ListMode::Search {
            return None;
        }
        let tools: Vec<Known> = manifest.tools.iter().map(Known::new).collect();
        let places = tools.iter().enumerate();
        Some(Self {
            metas: metas(manifest),
            pinned: manifest.listing.pinned.clone(),
            places: places.map(|(at, tool)| (tool.name.clone(), at)).collect(),
            tools,
            groups: groups(manifest),
            ranking: OnceLock::new(),
        })
    }

    /// The tools of search mode, in the order they are listed.
    pub fn metas(&self) -> &[Meta] {
        &self.metas
    }

    /// The tool of search mode that has this name.
    pub fn meta(&self, name: &str) -> Option<&Meta> {
        self.metas.iter().find(|meta| meta.kind.name() == name)
    }

    /// Whether a tool of the Manifest is listed beside those of search mode.
    pub fn is_pinned(&self, name: &str) -> bool {
        self.pinned.iter().any(|pinned| pinned == name)
    }

    /// What a tool that is not listed is called with; `None` if there is no such tool.
    pub fn caller_of(&self, name: &str) -> Option<&'static str> {
        let tool = self.places.get(name).and_then(|at| self.tools.get(*at))?;
        Some(Kind::calling(tool.effect).name())
    }

    /// Answers a call of a tool of search mode.
    ///
    /// # Errors
    ///
    /// `invalid_arguments`; `unknown_tool` and `wrong_effect` of the tool that is to be described or
    /// called.
    pub fn reply(&self, meta: &Meta, arguments: Map<String, Value>) -> Result<Reply, CallError> {
        let args = meta
            .checker
            .check(arguments)
            .map_err(|error| match meta.kind {
                Kind::CallRead | Kind::CallWrite => {
                    error.hint("the tool's own arguments belong in `arguments`, an object")
                }
                Kind::Search | Kind::Describe => error,
            })?;
        let told = match meta.kind {
            Kind::Search => self.search(&args),
            Kind::Describe => self.describe(&args)?,
            Kind::CallRead | Kind::CallWrite => return self.inner(meta.kind, &args),
        };
        Ok(Reply::Told {
            value: told.value,
            text: told.text,
            args,
        })
    }

    /// The places in the Manifest of the tools that fit a question, the best first.
    pub fn find(&self, question: &str) -> Vec<usize> {
        let entries = || Ranking::new(self.tools.iter().map(Known::entry));
        let found = self
            .ranking
            .get_or_init(entries)
            .order(question)
            .into_iter();
        let named = self.named(question);
        let others = found.filter(|at| !named.contains(at));
        named.iter().copied().chain(others).collect()
    }

    /// The tools whose name or request a question is, those of a plainer path first.
    fn named(&self, question: &str) -> Vec<usize> {
        let name = split(question);
        let tools = self.tools.iter().enumerate();
        let mut named: Vec<(usize, usize)> = tools
            .filter(|(_, tool)| {
                let is_name = !name.is_empty() && name == split(&tool.name);
                is_name || is_request(question, &tool.request)
            })
            .map(|(at, tool)| (tool.request.matches('{').count(), at))
            .collect();
        named.sort_unstable();
        named.into_iter().map(|(_, at)| at).collect()
    }

    fn search(&self, args: &Args) -> Told {
        let text = |name: &str| args.get(name).and_then(Value::as_str).map(str::trim);
        let text = |name: &str| text(name).filter(|text| !text.is_empty());
        let number = |name: &str| args.get(name).and_then(Value::as_u64);
        let (query, tag, effect) = (text("query"), text("tag"), text("effect"));
        let offset = number("offset").and_then(|n| usize::try_from(n).ok());
        if query.is_none()
            && tag.is_none()
            && effect.is_none()
            && !self.groups.is_empty()
            && offset.is_none()
        {
            return answer::overview(&self.groups);
        }
        let fits = |tool: &Known| {
            let tagged = |tag: &str| {
                let group = tool.group.as_deref().unwrap_or_default();
                group.to_lowercase() == tag.to_lowercase()
            };
            tag.is_none_or(tagged) && effect.is_none_or(|effect| tool.effect.as_str() == effect)
        };
        let found = match query {
            Some(query) => self.find(query),
            None => (0..self.tools.len()).collect(),
        };
        let found: Vec<&Known> = found
            .into_iter()
            .filter_map(|at| self.tools.get(at))
            .filter(|tool| fits(tool))
            .collect();
        if found.is_empty() {
            let near = self.near(query.or(tag).unwrap_or_default());
            return answer::nothing(query, tag, &near, &self.groups);
        }
        let detail = Detail::of(text("detail"));
        let limit = number("limit").unwrap_or(LIMIT).min(detail.most());
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        answer::page(&found, detail, offset.unwrap_or(0), limit)
    }

    fn describe(&self, args: &Args) -> Result<Told, CallError> {
        let names = args.get("names").and_then(Value::as_array);
        let names = names.into_iter().flatten().filter_map(Value::as_str);
        let (mut found, mut unknown): (Vec<&Known>, Vec<String>) = (Vec::new(), Vec::new());
        let mut error = None;
        for name in names {
            match self.known(name) {
                Ok(tool) => found.push(tool),
                Err(why) => {
                    unknown.push(shown(name));
                    error.get_or_insert(why);
                }
            }
        }
        match error.filter(|_| found.is_empty()) {
            Some(error) => Err(error),
            None => Ok(answer::described(&found, &unknown)),
        }
    }

    /// The call that a call stands for, if the one may make the other.
    fn inner(&self, kind: Kind, args: &Args) -> Result<Reply, CallError> {
        let name = args.get("name").and_then(Value::as_str).unwrap_or_default();
        let tool = self.known(name)?;
        let right = Kind::calling(tool.effect);
        if right != kind {
            let does = match tool.effect {
                Effect::Read => "changes nothing",
                Effect::Write => "changes something",
                Effect::Destroy => "deletes something",
            };
            let caller = kind.name();
            let message =
                format!("`{name}` {does} and is not called with `{caller}`; nothing was sent");
            return Err(CallError::new("wrong_effect", message)
                .hint(format!("call it with `{}`", right.name())));
        }
        let arguments = args.get("arguments").and_then(Value::as_object);
        Ok(Reply::Call {
            tool: tool.name.clone(),
            arguments: arguments.cloned().unwrap_or_default(),
        })
    }

    fn known(&self, name: &str) -> Result<&Known, CallError> {
        let found = self.places.get(name).and_then(|at| self.tools.get(*at));
        found.ok_or_else(|| {
            let message = format!("no tool is called `{}`", shown(name));
            let near = answer::quoted(&self.near(name), " or ");
            let hint = if self.meta(name).is_some() {
                format!("call `{name}` itself")
            } else if near.is_empty() {
                "search_tools finds tools by what they do".to_owned()
            } else {
                format!("did you mean {near}? search_tools finds tools by what they do")
            };
            CallError::new("unknown_tool", message).hint(hint)
        })
    }

    /// Names that look like a text, the most alike first.
    fn near(&self, text: &str) -> Vec<&str> {
        let text: String = shown(text).to_lowercase();
        let mut near: Vec<(f64, &str)> = self
            .tools
            .iter()
            .map(|tool| (likeness(&text, &tool.name), tool.name.as_str()))
            .filter(|(likeness, _)| *likeness >= ALIKE)
            .collect();
        near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        near.truncate(NEAR_MAX);
        near.into_iter().map(|(_, name)| name).collect()
    }
}

impl Known {
    fn new(spec: &ToolSpec) -> Self {
        Self {
            name: spec.name.clone(),
            title: spec.title.clone(),
            description: spec.description.clone(),
            group: spec.group.clone(),
            effect: spec.effect,
            request: format!("{} {}", spec.action.verb(), spec.action.object()),
            input_schema: spec.input_schema.clone(),
        }
    }

    /// What it is found by.
    fn entry(&self) -> Entry<'_> {
        Entry {
            name: &self.name,
            title: self.title.as_deref(),
            description: &self.description,
            group: self.group.as_deref(),
            effect: self.effect,
            request: &self.request,
            input_schema: &self.input_schema,
        }
    }
}

/// A name as a message quotes it.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}
