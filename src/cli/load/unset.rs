//! [I/O] What a policy names and is not there: environment variables and files of secrets.

use std::path::Path;

use crate::diag::{Code, Diagnostic, Diagnostics, Loc, escape};
use crate::policy::PolicyFile;
use crate::policy::format::{Operand, Rows, Source};

/// Reports the variables and files that are not there; nobody but a server needs them.
pub(super) fn report(file: &PolicyFile, folder: &Path, diags: &mut Diagnostics) {
    // A database that is asked is an error without its connection string, not a warning.
    let asked = |source: &&Source| source.postgres.is_some() && source.snapshot.is_none();
    let asked: Vec<_> = file.sources.values().filter(asked).collect();
    let is_asked = |secret| {
        let mut own = asked.iter().filter_map(|source| source.postgres.as_ref());
        own.any(|own| std::ptr::eq(own, secret))
    };
    let secrets = file.secrets().filter(|(_, secret)| !is_asked(*secret));
    for (pointer, secret) in secrets {
        let reference = secret.reference(folder);
        let missing = match reference.strip_prefix("file:") {
            Some(path) if !Path::new(path).is_file() => Some(("file", path)),
            Some(_) => None,
            None => is_unset(&reference).then_some(("environment variable", reference.as_str())),
        };
        if let Some((kind, name)) = missing {
            diags.push(unset(&pointer, kind, name));
        }
    }
    for (index, rule) in file.rules.iter().enumerate() {
        for (argument, rule) in &rule.args {
            let name = rule
                .from
                .as_deref()
                .and_then(|from| from.strip_prefix("env."));
            if let Some(name) = name.filter(|name| is_unset(name)) {
                let pointer = format!("/rules/{index}/args/{}/from", escape(argument));
                diags.push(unset(&pointer, "environment variable", name));
            }
        }
        for (pointer, operand) in rule.rows.iter().flat_map(Rows::operands) {
            let Operand::Env(name) = operand else {
                continue;
            };
            if is_unset(name) {
                let pointer = format!("/rules/{index}/rows{pointer}");
                diags.push(unset(&pointer, "environment variable", name));
            }
        }
    }
}

fn is_unset(name: &str) -> bool {
    std::env::var_os(name).is_none_or(|value| value.is_empty())
}

fn unset(pointer: &str, kind: &str, name: &str) -> Diagnostic {
    let message = match kind {
        "file" => format!("the file `{name}` is not there"),
        _ => format!("the environment variable {name} is not set"),
    };
    Diagnostic::new(Code::PolicyUnset, Loc::at(pointer), message)
        .help("`serve` and `call` need it; `check`, `list`, `plan` and `build` do not")
}
