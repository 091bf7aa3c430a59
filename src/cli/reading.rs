//! `--mapping`, for every verb that reads a dump or shapes a graph.

use crate::error::{Error, Result};
use crate::format::{DecoderOptions, Mapping};
use crate::shape::Entries;
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Clone, Default)]
#[group(skip)]
pub(super) struct Options {
    /// A file that says what strings of a dump without types were ([nodePropertyMappings.Person] with born = "Localdate"; TOML, or the same as JSON), and under
    /// [hugegraph] what becomes of a graph in HugeGraph (graphferry map writes that)
    #[arg(long, value_name = "FILE", help_heading = "What to carry")]
    mapping: Option<PathBuf>,
    /// Read files of a HugeGraph backup that look as if an older backup had left them
    #[arg(long, help_heading = "What to carry")]
    allow_stale_files: bool,
}

impl Options {
    /// The file's name and text.
    fn text(&self) -> Result<Option<(String, String)>> {
        let Some(path) = &self.mapping else { return Ok(None) };
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|cause| Error::io(format!("reading {name}"), cause))?;
        Ok(Some((name, text)))
    }

    /// What decoders are told; `timezone` is what the user says of dates without a zone.
    pub(super) fn decoder(&self, timezone: Option<&str>) -> Result<DecoderOptions> {
        let mapping = match self.text()? {
            None => Mapping::default(),
            Some((name, text)) => {
                let text = if is_json(&text) { text } else { strings(&text).map_err(|error| error.in_file(&name))? };
                Mapping::parse(&text).map_err(|error| error.in_file(&name))?
            }
        };
        let (timezone, stale_files) = (timezone.map(str::to_owned), self.allow_stale_files);
        Ok(DecoderOptions { mapping, timezone, stale_files, ..DecoderOptions::default() })
    }

    /// What is said of HugeGraph.
    pub(super) fn entries(&self) -> Result<Entries> {
        match self.text()? {
            Some((name, text)) if !is_json(&text) => Entries::parse(&text).map_err(|error| error.in_file(&name)),
            _ => Ok(Entries::default()),
        }
    }
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// What a TOML file says of strings, as JSON.
fn strings(text: &str) -> Result<String> {
    let wrong = |cause: &dyn std::fmt::Display| {
        Error::usage(format!("the mapping cannot be read: {}", cause.to_string().trim_end()))
    };
    let mut all: toml::Table = toml::from_str(text).map_err(|cause| wrong(&cause))?;
    all.remove("hugegraph");
    serde_json::to_string(&all).map_err(|cause| wrong(&cause))
}
