//! Graphs that are larger than the memory that they may take.

use crate::constraints::unique;
use crate::{fresh, map, nodes, put, relationships};
use graphferry::backend::Once;
use graphferry::backend::sqlite::{open_source, open_target};
use graphferry::model::Class;
use std::path::Path;
use std::process::Command;

const CHILD: &str = "GRAPHFERRY_TEST_LARGE_STORE";

/// Not a test of its own: the process whose memory [`memory_does_not_grow_with_the_graph`] looks at.
#[test]
fn child() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let path = Path::new(&path);
    let mut target = open_target(path).unwrap();
    let text = "0123456789".repeat(100);
    for batch in 0..300_i64 {
        let items = (0..1000).map(|n| map([("n", (batch * 1000 + n).into()), ("text", text.as_str().into())]));
        let ids = put(&*target, &nodes(&["P"], items)).unwrap();
        // Ends all over the graph.
        let ends = ids.iter().map(|id| (*id, id * 7919 % ids[999] + 1, map([("text", text.as_str().into())])));
        let ends = ends.map(|(start, end, properties)| (start, end.min(start), properties));
        target.session().unwrap().relationships(&relationships("R", ends), Once::Always, None).unwrap();
    }
    target.apply(&unique("u", &["n"])).unwrap();
    target.settle().unwrap();
    let mut source = open_source(path).unwrap();
    let mut snapshot = source.snapshot(None).unwrap();
    for class in [Class::Nodes, Class::Relationships] {
        let mut bytes = 0;
        snapshot
            .scan(class, &mut |block| {
                bytes += block.byte_len();
                Ok(())
            })
            .unwrap();
        assert!(bytes > 300_000_000);
    }
    println!("{}", std::fs::read_to_string("/proc/self/status").unwrap());
}

#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_grow_with_the_graph() {
    let (_folder, path) = fresh();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "memory::child", "--nocapture", "--test-threads=1"])
        .env(CHILD, &path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    let file = std::fs::metadata(&path).unwrap().len() / 1024;
    assert!(file > 600_000, "the graph has {file} kB");
    assert!(peak < 180_000, "{peak} kB of memory for a graph of {file} kB");
}
