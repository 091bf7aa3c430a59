//! `--include-label` and its kin, for every verb that reads a graph.

use crate::backend::hugegraph::Dangling as Unread;
use crate::filter::{Choice, Dangling, Filter, Section};
use clap::{Args, ValueEnum};

#[derive(Args, Clone, Default)]
#[group(skip)]
pub(super) struct Options {
    /// Only nodes with this label; may be given several times
    #[arg(long, value_name = "LABEL", help_heading = "What to carry")]
    include_label: Vec<String>,
    /// No nodes with this label
    #[arg(long, value_name = "LABEL", help_heading = "What to carry")]
    exclude_label: Vec<String>,
    /// Only relationships of this type
    #[arg(long, value_name = "TYPE", help_heading = "What to carry")]
    include_type: Vec<String>,
    /// No relationships of this type
    #[arg(long, value_name = "TYPE", help_heading = "What to carry")]
    exclude_type: Vec<String>,
    /// Only this section: pre-data (enum types), data (nodes and relationships), post-data (indexes, constraints, triggers)
    #[arg(long, value_name = "SECTION", value_enum, help_heading = "What to carry")]
    section: Vec<SectionName>,
    /// What to do with a relationship whose end was filtered out, is missing from a backup of HugeGraph, or was not read since somebody wrote meanwhile, where
    /// a server has no snapshots (HugeGraph)
    #[arg(long, value_enum, default_value_t = DanglingName::Error, value_name = "WHAT", help_heading = "What to carry")]
    dangling: DanglingName,
}

#[derive(Clone, Copy, ValueEnum)]
enum SectionName {
    PreData,
    Data,
    PostData,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum DanglingName {
    /// Stop with an error
    #[default]
    Error,
    /// Leave it out, and count it
    Skip,
    /// HugeGraph: leave one out whose end was not read, and end with exit code 3; the others as with error
    Report,
    /// HugeGraph: ask for ends that were not read
    Fetch,
    /// HugeGraph: stop with an error
    Refuse,
}

impl Options {
    /// What is done about edges whose ends a server without snapshots did not give.
    pub(super) fn unread(&self) -> Unread {
        match self.dangling {
            DanglingName::Error | DanglingName::Skip | DanglingName::Report => Unread::Report,
            DanglingName::Fetch => Unread::Fetch,
            DanglingName::Refuse => Unread::Refuse,
        }
    }

    pub(super) fn filter(&self) -> Filter {
        Filter::from(Choice {
            include_labels: self.include_label.iter().cloned().collect(),
            exclude_labels: self.exclude_label.iter().cloned().collect(),
            include_types: self.include_type.iter().cloned().collect(),
            exclude_types: self.exclude_type.iter().cloned().collect(),
            sections: self.section.iter().map(|section| section.section()).collect(),
            dangling: match self.dangling {
                DanglingName::Error | DanglingName::Report | DanglingName::Fetch | DanglingName::Refuse => {
                    Dangling::Error
                }
                DanglingName::Skip => Dangling::Skip,
            },
        })
    }
}

impl SectionName {
    fn section(self) -> Section {
        match self {
            Self::PreData => Section::PreData,
            Self::Data => Section::Data,
            Self::PostData => Section::PostData,
        }
    }
}
