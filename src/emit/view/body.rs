//! Request bodies as Rust expressions.

use super::{list, owned};
use crate::runtime::manifest::{BodyContent, BodyFormat, Strings, Style, WireBody, WirePart};

pub(super) fn wire_body(body: &WireBody) -> String {
    let format = match body.format {
        BodyFormat::Json => "Json",
        BodyFormat::Lines => "Lines",
        BodyFormat::Form => "Form",
        BodyFormat::Multipart => "Multipart",
        BodyFormat::Text => "Text",
        BodyFormat::Binary => "Binary",
    };
    let content = match &body.content {
        BodyContent::Whole(arg) => format!("BodyContent::Whole({})", owned(arg)),
        BodyContent::Properties(properties) => {
            let pairs = properties
                .iter()
                .map(|(arg, name)| format!("({}, {})", owned(arg), owned(name)));
            format!("BodyContent::Properties({})", map(pairs))
        }
    };
    let parts = body
        .parts
        .iter()
        .map(|(name, part)| format!("({}, {})", owned(name), wire_part(part)));
    format!(
        "WireBody {{ content_type: {}, also: {}, format: BodyFormat::{format}, required: {}, content: {content}, parts: {} }}",
        owned(&body.content_type),
        list(body.also.iter().map(|name| owned(name))),
        body.required,
        map(parts)
    )
}

fn wire_part(part: &WirePart) -> String {
    let style = part.style.map_or("None".to_owned(), |style| {
        format!(
            "Some(PartStyle {{ style: Style::{}, explode: {}, allow_reserved: {} }})",
            style_name(style.style),
            style.explode,
            style.allow_reserved
        )
    });
    let strings = match part.strings {
        Strings::Text => "Text",
        Strings::Files => "Files",
        Strings::TextFiles => "TextFiles",
        Strings::Either => "Either",
    };
    let headers = part
        .headers
        .iter()
        .map(|(name, value)| format!("({}, {})", owned(name), owned(value)));
    format!(
        "WirePart {{ style: {style}, content_types: {}, strings: Strings::{strings}, headers: {} }}",
        list(part.content_types.iter().map(|name| owned(name))),
        map(headers)
    )
}

/// The name of a style's variant.
pub(super) fn style_name(style: Style) -> &'static str {
    match style {
        Style::Simple => "Simple",
        Style::Label => "Label",
        Style::Matrix => "Matrix",
        Style::Form => "Form",
        Style::SpaceDelimited => "SpaceDelimited",
        Style::PipeDelimited => "PipeDelimited",
        Style::TabDelimited => "TabDelimited",
        Style::DeepObject => "DeepObject",
        Style::DeepBrackets => "DeepBrackets",
        Style::DeepIndices => "DeepIndices",
        Style::Cookie => "Cookie",
    }
}

fn map(pairs: impl Iterator<Item = String>) -> String {
    format!("IndexMap::from([{}])", pairs.collect::<Vec<_>>().join(", "))
}
