//! APOC's Cypher and JSON, with a mapping: whatever the bytes, the reader gives blocks or an error.
#![no_main]

use graphferry::format::{Mapping, apoc};
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

const MAPPING: &str = r#"{"nodePropertyMappings": {"*": {"a": "Localdate|Offsettime|Zoneddatetime|Duration|String", "p": "Point", "b": "Bytes|Float"}}}"#;

fuzz_target!(|data: &[u8]| {
    let Ok(mapping) = Mapping::parse(MAPPING) else { return };
    let json = apoc::json(Box::new(Cursor::new(data.to_vec())), mapping);
    let cypher = apoc::cypher(Box::new(Cursor::new(data.to_vec())));
    for mut decoder in [json, cypher].into_iter().flatten() {
        while let Ok(Some(_)) = decoder.next() {}
    }
});
