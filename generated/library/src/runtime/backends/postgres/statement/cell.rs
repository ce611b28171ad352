//! What is shown of a row: each value as JSON by its form, in its mask, and no longer than it may be.

use indexmap::IndexMap;

use super::text::{Bind, Binds, ident, is_alias, operator, own};
use crate::runtime::backends::postgres::seal::Seal;
use crate::runtime::error::CallError;
use crate::runtime::manifest::{Column, Form, Mask, SqlType};

/// What is told of a row whose values are too long: the key of its object that tells it, and what the
/// numbers there are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cuts {
    /// The key, which is taken away before the row is shown.
    pub(in crate::runtime::backends::postgres) key: String,
    /// The columns that can be too long.
    pub(in crate::runtime::backends::postgres) columns: Vec<Cut>,
}

/// A column that can be too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The caller's name for it.
    pub(in crate::runtime::backends::postgres) column: String,
    /// Most bytes of it.
    pub(in crate::runtime::backends::postgres) max: u64,
}

/// The columns of a row object.
pub(super) struct Cells<'a> {
    /// The table that the values are in.
    from: &'a str,
    /// Most bytes of a value.
    max: u64,
    seal: &'a Seal,
    /// Alias and expression.
    shown: Vec<(String, String)>,
    /// Expressions of lengths, and what they are of.
    lengths: Vec<(String, Cut)>,
    /// Those that take a whole value to compute, with their names in `l`.
    computed: Vec<String>,
}

impl<'a> Cells<'a> {
    pub(super) fn new(from: &'a str, max: u64, seal: &'a Seal) -> Self {
        Self {
            from,
            max,
            seal,
            shown: Vec::new(),
            lengths: Vec::new(),
            computed: Vec::new(),
        }
    }

    /// A column, by the caller's name.
    pub(super) fn column(
        &mut self,
        name: &str,
        column: &Column,
        binds: &mut Binds,
    ) -> Result<(), CallError> {
        let value = format!("{}.{}", self.from, ident(own(name, column)));
        let expression = match &column.mask {
            Some(mask) => masked(mask, &value, self.seal, binds),
            None => self.plain(name, &column.r#type, &value),
        };
        self.expression(name, expression)
    }

    /// Anything that is JSON already.
    pub(super) fn expression(&mut self, name: &str, sql: String) -> Result<(), CallError> {
        if !is_alias(name) {
            return Err(CallError::new(
                "invalid_tool",
                "the tool has a column with a name that no result can have",
            ));
        }
        self.shown.push((name.to_owned(), sql));
        Ok(())
    }

    fn plain(&mut self, name: &str, r#type: &SqlType, value: &str) -> String {
        let json = json(&r#type.form, value, 0);
        if is_short(r#type) {
            return json;
        }
        let text = format!("{value}::pg_catalog.text");
        // Three bytes are four characters.
        let (length, max) = match r#type.form {
            Form::Base64 => (value, self.max / 4 * 3),
            _ => (text.as_str(), self.max),
        };
        let mut length = format!("pg_catalog.octet_length({length})");
        if !is_known(r#type) {
            let name = ident(&self.computed.len().to_string());
            self.computed.push(format!("{length} AS {name}"));
            length = format!("l.{name}");
        }
        let shown = if r#type.form == Form::Text {
            // As many characters as there may be bytes; what is still too long is cut when it comes.
            format!("pg_catalog.left({text}, {max})")
        } else {
            let over = operator("pg_catalog", ">");
            format!("CASE WHEN {length} {over} {max} THEN NULL ELSE {json} END")
        };
        let cut = Cut {
            column: name.to_owned(),
            max,
        };
        self.lengths.push((length, cut));
        shown
    }

    /// The joins after which `o` is the row's object.
    pub(super) fn joins(self) -> (String, Option<Cuts>) {
        let mut shown = self.shown;
        let mut joins = String::new();
        let mut cuts = None;
        if !self.lengths.is_empty() {
            let mut key = "cut".to_owned();
            while shown.iter().any(|(name, _)| *name == key) {
                key.push('_');
            }
            let over = operator("pg_catalog", ">");
            let (lengths, columns): (Vec<String>, Vec<Cut>) = self.lengths.into_iter().unzip();
            let each = lengths.iter().zip(&columns);
            let any = each.map(|(length, cut)| format!("{length} {over} {}", cut.max));
            let told = format!(
                "CASE WHEN {} THEN ARRAY[{}] END",
                any.collect::<Vec<_>>().join(" OR "),
                lengths.join(", ")
            );
            shown.push((key.clone(), told));
            cuts = Some(Cuts { key, columns });
        }
        if !self.computed.is_empty() {
            // `OFFSET 0`: computed once.
            joins = format!(
                "CROSS JOIN LATERAL (SELECT {} OFFSET 0) AS l\n",
                self.computed.join(", ")
            );
        }
        let shown = shown.iter();
        let shown = shown.map(|(name, sql)| format!("{sql} AS {}", ident(name)));
        let shown = shown.collect::<Vec<_>>().join(", ");
        (
            format!("{joins}CROSS JOIN LATERAL (SELECT {shown}) AS o"),
            cuts,
        )
    }
}

/// Whether every value of a type is short.
pub(super) fn is_short(r#type: &SqlType) -> bool {
    const SHORT: [&str; 20] = [
        "bool",
        "int2",
        "int4",
        "int8",
        "oid",
        "float4",
        "float8",
        "date",
        "time",
        "timetz",
        "timestamp",
        "timestamptz",
        "interval",
        "uuid",
        "money",
        "inet",
        "cidr",
        "macaddr",
        "macaddr8",
        "pg_lsn",
    ];
    let elided = r#type.form == Form::Elided;
    elided || (r#type.schema == "pg_catalog" && SHORT.contains(&r#type.name.as_str()))
}

/// Whether the length of a value is known without writing it out, or soon written.
fn is_known(r#type: &SqlType) -> bool {
    let soon = r#type.schema == "pg_catalog" && r#type.name == "numeric";
    soon || matches!(r#type.form, Form::Text | Form::Base64)
}

/// A value in its mask. A constant tells not even whether there is a value.
fn masked(mask: &Mask, value: &str, seal: &Seal, binds: &mut Binds) -> String {
    let text = format!("{value}::pg_catalog.text");
    let concat = operator("pg_catalog", "||");
    let [at_least, at_most] = [">=", "<="].map(|symbol| operator("pg_catalog", symbol));
    match mask {
        Mask::Null => "NULL::pg_catalog.text".to_owned(),
        Mask::Constant(constant) => binds.add(Bind::Text(constant.clone())),
        // A single character would be all there is; no address has more than 320 (RFC 5321, 4.5.3.1).
        Mask::Partial => format!(
            "CASE WHEN pg_catalog.char_length({text}) {at_least} 2 \
             THEN pg_catalog.left({text}, 1) {concat} '***' {concat} \
             COALESCE(CASE WHEN pg_catalog.char_length({text}) {at_most} 320 \
             THEN pg_catalog.substring({text}, '^[^@]+(@[A-Za-z0-9.-]+)$') END, '') \
             WHEN {value} IS NOT NULL THEN '***' END"
        ),
        Mask::Last4 => format!(
            "CASE WHEN pg_catalog.char_length({text}) {at_least} 8 \
             THEN '***' {concat} pg_catalog.right({text}, 4) \
             WHEN {value} IS NOT NULL THEN '***' END"
        ),
        Mask::Hash => {
            let [inner, outer] = seal.mask_pads().map(|pad| {
                let pad = binds.add(Bind::Secret(pad));
                format!("pg_catalog.decode({pad}, 'hex')")
            });
            let message = format!("pg_catalog.convert_to({text}, 'UTF8')");
            let hash = format!("pg_catalog.sha256({inner} {concat} {message})");
            let hash = format!("pg_catalog.sha256({outer} {concat} {hash})");
            format!("pg_catalog.left(pg_catalog.encode({hash}, 'hex'), 32)")
        }
    }
}

/// A value as `row_to_json` writes it by its form. `depth` tells apart what stands inside each other.
fn json(form: &Form, value: &str, depth: usize) -> String {
    match form {
        Form::Json => value.to_owned(),
        Form::Text | Form::String => format!("{value}::pg_catalog.text"),
        Form::Base64 => format!(
            "pg_catalog.translate(pg_catalog.encode({value}, 'base64'), pg_catalog.chr(10), '')"
        ),
        Form::Elided => format!("CASE WHEN {value} IS NOT NULL THEN '<vector>' END"),
        Form::List(element) => match **element {
            // What PostgreSQL can write, however many dimensions there are.
            Form::Json => value.to_owned(),
            Form::Text | Form::String => format!("{value}::pg_catalog.text[]"),
            _ => list(element, value, depth),
        },
        Form::Range(bound) => range(bound, value, depth),
        Form::Multirange(bound) => list(&Form::Range(bound.clone()), value, depth),
        Form::Composite(attributes) => composite(attributes, value, depth),
    }
}

/// A list of what PostgreSQL cannot write by itself; an empty one stays one, and null is null. Among the
/// outputs, `unnest` leaves a row whole.
fn list(element: &Form, value: &str, depth: usize) -> String {
    let item = format!("u{depth}");
    let element = json(element, &format!("{item}.v"), depth + 1);
    format!(
        "CASE WHEN {value} IS NOT NULL THEN (SELECT COALESCE(pg_catalog.json_agg({element}), \
         '[]'::pg_catalog.json) FROM (SELECT pg_catalog.unnest({value}) AS v) AS {item}) END"
    )
}

fn range(bound: &Form, value: &str, depth: usize) -> String {
    let concat = operator("pg_catalog", "||");
    let side = |function: &str| json(bound, &format!("pg_catalog.{function}({value})"), depth);
    let bracket = |function: &str, closed: &str, open: &str| {
        format!("CASE WHEN pg_catalog.{function}({value}) THEN '{closed}' ELSE '{open}' END")
    };
    format!(
        "CASE WHEN pg_catalog.isempty({value}) THEN pg_catalog.json_build_object('empty', true) \
         WHEN {value} IS NOT NULL THEN pg_catalog.json_build_object('lower', {}, 'upper', {}, \
         'bounds', {} {concat} {}) END",
        side("lower"),
        side("upper"),
        bracket("lower_inc", "[", "("),
        bracket("upper_inc", "]", ")")
    )
}

/// A row of nulls is not null.
fn composite(attributes: &IndexMap<String, Form>, value: &str, depth: usize) -> String {
    let item = format!("c{depth}");
    let each = attributes.iter().map(|(name, form)| {
        let name = ident(name);
        let attribute = json(form, &format!("({value}).{name}"), depth + 1);
        format!("{attribute} AS {name}")
    });
    let each = each.collect::<Vec<_>>().join(", ");
    format!(
        "CASE WHEN {value} IS DISTINCT FROM NULL THEN \
         (SELECT pg_catalog.row_to_json({item}.*) FROM (SELECT {each}) AS {item}) END"
    )
}
