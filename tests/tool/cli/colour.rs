//! Colours on a terminal, and none where nobody wants them.

use super::small;
use super::support::tool::{command, run};
use std::path::Path;
use std::process::Command;

const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/witness/drive_terminal.py");

/// What a terminal gets when the tool is called like this.
fn shown(folder: &Path, words: &[&str], variables: &[(&str, &str)]) -> String {
    let mut python = Command::new("python3");
    python.args([DRIVER, ""]).arg(command(folder).get_program()).args(words).current_dir(folder);
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI", "GRAPHFERRY_URL"] {
        python.env_remove(name);
    }
    let output = python.env("TERM", "xterm-256color").envs(variables.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    told["text"].as_str().unwrap().to_owned()
}

/// Whether there is a sequence that sets colours or weight: ESC, [, digits and semicolons, m.
fn is_coloured(text: &str) -> bool {
    let is_style = |rest: &str| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m');
    text.split("\u{1b}[").skip(1).any(is_style)
}

#[test]
fn no_color_is_obeyed() {
    let folder = small();
    let folder = folder.path();
    let calls: [(&[&str], &str); 3] = [
        (&["dump", "nowhere.db"], "graphferry:"),
        (&["restore", "small.jsonl", "new.db"], "restored"),
        (&["restore", "--help"], "Usage:"),
    ];
    for (words, expected) in calls {
        for (variables, colours) in [
            (&[][..], true),
            (&[("NO_COLOR", "1")][..], false),
            (&[("TERM", "dumb")], false),
            (&[("NO_COLOR", "")], true),
        ] {
            let _ = std::fs::remove_file(folder.join("new.db"));
            let text = shown(folder, words, variables);
            assert!(text.contains(expected), "{words:?}: {text:?}");
            assert_eq!(is_coloured(&text), colours, "{words:?} with {variables:?}: {text:?}");
        }
    }
    // No terminal, no colours, whatever it is.
    let refused = run(folder, ["dump", "nowhere.db"]);
    assert!(refused.stderr.contains("graphferry:") && !is_coloured(&refused.stderr), "{}", refused.stderr);
}
