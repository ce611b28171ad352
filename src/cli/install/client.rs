//! The clients: where each keeps its configuration, what its entries look like, what comes after.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::ValueEnum;

/// An MCP client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Client {
    /// The desktop application
    ClaudeDesktop,
    /// The current folder's .mcp.json
    ClaudeCode,
    /// All projects of the user
    Cursor,
    /// The current folder's .vscode/mcp.json
    #[value(name = "vscode")]
    VsCode,
    /// All projects of the user
    Windsurf,
}

/// The systems that keep configurations in different places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Os {
    Mac,
    Windows,
    /// Linux and everything that follows the XDG folders.
    Other,
}

impl Os {
    /// The system that this is.
    pub(super) fn current() -> Self {
        if cfg!(target_os = "macos") {
            Self::Mac
        } else if cfg!(windows) {
            Self::Windows
        } else {
            Self::Other
        }
    }
}

/// The folders that configurations are found from.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) home: Option<PathBuf>,
    /// `%APPDATA%` on Windows, `$XDG_CONFIG_HOME` elsewhere, if set.
    pub(super) config: Option<PathBuf>,
    pub(super) current: PathBuf,
}

impl Places {
    /// As the environment says.
    pub(super) fn from_env() -> anyhow::Result<Self> {
        let variable = match Os::current() {
            Os::Windows => "APPDATA",
            Os::Mac | Os::Other => "XDG_CONFIG_HOME",
        };
        let folder = |path: PathBuf| path.is_absolute().then_some(path);
        Ok(Self {
            home: std::env::home_dir().and_then(folder),
            config: std::env::var_os(variable)
                .map(PathBuf::from)
                .and_then(folder),
            current: std::env::current_dir().context("the current folder")?,
        })
    }
}

impl Client {
    /// What people call it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::ClaudeDesktop => "Claude Desktop",
            Self::ClaudeCode => "Claude Code",
            Self::Cursor => "Cursor",
            Self::VsCode => "VS Code",
            Self::Windsurf => "Windsurf",
        }
    }

    /// The key of the object that has a member for each server.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::VsCode => "servers",
            _ => "mcpServers",
        }
    }

    /// Whether its entries say that the server speaks over standard input and output.
    pub(super) fn names_transport(self) -> bool {
        matches!(self, Self::ClaudeCode | Self::VsCode)
    }

    /// Whether the file belongs to a project: others read it, and it is often committed.
    pub(super) fn is_of_project(self) -> bool {
        matches!(self, Self::ClaudeCode | Self::VsCode)
    }

    /// The file that it reads.
    pub(super) fn file(self, os: Os, places: &Places) -> anyhow::Result<PathBuf> {
        let home = || {
            let home = places.home.as_deref();
            home.context("the home folder is not known: set HOME, or use --print")
        };
        Ok(match self {
            Self::ClaudeDesktop => {
                let config = match (os, &places.config) {
                    (Os::Mac, _) => home()?.join("Library/Application Support"),
                    (_, Some(config)) => config.clone(),
                    (Os::Windows, None) => home()?.join("AppData").join("Roaming"),
                    (Os::Other, None) => home()?.join(".config"),
                };
                config.join("Claude").join("claude_desktop_config.json")
            }
            Self::ClaudeCode => places.current.join(".mcp.json"),
            Self::Cursor => home()?.join(".cursor").join("mcp.json"),
            Self::VsCode => places.current.join(".vscode").join("mcp.json"),
            Self::Windsurf => {
                let folder = home()?.join(".codeium").join("windsurf");
                folder.join("mcp_config.json")
            }
        })
    }

    /// The file as people write it: `~/.cursor/mcp.json`, `.mcp.json`.
    pub(super) fn shown(self, file: &Path, places: &Places) -> String {
        if self.is_of_project()
            && let Ok(rest) = file.strip_prefix(&places.current)
        {
            return rest.display().to_string();
        }
        match &places.home {
            Some(home) if !cfg!(windows) && home.parent().is_some() => {
                let rest = file.strip_prefix(home);
                rest.map_or_else(
                    |_| file.display().to_string(),
                    |rest| format!("~/{}", rest.display()),
                )
            }
            _ => file.display().to_string(),
        }
    }

    /// What makes the client see the server.
    pub(super) fn next_step(self, name: &str) -> String {
        match self {
            Self::ClaudeDesktop => "Quit Claude Desktop and start it again.".to_owned(),
            Self::ClaudeCode => {
                format!("Start `claude` in this folder and approve `{name}`; `/mcp` shows it.")
            }
            Self::Cursor => {
                format!("Restart Cursor and see that `{name}` is on in its MCP settings.")
            }
            Self::VsCode => {
                format!(
                    "Run \"MCP: List Servers\" in VS Code's command palette and start `{name}`."
                )
            }
            Self::Windsurf => "Refresh the MCP servers in Cascade, or restart Windsurf.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files() {
        let places = |config: Option<&str>| Places {
            home: Some("/h/ada".into()),
            config: config.map(PathBuf::from),
            current: "/h/ada/shop".into(),
        };
        let desktop = Client::ClaudeDesktop;
        for (client, os, config, want) in [
            (
                desktop,
                Os::Mac,
                Some("/x"),
                "~/Library/Application Support/Claude/claude_desktop_config.json",
            ),
            (
                desktop,
                Os::Windows,
                Some("/h/ada/AppData/Roaming"),
                "~/AppData/Roaming/Claude/claude_desktop_config.json",
            ),
            (
                desktop,
                Os::Windows,
                None,
                "~/AppData/Roaming/Claude/claude_desktop_config.json",
            ),
            (
                desktop,
                Os::Other,
                None,
                "~/.config/Claude/claude_desktop_config.json",
            ),
            (
                desktop,
                Os::Other,
                Some("/x"),
                "/x/Claude/claude_desktop_config.json",
            ),
            (Client::ClaudeCode, Os::Mac, None, ".mcp.json"),
            (
                Client::Cursor,
                Os::Windows,
                Some("/x"),
                "~/.cursor/mcp.json",
            ),
            (Client::VsCode, Os::Other, None, ".vscode/mcp.json"),
            (
                Client::Windsurf,
                Os::Mac,
                None,
                "~/.codeium/windsurf/mcp_config.json",
            ),
        ] {
            let places = places(config);
            let file = client.file(os, &places).unwrap();
            assert_eq!(client.shown(&file, &places), want, "{client:?} {os:?}");
        }
    }

    #[test]
    fn without_a_home_folder() {
        let places = Places {
            home: None,
            config: None,
            current: "/x".into(),
        };
        let error = Client::Cursor.file(Os::Other, &places).unwrap_err();
        assert!(error.to_string().contains("--print"), "{error}");
        assert!(Client::VsCode.file(Os::Other, &places).is_ok());
    }
}
