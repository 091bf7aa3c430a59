//! The arguments of `neo4j-admin database import full`, as far as they say what the files mean.

use crate::error::{Error, Result};
use crate::model::Class;

/// Files that are read one after the other, as if they were one; the first line of the first is the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) class: Class,
    /// Labels that every node gets, or the type that every relationship gets.
    pub(super) names: Vec<String>,
    pub(super) files: Vec<String>,
}

/// What the options of `neo4j-admin database import full` say of the files: which hold nodes, which relationships, and how they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arguments {
    pub(super) groups: Vec<Group>,
    pub(super) delimiter: u8,
    pub(super) array_delimiter: char,
    pub(super) quote: u8,
    pub(super) has_integer_ids: bool,
    pub(super) ignores_empty_strings: bool,
    pub(super) ignores_extra_columns: bool,
    pub(super) trims: bool,
}

/// Options that change nothing about what the files mean.
const WITHOUT_MEANING: [&str; 16] = [
    "bad-tolerance",
    "report-file",
    "multiline-fields",
    "multiline-fields-format",
    "read-buffer-size",
    "threads",
    "max-off-heap-memory",
    "high-parallel-io",
    "overwrite-destination",
    "verbose",
    "format",
    "strict",
    "skip-bad-entries-logging",
    "additional-config",
    "expand-commands",
    "normalize-types",
];

/// Options that stand alone or have `=true` or `=false`.
const FLAGS: [&str; 13] = [
    "overwrite-destination",
    "verbose",
    "strict",
    "skip-bad-entries-logging",
    "expand-commands",
    "normalize-types",
    "ignore-empty-strings",
    "ignore-extra-columns",
    "trim-strings",
    "legacy-style-quoting",
    "skip-bad-relationships",
    "skip-duplicate-nodes",
    "auto-skip-subsequent-headers",
];

/// Words divided by white space, with quotes of either kind around what has some inside, and lines that begin with `#` left out.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let mut word: Option<String> = None;
        let mut quote = None;
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
                (None, '"' | '\'') => {
                    quote = Some(c);
                    word.get_or_insert_default();
                }
                (None, c) if c.is_whitespace() => words.extend(word.take()),
                (_, c) => word.get_or_insert_default().push(c),
            }
        }
        words.extend(word);
    }
    words
}

/// A character as the command line spells it.
fn character(option: &str, value: &str) -> Result<char> {
    let wrong = || Error::usage(format!("--{option} needs one character, TAB or U+ and its number, not {value:?}"));
    let mut chars = value.chars();
    match (chars.next(), chars.next()) {
        (Some(only), None) => Ok(only),
        _ if value.eq_ignore_ascii_case("tab") || value == "\\t" => Ok('\t'),
        _ => {
            let number = value.strip_prefix("U+").or_else(|| value.strip_prefix("u+")).ok_or_else(wrong)?;
            u32::from_str_radix(number, 16).ok().and_then(char::from_u32).ok_or_else(wrong)
        }
    }
}

fn byte(option: &str, value: &str) -> Result<u8> {
    let c = character(option, value)?;
    let byte = u8::try_from(c).ok().filter(|byte| byte.is_ascii() && !matches!(byte, b'\n' | b'\r'));
    byte.ok_or_else(|| Error::usage(format!("--{option} cannot be {c:?} here: only ASCII")))
}

impl Arguments {
    /// Reads arguments as they stand in a file for `@`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut options = Vec::new();
        let mut words = words(text).into_iter();
        while let Some(word) = words.next() {
            // Words without dashes are the command itself or the database.
            let Some(option) = word.strip_prefix("--") else { continue };
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name, value.to_owned()),
                None if FLAGS.contains(&option) => (option, "true".to_owned()),
                None => {
                    let value = words.next();
                    (option, value.ok_or_else(|| Error::usage(format!("--{option} needs a value")))?)
                }
            };
            options.push((name.to_owned(), value));
        }
        Self::new(options.iter().map(|(name, value)| (&**name, &**value)))
    }

    /// Takes options by their names, without dashes, and their values: `nodes` and `Person:Old=header.csv,part.csv`, `delimiter` and `TAB`.
    ///
    /// # Errors
    /// An option is unknown or would leave rows out, a value is not understood, or there are relationships and no nodes.
    pub fn new<'a>(options: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut this = Self {
            groups: Vec::new(),
            delimiter: b',',
            array_delimiter: ';',
            quote: b'"',
            has_integer_ids: false,
            ignores_empty_strings: false,
            ignores_extra_columns: false,
            trims: false,
        };
        options.into_iter().try_for_each(|(name, value)| this.option(name, value))?;
        if this.groups.iter().all(|group| group.class != Class::Nodes) && !this.groups.is_empty() {
            return Err(Error::usage("there is no --nodes"));
        }
        // Nodes have to be known before what joins them.
        this.groups.sort_by_key(|group| group.class);
        Ok(this)
    }

    fn option(&mut self, name: &str, value: &str) -> Result<()> {
        match name {
            "nodes" => self.groups.push(group(Class::Nodes, value)),
            "relationships" => self.groups.push(group(Class::Relationships, value)),
            "delimiter" => self.delimiter = byte(name, value)?,
            "quote" => self.quote = byte(name, value)?,
            "array-delimiter" => self.array_delimiter = character(name, value)?,
            "id-type" => {
                self.has_integer_ids = match &*value.to_ascii_lowercase() {
                    "integer" | "actual" => true,
                    "string" => false,
                    _ => return Err(Error::usage(format!("--id-type is string, integer or actual, not {value:?}"))),
                }
            }
            "ignore-empty-strings" => self.ignores_empty_strings = value == "true",
            "ignore-extra-columns" => self.ignores_extra_columns = value == "true",
            "trim-strings" => self.trims = value == "true",
            "input-encoding" if value.eq_ignore_ascii_case("utf-8") => {}
            "input-type" if value == "csv" => {}
            name if WITHOUT_MEANING.contains(&name) => {}
            name if FLAGS.contains(&name) && value == "false" => {}
            _ => return Err(Error::refused(format!("--{name}={value} is not understood here"))),
        }
        Ok(())
    }
}

fn group(class: Class, value: &str) -> Group {
    let (names, files) = value.rsplit_once('=').unwrap_or(("", value));
    let names = match class {
        Class::Nodes => names.split(':').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        Class::Relationships => Some(names.to_owned()).filter(|name| !name.is_empty()).into_iter().collect(),
    };
    Group { class, names, files: files.split(',').map(|file| file.trim().to_owned()).collect() }
}

/// The folder of a path with a pattern as its last part, and that part; an empty folder is the one of the dump.
pub(super) fn divided(pattern: &str) -> (&str, &str) {
    // A slash behind the first star would be a pattern of folders, which nothing has.
    let fixed = pattern.find('*').map_or(pattern, |star| pattern.get(..star).unwrap_or_default());
    let at = fixed.rfind('/').map_or(0, |slash| slash + 1);
    pattern.split_at(at)
}

/// Whether a file's name is meant by a word with `*` or `.*` for anything.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let pattern = pattern.replace("\\.", ".").replace(".*", "*");
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|head| name.strip_prefix(head)) else { return false };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_words_of_the_command() {
        let text = "# a comment\ndatabase import full --id-type=integer\n--nodes=Person:Old=h.csv,d-.*\\.csv\n\
                    --relationships \"IS IN=r.csv\" --delimiter=TAB --array-delimiter=U+20AC --verbose\nneo4j\n";
        let read = Arguments::parse(text).unwrap();
        assert_eq!(read.groups[0].names, ["Person", "Old"]);
        assert_eq!(read.groups[0].files, ["h.csv", "d-.*\\.csv"]);
        assert_eq!(
            (&read.groups[1].names[..], read.groups[1].class),
            (&["IS IN".to_owned()][..], Class::Relationships)
        );
        assert_eq!((read.delimiter, read.array_delimiter, read.has_integer_ids), (b'\t', '€', true));
        assert!(Arguments::parse("--legacy-style-quoting=true --nodes=a").is_err());
        assert!(Arguments::parse("--nodes").is_err());
        assert!(matches("d-.*\\.csv", "d-12.csv") && matches("d*", "d") && matches("a", "a"));
        assert!(!matches("d-.*\\.csv", "h.csv") && !matches("a", "ab") && !matches("a*b*c", "acb"));
    }
}
