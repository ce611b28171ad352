//! The version of a document, and what of reading it depends on that.

use serde_json::Value;

use super::plain;
use crate::diag::{Code, Diagnostic, Loc};

/// The OpenAPI versions that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    /// Swagger 2.0, which is upgraded to the shape of 3.0.
    V2_0,
    /// 3.0.x, with its own dialect of JSON Schema.
    V3_0,
    /// 3.1.x, with JSON Schema 2020-12.
    V3_1,
    /// 3.2.x: 3.1 with more methods, places and media types.
    V3_2,
}

impl Version {
    /// Whether schemas are JSON Schema 2020-12: `true` and `false` are schemas, and keywords beside a
    /// `$ref` count.
    pub(super) fn is_json_schema(self) -> bool {
        self >= Self::V3_1
    }

    /// The keyword by which a schema takes `null` too, where `type` cannot say so.
    pub(super) fn nullable(self) -> Option<&'static str> {
        match self {
            // An extension that everyone writes: 2.0 itself has nothing.
            Self::V2_0 => Some("x-nullable"),
            Self::V3_0 => Some("nullable"),
            Self::V3_1 | Self::V3_2 => None,
        }
    }
}

const FIRST_LINE: &str = "an OpenAPI document begins with `openapi: 3.1.0` (or 3.0.x, 3.2.x)";

const READ: &str = "Swagger 2.0 and OpenAPI 3.0.x, 3.1.x and 3.2.x are";

/// Decides the version (OpenAPI 3.1.1 §4.8.1.1); an unquoted `3.0` is a YAML float and is read.
pub(super) fn version(root: &Value) -> Result<Version, Box<Diagnostic>> {
    let refuse = |code, loc, message: String, help: &str| {
        Err(Box::new(Diagnostic::new(code, loc, message).help(help)))
    };
    let Some(object) = root.as_object() else {
        return refuse(
            Code::NotOpenApi,
            Loc::at(""),
            "not an OpenAPI document: its root is not an object".into(),
            FIRST_LINE,
        );
    };
    if let Some(swagger) = object.get("swagger") {
        let text = plain(swagger);
        if matches!(text.trim(), "2.0" | "2") {
            return Ok(Version::V2_0);
        }
        return refuse(
            Code::Version,
            Loc::at("/swagger"),
            format!("Swagger version `{text}` is not read"),
            READ,
        );
    }
    let Some(openapi) = object.get("openapi") else {
        let near = object
            .keys()
            .find(|key| key.eq_ignore_ascii_case("openapi"));
        return refuse(
            Code::NotOpenApi,
            near.map_or(Loc::at(""), |key| {
                Loc::key(format!("/{}", crate::diag::escape(key)))
            }),
            "not an OpenAPI document: it has no `openapi` field".into(),
            if near.is_some() {
                "field names are case-sensitive: write `openapi`"
            } else {
                FIRST_LINE
            },
        );
    };
    let text = plain(openapi);
    let mut parts = text.split('.');
    match (parts.next(), parts.next()) {
        (Some("3"), Some("0") | None) => Ok(Version::V3_0),
        (Some("3"), Some("1")) => Ok(Version::V3_1),
        (Some("3"), Some("2")) => Ok(Version::V3_2),
        _ => refuse(
            Code::Version,
            Loc::at("/openapi"),
            format!("OpenAPI version `{text}` is not read"),
            READ,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn versions_that_are_read() {
        for (text, want) in [
            (json!("3.0.3"), Some(Version::V3_0)),
            (json!(3.0), Some(Version::V3_0)),
            (json!(3), Some(Version::V3_0)),
            (json!("3.1.1"), Some(Version::V3_1)),
            (json!("3.2.0"), Some(Version::V3_2)),
            (json!("3.3.0"), None),
            (json!("4"), None),
            (json!(null), None),
        ] {
            let found = version(&json!({"openapi": text})).ok();
            assert_eq!(found, want, "{text}");
        }
        for (text, want) in [
            (json!("2.0"), Some(Version::V2_0)),
            (json!(2.0), Some(Version::V2_0)),
            (json!("1.2"), None),
        ] {
            let found = version(&json!({"swagger": text})).ok();
            assert_eq!(found, want, "{text}");
        }
    }
}
