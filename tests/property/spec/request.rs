//! Values back from a request: each parameter by the row of the style table that is its own
//! (OpenAPI 3.1.1 §4.8.12.4), and nothing left over.

use serde_json::Value;

use super::{Operation, Param, Place, decode, is_json};

/// Ways to divide a path segment between its placeholders that are looked at.
const WAYS: usize = 200;

/// A request as it arrived.
pub(crate) struct Sent<'r> {
    pub(crate) method: &'r str,
    pub(crate) target: &'r str,
    pub(crate) headers: &'r [(String, String)],
}

/// What kind of value a receiver expects where the schema leaves it open.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    Plain,
    List,
    /// An object with these keys.
    Map(Vec<String>),
}

/// A value as the wire has it: all scalars are texts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Got {
    Absent,
    Text(String),
    List(Vec<String>),
    /// In the order of the keys.
    Map(Vec<(String, String)>),
    Json(Value),
}

impl Got {
    pub(crate) fn map(mut pairs: Vec<(String, String)>) -> Self {
        pairs.sort();
        Self::Map(pairs)
    }
}

/// The parameters' values, each with the shape that is expected of it, in the order of the operation.
/// A path can be read in several ways (`/{a}.{b}`); each is one answer.
pub(crate) fn read(
    operation: &Operation,
    sent: &Sent<'_>,
    shapes: &[Shape],
) -> Result<Vec<Vec<Got>>, String> {
    if sent.method != operation.method {
        return Err(format!("the method is {}", sent.method));
    }
    let (path, query) = sent.target.split_once('?').unwrap_or((sent.target, ""));
    let (template, fixed) = operation
        .path
        .split_once('?')
        .unwrap_or((&operation.path, ""));
    let mut pairs: Vec<(&str, &str)> = split_pairs(query, '&');
    let mut slots: Vec<(String, String)> = Vec::new();
    for (name, value) in split_pairs(fixed, '&') {
        if value == format!("{{{name}}}") && declared(operation, Place::Query, name) {
            continue;
        }
        let at = pairs.iter().position(|(n, _)| same(n, name));
        let (_, got) = pairs.remove(at.ok_or(format!("`{name}` of the path's query is missing"))?);
        match value.strip_prefix('{').and_then(|v| v.strip_suffix('}')) {
            Some(slot) => slots.push((slot.to_owned(), got.to_owned())),
            None if same(got, value) => {}
            None => return Err(format!("`{name}` of the path's query is {got}")),
        }
    }
    let header = |name: &str| {
        let named = sent
            .headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
    };
    let jar = header("cookie").join("; ");
    let mut cookies: Vec<(&str, &str)> = Vec::new();
    for (name, value) in split_pairs(&jar, ';') {
        cookies.push((name.trim(), value));
    }
    let mut found: Vec<Got> = Vec::new();
    // Objects that are spread out take what has none of the other names: last.
    let mut later: Vec<usize> = Vec::new();
    for (index, (param, shape)) in operation.params.iter().zip(shapes).enumerate() {
        let spread = matches!(shape, Shape::Map(_)) && param.explode && param.style != "deepObject";
        found.push(match param.place {
            Place::Path => Got::Absent,
            Place::Query | Place::Cookie if spread && param.content.is_none() => {
                later.push(index);
                Got::Absent
            }
            Place::Query => of_pairs(param, shape, &mut pairs)?,
            Place::Cookie => of_pairs(param, shape, &mut cookies)?,
            Place::Querystring => {
                let all = std::mem::take(&mut pairs);
                whole(param, query, &all)?
            }
            Place::Header => match header(&param.name).as_slice() {
                [] => Got::Absent,
                values => of_text(param, shape, &values.join(","), None)?,
            },
        });
    }
    for index in later {
        let (param, shape) = (&operation.params[index], &shapes[index]);
        let from = if param.place == Place::Query {
            &mut pairs
        } else {
            &mut cookies
        };
        let Shape::Map(keys) = shape else { continue };
        let mut map = Vec::new();
        for key in keys {
            while let Some(at) = from.iter().position(|(name, _)| same(name, key)) {
                map.push((key.clone(), unescape(param, from.remove(at).1)?));
            }
        }
        if !map.is_empty() {
            found[index] = Got::map(map);
        }
    }
    if !pairs.is_empty() || !cookies.is_empty() {
        return Err(format!("nobody declared {pairs:?} {cookies:?}"));
    }
    known_headers(operation, sent)?;
    let mut answers = Vec::new();
    for way in divide(template, path)? {
        let mut answer = found.clone();
        for (index, (param, shape)) in operation.params.iter().zip(shapes).enumerate() {
            if param.place != Place::Path {
                continue;
            }
            let raw = way
                .iter()
                .chain(&slots)
                .filter(|(name, _)| *name == param.name);
            let raw: Vec<&String> = raw.map(|(_, raw)| raw).collect();
            let Some(first) = raw.first() else { continue };
            if raw.iter().all(|other| other == first) {
                answer[index] = of_path(param, shape, first)?;
            }
        }
        answers.push(answer);
    }
    Ok(answers)
}

fn declared(operation: &Operation, place: Place, name: &str) -> bool {
    let mut params = operation.params.iter();
    params.any(|param| param.place == place && param.name == name)
}

fn split_pairs(text: &str, separator: char) -> Vec<(&str, &str)> {
    let pieces = text.split(separator).filter(|piece| !piece.is_empty());
    pieces
        .map(|piece| piece.split_once('=').unwrap_or((piece, "")))
        .collect()
}

/// Whether an escaped text is that one.
fn same(escaped: &str, plain: &str) -> bool {
    decode(escaped, true).is_some_and(|text| text == plain || escaped == plain)
}

fn known_headers(operation: &Operation, sent: &Sent<'_>) -> Result<(), String> {
    let always = [
        "accept",
        "accept-encoding",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "user-agent",
    ];
    for (name, value) in sent.headers {
        let known = always.iter().any(|own| own.eq_ignore_ascii_case(name))
            || operation
                .params
                .iter()
                .any(|param| param.place == Place::Header && param.name.eq_ignore_ascii_case(name));
        if !known {
            return Err(format!("nobody declared the header {name}: {value}"));
        }
    }
    Ok(())
}

/// A text of a value; a header and a cookie of style `cookie` have no escapes.
fn unescape(param: &Param, raw: &str) -> Result<String, String> {
    let plain = param.place == Place::Header
        || param.style == "cookie"
        || (param.place == Place::Cookie && param.content.as_deref().is_some_and(|c| !is_json(c)));
    if plain {
        return Ok(raw.to_owned());
    }
    let plus = param.place != Place::Path;
    decode(raw, plus).ok_or_else(|| format!("`{}`: {raw} is not UTF-8", param.name))
}

/// One parameter out of name-value pairs, which it is taken from.
pub(crate) fn of_pairs(
    param: &Param,
    shape: &Shape,
    pairs: &mut Vec<(&str, &str)>,
) -> Result<Got, String> {
    if param.style == "deepObject" && param.content.is_none() && matches!(shape, Shape::Map(_)) {
        let mut map = Vec::new();
        let mut rest = Vec::new();
        for (name, value) in std::mem::take(pairs) {
            let key = decode(name, true).and_then(|name| {
                let key = name
                    .strip_prefix(&param.name)?
                    .strip_prefix('[')?
                    .strip_suffix(']')?;
                Some(key.to_owned())
            });
            match key {
                Some(key) => map.push((key, unescape(param, value)?)),
                None => rest.push((name, value)),
            }
        }
        *pairs = rest;
        return Ok(if map.is_empty() {
            Got::Absent
        } else {
            Got::map(map)
        });
    }
    let (own, rest): (Vec<_>, Vec<_>) = std::mem::take(pairs)
        .into_iter()
        .partition(|(name, _)| same(name, &param.name));
    *pairs = rest;
    // `spaceDelimited` and `pipeDelimited` have no exploded row: as `form` is.
    if param.explode && param.content.is_none() && matches!(shape, Shape::List) && !own.is_empty() {
        let texts: Result<Vec<_>, _> = own.iter().map(|(_, raw)| unescape(param, raw)).collect();
        return texts.map(Got::List);
    }
    match own.as_slice() {
        [] => Ok(Got::Absent),
        [(_, raw)] => of_text(param, shape, raw, None),
        _ => Err(format!("`{}` is there {} times", param.name, own.len())),
    }
}

/// A parameter in one text.
fn of_text(
    param: &Param,
    shape: &Shape,
    raw: &str,
    delimiter: Option<char>,
) -> Result<Got, String> {
    if let Some(kind) = &param.content {
        let text = unescape(param, raw)?;
        if !is_json(kind) {
            return Ok(Got::Text(text));
        }
        let value = serde_json::from_str(&text);
        return value
            .map(Got::Json)
            .map_err(|error| format!("`{}`: {text}: {error}", param.name));
    }
    let raw = match &*param.style {
        "spaceDelimited" => raw.replace("%20", "\n").replace('+', "\n"),
        "pipeDelimited" => raw
            .replace("%7C", "\n")
            .replace("%7c", "\n")
            .replace('|', "\n"),
        "tsv" => raw.replace("%09", "\n"),
        _ => match delimiter {
            Some(delimiter) => raw.replace(delimiter, "\n"),
            None => raw.replace(',', "\n"),
        },
    };
    let texts = || {
        raw.split('\n')
            .map(|raw| unescape(param, raw))
            .collect::<Result<Vec<_>, _>>()
    };
    match shape {
        Shape::Plain => {
            // Undone: a single value has no delimiters.
            let whole = if raw.contains('\n') {
                raw.replace('\n', &plain_delimiter(param, delimiter))
            } else {
                raw
            };
            Ok(Got::Text(unescape(param, &whole)?))
        }
        Shape::List => Ok(Got::List(texts()?)),
        Shape::Map(_) if param.explode => {
            let pairs = raw.split('\n').map(|pair| {
                let (key, value) = pair
                    .split_once('=')
                    .ok_or_else(|| format!("{pair} is no pair"))?;
                Ok((unescape(param, key)?, unescape(param, value)?))
            });
            pairs.collect::<Result<Vec<_>, String>>().map(Got::map)
        }
        Shape::Map(_) => {
            let texts = texts()?;
            if texts.len() % 2 == 1 {
                return Err(format!("`{}`: a key has no value in {texts:?}", param.name));
            }
            let pairs = texts
                .chunks(2)
                .map(|pair| (pair[0].clone(), pair[1].clone()));
            Ok(Got::map(pairs.collect()))
        }
    }
}

fn plain_delimiter(param: &Param, delimiter: Option<char>) -> String {
    match &*param.style {
        "spaceDelimited" => "%20".to_owned(),
        "pipeDelimited" => "%7C".to_owned(),
        "tsv" => "%09".to_owned(),
        _ => delimiter.unwrap_or(',').to_string(),
    }
}

/// A path parameter: `simple`, `label` and `matrix`.
fn of_path(param: &Param, shape: &Shape, raw: &str) -> Result<Got, String> {
    let missing = |what: &str| format!("`{}`: {raw} does not begin with {what}", param.name);
    if param.content.is_some() {
        return of_text(param, shape, raw, None);
    }
    match &*param.style {
        "label" => {
            let rest = raw.strip_prefix('.').ok_or_else(|| missing("a dot"))?;
            of_text(
                param,
                shape,
                rest,
                Some(if param.explode { '.' } else { ',' }),
            )
        }
        "matrix" => {
            let rest = raw
                .strip_prefix(';')
                .ok_or_else(|| missing("a semicolon"))?;
            let named = |raw: &str| {
                let (name, value) = raw.split_once('=')?;
                same(name, &param.name).then(|| value.to_owned())
            };
            match shape {
                Shape::List if param.explode => {
                    let texts = rest.split(';').map(|piece| {
                        let value = named(piece).ok_or_else(|| missing("its name"))?;
                        unescape(param, &value)
                    });
                    texts.collect::<Result<Vec<_>, _>>().map(Got::List)
                }
                Shape::Map(_) if param.explode => of_text(param, shape, rest, Some(';')),
                _ => {
                    let value = named(rest).ok_or_else(|| missing("its name"))?;
                    of_text(param, shape, &value, None)
                }
            }
        }
        _ => of_text(param, shape, raw, None),
    }
}

/// The query as a whole (3.2.0 §4.12.1).
fn whole(param: &Param, query: &str, pairs: &[(&str, &str)]) -> Result<Got, String> {
    if query.is_empty() {
        return Ok(Got::Absent);
    }
    let kind = param.content.as_deref().unwrap_or_default();
    if super::essence(kind) == "application/x-www-form-urlencoded" {
        let pairs = pairs.iter().map(|(name, value)| {
            let text = |raw: &str| decode(raw, true).ok_or_else(|| format!("{raw} is not UTF-8"));
            Ok((text(name)?, text(value)?))
        });
        return pairs.collect::<Result<Vec<_>, String>>().map(Got::map);
    }
    of_text(param, &Shape::Plain, query, None)
}

/// What stands for each placeholder of a path, in every way in which the path fits its template.
fn divide(template: &str, path: &str) -> Result<Vec<Vec<(String, String)>>, String> {
    let (wanted, sent): (Vec<&str>, Vec<&str>) =
        (template.split('/').collect(), path.split('/').collect());
    let wrong = || format!("{path} is not of {template}");
    if wanted.len() != sent.len() {
        return Err(wrong());
    }
    let mut ways: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for (wanted, sent) in wanted.iter().zip(sent) {
        let mut of_segment = Vec::new();
        segment(wanted, sent, &mut Vec::new(), &mut of_segment);
        let mut next = Vec::new();
        for way in &ways {
            for own in of_segment.iter().take(WAYS) {
                next.push([way.clone(), own.clone()].concat());
            }
        }
        next.truncate(WAYS);
        ways = next;
    }
    if ways.is_empty() {
        Err(wrong())
    } else {
        Ok(ways)
    }
}

fn segment(
    wanted: &str,
    sent: &str,
    so_far: &mut Vec<(String, String)>,
    ways: &mut Vec<Vec<(String, String)>>,
) {
    let Some((literal, rest)) = wanted.split_once('{') else {
        if same_path(sent, wanted) {
            ways.push(so_far.clone());
        }
        return;
    };
    let Some((name, rest)) = rest.split_once('}') else {
        return;
    };
    let cuts: Vec<usize> = sent
        .char_indices()
        .map(|(at, _)| at)
        .chain([sent.len()])
        .collect();
    for start in cuts
        .iter()
        .filter(|cut| sent.get(..**cut).is_some_and(|s| same_path(s, literal)))
    {
        // The last placeholder takes what is left, unless a literal follows.
        let ends = cuts
            .iter()
            .filter(|end| *end > start && (!rest.is_empty() || **end == sent.len()));
        for end in ends {
            if let (Some(value), Some(left)) = (sent.get(*start..*end), sent.get(*end..)) {
                so_far.push((name.to_owned(), value.to_owned()));
                segment(rest, left, so_far, ways);
                so_far.pop();
            }
        }
    }
}

fn same_path(sent: &str, literal: &str) -> bool {
    sent == literal || decode(sent, false) == decode(literal, false)
}
