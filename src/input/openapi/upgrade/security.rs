//! Security: `securityDefinitions` become `components.securitySchemes`.

use serde_json::{Map, Value, json};

use super::Upgrade;
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
        let schemes = defined.entries();
        let schemes: Map<String, Value> = schemes
            .map(|(name, scheme)| (name.to_owned(), upgraded(&scheme)))
            .collect();
        let components = out.entry("components").or_insert_with(|| json!({}));
        if !components.is_object() {
            *components = json!({});
        }
        if let Some(components) = components.as_object_mut() {
            components.insert("securitySchemes".into(), Value::Object(schemes));
        }
        let new = "/components/securitySchemes".to_owned();
        self.moves.add(new, &defined);
    }
}

fn upgraded(scheme: &Node<'_>) -> Value {
    let Some(object) = scheme.value.as_object() else {
        return scheme.value.clone();
    };
    let mut out = object.clone();
    match scheme.str("type") {
        Some("basic") => {
            out.insert("type".into(), json!("http"));
            out.insert("scheme".into(), json!("basic"));
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
        }
        _ => {}
    }
    Value::Object(out)
}
