//! The archive: whatever the bytes, the reader gives blocks or an error.
#![no_main]

use graphferry::format::archive;
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

fuzz_target!(|data: &[u8]| {
    if let Ok(mut decoder) = archive::decoder(Box::new(Cursor::new(data.to_vec()))) {
        while let Ok(Some(_)) = decoder.next() {}
    }
});
