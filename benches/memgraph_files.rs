//! How fast a snapshot of Memgraph is read and dumped. The snapshot is made here, from the description of the format (tests/support/durability.rs).
//!
//! ```text
//! cargo bench --bench memgraph_files -- 1000000 4000000
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

#[path = "../tests/support/durability.rs"]
mod durability;

use durability::Sections;
use graphferry::backend::memgraph_files::{Options, open_source};
use graphferry::model::Class;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let numbers: Vec<u64> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let [nodes, relationships] = numbers[..] else {
        println!("usage: memgraph_files NODES RELATIONSHIPS");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("20261121120000000000_timestamp_100");
    durability::snapshot(&path, nodes, relationships, &Sections::default());
    let items = nodes + relationships;
    let size = std::fs::metadata(&path).unwrap().len();
    let report = |what: &str, mut times: Vec<f64>, extra: &str| {
        times.sort_by(f64::total_cmp);
        let (low, median, high) = (times[0], times[times.len() / 2], times[times.len() - 1]);
        let rate = items as f64 / median;
        println!(
            r#"{{"what":"{what}","items":{items},"bytes":{size},"s":{median:.3},"low":{low:.3},"high":{high:.3},"items_per_s":{rate:.0}{extra}}}"#
        );
    };
    let mut scans = Vec::new();
    for _ in 0..3 {
        let since = Instant::now();
        let mut source = open_source(&path, &Options::default()).unwrap();
        let mut snapshot = source.snapshot(None).unwrap();
        let mut found = 0;
        for class in [Class::Nodes, Class::Relationships] {
            snapshot
                .scan(class, &mut |block| {
                    found += block.len() as u64;
                    Ok(())
                })
                .unwrap();
        }
        assert_eq!(found, items);
        scans.push(since.elapsed().as_secs_f64());
    }
    report("scan to blocks, one thread", scans, "");
    for format in ["jsonl", "cypherl"] {
        let (mut walls, mut processor, mut memory) = (Vec::new(), Vec::new(), 0);
        for _ in 0..3 {
            let since = Instant::now();
            let (cpu, peak) = dump(&path, format);
            walls.push(since.elapsed().as_secs_f64());
            processor.push(cpu);
            memory = memory.max(peak);
        }
        processor.sort_by(f64::total_cmp);
        let extra = format!(
            r#","cpu_s":{:.2},"items_per_cpu_s":{:.0},"peak_kib":{memory},"bytes_a_node":{:.1}"#,
            processor[1],
            items as f64 / processor[1],
            memory as f64 * 1024.0 / nodes as f64
        );
        report(&format!("dump to {format}, zstd"), walls, &extra);
    }
}

/// Seconds of processor time and KiB at the peak, as GNU time tells them.
fn dump(path: &Path, format: &str) -> (f64, u64) {
    let out = path.with_file_name(format!("out.{format}.zst"));
    let mut command = Command::new("time");
    command.args(["-f", "%U %S %M", env!("CARGO_BIN_EXE_graphferry"), "dump", "-q", "--force", "--jobs", "1", "-o"]);
    let output = command.arg(&out).arg(format!("memgraph-files:{}", path.display())).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    let numbers: Vec<f64> = text.split_whitespace().rev().take(3).map(|word| word.parse().unwrap()).collect();
    (numbers[1] + numbers[2], numbers[0] as u64)
}
