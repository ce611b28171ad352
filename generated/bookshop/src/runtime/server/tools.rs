//! Tools as clients see them.

use super::super::manifest::{Effect, ListMode, Manifest, ToolSpec};
use super::super::search::meta::Meta;
use super::super::search::{self, Search};
use rmcp::model::{Tool, ToolAnnotations};

/// All that stands in `tools/list` for a Manifest.
pub fn list(manifest: &Manifest) -> Vec<Tool> {
    let pinned = &manifest.listing.pinned;
    let (metas, tools): (Vec<Meta>, Vec<&ToolSpec>) = match manifest.listing.mode {
        ListMode::List => (Vec::new(), manifest.tools.iter().collect()),
        ListMode::Search => {
            let tools = manifest.tools.iter();
            let pinned = tools.filter(|tool| pinned.contains(&tool.name));
            (search::metas(manifest), pinned.collect())
        }
    };
    let metas = metas.iter().map(meta_tool);
    metas.chain(tools.into_iter().map(listed)).collect()
}

/// The tools that are listed: all, or in search mode its own and those that are pinned.
pub(super) fn listed_tools(tools: Vec<Tool>, search: Option<&Search>) -> Vec<Tool> {
    let Some(search) = search else { return tools };
    let pinned = tools
        .into_iter()
        .filter(|tool| search.is_pinned(&tool.name));
    search.metas().iter().map(meta_tool).chain(pinned).collect()
}

/// A tool of search mode as clients see it.
fn meta_tool(meta: &Meta) -> Tool {
    let annotations = ToolAnnotations::new()
        .read_only(meta.is_read_only())
        .destructive(!meta.is_read_only())
        .idempotent(meta.is_read_only())
        .open_world(meta.is_open_world());
    let name = meta.kind.name();
    let mut tool = Tool::new(name, meta.description.clone(), meta.input_schema.clone());
    tool.title = Some(meta.title.to_owned());
    let tool = tool.with_annotations(annotations);
    match &meta.output_schema {
        Some(schema) => tool.with_raw_output_schema(schema.clone()),
        None => tool,
    }
}

/// A tool as it stands in `tools/list`, with all four annotations.
pub fn listed(spec: &ToolSpec) -> Tool {
    let annotations = ToolAnnotations::new()
        .read_only(spec.effect == Effect::Read)
        // "Only additive" cannot be known of a write.
        .destructive(spec.effect != Effect::Read)
        .idempotent(spec.idempotent)
        .open_world(true);
    let mut tool = Tool::new(
        spec.name.clone(),
        spec.description.clone(),
        spec.input_schema.clone(),
    )
    .with_annotations(annotations);
    tool.title.clone_from(&spec.title);
    match &spec.output_schema {
        Some(schema) => tool.with_raw_output_schema(schema.clone()),
        None => tool,
    }
}
