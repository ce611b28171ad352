//! The objects of OpenAPI 3.0: where each is inside another, and whether a value is one.

use openapiv3::{
    Components, Encoding, Example, ExternalDocumentation, Header, Info, Link, MediaType, OpenAPI,
    Operation, Parameter, PathItem, RequestBody, Response, Schema, SecurityRequirement,
    SecurityScheme, Server, Tag,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// An object of the specification (OpenAPI 3.0.4 §4.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Document,
    Paths,
    Components,
    Info,
    Server,
    Tag,
    ExternalDocs,
    Requirement,
    SecurityScheme,
    PathItem,
    Operation,
    Parameter,
    RequestBody,
    Responses,
    Response,
    Callback,
    Header,
    MediaType,
    Encoding,
    Example,
    Link,
    Schema,
}

/// How objects stand at a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One.
    One,
    /// A list of them.
    List,
    /// One at each name.
    Map,
}

impl Kind {
    /// The objects inside one: the key, and what is there. An empty key stands for all keys.
    fn table(self) -> &'static [(&'static str, Shape, Kind)] {
        use Shape::{List, Map, One};
        match self {
            Self::Document => &[
                ("info", One, Self::Info),
                ("servers", List, Self::Server),
                ("tags", List, Self::Tag),
                ("security", List, Self::Requirement),
                ("externalDocs", One, Self::ExternalDocs),
                ("paths", One, Self::Paths),
                ("components", One, Self::Components),
            ],
            Self::Paths | Self::Callback => &[("", One, Self::PathItem)],
            Self::Components => &[
                ("schemas", Map, Self::Schema),
                ("responses", Map, Self::Response),
                ("parameters", Map, Self::Parameter),
                ("examples", Map, Self::Example),
                ("requestBodies", Map, Self::RequestBody),
                ("headers", Map, Self::Header),
                ("securitySchemes", Map, Self::SecurityScheme),
                ("links", Map, Self::Link),
                ("callbacks", Map, Self::Callback),
            ],
            Self::PathItem => &[
                ("get", One, Self::Operation),
                ("put", One, Self::Operation),
                ("post", One, Self::Operation),
                ("delete", One, Self::Operation),
                ("options", One, Self::Operation),
                ("head", One, Self::Operation),
                ("patch", One, Self::Operation),
                ("trace", One, Self::Operation),
                ("parameters", List, Self::Parameter),
                ("servers", List, Self::Server),
            ],
            Self::Operation => &[
                ("parameters", List, Self::Parameter),
                ("requestBody", One, Self::RequestBody),
                ("responses", One, Self::Responses),
                ("callbacks", Map, Self::Callback),
                ("security", List, Self::Requirement),
                ("servers", List, Self::Server),
                ("externalDocs", One, Self::ExternalDocs),
            ],
            Self::Responses => &[("", One, Self::Response)],
            Self::Parameter | Self::Header => &[
                ("schema", One, Self::Schema),
                ("content", Map, Self::MediaType),
                ("examples", Map, Self::Example),
            ],
            Self::RequestBody => &[("content", Map, Self::MediaType)],
            Self::Response => &[
                ("headers", Map, Self::Header),
                ("content", Map, Self::MediaType),
                ("links", Map, Self::Link),
            ],
            Self::MediaType => &[
                ("schema", One, Self::Schema),
                ("examples", Map, Self::Example),
                ("encoding", Map, Self::Encoding),
            ],
            Self::Encoding => &[("headers", Map, Self::Header)],
            Self::Schema => &[
                ("properties", Map, Self::Schema),
                ("items", One, Self::Schema),
                ("additionalProperties", One, Self::Schema),
                ("allOf", List, Self::Schema),
                ("oneOf", List, Self::Schema),
                ("anyOf", List, Self::Schema),
                ("not", One, Self::Schema),
                ("externalDocs", One, Self::ExternalDocs),
            ],
            Self::Link => &[("server", One, Self::Server)],
            Self::Tag => &[("externalDocs", One, Self::ExternalDocs)],
            _ => &[],
        }
    }

    /// What is at a key of it, if that is an object of the specification, too.
    pub(super) fn part(self, key: &str, value: &Value) -> Option<(Shape, Kind)> {
        // `additionalProperties: false` says something without a schema.
        if key == "additionalProperties" && value.is_boolean() {
            return None;
        }
        let mut table = self.table().iter();
        let found = table.find(|(name, ..)| name.is_empty() || *name == key);
        found.map(|(_, shape, kind)| (*shape, *kind))
    }

    /// Whether a key holds data that may be anything.
    pub(super) fn is_data(self, key: &str) -> bool {
        match self {
            Self::Schema => matches!(key, "default" | "example" | "enum"),
            Self::Parameter | Self::Header | Self::MediaType => key == "example",
            Self::Example => key == "value",
            Self::Link => matches!(key, "parameters" | "requestBody"),
            _ => false,
        }
    }

    /// Whether a reference can stand in its place.
    pub(super) fn may_be_shared(self) -> bool {
        matches!(
            self,
            Self::PathItem
                | Self::Parameter
                | Self::RequestBody
                | Self::Response
                | Self::Callback
                | Self::Header
                | Self::Example
                | Self::Link
                | Self::Schema
                | Self::SecurityScheme
        )
    }

    /// What a message calls it.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Document => "the document",
            Self::Paths => "the `paths`",
            Self::Components => "the `components`",
            Self::Info => "the `info`",
            Self::Server => "a server",
            Self::Tag => "a tag",
            Self::ExternalDocs => "an `externalDocs`",
            Self::Requirement => "a security requirement",
            Self::SecurityScheme => "a security scheme",
            Self::PathItem => "a path item",
            Self::Operation => "an operation",
            Self::Parameter => "a parameter",
            Self::RequestBody => "a request body",
            Self::Responses => "the `responses`",
            Self::Response => "a response",
            Self::Callback => "a callback",
            Self::Header => "a header",
            Self::MediaType => "a media type",
            Self::Encoding => "an encoding",
            Self::Example => "an example",
            Self::Link => "a link",
            Self::Schema => "a schema",
        }
    }

    /// The least that is one, to stand for what is looked at by itself.
    pub(super) fn least(self) -> Value {
        match self {
            Self::Document => {
                json!({"openapi": "", "info": {"title": "", "version": ""}, "paths": {}})
            }
            Self::Info => json!({"title": "", "version": ""}),
            Self::Server | Self::ExternalDocs => json!({"url": ""}),
            Self::Tag => json!({"name": ""}),
            Self::SecurityScheme => json!({"type": "http", "scheme": ""}),
            Self::Operation => json!({"responses": {}}),
            Self::Parameter => json!({"name": "", "in": "query", "schema": {}}),
            Self::Response => json!({"description": ""}),
            Self::Header => json!({"schema": {}}),
            Self::Link => json!({"operationId": ""}),
            _ => json!({}),
        }
    }

    /// The least that is of the same sort as `object`: what a key may hold can depend on another.
    pub(super) fn least_like(self, object: &Map<String, Value>) -> Map<String, Value> {
        let text = |key| object.get(key).and_then(Value::as_str);
        let mut least = match (self, text("type"), text("in")) {
            (Self::SecurityScheme, Some("apiKey"), _) => {
                json!({"type": "apiKey", "name": "", "in": "header"})
            }
            (Self::SecurityScheme, Some("oauth2"), _) => json!({"type": "oauth2", "flows": {}}),
            (Self::SecurityScheme, Some("openIdConnect"), _) => {
                json!({"type": "openIdConnect", "openIdConnectUrl": ""})
            }
            (Self::Parameter, _, Some(place @ ("path" | "header" | "cookie"))) => {
                json!({"name": "", "in": place, "schema": {}})
            }
            _ => self.least(),
        };
        least
            .as_object_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// What is wrong with a value that should be one, in serde's words.
    pub(super) fn error(self, value: Value) -> Option<String> {
        match self {
            Self::Document => error::<OpenAPI>(value),
            Self::Components => error::<Components>(value),
            Self::Info => error::<Info>(value),
            Self::Server => error::<Server>(value),
            Self::Tag => error::<Tag>(value),
            Self::ExternalDocs => error::<ExternalDocumentation>(value),
            Self::Requirement => error::<SecurityRequirement>(value),
            Self::SecurityScheme => error::<SecurityScheme>(value),
            Self::PathItem => error::<PathItem>(value),
            Self::Operation => error::<Operation>(value),
            Self::Parameter => error::<Parameter>(value),
            Self::RequestBody => error::<RequestBody>(value),
            Self::Response => error::<Response>(value),
            Self::Header => error::<Header>(value),
            Self::MediaType => error::<MediaType>(value),
            Self::Encoding => error::<Encoding>(value),
            Self::Example => error::<Example>(value),
            Self::Link => error::<Link>(value),
            Self::Schema => error::<Schema>(value),
            // Nothing but what is inside them can be wrong.
            Self::Paths | Self::Responses | Self::Callback => None,
        }
    }
}

fn error<T: DeserializeOwned>(value: Value) -> Option<String> {
    serde_json::from_value::<T>(value)
        .err()
        .map(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_of_each_kind_is_one() {
        for kind in [
            Kind::Document,
            Kind::Components,
            Kind::Info,
            Kind::Server,
            Kind::Tag,
            Kind::ExternalDocs,
            Kind::Requirement,
            Kind::SecurityScheme,
            Kind::PathItem,
            Kind::Operation,
            Kind::Parameter,
            Kind::RequestBody,
            Kind::Response,
            Kind::Header,
            Kind::MediaType,
            Kind::Encoding,
            Kind::Example,
            Kind::Link,
            Kind::Schema,
        ] {
            assert_eq!(kind.error(kind.least()), None, "{kind:?}");
            for (key, shape, part) in kind.table() {
                let inside = match shape {
                    Shape::One => part.least(),
                    Shape::List => json!([part.least()]),
                    Shape::Map => json!({"x": part.least()}),
                };
                let mut whole = kind.least_like(&Map::new());
                whole.insert((*key).to_owned(), inside);
                assert_eq!(kind.error(Value::Object(whole)), None, "{kind:?} {key}");
            }
        }
        for like in [
            json!({"type": "apiKey"}),
            json!({"type": "oauth2"}),
            json!({"type": "openIdConnect"}),
        ] {
            let least = Kind::SecurityScheme.least_like(like.as_object().unwrap());
            assert_eq!(
                Kind::SecurityScheme.error(Value::Object(least)),
                None,
                "{like}"
            );
        }
    }
}
