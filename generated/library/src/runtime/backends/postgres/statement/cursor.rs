//! Where a page begins: the values of the row before it, sealed for one tool, filter and order.

use serde_json::{Map, Value, json};

use super::Context;
use super::order::{Key, told};
use crate::runtime::backends::postgres::seal::Seal;
use crate::runtime::error::CallError;
use crate::runtime::manifest::SqlAction;

/// Who calls: nobody is told apart yet.
const CALLER: &str = "anyone";

/// What a cursor is for. It opens nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bound(Vec<u8>);

impl Bound {
    pub(super) fn new(
        action: &SqlAction,
        context: &Context<'_>,
        filter: &Value,
        keys: &[Key<'_>],
    ) -> Self {
        let relation = &action.relation;
        let bound = json!({
            "tool": context.tool,
            "source": context.source,
            "caller": CALLER,
            "relation": [relation.schema, relation.name],
            "filter": in_order(filter),
            "sort": told(keys),
        });
        Self(bound.to_string().into_bytes())
    }

    pub(super) fn sealed(&self, values: &[Option<String>], seal: &Seal) -> Option<String> {
        seal.seal(&self.0, json!(values).to_string().as_bytes())
    }
}

/// The values that a caller's cursor has; `None`: there is no cursor, the first page is meant.
pub(super) fn values(
    cursor: Option<&Value>,
    bound: Option<&Bound>,
    keys: usize,
    context: &Context<'_>,
) -> Result<Option<Vec<Option<String>>>, CallError> {
    let cursor = match cursor {
        None | Some(Value::Null) => return Ok(None),
        Some(cursor) => cursor.as_str().unwrap_or_default(),
    };
    let opened = bound.and_then(|bound| context.seal.open(&bound.0, cursor).ok());
    let values: Option<Vec<Option<String>>> =
        opened.and_then(|opened| serde_json::from_slice(&opened).ok());
    let values = values.filter(|values| values.len() == keys);
    values.map(Some).ok_or_else(|| {
        CallError::new(
            "invalid_cursor",
            "the cursor is not one of this tool with this filter and sort; nothing was sent",
        )
        .hint("pass `next_cursor` of the page before, unchanged and with the same filter and sort, or leave the cursor out to begin again")
    })
}

/// The same value with its keys in order: how a filter is written does not matter.
fn in_order(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut pairs: Vec<_> = object.iter().collect();
            pairs.sort_by_key(|(key, _)| *key);
            let pairs = pairs.into_iter();
            let pairs = pairs.map(|(key, value)| (key.clone(), in_order(value)));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(in_order).collect()),
        other => other.clone(),
    }
}
