//! No CSV makes the reader panic: arguments up to the first empty line, then a file that is the nodes', and after the next one the relationships'.
#![no_main]

use graphferry::format::{Files, csv};
use graphferry::{Error, Result};
use libfuzzer_sys::fuzz_target;
use std::io::{Cursor, Read};

struct Parts(Vec<Vec<u8>>);

const NAMES: [&str; 3] = [csv::ARGUMENTS, "nodes.csv", "relationships.csv"];

impl Files for Parts {
    fn open(&self, name: &str) -> Result<Box<dyn Read + Send>> {
        let at = NAMES.iter().position(|known| *known == name).ok_or_else(|| Error::usage("no such file"))?;
        Ok(Box::new(Cursor::new(self.0.get(at).cloned().unwrap_or_default())))
    }

    fn names(&self) -> Result<Vec<String>> {
        Ok(NAMES.map(str::to_owned).to_vec())
    }
}

fuzz_target!(|data: &[u8]| {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    let mut rest = data;
    while let (Some(at), true) = (rest.windows(2).position(|pair| pair == b"\n\n"), parts.len() < 2) {
        parts.push(rest[..at + 1].to_vec());
        rest = &rest[at + 2..];
    }
    parts.push(rest.to_vec());
    if let Some(arguments) = parts.first_mut() {
        arguments.extend_from_slice(b"\n--nodes=A=nodes.csv\n--relationships=R=relationships.csv\n");
    }
    let Ok(mut decoder) = csv::decoder(Box::new(Parts(parts))) else { return };
    while let Ok(Some(_)) = decoder.next() {}
});
