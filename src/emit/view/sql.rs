//! Expressions of reads of relations: what is shown, masked, filtered and kept back stands in plain sight.

use indexmap::IndexMap;

use super::{list, literal, option, owned};
use crate::emit::ident::raw_json;
use crate::runtime::manifest::{
    Column, Condition, Form, Include, KeyColumn, Many, Mask, Operand, Postgres, Read, Relation,
    RoleKind, SqlAction, SqlType,
};

pub(super) fn sql(action: &SqlAction) -> String {
    let SqlAction {
        read: what,
        relation: of,
        include,
        statement_timeout_ms,
        cell_bytes,
        result_bytes,
    } = action;
    format!(
        "SqlAction {{ read: {}, relation: {}, include: {}, statement_timeout_ms: {statement_timeout_ms:?}, \
         cell_bytes: {cell_bytes}, result_bytes: {result_bytes} }}",
        read(what),
        relation(of),
        map(include, included)
    )
}

/// An ordered map, by text.
fn map<T>(map: &IndexMap<String, T>, expression: impl Fn(&T) -> String) -> String {
    if map.is_empty() {
        return "IndexMap::new()".to_owned();
    }
    let pairs = map.iter();
    let pairs = pairs.map(|(name, value)| format!("({}, {})", owned(name), expression(value)));
    format!("IndexMap::from([{}])", pairs.collect::<Vec<_>>().join(", "))
}

fn read(read: &Read) -> String {
    match read {
        Read::Find {
            key,
            any,
            rows,
            max_rows,
        } => {
            let column = |key: &KeyColumn| {
                let KeyColumn { column, r#type } = key;
                let column = owned(column);
                format!(
                    "KeyColumn {{ column: {column}, r#type: {} }}",
                    sql_type(r#type)
                )
            };
            format!(
                "Read::Find {{ key: {}, any: {}, rows: {rows}, max_rows: {max_rows} }}",
                list(key.iter().map(column)),
                owned(any)
            )
        }
        Read::Get { keys } => {
            let names = |names: &Vec<String>| list(names.iter().map(|name| owned(name)));
            format!("Read::Get {{ keys: {} }}", list(keys.iter().map(names)))
        }
    }
}

fn relation(relation: &Relation) -> String {
    let Relation {
        schema,
        name,
        columns,
        rows,
    } = relation;
    format!(
        "Relation {{ schema: {}, name: {}, columns: {}, rows: {} }}.into()",
        owned(schema),
        owned(name),
        map(columns, column),
        list(rows.iter().map(condition))
    )
}

fn column(shown: &Column) -> String {
    let Column {
        column,
        r#type,
        nullable,
        mask,
        filter,
        sort,
    } = shown;
    let filter = filter.iter().map(|by| format!("Comparison::{by:?}"));
    format!(
        "Column {{ column: {}, r#type: {}, nullable: {nullable}, mask: {}, filter: {}, sort: {sort} }}",
        super::text(column.as_ref()),
        sql_type(r#type),
        option(mask.as_ref().map(masked)),
        list(filter)
    )
}

fn masked(mask: &Mask) -> String {
    match mask {
        Mask::Constant(text) => format!("Mask::Constant({})", owned(text)),
        Mask::Null => "Mask::Null".to_owned(),
        Mask::Partial => "Mask::Partial".to_owned(),
        Mask::Last4 => "Mask::Last4".to_owned(),
        Mask::Hash => "Mask::Hash".to_owned(),
    }
}

fn sql_type(r#type: &SqlType) -> String {
    let SqlType {
        schema,
        name,
        operators,
        form: written,
    } = r#type;
    format!(
        "SqlType {{ schema: {}, name: {}, operators: {}, form: {} }}",
        owned(schema),
        owned(name),
        owned(operators),
        form(written)
    )
}

fn form(written: &Form) -> String {
    let boxed = |name: &str, inner: &Form| format!("Form::{name}(Box::new({}))", form(inner));
    match written {
        Form::Json => "Form::Json".to_owned(),
        Form::Text => "Form::Text".to_owned(),
        Form::String => "Form::String".to_owned(),
        Form::Base64 => "Form::Base64".to_owned(),
        Form::Elided => "Form::Elided".to_owned(),
        Form::List(element) => boxed("List", element),
        Form::Range(bound) => boxed("Range", bound),
        Form::Multirange(bound) => boxed("Multirange", bound),
        Form::Composite(attributes) => format!("Form::Composite({})", map(attributes, form)),
    }
}

fn condition(of: &Condition) -> String {
    let all = |name: &str, all: &[Condition]| {
        format!("Condition::{name}({})", list(all.iter().map(condition)))
    };
    match of {
        Condition::And(conditions) => all("And", conditions),
        Condition::Or(conditions) => all("Or", conditions),
        Condition::Not(one) => format!("Condition::Not(Box::new({}))", condition(one)),
        Condition::Compare {
            column,
            r#type,
            by,
            to,
        } => {
            let to = match to {
                Operand::Const(value) => format!("Operand::Const(json({}))", raw_json(value)),
                Operand::Env(name) => format!("Operand::Env({})", owned(name)),
            };
            format!(
                "Condition::Compare {{ column: {}, r#type: {}, by: Comparison::{by:?}, to: {to} }}",
                owned(column),
                sql_type(r#type)
            )
        }
    }
}

fn included(include: &Include) -> String {
    let Include {
        relation: of,
        on,
        many,
    } = include;
    let on = on.iter().map(|join| {
        let [own, other, operators] = [&join.own, &join.other, &join.operators].map(|t| owned(t));
        format!("Join {{ own: {own}, other: {other}, operators: {operators} }}")
    });
    let many = many.as_ref().map(|many| {
        let Many { max_rows, key } = many;
        let key = list(key.iter().map(|name| owned(name)));
        format!("Many {{ max_rows: {max_rows}, key: {key} }}")
    });
    format!(
        "Include {{ relation: {}, on: {}, many: {} }}",
        relation(of),
        list(on),
        option(many)
    )
}

/// Where a database is.
pub(super) fn postgres(postgres: Option<&Postgres>) -> String {
    option(postgres.map(|postgres| {
        let Postgres {
            dsn,
            role,
            statement_timeout_ms,
            connections,
            posture,
        } = postgres;
        let posture = posture.as_ref().map(|posture| {
            let accept = match posture.accept {
                RoleKind::Writer => "Writer",
                RoleKind::Owner => "Owner",
                RoleKind::BypassRls => "BypassRls",
                RoleKind::Superuser => "Superuser",
            };
            let because = literal(&posture.because);
            format!("Posture {{ accept: RoleKind::{accept}, because: {because}.to_owned() }}")
        });
        format!(
            "Postgres {{ dsn: {}, role: {}, statement_timeout_ms: {statement_timeout_ms}, \
             connections: {connections}, posture: {} }}",
            owned(dsn),
            super::text(role.as_ref()),
            option(posture)
        )
    }))
}
