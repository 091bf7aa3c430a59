//! The `graphferry` command: parse, run, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    graphferry::cli::main()
}
