//! Names of the files: `propertykeys`, `vertexlabels`, `edgelabels`, `indexlabels`, `vertices<N>`, `edges<N>`, each plain or with `.zip` behind it.

use crate::error::{Error, Result};
use crate::model::Class;

/// The files of the schema, in the order in which they are written, as [`crate::hugegraph::schema::KINDS`] counts. The name is the key of the line too.
pub(super) const SCHEMA: [&str; 4] = ["propertykeys", "vertexlabels", "edgelabels", "indexlabels"];

/// What the files of a class are called, and the key of each line in them.
pub(super) fn noun(class: Class) -> &'static str {
    match class {
        Class::Nodes => "vertices",
        Class::Relationships => "edges",
    }
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holds {
    /// Of the schema; counts in [`SCHEMA`].
    Schema(usize),
    /// Vertices or edges, and the number of the file.
    Data(Class, u64),
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Member {
    pub(super) holds: Holds,
    /// Its name without `.zip`: that of its one entry too.
    pub(super) bare: String,
    pub(super) is_zipped: bool,
}

impl Member {
    /// What a file of this name is; `None` for one that is not of a backup.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (bare, is_zipped) = name.strip_suffix(".zip").map_or((name, false), |bare| (bare, true));
        let data = [Class::Nodes, Class::Relationships].into_iter().find_map(|class| {
            let number = bare.strip_prefix(noun(class))?;
            // Java writes no sign and no zero before a number, and `parse` takes both.
            let is_plain = number == "0" || number.starts_with(|first: char| ('1'..='9').contains(&first));
            is_plain.then(|| number.parse().ok()).flatten().map(|number| Holds::Data(class, number))
        });
        let schema = || SCHEMA.iter().position(|known| *known == bare).map(Holds::Schema);
        Some(Self { holds: data.or_else(schema)?, bare: bare.to_owned(), is_zipped })
    }

    /// Its name.
    pub(super) fn name(&self) -> String {
        if self.is_zipped { format!("{}.zip", self.bare) } else { self.bare.clone() }
    }
}

/// Whether these are the names of a backup's files: those of property keys and vertex labels are there.
#[must_use]
pub fn is_backup(names: &[String]) -> bool {
    let has = |kind| names.iter().any(|name| Member::parse(name).is_some_and(|file| file.holds == Holds::Schema(kind)));
    has(0) && has(1)
}

/// The files of a backup, schema first, then vertices and edges by number; and the names that look like some and are none.
pub(super) fn members(names: &[String]) -> Result<(Vec<Member>, Vec<String>)> {
    let (mut members, mut strange): (Vec<Member>, Vec<String>) = (Vec::new(), Vec::new());
    for name in names {
        match Member::parse(name) {
            Some(member) => members.push(member),
            None if is_strange(name) => strange.push(name.clone()),
            None => {}
        }
    }
    members.sort();
    let both = members.windows(2).find_map(|pair| match pair {
        [plain, zipped] if plain.bare == zipped.bare => Some(&plain.bare),
        _ => None,
    });
    if let Some(bare) = both {
        return Err(Error::refused(format!("the folder has {bare} and {bare}.zip: one of them is of another backup"))
            .hint("take the files of the older backup away: what they hold may have been deleted since"));
    }
    Ok((members, strange))
}

/// Whether the official tool would take a file for one of the backup's, and we do not. Logs may lie beside: `vertices_all_shards`.
fn is_strange(name: &str) -> bool {
    let begins = SCHEMA.iter().chain(&["vertices", "edges"]).any(|known| name.starts_with(known));
    begins && !name.ends_with("_shards")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for name in ["vertices0", "edges12.zip", "propertykeys", "indexlabels.zip"] {
            assert_eq!(Member::parse(name).unwrap().name(), name);
        }
        for name in [
            "vertices",
            "vertices01",
            "vertices+1",
            "vertices1.zip.zip",
            "vertices_all_shards",
            "edges-1",
            "Edges1",
            "a",
        ] {
            assert_eq!(Member::parse(name), None, "{name}");
        }
        let all = [
            "edges10",
            "edges9.zip",
            "vertices11",
            "vertices_all_shards",
            "vertices2.bak",
            "vertexlabels",
            "propertykeys.zip",
            "notes",
        ];
        let (members, strange) = members(&all.map(str::to_owned)).unwrap();
        let names: Vec<_> = members.iter().map(Member::name).collect();
        assert_eq!(names, ["propertykeys.zip", "vertexlabels", "vertices11", "edges9.zip", "edges10"]);
        assert_eq!(strange, ["vertices2.bak"]);
    }

    #[test]
    fn a_file_in_both_forms_is_refused() {
        let error = members(&["vertices1".to_owned(), "vertices1.zip".to_owned()]).unwrap_err();
        assert!(error.report().contains("vertices1.zip"), "{error}");
    }
}
