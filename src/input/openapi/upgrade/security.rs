//! Security: `securityDefinitions` become `components.securitySchemes`.

use serde_json::{Map, Value, json};

use super::Upgrade;
use crate::diag::escape;
use crate::input::openapi::node::Node;

/// Flows by their names in 2.0 (Swagger 2.0, Security Scheme Object) and in 3.x.
const FLOWS: [(&str, &str); 4] = [
    ("implicit", "implicit"),
    ("password", "password"),
    ("application", "clientCredentials"),
    ("accessCode", "authorizationCode"),
];

impl Upgrade<'_, '_> {
    /// Puts the security schemes where 3.x has them.
    pub(super) fn security_schemes(&mut self, out: &mut Map<String, Value>) {
        let Some(defined) = self.top.get("securityDefinitions") else {
            return;
        };
        let new = "/components/securitySchemes";
        self.moves.add(new.to_owned(), &defined.loc());
        let mut schemes = Map::new();
        for (name, scheme) in defined.entries() {
            let new = format!("{new}/{}", escape(name));
            schemes.insert(name.to_owned(), self.upgraded(&new, &scheme));
        }
        let components = out.entry("components").or_insert_with(|| json!({}));
        if !components.is_object() {
            *components = json!({});
        }
        if let Some(components) = components.as_object_mut() {
            components.insert("securitySchemes".into(), Value::Object(schemes));
        }
    }

    /// A security scheme, whose new place is `new`.
    fn upgraded(&mut self, new: &str, scheme: &Node<'_>) -> Value {
        let Some(object) = scheme.value.as_object() else {
            return scheme.value.clone();
        };
        let mut out = object.clone();
        match scheme.str("type") {
            Some("basic") => {
                out.insert("type".into(), json!("http"));
                out.insert("scheme".into(), json!("basic"));
                self.moves.made_of(format!("{new}/scheme"), &scheme.loc());
            }
            Some("oauth2") => {
                let written = scheme.str("flow").unwrap_or_default();
                let known = FLOWS.iter().find(|(name, _)| *name == written);
                let name = known.map_or(written, |(_, name)| *name);
                let mut flow = Map::new();
                for key in ["authorizationUrl", "tokenUrl", "scopes"] {
                    if let Some(value) = out.shift_remove(key) {
                        flow.insert(key.to_owned(), value);
                    }
                }
                out.shift_remove("flow");
                out.insert("flows".into(), json!({ name: flow }));
                let flow = scheme.get("flow").unwrap_or_else(|| scheme.clone());
                self.moves.made_of(format!("{new}/flows"), &flow.loc());
                let new = format!("{new}/flows/{}", escape(name));
                self.moves.add(new, &scheme.loc());
            }
            _ => {}
        }
        Value::Object(out)
    }
}
