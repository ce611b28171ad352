//! What a policy says of the values of arguments, beside the schema that they are checked against.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::Schema;

/// What is done with one value of the arguments before they are checked, or after.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// JSON Pointer into the arguments (RFC 6901); the token `*` stands for every element of a list.
    pub pointer: String,
    /// A bound that a number is moved into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clamp: Option<Bound>,
    /// The elements that a list keeps, from its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_items: Option<u64>,
    /// A list with more elements than this is refused instead: the document's own bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items_ceiling: Option<u64>,
    /// The value where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Values that mean that nothing is sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop_if: Vec<Value>,
    /// The value that is sent, whatever the caller gives; what it is inside of is made where it is
    /// missing, but for elements of lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Fixed>,
    /// Whether a value of the caller's is refused as an argument that there is not.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub hidden: bool,
}

/// Inclusive bounds that a number is moved into.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// Least value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Number>,
    /// Greatest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Number>,
    /// A value below this is refused instead: the document's own bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Number>,
    /// A value above this is refused instead: the document's own bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<Number>,
    /// Whether numbers with a fraction are moved too; those of an integer are refused.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub fractions: bool,
}

/// Where a value comes from that no caller sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fixed {
    /// It is this.
    Const(Value),
    /// It is the text of an environment variable, read when the server starts.
    Env {
        /// The variable.
        name: String,
        /// What the value has to be; says what the text is read as.
        schema: Schema,
    },
}
