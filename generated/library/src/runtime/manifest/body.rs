//! Request bodies, as data.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{Style, is_default};

/// A request body.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireBody {
    /// The `Content-Type` that is sent; of a multipart body without its boundary.
    pub content_type: String,
    /// Other media types that the argument of a binary body may name, ranges such as `image/*` among
    /// them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// How the text is made.
    pub format: BodyFormat,
    /// Whether it is sent even if no argument is for it.
    pub required: bool,
    /// What goes in it.
    pub content: BodyContent,
    /// How fields of a form are written that are not written in the usual way, by their name on the
    /// wire. Of a form that is one argument all declared fields are here, so that no other takes the
    /// name of one.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub parts: IndexMap<String, WirePart>,
}

/// How a body's text is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyFormat {
    /// JSON text.
    Json,
    /// JSON texts, one a line or after a record separator; a list has one each.
    Lines,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data` (RFC 7578).
    Multipart,
    /// The string itself.
    Text,
    /// The bytes that the base64 string or data URI stands for.
    Binary,
}

/// What goes in a body.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyContent {
    /// An object with one property an argument: `(argument, property)`.
    Properties(IndexMap<String, String>),
    /// The value of one argument.
    Whole(String),
}

/// How a field of a form is written (OpenAPI 3.1.1 §4.8.15). A list is one field an item, all of one
/// name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WirePart {
    /// The parameter style that it is written in; then nothing else here counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<PartStyle>,
    /// Media types that it may have, the usual one first, ranges among them. None: that of the value,
    /// which is JSON for an object and plain text for a scalar.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content_types: Vec<String>,
    /// What its strings stand for.
    #[serde(default, skip_serializing_if = "Strings::are_text")]
    pub strings: Strings,
    /// Further headers of the part, each with its only value (multipart only).
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub headers: IndexMap<String, String>,
}

/// A parameter style in a form: as in a query (OpenAPI 3.1.1 §4.8.15.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartStyle {
    /// `form`, `spaceDelimited`, `pipeDelimited` or `deepObject`.
    pub style: Style,
    /// Whether arrays and objects become one pair an element.
    pub explode: bool,
    /// Whether reserved characters stay as they are (form-urlencoded only).
    #[serde(default, skip_serializing_if = "is_default")]
    pub allow_reserved: bool,
}

/// What the strings of an argument stand for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strings {
    /// Themselves.
    #[default]
    Text,
    /// Files: base64, or a data URI (RFC 2397), which may name the file and its media type.
    Files,
    /// Files of text: the text itself, or a data URI.
    TextFiles,
    /// Files if they are data URIs, else themselves.
    Either,
}

impl Strings {
    #[allow(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    fn are_text(&self) -> bool {
        *self == Self::Text
    }
}
