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
    /// Read files of a HugeGraph backup that look as if an older backup had left them
    #[arg(long, help_heading = "What to carry")]
    allow_stale_files: bool,
}

impl Options {
    /// What decoders are told; `timezone` is what the user says of dates without a zone.
    pub(super) fn decoder(&self, timezone: Option<&str>) -> Result<DecoderOptions> {
        let mapping = match &self.mapping {
            None => Mapping::default(),
            Some(path) => {
                let name = path.display().to_string();
                let text =
                    std::fs::read_to_string(path).map_err(|cause| Error::io(format!("reading {name}"), cause))?;
                Mapping::parse(&text).map_err(|error| error.in_file(&name))?
            }
        };
        let (timezone, stale_files) = (timezone.map(str::to_owned), self.allow_stale_files);
        Ok(DecoderOptions { mapping, timezone, stale_files, ..DecoderOptions::default() })
    }
}
