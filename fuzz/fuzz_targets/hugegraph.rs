//! No backup of HugeGraph makes the reader panic: the files are divided by empty lines, the last two are archives.
#![no_main]

use graphferry::format::{DecoderOptions, Files, Seekable, folder_decoder};
use graphferry::{Error, Result};
use libfuzzer_sys::fuzz_target;
use std::io::{Cursor, Read};

struct Parts(Vec<Vec<u8>>);

const NAMES: [&str; 8] =
    ["propertykeys", "vertexlabels", "edgelabels", "vertices0", "edges1", "indexlabels", "vertices2.zip", "edges3.zip"];

impl Files for Parts {
    fn open(&self, name: &str) -> Result<Box<dyn Read + Send>> {
        Ok(Box::new(self.seek(name)?))
    }

    fn names(&self) -> Result<Vec<String>> {
        Ok(NAMES.iter().take(self.0.len().max(2)).map(|name| (*name).to_owned()).collect())
    }

    fn seek(&self, name: &str) -> Result<Box<dyn Seekable>> {
        let at = NAMES.iter().position(|known| *known == name).ok_or_else(|| Error::usage("no such file"))?;
        Ok(Box::new(Cursor::new(self.0.get(at).cloned().unwrap_or_default())))
    }
}

fuzz_target!(|data: &[u8]| {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    let mut rest = data;
    while let (Some(at), true) = (rest.windows(2).position(|pair| pair == b"\n\n"), parts.len() + 1 < NAMES.len()) {
        parts.push(rest[..at + 1].to_vec());
        rest = &rest[at + 2..];
    }
    parts.push(rest.to_vec());
    for skip_dangling in [false, true] {
        let options = DecoderOptions { skip_dangling, ..DecoderOptions::default() };
        let Ok(mut decoder) = folder_decoder(Box::new(Parts(parts.clone())), &options) else { return };
        while let Ok(Some(_)) = decoder.next() {}
    }
});
