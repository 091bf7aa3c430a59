//! A header: what each column of a group of files means.

use super::column::{ColumnType, Sort};
use crate::error::{Error, Result};
use crate::model::Class;

/// What a column means. An id space is empty where it is not named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// A node's id, kept as a property if the header names one; `true` for one that is an integer.
    Id {
        space: String,
        key: Option<String>,
        is_integer: bool,
    },
    Start(String),
    End(String),
    Label,
    Type,
    Ignore,
    Property {
        key: String,
        column: ColumnType,
        options: Vec<(String, String)>,
    },
}

/// Reads a field of a header: `name:type[](space){option:value}`.
pub(super) fn column(text: &str, class: Class, has_integer_ids: bool) -> Result<Column> {
    let unknown = || Error::corrupt(format!("the header {text:?} is not understood"));
    let (bare, options) = match text.strip_suffix('}').and_then(|text| text.split_once('{')) {
        Some((bare, options)) => (bare.trim_end(), self::options(options)),
        None => (text, Vec::new()),
    };
    let Some((key, kind)) = bare.rsplit_once(':') else {
        let column = ColumnType { sort: Sort::String, is_array: false };
        return Ok(Column::Property { key: bare.to_owned(), column, options });
    };
    let (word, space) = match kind.strip_suffix(')').and_then(|kind| kind.split_once('(')) {
        Some((word, space)) => (word, space.to_owned()),
        None => (kind, String::new()),
    };
    let option = |name: &str| options.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    Ok(match (&*word.to_ascii_uppercase(), class) {
        ("ID", Class::Nodes) => {
            let is_integer = match option("id-type") {
                Some(kind) => matches!(Sort::from_name(kind), Some(Sort::Integer)),
                None => has_integer_ids,
            };
            Column::Id { space, key: Some(key.to_owned()).filter(|key| !key.is_empty()), is_integer }
        }
        ("START_ID", Class::Relationships) => Column::Start(space),
        ("END_ID", Class::Relationships) => Column::End(space),
        ("LABEL", Class::Nodes) => Column::Label,
        ("TYPE", Class::Relationships) => Column::Type,
        ("IGNORE", _) => Column::Ignore,
        _ => {
            let (word, is_array) = word.strip_suffix("[]").map_or((word, false), |word| (word, true));
            let sort = Sort::from_name(word).ok_or_else(unknown)?;
            if key.is_empty() || !space.is_empty() {
                return Err(unknown());
            }
            // A byte that is no array is a small integer.
            let sort = if sort == Sort::Byte && !is_array { Sort::Integer } else { sort };
            Column::Property { key: key.to_owned(), column: ColumnType { sort, is_array }, options }
        }
    })
}

/// `a:b,c:d`, with quotes around values or not.
fn options(text: &str) -> Vec<(String, String)> {
    let plain = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
    text.split(',').filter_map(|pair| pair.split_once(':')).map(|(key, value)| (plain(key), plain(value))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn headers_as_others_write_them() {
        let read = |text: &str| column(text, Class::Nodes, false).unwrap();
        let id = |space: &str, key: Option<&str>, is_integer| Column::Id {
            space: space.to_owned(),
            key: key.map(str::to_owned),
            is_integer,
        };
        assert_eq!(read("personId:ID(Person){id-type:long}"), id("Person", Some("personId"), true));
        assert_eq!(read(":ID"), id("", None, false));
        assert_eq!((read(":LABEL"), read("x:IGNORE")), (Column::Label, Column::Ignore));
        let property = |key: &str, sort, is_array| Column::Property {
            key: key.to_owned(),
            column: ColumnType { sort, is_array },
            options: Vec::new(),
        };
        assert_eq!(read("name"), property("name", Sort::String, false));
        assert_eq!(read("a:b:int[]"), property("a:b", Sort::Integer, true));
        assert_eq!(read("b:byte"), property("b", Sort::Integer, false));
        let Column::Property { options, .. } = read("t:datetime{timezone:Europe/Stockholm}") else { panic!() };
        assert_eq!(options, [("timezone".to_owned(), "Europe/Stockholm".to_owned())]);
        for wrong in ["a:nothing", ":long", "a:long(x)"] {
            assert!(column(wrong, Class::Nodes, false).is_err(), "{wrong}");
        }
    }
}
