#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::cypher::schema;

/// Reads a statement and writes it again.
fn again(dialect: Dialect, text: &str) -> String {
    match read(dialect, text, true) {
        Ok(Some(Ddl::Object(object))) => schema::create(dialect, &object).unwrap().join(";"),
        Ok(Some(Ddl::Paused(name))) => format!("paused {name}"),
        Ok(None) => "unknown".to_owned(),
        Err((at, error)) => format!("{at}: {error}"),
    }
}

#[test]
fn statements_survive_being_read_and_written() {
    for text in [
        "CREATE INDEX ON :`tick``label`",
        "CREATE INDEX ON :`Maps`(`nested`.`x`.`y`)",
        "CREATE INDEX ON :`Maps`(`simple`.`a`, `weird key`.`a b`)",
        "CREATE INDEX ON :`Person`(`name`, `age`)",
        "CREATE INDEX ON :`desc`(`a`, `b`) WITH CONFIG {\"order\": \"DESC\"}",
        "CREATE TEXT INDEX `docIndex` ON :`Doc`",
        "CREATE TEXT INDEX `docTitle` ON :`Doc`(`title`, `body`)",
        "CREATE TEXT EDGE INDEX `text_edge_index` ON :`TEXT_REL`(`prop1`, `prop2`)",
        "CREATE POINT INDEX ON :`Person`(`loc`)",
        "CREATE VECTOR INDEX `v 2` ON :`Doc`(`vec 2`) WITH CONFIG { \"dimension\": 2, \"metric\": \"cos\", \"capacity\": 10 }",
        "CREATE VECTOR INDEX `v` ON (`w`) WITH CONFIG { \"dimension\": 2, \"capacity\": 10 }",
        "CREATE VECTOR INDEX `v` ON :`A`|`B`(`w`) WITH CONFIG { \"dimension\": 2, \"capacity\": 10 }",
        "CREATE VECTOR INDEX `v` ON :`A`&`B`(`w`) WITH CONFIG { \"dimension\": 2, \"capacity\": 10 }",
        "CREATE VECTOR EDGE INDEX `v` ON :`T`(`w`) WITH CONFIG { \"dimension\": 2, \"capacity\": 10 }",
        "CREATE CONSTRAINT ON (u:`Person`) ASSERT EXISTS (u.`na``me`)",
        "CREATE CONSTRAINT ON (u:`Person`) ASSERT u.`name`, u.`age` IS UNIQUE",
        "CREATE CONSTRAINT ON (u:`Scalar`) ASSERT u.`b` IS TYPED BOOLEAN",
        "CREATE CONSTRAINT ON (u:`Scalar`) ASSERT u.`b` IS TYPED ZONEDDATETIME",
        "CREATE EDGE INDEX ON :`KNOWS`",
        "CREATE EDGE INDEX ON :`KNOWS`(`since`)",
        "CREATE GLOBAL EDGE INDEX ON :(`since`)",
        "CREATE ENUM Status VALUES { Good, `a b`, `t``k` }",
        "CREATE TRIGGER `weird trigger` SECURITY INVOKER ON () UPDATE BEFORE COMMIT EXECUTE RETURN 1",
        "CREATE TRIGGER t ON --> DELETE AFTER COMMIT EXECUTE MATCH (n)\nWHERE n.x = 1 // it's; a comment\nRETURN n",
        "CREATE TRIGGER t_any BEFORE COMMIT EXECUTE /* first */ CREATE (:Log {at: 'x'})",
        "ENABLE TTL EVERY \"1000s\" AT \"12:00:00\"",
        "ENABLE TTL AT \"12:00:00\"",
        "SET DESCRIPTION ON LABEL :`a``\"b` :`c` \"it\\'s \\\"x\\\"\"",
        "SET DESCRIPTION ON EDGE TYPE PROPERTY (:`A`)-[:`T`]->(:`C`)(`p`) \"x\"",
    ] {
        assert_eq!(again(Dialect::Memgraph, text), text);
    }
    for text in [
        "CREATE RANGE INDEX `i` FOR (n:`L`) ON (n.`a`, n.`b``\\u005Cc`)",
        "CREATE RANGE INDEX FOR (n:`L`) ON (n.`a`)",
        "CREATE TEXT INDEX `i` FOR ()-[r:`T`]-() ON (r.`p`)",
        "CREATE POINT INDEX `p` FOR (n:`L`) ON (n.`p`) OPTIONS {indexConfig: {`spatial.cartesian.min`: [-1.0, 0.5]}}",
        "CREATE FULLTEXT INDEX `f` FOR (n:`A`|`B`) ON EACH [n.`p`, n.`q`] OPTIONS {indexConfig: {`fulltext.analyzer`: \"it's\"}}",
        "CREATE VECTOR INDEX `v` FOR ()-[r:`T`]-() ON (r.`p`) OPTIONS {indexConfig: {`vector.dimensions`: 3}}",
        "CREATE LOOKUP INDEX `l` FOR (n) ON EACH labels(n)",
        "CREATE LOOKUP INDEX `l` FOR ()-[r]-() ON EACH type(r)",
        "CREATE CONSTRAINT `c` FOR (n:`L`) REQUIRE (n.`a`, n.`b`) IS UNIQUE",
        "CREATE CONSTRAINT `c` FOR (n:`L`) REQUIRE (n.`a`) IS UNIQUE OPTIONS {indexConfig: {`x`: 1}}",
        "CREATE CONSTRAINT `c` FOR ()-[r:`T`]-() REQUIRE (r.`a`) IS NOT NULL",
        "CREATE CONSTRAINT `c` FOR (n:`L`) REQUIRE (n.`a`) IS NODE KEY",
        "CREATE CONSTRAINT `c` FOR ()-[r:`T`]-() REQUIRE (r.`a`) IS RELATIONSHIP KEY",
        "CREATE CONSTRAINT `c` FOR (n:`L`) REQUIRE (n.`a`) IS :: LIST<INTEGER NOT NULL>",
        "CALL apoc.trigger.install(\"neo4j\", \"t\\\"1\", \"RETURN 'x' // c\\n;\", {`phase`: \"after\"}, {params: {`x`: 1}})",
    ] {
        assert_eq!(again(Dialect::Neo4j, text), text);
    }
}

#[test]
fn other_spellings_of_the_same() {
    for (dialect, text, expected) in [
        (Dialect::Memgraph, "create index on :Person(id)", "CREATE INDEX ON :`Person`(`id`)"),
        (
            Dialect::Memgraph,
            "CREATE CONSTRAINT ON (p:L) ASSERT p.x IS TYPED LOCAL DATE TIME",
            "CREATE CONSTRAINT ON (u:`L`) ASSERT u.`x` IS TYPED LOCALDATETIME",
        ),
        (
            Dialect::Memgraph,
            "CREATE CONSTRAINT ON (u:`L`) ASSERT u.`x` IS TYPED BOOL",
            "CREATE CONSTRAINT ON (u:`L`) ASSERT u.`x` IS TYPED BOOLEAN",
        ),
        (
            Dialect::Memgraph,
            "CREATE ENUM My Enum VALUES { a b, t`k }",
            "CREATE ENUM `My Enum` VALUES { `a b`, `t``k` }",
        ),
        (
            Dialect::Memgraph,
            "CREATE TRIGGER weird trigger ON ANY AFTER COMMIT EXECUTE RETURN 1",
            "CREATE TRIGGER `weird trigger` AFTER COMMIT EXECUTE RETURN 1",
        ),
        (Dialect::Neo4j, "CREATE INDEX foo FOR (x:A) ON (x.p)", "CREATE RANGE INDEX `foo` FOR (n:`A`) ON (n.`p`)"),
        (
            Dialect::Neo4j,
            "CREATE CONSTRAINT FOR (n:A) REQUIRE n.p IS UNIQUE",
            "CREATE CONSTRAINT FOR (n:`A`) REQUIRE (n.`p`) IS UNIQUE",
        ),
        (Dialect::Neo4j, "CALL apoc.trigger.stop('neo4j', 't')", "paused t"),
        // Not ours to judge: these mean something else than an object.
        (Dialect::Neo4j, "CREATE INDEX foo IF NOT EXISTS FOR (n:A) ON (n.p)", "unknown"),
        (Dialect::Neo4j, "CREATE RANGE INDEX i FOR (n:A) ON (m.p)", "unknown"),
        (Dialect::Neo4j, "CALL apoc.trigger.install('neo4j', $name, 'x', {}, {params: {}})", "unknown"),
        (Dialect::Memgraph, "CREATE INDEX ON :A(b) RETURN 1", "unknown"),
        (Dialect::Memgraph, "CREATE INDEX ON :`a", "17: the dump ends inside of a name in backticks that begins here"),
    ] {
        assert_eq!(again(dialect, text), expected, "{text}");
    }
}
