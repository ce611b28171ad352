//! How MCP clients are told of the demonstration's server: ready to paste.

use std::io::Write;
use std::net::SocketAddr;

use serde_json::{Value, json};

/// Writes the configurations, for a server at `address` or, without one, for a process over stdio.
pub(super) fn write(out: &mut impl Write, address: Option<SocketAddr>) -> anyhow::Result<()> {
    let program = std::env::current_exe()?.display().to_string();
    let url = address.map(|address| format!("http://{address}/mcp"));
    let quoted = shell_quoted(&program);
    let (claude_code, inspector) = match &url {
        Some(url) => (
            format!("claude mcp add --transport http bookshop {url}"),
            format!(
                "npx @modelcontextprotocol/inspector --cli {url} --transport http --method tools/list"
            ),
        ),
        None => (
            format!("claude mcp add bookshop -- {quoted} demo --stdio"),
            format!("npx @modelcontextprotocol/inspector {quoted} demo --stdio"),
        ),
    };
    // Claude Desktop starts its servers itself.
    let stdio = json!({"command": program, "args": ["demo", "--stdio"]});
    let entry = url
        .as_ref()
        .map_or_else(|| stdio.clone(), |url| json!({ "url": url }));
    let typed = match &url {
        Some(url) => json!({"type": "http", "url": url}),
        None => json!({"type": "stdio", "command": program, "args": ["demo", "--stdio"]}),
    };
    writeln!(out, "  Claude Desktop, in claude_desktop_config.json:\n")?;
    indented(out, &json!({"mcpServers": {"bookshop": stdio}}))?;
    writeln!(out, "  Claude Code:\n\n    {claude_code}\n")?;
    writeln!(out, "  Cursor, in ~/.cursor/mcp.json:\n")?;
    indented(out, &json!({"mcpServers": {"bookshop": entry}}))?;
    writeln!(out, "  VS Code, in .vscode/mcp.json:\n")?;
    indented(out, &json!({"servers": {"bookshop": typed}}))?;
    writeln!(out, "  MCP Inspector:\n\n    {inspector}\n")?;
    writeln!(
        out,
        "  For your own API:\n\n    mcpgen check openapi.yaml\n    mcpgen install openapi.yaml --client claude-desktop"
    )?;
    Ok(())
}

fn indented(out: &mut impl Write, value: &Value) -> anyhow::Result<()> {
    for line in serde_json::to_string_pretty(value)?.lines() {
        writeln!(out, "    {line}")?;
    }
    writeln!(out)?;
    Ok(())
}

/// A path as one word of a POSIX shell.
fn shell_quoted(text: &str) -> String {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"/._-+".contains(&b));
    if plain {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
