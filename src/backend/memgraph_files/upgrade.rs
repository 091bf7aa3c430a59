//! What becomes of files when another release takes them over, from the list of what each format version changed.

use super::check::Checked;
use crate::model::{IndexKind, SchemaObject};

/// What a format brought, for those who come from an older one. All of it is of the format's description; nothing was tried on servers.
const BROUGHT: [(u64, &str); 14] = [
    (16, "logs end every change of the schema with a mark of its own; statistics of indexes are kept"),
    (17, "indexes on relationship types, and text indexes"),
    (18, "enums, and indexes on a type's property"),
    (
        19,
        "points; local date-times are stored as instants in the zone of the setting timezone: with another zone than UTC compare some of them afterwards",
    ),
    (20, "point indexes, and constraints on the types of properties"),
    (21, "points in three Cartesian dimensions have the coordinate system 9157, which older files call 9757"),
    (22, "vector indexes"),
    (24, "indexes on several properties, and on a property of all relationships"),
    (25, "indexes on what is inside maps: a property whose own name has dots is not taken for a path"),
    (27, "vector indexes on relationships"),
    (31, "the time-to-live, and text indexes on relationships"),
    (34, "indexes in descending order, and descriptions"),
    (36, "vector indexes with several labels; checksums in logs, so that damage is noticed"),
    (37, "indexes on a property of all nodes"),
];

/// What a release with format `to` does to a file, in words, beside taking it as it is. Empty where it cannot read it, or nothing changes.
#[must_use]
pub fn changes(file: &Checked, to: u64) -> Vec<String> {
    let mut told = Vec::new();
    if file.obstacle(to).is_some() || !file.problems.is_empty() && file.uuid.is_empty() {
        return told;
    }
    let brought = BROUGHT.iter().filter(|(since, _)| (file.version + 1..=to).contains(since));
    told.extend(brought.map(|(since, what)| format!("format {since} brought {what}")));
    let has = |kind| {
        file.schema.objects.iter().any(|object| matches!(object, SchemaObject::Index(index) if index.kind == kind))
    };
    if has(IndexKind::Vector) && file.version < 32 && to >= 32 {
        told.push(
            "lists under a vector index are kept with 32 bits an element from 3.8 on: finer ones are rounded"
                .to_owned(),
        );
    }
    if has(IndexKind::Text) {
        told.push(
            "text indexes come back empty when a server starts from files (seen with 3.6.2): make them anew".to_owned(),
        );
    }
    if file.edge_properties == Some(false) {
        told.push(
            "it was written with --storage-properties-on-edges=false: start the new server with the same".to_owned(),
        );
    }
    told
}

/// What holds for every upgrade, whatever the files.
pub const ALWAYS: [&str; 2] = [
    "triggers, streams, users, roles and settings lie in other files, which were not looked at",
    "files do not tell the storage mode: start the new server with the same one; in analytical mode there are no logs",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::backend::memgraph_files::check_file;
    use std::path::Path;

    #[test]
    fn what_changes_is_what_lies_between_the_formats() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/memgraph-files/snapshots");
        let file = check_file(&folder.join("20261121031356686528_timestamp_168")).unwrap().unwrap();
        assert_eq!((file.version, file.edge_properties), (31, Some(true)));
        let told = changes(&file, 36).join("\n");
        for wanted in ["format 34", "format 36", "32 bits", "text indexes come back empty"] {
            assert!(told.contains(wanted), "{wanted}: {told}");
        }
        assert!(!told.contains("format 31") && !told.contains("format 37"), "{told}");
        assert_eq!(changes(&file, 31).len(), 1, "the same release: text indexes alone");
        assert!(changes(&file, 30).is_empty(), "a release that cannot read it");
    }
}
