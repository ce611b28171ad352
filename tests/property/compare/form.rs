//! The fields of a form, against the arguments that they were made of.

use serde_json::Value;

use super::super::spec::body::Field;
use super::super::spec::request::{Got, Shape, of_pairs};
use super::super::spec::{Media, Param, Place, is_json};
use super::{accepted, compound, expected, same_bytes, scalar};

/// Compares the fields of a form with what was given.
pub(super) fn compare(
    given: &[(&str, &Value)],
    fields: &[Field],
    media: &Media,
    styled_parts: bool,
) -> Result<(), String> {
    let mut left: Vec<&Field> = fields.iter().collect();
    let mut values: Vec<(String, &Value)> = Vec::new();
    match given {
        [("body", Value::Object(object))] => {
            values.extend(object.iter().map(|(name, value)| (name.clone(), value)));
        }
        given => {
            let declared = media.schema.get("properties").and_then(Value::as_object);
            for (arg, value) in given {
                let mut names = declared.into_iter().flatten().map(|(name, _)| name);
                let name = names.find(|name| name == arg || accepted(name) == *arg);
                values.push((name.map_or(*arg, |name| name).to_owned(), value));
            }
        }
    }
    for (name, value) in values {
        let encoding = media.encoding.get(&name);
        let said = |key: &str| encoding.and_then(|encoding| encoding.get(key));
        let urlencoded = fields.iter().all(|field| field.raw.is_some());
        let mut keys = ["style", "explode", "allowReserved"].iter();
        if !keys.any(|key| said(key).is_some()) || !(urlencoded || styled_parts) {
            plain(&name, value, said("contentType"), &mut left)?;
            continue;
        }
        let style = said("style").and_then(Value::as_str).unwrap_or("form");
        if style == "deepObject" && compound(value) {
            deep(&name, value, &mut left)?;
            continue;
        }
        let explode = said("explode").and_then(Value::as_bool);
        let param = Param {
            name,
            place: Place::Query,
            style: style.to_owned(),
            explode: explode.unwrap_or(style == "form"),
            allow_empty: false,
            content: None,
        };
        styled(&param, value, &mut left)?;
    }
    if left.is_empty() {
        Ok(())
    } else {
        Err(format!("nobody gave {left:?}"))
    }
}

/// A field in a parameter style.
fn styled(param: &Param, value: &Value, left: &mut Vec<&Field>) -> Result<(), String> {
    let (want, shape) = expected(param, Some(value)).ok_or("it could not be written")?;
    let spread = matches!(shape, Shape::Map(_)) && param.explode;
    let own = |field: &&&Field| match &shape {
        Shape::Map(keys) if spread => keys.contains(&field.name),
        _ => field.name == param.name,
    };
    let text = |field: &Field| String::from_utf8_lossy(&field.bytes).into_owned();
    let mine: Vec<&Field> = left.iter().filter(own).copied().collect();
    left.retain(|field| !own(&field));
    let got = if spread {
        let texts = mine.iter().map(|field| (field.name.clone(), text(field)));
        Got::map(texts.collect())
    } else if mine.iter().all(|field| field.raw.is_some()) {
        let raw = |field: &&'_ Field| field.raw.clone().unwrap_or_default();
        let raws: Vec<String> = mine.iter().map(raw).collect();
        let mut pairs: Vec<(&str, &str)> = raws.iter().map(|raw| (&*param.name, &**raw)).collect();
        of_pairs(param, &shape, &mut pairs)?
    } else if compound(value) && !param.explode && want != Got::Absent {
        // In multipart nothing is escaped: the delimiters cannot be told from the elements.
        let delimiter = match &*param.style {
            "spaceDelimited" => " ",
            "pipeDelimited" => "|",
            _ => ",",
        };
        let joined = [flat(value).join(delimiter)];
        let same = mine.iter().map(|field| text(field)).eq(joined);
        if same { want.clone() } else { Got::Absent }
    } else {
        let mut texts: Vec<String> = mine.iter().map(|field| text(field)).collect();
        match (&shape, texts.len()) {
            (_, 0) => Got::Absent,
            (Shape::Plain, 1) => Got::Text(texts.remove(0)),
            _ => Got::List(texts),
        }
    };
    if got == want {
        Ok(())
    } else {
        Err(format!("field `{}` is {got:?}, not {want:?}", param.name))
    }
}

/// The scalars of a list, and the keys and scalars of an object, in their order.
fn flat(value: &Value) -> Vec<String> {
    let object = value.as_object().into_iter().flatten();
    let pairs = object.filter_map(|(key, value)| Some([key.clone(), scalar(value)?]));
    let items = value.as_array().into_iter().flatten().filter_map(scalar);
    pairs.flatten().chain(items).collect()
}

/// A field by its media type: a list is several, an object JSON.
fn plain(
    name: &str,
    value: &Value,
    kind: Option<&Value>,
    left: &mut Vec<&Field>,
) -> Result<(), String> {
    let items = match value {
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    };
    let kind = kind.and_then(Value::as_str).unwrap_or_default();
    for item in items
        .into_iter()
        .filter(|item| !item.is_null() || is_json(kind))
    {
        let at = left.iter().position(|field| field.name == name);
        let field = left.remove(at.ok_or_else(|| format!("field `{name}` is missing"))?);
        let json = serde_json::from_slice::<Value>(&field.bytes).is_ok_and(|json| json == *item);
        if !json && (compound(item) || !same_bytes(item, &field.bytes)) {
            return Err(format!("field `{name}` is {field:?}, not {item}"));
        }
    }
    Ok(())
}

/// `name[key]`, and inside each other as PHP, Rails and qs read it.
fn deep(name: &str, value: &Value, left: &mut Vec<&Field>) -> Result<(), String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Null => return Ok(()),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(i, v)| (format!("{name}[{i}]"), v))
            .collect(),
        Value::Object(object) => object
            .iter()
            .map(|(k, v)| (format!("{name}[{k}]"), v))
            .collect(),
        scalar => return plain(name, scalar, None, left),
    };
    inner
        .into_iter()
        .try_for_each(|(name, value)| deep(&name, value, left))
}
