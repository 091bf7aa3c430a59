//! No CSV makes the reader panic: arguments up to the first empty line, then a file that is the nodes', and after the next one the relationships'. All of it once
//! more as rows of the form for LOAD CSV, under a header with every type.
#![no_main]

use graphferry::format::{Files, csv};
use graphferry::{Error, Result};
use libfuzzer_sys::fuzz_target;
use std::io::{Cursor, Read};

struct Parts(Vec<Vec<u8>>);

/// The folder of the form for LOAD CSV.
struct Loaded(String, Vec<u8>);

impl Files for Loaded {
    fn open(&self, name: &str) -> Result<Box<dyn Read + Send>> {
        let bytes = if name == csv::MANIFEST { self.0.clone().into_bytes() } else { self.1.clone() };
        Ok(Box::new(Cursor::new(bytes)))
    }

    fn names(&self) -> Result<Vec<String>> {
        Ok(vec![csv::MANIFEST.to_owned(), "f.csv".to_owned()])
    }
}

/// The manifest of a file of nodes or relationships with a column of each type, and one of lists of it.
fn manifest(class: &str) -> String {
    let types = [
        "boolean",
        "long",
        "double",
        "string",
        "date",
        "localtime",
        "time",
        "localdatetime",
        "datetime",
        "duration",
        "point",
    ];
    let column = |kind: &str, list: bool| format!(r#"{{"key":"{kind}{list}","type":"{kind}","list":{list}}}"#);
    let columns: Vec<_> = types.iter().flat_map(|kind| [column(kind, false), column(kind, true)]).collect();
    let header = serde_json::to_string(&graphferry::model::Header::default()).unwrap_or_default();
    let tally = serde_json::to_string(&graphferry::model::Tally::default()).unwrap_or_default();
    format!(
        r#"{{"format":"csv","version":2,"header":{header},"schema":[],"members":[],"tally":{tally},"load":{{"dialect":"neo4j","tables":[{{"file":"f.csv","class":"{class}","names":["A"],"columns":[{}]}}]}}}}"#,
        columns.join(",")
    )
}

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
    for class in ["node", "relationship"] {
        let mut text = b"header\n".to_vec();
        text.extend_from_slice(data);
        let mut decoder = csv::decoder(Box::new(Loaded(manifest(class), text))).unwrap();
        while let Ok(Some(_)) = decoder.next() {}
    }
    let Ok(mut decoder) = csv::decoder(Box::new(Parts(parts))) else { return };
    while let Ok(Some(_)) = decoder.next() {}
});
