//! `--mapping`, for every verb that reads a dump.

use crate::error::{Error, Result};
use crate::format::{DecoderOptions, Mapping};
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Clone, Default)]
#[group(skip)]
pub(super) struct Options {
    /// What strings of a dump without types were, as JSON in a file: {"nodePropertyMappings": {"Person": {"born": "Localdate"}}}
    #[arg(long, value_name = "FILE", help_heading = "What to carry")]
    mapping: Option<PathBuf>,
}

impl Options {
    pub(super) fn decoder(&self) -> Result<DecoderOptions> {
        let Some(path) = &self.mapping else { return Ok(DecoderOptions::default()) };
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|cause| Error::io(format!("reading {name}"), cause))?;
        Ok(DecoderOptions {
            mapping: Mapping::parse(&text).map_err(|error| error.in_file(&name))?,
            ..DecoderOptions::default()
        })
    }
}
