//! The command line that a client will run: this executable, absolute paths, no secret.

use std::path::{Component, Path};

use anyhow::{Context, bail, ensure};
use url::Url;

use crate::cli::options::{
    DatabaseOptions, DocOptions, Enable, TokenAuth, TokenOptions, Tools, is_connection_string,
    looks_secret, variable,
};
use crate::runtime::command::UpstreamOptions;
use crate::runtime::manifest::Profile;

/// The arguments: `serve`, the document, and the options that differ from their defaults.
pub(super) fn arguments(options: &DocOptions) -> anyhow::Result<Vec<String>> {
    // Every field is named, so that a new option cannot be forgotten here.
    let DocOptions {
        doc,
        policy,
        refs,
        refs_host,
        overlay,
        base_url,
        token,
        enable,
        include,
        exclude,
        header,
        timeout,
        budget,
        tools,
        pin,
        profile,
        database,
        upstream: UpstreamOptions { ca_cert, proxy },
        allow_http,
    } = options;
    let mut args = vec!["serve".to_owned(), document(doc)?];
    let mut add = |option: &str, value: &str| {
        if value.starts_with('-') {
            args.push(format!("{option}={value}"));
        } else {
            args.extend([option.to_owned(), value.to_owned()]);
        }
    };
    if let Some(policy) = policy {
        add("--policy", &document(policy)?);
    }
    for folder in refs {
        add("--refs", &absolute(folder)?);
    }
    for host in refs_host {
        add("--refs-host", &host.to_string());
    }
    for file in overlay {
        add("--overlay", &document(file)?);
    }
    if let Some(url) = base_url {
        add("--base-url", url);
    }
    for (option, value) in token_arguments(token).chain(database_arguments(database)) {
        add(option, &value);
    }
    match enable {
        None => {}
        Some(Enable::Write) => add("--enable", "write"),
        Some(Enable::Destroy) => add("--enable", "destroy"),
    }
    for glob in include {
        add("--include", glob);
    }
    for glob in exclude {
        add("--exclude", glob);
    }
    for text in header {
        // Some clients put the value in place of `${env:…}` themselves: the secret would stand in the
        // process list.
        add("--header", &text.replace("${env:", "$env{"));
    }
    if let Some(timeout) = timeout {
        add("--timeout", &format!("{}ms", timeout.as_millis()));
    }
    match tools {
        None | Some(Tools::Auto) => {}
        Some(Tools::List) => add("--tools", "list"),
        Some(Tools::Search) => add("--tools", "search"),
    }
    for name in pin {
        add("--pin", name);
    }
    if let Some(budget) = budget {
        add("--budget", &budget.to_string());
    }
    if let Some(profile) = profile {
        add("--profile", Profile::from(*profile).as_str());
    }
    for file in ca_cert {
        add("--ca-cert", &absolute(file)?);
    }
    if let Some(proxy) = proxy {
        let secret = Url::parse(proxy).is_ok_and(|url| has_user(&url)) || proxy.contains('@');
        ensure!(
            !secret,
            "--proxy: user name and password do not belong in a client's configuration"
        );
        add("--proxy", proxy);
    }
    if *allow_http {
        args.push("--allow-http".to_owned());
    }
    for arg in &args {
        ensure!(
            !arg.contains("${"),
            "`{arg}`: clients put values of their own in place of `${{…}}`; write it without"
        );
    }
    Ok(args)
}

/// The options about databases, with their values.
fn database_arguments(options: &DatabaseOptions) -> Vec<(&'static str, String)> {
    let DatabaseOptions {
        schema,
        role,
        accept_posture: _,
        because: _,
    } = options;
    let schemas = schema.iter().map(|schema| ("--schema", schema.clone()));
    let mut arguments: Vec<_> = schemas.collect();
    arguments.extend(role.clone().map(|role| ("--role", role)));
    if let Some(posture) = options.posture() {
        let kind = posture.accept.as_str().replace('_', "-");
        arguments.extend([("--accept-posture", kind), ("--because", posture.because)]);
    }
    arguments
}

/// The options for token endpoints, with their values.
fn token_arguments(options: &TokenOptions) -> impl Iterator<Item = (&'static str, String)> {
    let TokenOptions { url, auth, field } = options;
    let url = url.iter().map(|url| ("--token-url", url.clone()));
    let auth = match auth {
        None | Some(TokenAuth::Basic) => None,
        Some(TokenAuth::Form) => Some(("--token-auth", "form".to_owned())),
    };
    let fields = field.iter().map(|field| ("--token-field", field.clone()));
    url.chain(auth).chain(fields)
}

/// Whether two documents of command lines are one.
pub(super) fn same_document(one: &str, other: &str) -> bool {
    let file = |text: &str| std::fs::canonicalize(text).ok();
    one == other || file(one).is_some_and(|one| Some(one) == file(other))
}

/// The executable that is running.
pub(super) fn executable() -> anyhow::Result<String> {
    let path = std::env::current_exe().context("the path of this program")?;
    text(&path)
}

fn document(doc: &str) -> anyhow::Result<String> {
    if variable(doc).is_some() {
        return Ok(doc.to_owned());
    }
    if is_connection_string(doc) {
        ensure!(
            !may_hold_password(doc),
            "the connection string holds a password, which does not belong in a client's configuration; \
             put it into an environment variable and name that: `mcpgen install env:DATABASE_URL …`"
        );
        return Ok(doc.to_owned());
    }
    let Some(url) = Url::parse(doc)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
    else {
        return absolute(Path::new(doc));
    };
    // What is no secret to a shell's history is still none of a configuration's business.
    let secret = url.query_pairs().any(|(name, _)| looks_secret(&name));
    if secret || has_user(&url) {
        bail!(
            "the document's URL holds a secret, which does not belong in a client's configuration; \
             save the document and install the file"
        );
    }
    Ok(doc.to_owned())
}

/// Whether something of a connection string could be a password: what follows a `:` before the last `@`,
/// or an option of such a name.
fn may_hold_password(dsn: &str) -> bool {
    let Some((_, rest)) = dsn.split_once("://") else {
        return looks_secret(dsn);
    };
    let user = rest.rsplit_once('@').map_or("", |(user, _)| user);
    let options = rest.split_once('?').map_or("", |(_, options)| options);
    let mut options = url::form_urlencoded::parse(options.as_bytes());
    user.contains(':') || options.any(|(name, _)| name.contains("pass") || looks_secret(&name))
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// The path from the root, without `..`; the file itself may be a link.
fn absolute(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let mut full = std::path::absolute(path).with_context(|| format!("`{shown}`"))?;
    let climbs = full.components().any(|part| part == Component::ParentDir);
    if climbs && let (Some(folder), Some(name)) = (full.parent(), full.file_name()) {
        let folder = std::fs::canonicalize(folder).with_context(|| format!("`{shown}`"))?;
        full = folder.join(name);
    }
    text(&full)
}

fn text(path: &Path) -> anyhow::Result<String> {
    let text = path.to_str().map(str::to_owned);
    text.with_context(|| format!("`{}`: the path is not UTF-8", path.display()))
}
