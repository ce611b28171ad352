//! What a policy says of the cost of calls and of their answers, in the Manifest's terms. A rule wins over
//! the defaults; a later rule only narrows what an earlier one bounds, and what takes away adds up.

use super::control::Misses;
use super::rules::Ruling;
use crate::catalog::Capability;
use crate::diag::{Code, Diagnostic, Diagnostics, Loc, Severity};
use crate::policy::format::words::Duration;
use crate::policy::format::{self, Defaults, Failure, ResponseRule, Rule};
use crate::runtime::backends::http::{is_reserved_header, same_name};
use crate::runtime::manifest::{CredentialSpec, KeyPlace, Limits, Rate, Retries, Shape};

/// Methods that may be repeated (RFC 9110 §9.2.2); a QUERY is a read.
const IDEMPOTENT: [&str; 6] = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "QUERY"];

/// What calls of an operation's tool may cost. Rates of rules stand in place of the defaults'.
pub(super) fn limits(defaults: &Defaults, ruling: &Ruling<'_>) -> Limits {
    // The defaults' own is the source's.
    let timeout = ruling.timeout.map(|(timeout, _)| timeout);
    let concurrency = ruling.concurrency.map(|(most, _)| most);
    let own: Vec<Rate> = ruling
        .rate
        .iter()
        .map(|(rate, _)| Rate::from(*rate))
        .collect();
    let of_all = || defaults.rate.iter().map(Rate::from).collect();
    Limits {
        timeout_ms: timeout.map(Duration::millis),
        concurrency: concurrency.or(defaults.concurrency),
        rate: if own.is_empty() { of_all() } else { own },
    }
}

/// Which failures are tried again: none of a call that may have its effect twice, which a method is
/// idempotent or an idempotency key goes with it against. A rule that says so in vain is reported:
/// `named` are the names by which it may name the operation.
pub(super) fn retries(
    defaults: &Defaults,
    (ruling, rules): (&Ruling<'_>, &[Rule]),
    (capability, named): (&Capability, [&str; 2]),
    misses: &mut Misses,
) -> Option<Retries> {
    let own = ruling.retries.map(|(retries, _)| retries);
    let format::Retries { max, on, only: _ } = own.or(defaults.retries.as_ref())?;
    let method = IDEMPOTENT.contains(&capability.method.as_str()) && capability.idempotent;
    let repeatable = method || ruling.idempotency_key.is_some();
    if let Some((_, rule)) = ruling.retries.filter(|_| *max > 0) {
        let loc = Loc::at(format!("/rules/{rule}/retries"));
        let rule = rules.get(rule);
        let mut said = rule.into_iter().flat_map(Rule::operations);
        match repeatable {
            true => misses.hit(&loc),
            false if said.any(|name| named.contains(&name)) => {
                misses.mistake(not_repeated(loc, capability));
            }
            false => misses.miss(not_repeated(loc, capability)),
        }
    }
    if *max == 0 || !repeatable {
        return None;
    }
    let statuses = on.iter().filter_map(|failure| match failure {
        Failure::Connect => None,
        Failure::Status(status) => Some(*status),
    });
    Some(Retries {
        max: *max,
        connect: on.contains(&Failure::Connect),
        statuses: statuses.collect(),
    })
}

fn not_repeated(loc: Loc, capability: &Capability) -> Diagnostic {
    let what = capability.label();
    let message = format!("{what} is never tried again: its effect could come twice");
    let mut found = Diagnostic::new(Code::PolicyConflict, loc, message);
    found.severity = Severity::Warning;
    found.help("add `idempotency_key` if the API reads such a header, or take `retries` out")
}

/// The header that gets a new key for each call. One that holds something else is reported.
pub(super) fn idempotency_key<'c>(
    ruling: &Ruling<'_>,
    credentials: impl Iterator<Item = &'c CredentialSpec>,
    owners: impl Iterator<Item = &'c String>,
    diags: &mut Diagnostics,
) -> Option<String> {
    let (key, rule) = ruling.idempotency_key?;
    let header = &key.header;
    let holds = |spec: &CredentialSpec| match spec {
        CredentialSpec::ApiKey {
            place: KeyPlace::Header,
            name,
            ..
        } => same_name(name, header),
        _ => false,
    };
    let mut credentials = credentials;
    let mut owners = owners;
    let taken = if is_reserved_header(header) {
        Some("is set by the HTTP client or by a credential")
    } else if credentials.any(holds) {
        Some("holds a credential")
    } else if owners.any(|own| same_name(own, header)) {
        Some("has a value that goes with every request")
    } else {
        None
    };
    if let Some(why) = taken {
        let loc = Loc::at(format!("/rules/{rule}/idempotency_key/header"));
        let message = format!("the header `{header}` {why}");
        let found = Diagnostic::new(Code::PolicyConflict, loc, message);
        diags
            .push(found.help("name the header that the API reads keys from, as `Idempotency-Key`"));
        return None;
    }
    Some(header.clone())
}

/// What is passed on of an answer.
pub(super) fn shape(defaults: &Defaults, ruling: &Ruling<'_>) -> Shape {
    let ResponseRule {
        max_bytes,
        max_items,
        select,
        drop,
    } = &defaults.response;
    let bytes = ruling.max_bytes.map(|(most, _)| most);
    let items = ruling.max_items.map(|(most, _)| most);
    let mut shape = Shape {
        max_bytes: bytes.or(max_bytes.map(|size| size.0)),
        max_items: items.or(*max_items),
        select: ruling
            .select
            .map_or(select.as_slice(), |(own, _)| own)
            .to_vec(),
        drop: Vec::new(),
    };
    let rules = ruling.response.iter().flat_map(|(rule, _)| &rule.drop);
    for pointer in drop.iter().chain(rules) {
        if !shape.drop.contains(pointer) {
            shape.drop.push(pointer.clone());
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::format::{IdempotencyKey, Rule};
    use serde_json::{Value, json};

    /// What rules come to together, as they do for an operation that all of them match.
    fn ruling(rules: &[Rule]) -> Ruling<'_> {
        let mut ruling = Ruling::default();
        for (index, rule) in rules.iter().enumerate() {
            ruling.refine(rule, index);
        }
        ruling
    }

    fn rules(rules: &Value) -> Vec<Rule> {
        let all = rules.as_array().cloned().unwrap_or_default().into_iter();
        all.map(|mut rule| {
            rule["match"] = json!({"method": "*"});
            serde_json::from_value(rule).unwrap()
        })
        .collect()
    }

    #[test]
    fn limits_of_rules_and_defaults() {
        let minute =
            |count: u32, burst: u32| json!({"count": count, "period_ms": 60_000, "burst": burst});
        for (defaults, of_rules, want) in [
            (json!({}), json!([]), json!({})),
            (
                json!({"timeout": "30s", "concurrency": 16, "rate": [{"limit": "120/min", "burst": 20}]}),
                json!([]),
                json!({"concurrency": 16, "rate": [minute(120, 20)]}),
            ),
            (
                json!({"timeout": "30s", "concurrency": 16, "rate": [{"limit": "120/min"}]}),
                json!([{"timeout": "2m", "rate": [{"limit": "5/min"}]}, {"timeout": "40s", "concurrency": 1}, {"rate": [{"limit": "9/min", "burst": 1}]}]),
                json!({"timeout_ms": 40_000, "concurrency": 1, "rate": [minute(5, 5), minute(9, 1)]}),
            ),
            // A wider bound is an error; the closer one holds.
            (
                json!({"concurrency": 2}),
                json!([{"timeout": "5s", "concurrency": 3}, {"timeout": "2m", "concurrency": 9}]),
                json!({"timeout_ms": 5_000, "concurrency": 3}),
            ),
        ] {
            let defaults: Defaults = serde_json::from_value(defaults).unwrap();
            let of_rules = rules(&of_rules);
            let found = limits(&defaults, &ruling(&of_rules));
            assert_eq!(serde_json::to_value(found).unwrap(), want);
        }
    }

    #[test]
    fn shapes_of_rules_and_defaults() {
        let defaults =
            json!({"response": {"max_bytes": "64KiB", "max_items": 100, "drop": ["/a"]}});
        let defaults: Defaults = serde_json::from_value(defaults).unwrap();
        let of_rules = rules(&json!([
            {"response": {"select": ["/x", "/y"], "drop": ["/b", "/a"], "max_items": 7}},
            {"response": {"select": ["/y/z"], "drop": ["/c"]}},
            {"response": {"select": ["/w"], "max_items": 8}},
            {"response": {}},
        ]));
        let found = shape(&defaults, &ruling(&of_rules));
        let want = json!({"select": ["/y/z"], "drop": ["/a", "/b", "/c"], "max_items": 7, "max_bytes": 65_536});
        assert_eq!(serde_json::to_value(found).unwrap(), want);
    }

    #[test]
    fn keys_go_in_headers_of_their_own() {
        let bearer = CredentialSpec::Bearer {
            env: "TOKEN".to_owned(),
        };
        let key = CredentialSpec::ApiKey {
            place: KeyPlace::Header,
            name: "X-Api-Key".to_owned(),
            env: "KEY".to_owned(),
        };
        let owners = ["X-Tenant".to_owned()];
        for (header, good) in [
            ("Idempotency-Key", true),
            ("Authorization", false),
            ("x_api_key", false),
            ("x-tenant", false),
        ] {
            let wanted = IdempotencyKey {
                header: header.to_owned(),
            };
            let ruling = Ruling {
                idempotency_key: Some((&wanted, 3)),
                ..Ruling::default()
            };
            let mut diags = Diagnostics::default();
            let found = idempotency_key(
                &ruling,
                [&bearer, &key].into_iter(),
                owners.iter(),
                &mut diags,
            );
            assert_eq!(
                (found.is_some(), diags.has_errors()),
                (good, !good),
                "{header}"
            );
        }
    }
}
