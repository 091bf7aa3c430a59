//! The arrows between modules point one way. A new `use` that breaks a row below is either a mistake or a change of ARCHITECTURE.md.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Module, and the modules that it may use. `error` may be used by all.
const ARROWS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("model", &[]),
    ("cypher", &["model"]),
    ("wire", &["model"]),
    ("objects", &["wire"]),
    ("volume", &["objects"]),
    ("ids", &[]),
    ("hugegraph", &["model", "ids"]),
    ("observe", &["model"]),
    ("format", &["model", "cypher", "hugegraph", "ids"]),
    ("guard", &[]),
    ("backend", &["guard", "model", "cypher", "hugegraph", "ids", "wire"]),
    ("filter", &["model", "ids"]),
    ("feed", &["backend", "format", "filter", "model", "observe"]),
    ("survey", &["backend", "feed", "format", "ids", "model", "observe"]),
    ("shape", &["backend", "feed", "format", "hugegraph", "ids", "model", "observe"]),
    ("strip", &["model"]),
    ("write", &["feed", "format", "model", "observe", "strip", "volume"]),
    ("dump", &["backend", "cypher", "feed", "format", "model", "observe", "strip", "survey", "volume", "write"]),
    (
        "restore",
        &["backend", "feed", "format", "guard", "hugegraph", "ids", "model", "observe", "strip", "survey", "volume"],
    ),
    ("physical", &["backend", "dump", "feed", "filter", "format", "model", "observe", "survey", "volume"]),
    ("check", &["feed", "format", "ids", "model", "observe"]),
    ("diff", &["feed", "format", "ids", "model", "observe"]),
    ("inspect", &["feed", "format", "ids", "model", "observe"]),
    ("verify", &["feed", "format", "ids", "model", "observe"]),
    ("backup", &["dump", "feed", "filter", "format", "model", "observe", "survey", "volume", "write"]),
    (
        "cli",
        &[
            "backend", "backup", "check", "cypher", "diff", "dump", "feed", "filter", "format", "guard", "ids",
            "inspect", "model", "observe", "physical", "restore", "shape", "survey", "verify", "volume", "write",
        ],
    ),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The code of a file: without comments and, so that tests may look across, without its test module.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The modules that follow `crate::` in a text: `crate::a::b` and `crate::{a::b, c}`.
fn used(code: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut used = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => drop(used.insert(word(rest))),
            Some(group) => {
                let mut depth = 1;
                let mut start = true;
                for (at, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 1 => start = true,
                        c if start && !c.is_whitespace() => {
                            used.insert(word(&group[at..]));
                            start = false;
                        }
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
        }
    }
    used
}

#[test]
fn arrows_point_one_way() {
    let arrows: BTreeMap<_, BTreeSet<_>> =
        ARROWS.iter().map(|(from, to)| (*from, to.iter().copied().collect())).collect();
    // Re-exports of the crate root, all of them of `error`.
    let root_names = BTreeSet::from(["Error", "ErrorKind", "Position", "Result", "Retry"]);
    let mut files = Vec::new();
    sources(&root(), &mut files);
    let mut wrong = Vec::new();
    for path in &files {
        let inside = path.strip_prefix(root()).unwrap();
        let module = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if matches!(module, "main" | "lib") {
            continue;
        }
        let Some(allowed) = arrows.get(module) else {
            wrong.push(format!("{}: module {module} is not in the table", inside.display()));
            continue;
        };
        for name in used(&code(path)) {
            let fine = name == module || name == "error" || root_names.contains(&*name) || allowed.contains(&*name);
            if !fine {
                wrong.push(format!("{}: {module} must not use {name}", inside.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(files.len() > 20, "the walk found the sources");
}

/// The table itself has no circle: every module uses only those above it.
#[test]
fn the_table_has_no_circle() {
    let mut above = BTreeSet::new();
    for (module, uses) in ARROWS {
        let below: Vec<_> = uses.iter().filter(|name| !above.contains(**name)).collect();
        assert!(below.is_empty(), "{module} uses {below:?}, which stand below it");
        above.insert(*module);
    }
}

/// Only one file opens sockets, and the library prints nothing outside the command line.
#[test]
fn sockets_and_printing_have_one_place() {
    let mut files = Vec::new();
    sources(&root(), &mut files);
    for path in &files {
        let inside = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        let code = code(path);
        if inside != "wire/connection.rs" {
            assert!(!code.contains("TcpStream"), "{inside} opens a socket");
        }
        if !inside.starts_with("cli") {
            for word in ["println!", "print!", "eprint!", "eprintln!", "clap::"] {
                assert!(!code.contains(word), "{inside} has {word}");
            }
        }
    }
}

#[test]
fn the_reader_of_uses_sees_groups() {
    let found = used(
        "use crate::{error::Result, model::{Block, Class}, wire};\nuse crate::cli;\nlet x = crate::ids::IdMap::new();",
    );
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), ["cli", "error", "ids", "model", "wire"]);
}
