//! What a code means: its section of the page about diagnostics, which is part of the program.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;

use crate::diag::Code;
use crate::diag::nearest::nearest;

/// The page.
const PAGE: &str = include_str!("../../../docs/diagnostics.md");

/// Prints the section of a code, as `MG204` or `mg204`.
///
/// # Errors
/// If there is no such code.
pub(super) fn print(code: &str) -> anyhow::Result<ExitCode> {
    let mut codes = Code::ALL.iter();
    let Some(found) = codes.find(|known| known.as_str().eq_ignore_ascii_case(code)) else {
        let known = Code::ALL.iter().map(|code| code.as_str());
        match nearest(&code.to_ascii_uppercase(), known).filter(|_| is_like_a_code(code)) {
            Some(near) => bail!("there is no code {code}; did you mean {near}?"),
            None => bail!(
                "{code}: which tool? `mcpgen list {code}` shows them; a code is written as in MG204"
            ),
        }
    };
    let found = found.as_str();
    writeln!(anstream::stdout(), "{found}\n\n{}", section(found))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints all codes, each with what it stands for.
pub(super) fn list() -> anyhow::Result<ExitCode> {
    let mut out = anstream::stdout().lock();
    for code in Code::ALL {
        writeln!(out, "{}  {}", code.as_str(), code.summary())?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Whether a text is meant as a code and not as a file.
fn is_like_a_code(text: &str) -> bool {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    text.len() <= 8 && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// What the page says under a code's heading.
fn section(code: &str) -> &'static str {
    let heading = format!("### `{code}`\n");
    let after = PAGE.split_once(&heading).map_or("", |(_, after)| after);
    // A line of a console block may begin with `#`, but not with two and a space.
    let ends = ["\n### ", "\n## "].map(|next| after.find(next).unwrap_or(after.len()));
    let end = ends.into_iter().min().unwrap_or_default();
    after.get(..end).unwrap_or_default().trim()
}
