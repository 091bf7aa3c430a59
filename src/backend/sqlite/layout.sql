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

-- Properties: a JSON object; what JSON has no type for is an object with one key that begins with $, such as
-- {"$date":"2024-05-01"}.
CREATE TABLE nodes (
    id         INTEGER PRIMARY KEY,
    label_set  INTEGER NOT NULL REFERENCES label_sets (id),
    properties TEXT NOT NULL
) STRICT;

CREATE TABLE relationships (
    id         INTEGER PRIMARY KEY,
    type       INTEGER NOT NULL REFERENCES types (id),
    start_node INTEGER NOT NULL REFERENCES nodes (id),
    end_node   INTEGER NOT NULL REFERENCES nodes (id),
    properties TEXT NOT NULL
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

-- What the uniqueness and key constraints have seen. key: the values in PackStream, or 0xDF and their BLAKE3 hash
-- where they are long.
CREATE TABLE unique_keys (
    constraint_id INTEGER NOT NULL REFERENCES schema_objects (id),
    key           BLOB NOT NULL,
    item          INTEGER NOT NULL,
    PRIMARY KEY (constraint_id, key)
) STRICT, WITHOUT ROWID;

-- For people. Nothing below is used by graphferry itself.

CREATE VIEW all_nodes (id, labels, properties) AS
    SELECT nodes.id, label_sets.labels, nodes.properties
    FROM nodes JOIN label_sets ON label_sets.id = nodes.label_set;

CREATE VIEW all_relationships (id, type, start_node, end_node, properties) AS
    SELECT relationships.id, types.name, start_node, end_node, properties
    FROM relationships JOIN types ON types.id = relationships.type;

-- One row a node and label.
CREATE VIEW node_labels (node, label) AS
    SELECT nodes.id, each.value
    FROM nodes JOIN label_sets ON label_sets.id = nodes.label_set, json_each(label_sets.labels) AS each;

-- One row a node and property.
CREATE VIEW node_properties (node, key, type, value) AS
    SELECT id, key,
        CASE type
            WHEN 'text' THEN 'string' WHEN 'real' THEN 'float' WHEN 'array' THEN 'list' WHEN 'true' THEN 'boolean'
            WHEN 'false' THEN 'boolean' WHEN 'object' THEN iif(tag LIKE '$%', substr(tag, 2), 'map') ELSE type END,
        iif(type = 'object' AND tag LIKE '$%', (SELECT member.value FROM json_each(property) AS member), property)
    FROM (
        SELECT nodes.id, each.key, each.type, each.value AS property,
            CASE each.type WHEN 'object' THEN (SELECT member.key FROM json_each(each.value) AS member) END AS tag
        FROM nodes, json_each(nodes.properties) AS each);

-- One row a relationship and property.
CREATE VIEW relationship_properties (relationship, key, type, value) AS
    SELECT id, key,
        CASE type
            WHEN 'text' THEN 'string' WHEN 'real' THEN 'float' WHEN 'array' THEN 'list' WHEN 'true' THEN 'boolean'
            WHEN 'false' THEN 'boolean' WHEN 'object' THEN iif(tag LIKE '$%', substr(tag, 2), 'map') ELSE type END,
        iif(type = 'object' AND tag LIKE '$%', (SELECT member.value FROM json_each(property) AS member), property)
    FROM (
        SELECT relationships.id, each.key, each.type, each.value AS property,
            CASE each.type WHEN 'object' THEN (SELECT member.key FROM json_each(each.value) AS member) END AS tag
        FROM relationships, json_each(relationships.properties) AS each);

CREATE VIEW label_counts (label, nodes) AS
    SELECT each.value, sum(how_many.count)
    FROM (SELECT label_set, count(*) AS count FROM nodes GROUP BY label_set) AS how_many
    JOIN label_sets ON label_sets.id = how_many.label_set, json_each(label_sets.labels) AS each
    GROUP BY each.value;

CREATE VIEW type_counts (type, relationships) AS
    SELECT types.name, how_many.count
    FROM (SELECT type, count(*) AS count FROM relationships GROUP BY type) AS how_many
    JOIN types ON types.id = how_many.type;
