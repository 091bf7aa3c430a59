//! Every Bolt version that we speak, against a real server: a proxy narrows our offer to one version, and the torture graph goes through it both
//! ways, equal by a witness that is not our client.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

use crate::support;

use support::neo4j::{Neo4j, TURN};
use support::proxy::narrowed;
use support::tool::run;

/// The offer of one version, as the handshake writes it.
fn only(major: u8, minor: u8) -> [u8; 20] {
    let mut offer = [0; 20];
    offer[..4].copy_from_slice(&[0x60, 0x60, 0xB0, 0x17]);
    offer[4..8].copy_from_slice(&[0, 0, minor, major]);
    offer
}

#[test]
fn every_version_carries_every_value() {
    let (_turn, source, target, folder) = (TURN.lock(), Neo4j::source(), Neo4j::target(), tempfile::tempdir().unwrap());
    source.build_torture();
    let before = source.witness();
    for (major, minor) in [(4, 2), (4, 3), (4, 4), (5, 0), (5, 1), (5, 4), (5, 8)] {
        target.wipe();
        let (from, to) = (narrowed(&source.url, only(major, minor)), narrowed(&target.url, only(major, minor)));
        let copied = run(folder.path(), ["copy", &from.url, &to.url]).expect(0);
        assert!(copied.stderr.contains("106 nodes"), "{}", copied.stderr);
        let spoken = (from.answer(), to.answer());
        assert_eq!(
            spoken,
            ([0, 0, minor, major], [0, 0, minor, major]),
            "the servers spoke the version that was asked for"
        );
        before.assert_same(&target.witness());
    }
}

#[test]
fn bolt_6_with_a_calendar_version() {
    let Some(calendar) = Neo4j::calendar() else {
        eprintln!("GRAPHFERRY_TEST_NEO4J_CALENDAR is not set: there is no JDK of 21 or newer");
        return;
    };
    let (_turn, source, folder) = (TURN.lock(), Neo4j::source(), tempfile::tempdir().unwrap());
    source.wipe();
    source
        .run("CREATE (:A {f: 1.0, d: datetime('2024-10-27T02:30:00+01:00[Europe/Stockholm]')})-[:T {l: [1, 2]}]->(:B)");
    calendar.wipe();
    let to = narrowed(&calendar.url, only(6, 0));
    run(folder.path(), ["copy", &source.url, &to.url]).expect(0);
    assert_eq!(to.answer(), [0, 0, 0, 6]);
    let (before, after) = (source.witness(), calendar.witness());
    assert_eq!((before.nodes, before.relationships), (after.nodes, after.relationships));
}
