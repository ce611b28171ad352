//! Expressions of what a policy says: controls, limits, shapes.

use serde_json::{Map, Number, Value};

use super::{list, literal, option, owned};
use crate::emit::ident::raw_json;
use crate::runtime::manifest::{Bound, Control, Fixed, Limits, Rate, Redirects, Retries, Shape};

/// A JSON value.
fn json(value: &Value) -> String {
    format!("json({})", raw_json(value))
}

fn number(number: Option<&Number>) -> String {
    option(number.map(|number| format!("number({})", literal(number.as_str()))))
}

fn bound(bound: &Bound) -> String {
    let [min, max, floor, ceiling] =
        [&bound.min, &bound.max, &bound.floor, &bound.ceiling].map(|end| number(end.as_ref()));
    let fractions = bound.fractions;
    format!(
        "Bound {{ min: {min}, max: {max}, floor: {floor}, ceiling: {ceiling}, fractions: {fractions} }}"
    )
}

pub(super) fn control(control: &Control) -> String {
    let Control {
        pointer,
        clamp,
        max_items,
        items_ceiling,
        default,
        drop_if,
        fixed,
        hidden,
    } = control;
    let fixed = fixed.as_ref().map(|fixed| match fixed {
        Fixed::Const(value) => format!("Fixed::Const({})", json(value)),
        Fixed::Env { name, schema } => {
            let schema = raw_json(&Value::Object(Map::clone(schema)));
            format!(
                "Fixed::Env {{ name: {}, schema: schema({schema}) }}",
                owned(name)
            )
        }
    });
    format!(
        "Control {{ pointer: {}, clamp: {}, max_items: {max_items:?}, \
         items_ceiling: {items_ceiling:?}, default: {}, drop_if: {}, fixed: {}, hidden: {hidden} }}",
        owned(pointer),
        option(clamp.as_ref().map(bound)),
        option(default.as_ref().map(json)),
        list(drop_if.iter().map(json)),
        option(fixed)
    )
}

pub(super) fn limits(limits: &Limits) -> String {
    if *limits == Limits::default() {
        return "Limits::default()".to_owned();
    }
    let Limits {
        timeout_ms,
        concurrency,
        rate,
    } = limits;
    format!(
        "Limits {{ timeout_ms: {timeout_ms:?}, concurrency: {concurrency:?}, rate: {} }}",
        rates(rate)
    )
}

pub(super) fn rates(rates: &[Rate]) -> String {
    list(rates.iter().map(|rate| {
        let Rate {
            count,
            period_ms,
            burst,
        } = rate;
        format!("Rate {{ count: {count}, period_ms: {period_ms}, burst: {burst} }}")
    }))
}

pub(super) fn retries(retries: Option<&Retries>) -> String {
    option(retries.map(|retries| {
        let Retries {
            max,
            connect,
            statuses,
        } = retries;
        let statuses = list(statuses.iter().map(u16::to_string));
        format!("Retries {{ max: {max}, connect: {connect}, statuses: {statuses} }}")
    }))
}

pub(super) fn redirects(redirects: Redirects) -> &'static str {
    match redirects {
        Redirects::SameOrigin => "Redirects::SameOrigin",
        Redirects::None => "Redirects::None",
    }
}

pub(super) fn shape(shape: &Shape) -> String {
    if *shape == Shape::default() {
        return "Shape::default()".to_owned();
    }
    let Shape {
        select,
        drop,
        max_items,
        max_bytes,
    } = shape;
    let pointers = |all: &[String]| list(all.iter().map(|one| owned(one)));
    format!(
        "Shape {{ select: {}, drop: {}, max_items: {max_items:?}, max_bytes: {max_bytes:?} }}",
        pointers(select),
        pointers(drop)
    )
}
