//! What the documents say is what the program does: the command line's reference is generated, and examples run.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

fn help(verb: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_graphferry")).args(verb).arg("--help").env("COLUMNS", "100").output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn reference() -> String {
    let mut text = String::from(
        "# The command line\n\nThis page is generated from the program's own help: `GRAPHFERRY_WRITE_DOCS=1 cargo test --test docs`.\n",
    );
    let command = graphferry::cli::command();
    let names = |command: &clap::Command| {
        let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set()).map(|verb| verb.get_name().to_owned());
        verbs.collect::<Vec<_>>()
    };
    let mut pages = vec![Vec::new()];
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        pages.push(vec![verb.get_name().to_owned()]);
        pages.extend(names(verb).into_iter().map(|inner| vec![verb.get_name().to_owned(), inner]));
    }
    for words in pages {
        let title = ["graphferry".to_owned()].into_iter().chain(words.clone()).collect::<Vec<_>>().join(" ");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let _ = write!(text, "\n## {title}\n\n```text\n{}\n```\n", help(&words).trim_end());
    }
    text
}

#[test]
fn the_reference_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    let wanted = reference();
    if std::env::var_os("GRAPHFERRY_WRITE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "docs/cli.md is out of date: GRAPHFERRY_WRITE_DOCS=1 cargo test --test docs");
}

/// Every relative link in a document leads somewhere.
#[test]
fn links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents: Vec<_> =
        std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "benches/README.md"] {
        documents.push(root.join(name));
    }
    let mut links = 0;
    for document in documents.iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let text = std::fs::read_to_string(document).unwrap();
        for rest in text.split("](").skip(1) {
            let link = rest.split([')', '#']).next().unwrap();
            if link.is_empty() || link.contains("://") {
                continue;
            }
            links += 1;
            let target = document.parent().unwrap().join(link);
            assert!(target.exists(), "{} links to {link}, which does not exist", document.display());
        }
    }
    assert!(links > 10, "the links were found");
}

/// Pages and completions are made of the same options as the help, and a shell takes them.
#[test]
fn manual_pages_and_completions_know_every_option() {
    let folder = tempfile::tempdir().unwrap();
    let graphferry = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_graphferry")).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    graphferry(&["man", "--dir", folder.path().to_str().unwrap()]);
    let script = graphferry(&["completions", "bash"]);
    let path = folder.path().join("graphferry.bash");
    std::fs::write(&path, &script).unwrap();
    assert!(Command::new("bash").arg("-n").arg(&path).status().unwrap().success());
    let command = graphferry::cli::command();
    for verb in command.get_subcommands() {
        let name = verb.get_name();
        let page = std::fs::read_to_string(folder.path().join(format!("graphferry-{name}.1"))).unwrap();
        for option in verb.get_arguments().filter_map(|argument| argument.get_long()) {
            assert!(page.contains(&option.replace('-', "\\-")), "the page of {name} lacks --{option}");
            assert!(script.contains(&format!("--{option}")), "the completions lack --{option}");
        }
    }
    for shell in ["zsh", "fish"] {
        assert!(graphferry(&["completions", shell]).contains("once-with-properties"), "{shell}");
    }
}

/// The units that a document offers are taken by systemd as they stand there.
#[test]
fn systemd_takes_the_units() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/backups.md");
    let page = std::fs::read_to_string(page).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut units = Vec::new();
    for (at, block) in page.split("```ini\n").skip(1).enumerate() {
        let text =
            block.split("```").next().unwrap().replace("/usr/local/bin/graphferry", env!("CARGO_BIN_EXE_graphferry"));
        let path = folder.path().join(["graphferry-backup.service", "graphferry-backup.timer"][at]);
        std::fs::write(&path, text.replace("User=backup", "User=root").replace("Group=backup", "Group=root")).unwrap();
        units.push(path);
    }
    assert_eq!(units.len(), 2);
    let Ok(output) = Command::new("systemd-analyze").arg("verify").args(&units).output() else { return };
    let told = String::from_utf8_lossy(&output.stderr);
    let ours: Vec<_> = told.lines().filter(|line| line.contains("graphferry")).collect();
    assert!(output.status.success() && ours.is_empty(), "{told}");
}
