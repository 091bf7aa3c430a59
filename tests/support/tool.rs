//! The `graphferry` command as a user runs it. What goes wrong is told with the command and all that it printed.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A run of the command that came to its end.
#[derive(Debug)]
pub struct Run {
    /// The command line.
    pub command: String,
    /// The exit code; -1 after a signal.
    pub code: i32,
    /// What came to stdout.
    pub stdout: Vec<u8>,
    /// What came to stderr.
    pub stderr: String,
}

/// The command, with nothing of the tester's environment that it would heed.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_graphferry"));
    command.current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GRAPHFERRY_")) {
        command.env_remove(name);
    }
    if let Ok(password) = std::env::var("GRAPHFERRY_TEST_PASSWORD") {
        command.env("GRAPHFERRY_PASSWORD", password);
    }
    command
}

/// Runs `graphferry` in a folder.
pub fn run<S: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = S>) -> Run {
    let mut command = command(folder);
    command.args(arguments);
    let output = command.output().unwrap();
    finish(&command, output)
}

/// Wraps what a command gave.
pub fn finish(command: &Command, output: Output) -> Run {
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
    Run {
        command: format!("graphferry {}", words.join(" ")),
        code: output.status.code().unwrap_or(-1),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Run {
    /// Panics unless the command ended with this exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        let stdout = String::from_utf8_lossy(&self.stdout);
        let stdout: String = stdout.chars().take(2000).collect();
        assert_eq!(self.code, code, "$ {}\nstdout: {stdout}\nstderr: {}", self.command, self.stderr);
        self
    }

    /// stdout as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// Waits until no test of another program uses the server of HugeGraph, and keeps them waiting until the file is dropped: one of them kills it.
#[must_use]
pub fn hugegraph_alone() -> std::fs::File {
    let file = std::fs::File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("hugegraph.lock")).unwrap();
    file.lock().unwrap();
    file
}
