-- The layout of the embedded store, format 1. docs/embedded-store.md describes it.

CREATE TABLE graphferry (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Every combination of labels that occurs, as a JSON array in the order of the source; [] for none.
CREATE TABLE label_sets (
    id     INTEGER PRIMARY KEY,
    labels TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE types (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE nodes (
    id         INTEGER PRIMARY KEY,
    label_set  INTEGER NOT NULL REFERENCES label_sets (id),
    properties BLOB NOT NULL
) STRICT;

CREATE TABLE relationships (
    id         INTEGER PRIMARY KEY,
    type       INTEGER NOT NULL REFERENCES types (id),
    start_node INTEGER NOT NULL REFERENCES nodes (id),
    end_node   INTEGER NOT NULL REFERENCES nodes (id),
    properties BLOB NOT NULL
) STRICT;

-- Every property key that was ever written.
CREATE TABLE property_keys (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE schema_objects (
    id          INTEGER PRIMARY KEY,
    description TEXT NOT NULL,
    definition  TEXT NOT NULL
) STRICT;

-- What the uniqueness and key constraints have seen. key: the values in PackStream, or 0xDF and their BLAKE3 hash where they are long.
CREATE TABLE unique_keys (
    constraint_id INTEGER NOT NULL REFERENCES schema_objects (id),
    key           BLOB NOT NULL,
    item          INTEGER NOT NULL,
    PRIMARY KEY (constraint_id, key)
) STRICT, WITHOUT ROWID;
