//! The back ends that the Manifest needs.

use super::backend::Backend;
use super::config::{Config, ConfigError};
use super::manifest::{Action, Manifest};

pub mod postgres;

/// Makes the back end of each tool, in the Manifest's order.
///
/// # Errors
///
/// The configuration does not suffice to reach an upstream.
pub fn open(manifest: &Manifest, config: &Config) -> Result<Vec<Box<dyn Backend>>, ConfigError> {
    let databases = postgres::Databases::open(manifest, config)?;
    let tools = manifest.tools.iter();
    tools
        .map(|tool| match &tool.action {
            Action::Http(_) => Err(ConfigError::Missing(tool.name.clone())),
            Action::Sql(action) => databases.bind(tool, action),
        })
        .collect()
}
