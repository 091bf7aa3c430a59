"""Graphs on a real HugeGraph server, made and read over its REST interface by code that shares nothing with GraphFerry.

    hugegraph.py build URL GRAPH                make the torture graph in an empty graph
        --long-ids              with ids up to the limit of 16384 bytes: shards and pages then do not fit into a URL
    hugegraph.py read  URL GRAPH [OPTION...]    print the whole graph, one JSON object a line, sorted: two outputs compare with diff
        --scan                  list rows by shards and scan pages; else by pages of /graph/vertices and /graph/edges
        --instants              give dates as milliseconds since 1970, asked for over Gremlin; else as the server's text
        --without-create-time   leave `~create_time` out of user data
        --names-only            leave schema ids out, also from the ids of vertices and edges: for graphs that were merged
        --without-automatic     name AUTOMATIC vertices by their content instead of their id: for merges that remap them
        --data | --schema       only rows, only schema and variables
    hugegraph.py load  URL GRAPH [VERTICES EDGES] [--threads N] [--batch N] [--made]
                                                fill the graph of the bench: rows that are made up on the way, in batches of 500 from
                                                4 threads; prints rows/s. --made makes all bodies before the clock begins
    hugegraph.py drain URL GRAPH FILE [--threads N] [--page N] [--raw]
                                                the plain loop out: shards and scan pages from 4 threads, one row a line in
                                                FILE.vertices and FILE.edges; prints rows/s. --raw writes the answers as they come
                                                and decodes no row
    hugegraph.py refill URL GRAPH FILE [--threads N] [--batch N]
                                                the plain loop in, of what drain wrote: each row decoded, and sent in batches of 500
                                                from 4 threads; prints rows/s
    hugegraph.py mode  URL GRAPH [MODE]         set the mode, and print it
    hugegraph.py count URL GRAPH                print the number of vertices and of edges, by scan

URL is hugegraph://HOST:PORT or http://HOST:PORT, with USER:PASSWORD@ where the server wants it; GRAPH is a name, or GRAPHSPACE/NAME.
A "thread" of load, drain and refill is a process, or Python would take turns. Every refusal that is not expected ends the run with status 1;
503 is tried again, and how often is printed.

Python 3, standard library only.
"""

import argparse
import base64
import gzip
import hashlib
import http.client
import itertools
import json
import multiprocessing
import os
import secrets
import sys
import time
from urllib.parse import quote, unquote, urlsplit


class Refused(Exception):
    """An answer that is not 2xx."""

    def __init__(self, request, status, text):
        super().__init__(f"{request[:300]}: {status} {text[:2000]}")
        self.status, self.text = status, text


class Graph:
    """One graph of one server, over one connection."""

    def __init__(self, url, graph):
        parts = urlsplit(url)
        self.host, self.port = parts.hostname, parts.port or 8080
        self.headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
        if parts.username is not None:
            both = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self.headers["Authorization"] = "Basic " + base64.b64encode(both.encode()).decode()
        space, _, self.name = graph.rpartition("/")
        self.base = (f"/graphspaces/{quote(space)}" if space else "") + f"/graphs/{quote(self.name)}"
        self.space, self.alias = space, None
        self.connection, self.busy = None, 0

    def bytes(self, method, path, body=None, root=False):
        """The bytes of a 2xx answer. 503, and a connection that the server had let go, are tried again."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode()
        whole = path if root else self.base + path
        for attempt in range(60):
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection(self.host, self.port, timeout=300)
                self.connection.request(method, whole, body, self.headers)
                answer = self.connection.getresponse()
                data = answer.read()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.connection = None
                if attempt > 2:
                    raise
                continue
            if data[:2] == b"\x1f\x8b":
                data = gzip.decompress(data)
            if answer.getheader("Connection", "").lower() == "close":
                self.connection.close()
                self.connection = None
            if answer.status != 503:
                break
            self.busy += 1
            time.sleep(0.02 * min(attempt + 1, 10))
        if answer.status // 100 != 2:
            raise Refused(f"{method} {whole}", answer.status, data.decode("utf-8", "replace"))
        return data

    def __call__(self, method, path, body=None, root=False):
        data = self.bytes(method, path, body, root)
        return json.loads(data) if data else None

    def gremlin(self, script):
        """What a Gremlin expression with `graph` and `g` gives."""
        if self.alias is None:
            has_spaces = not self("GET", "/versions", root=True)["versions"]["core"].startswith("1.5")
            self.alias = f"{self.space or 'DEFAULT'}-{self.name}" if has_spaces else self.name
        aliases = {"graph": self.alias, "g": f"__g_{self.alias}"}
        # HugeGraph 1.7 may answer with what an earlier request asked for, hence the word; our own answer comes some requests later.
        word = secrets.token_hex(8)
        body = {"gremlin": f"['{word}', {script}]", "bindings": {}, "language": "gremlin-groovy", "aliases": aliases}
        failed = None
        for _ in range(8):
            try:
                data = self("POST", "/gremlin", body, root=True)["result"]["data"]
            except Refused as refused:
                failed = refused
                continue
            if isinstance(data, list) and len(data) == 2 and data[0] == word:
                return data[1]
        raise failed or SystemExit("the server answers other Gremlin requests than ours")

    def done(self, task):
        """Wait for a task of the server."""
        while task:
            status = self("GET", f"/tasks/{task}")["task_status"]
            if status == "success":
                return
            if status in ("failed", "cancelled"):
                raise SystemExit(f"task {task} of {self.name}: {status}")
            time.sleep(0.05)

    def pages(self, path, kind, limit):
        """All rows of a listing that is paged."""
        page = ""
        while page is not None:
            answer = self("GET", f"{path}page={quote(page, safe='')}&{limit}")
            yield from answer[kind]
            page = answer.get("page")

    def shards(self, kind):
        """The server's shards. Their bounds are keys of rows, cut here so that they fit into a URL; the last is then rounded up."""
        shards = self("GET", f"/traversers/{kind}/shards?split_size=1048576")["shards"]
        if shards[-1]["end"] == "4294967295":  # what it says of no rows
            return [{"start": "", "end": ""}]
        cut = lambda text: base64.b64encode(base64.b64decode(text)[:64]).decode()
        bounds = [cut(shard["start"]) for shard in shards]
        bounds.append(base64.b64encode(base64.b64decode(shards[-1]["end"])[:64] + bytes([255] * 8)).decode())
        return [{"start": start, "end": end} for start, end in zip(bounds, bounds[1:]) if start != end]


def scan_path(kind, shard):
    return f"/traversers/{kind}/scan?start={quote(shard['start'], safe='')}&end={quote(shard['end'], safe='')}&"


# ------------------------------------------------------------------------------------------------------------------------ build

TYPES = ["TEXT", "INT", "LONG", "FLOAT", "DOUBLE", "BOOLEAN", "BYTE", "DATE", "UUID", "BLOB"]
CARDINALITIES = ["SINGLE", "LIST", "SET"]

# Names that a path, a query or an id could trip over. HugeGraph refuses `!`, `#`, `:`, `>` and U+0000 in a name, `~` at its begin and a
# blank at its end.
ODD_KEY = "k`\"'e;y</\\ \U0001F600\u00e9"
ODD_LABEL = "la`\"'b;e<l/\\ \U0001F600"
ODD_EDGE = "ed`\"'g;e<%2F/\\ \U0001F600"
ODD_INDEX = "in`\"'d;e<x?&/\\ \U0001F600"
ODD_TEXT = "tab\t nl\n cr\r \"q\" 'a' `b` \\ / > < ! : ; ,{}[]$#%&?+= \u00e9 e\u0301 \u6f22\u5b57 \U0001F600 \u2028 \ufeff \u007f \u0001 \u0000 end "
UUIDS = ["c9a4c6b0-8f6b-4a8f-9b63-1f0f2f6a0a01", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]
ENCODED = lambda data: base64.b64encode(data).decode()
MEBIBYTE = ENCODED(hashlib.shake_256(b"a mebibyte that does not compress").digest(1 << 20))
CENTURY = 3_155_760_000_000

# By type: values as they are sent. Dates are milliseconds: as text the server would take them for its own zone's.
VALUES = {
    "TEXT": [ODD_TEXT, "", "x", "NaN", "\U0001F600" * 3, "1", "true", "x" * 70_000],
    "INT": [-(2**31), -1, 0, 1, 2**31 - 1],
    "LONG": [-(2**63), -(2**53) - 1, -1, 0, 2**53 + 1, 2**63 - 1],
    "FLOAT": ["NaN", "Infinity", "-Infinity", -0.0, 0.0, 1.4e-45, 3.4028235e38, 0.1, 16777216.0, -1.17549435e-38],
    "DOUBLE": ["NaN", "Infinity", "-Infinity", -0.0, 0.0, 5e-324, 1.7976931348623157e308, 0.1, 0.30000000000000004, 1e22, -2.2250738585072014e-308],
    "BOOLEAN": [True, False],
    "BYTE": [-128, -1, 0, 127],
    "DATE": [0, -1, 1717243200123, 1709251199123, -2208988800001, -315619199999, 253402300799999, 1711846800000, -12219292800000],
    "UUID": UUIDS,
    "BLOB": [ENCODED(bytes(range(12))), "", ENCODED(b"\x00"), ENCODED(bytes(range(256)))],
}


def key_name(kind, cardinality):
    return f"{cardinality.lower()}_{kind.lower()}"


def make_schema(g):
    every = []

    def key(name, data_type, cardinality="SINGLE", **user):
        every.append(name)
        g("POST", "/schema/propertykeys", {"name": name, "data_type": data_type, "cardinality": cardinality, "user_data": user})

    for kind in TYPES:
        for cardinality in CARDINALITIES:
            key(key_name(kind, cardinality), kind, cardinality)
    key("name", "TEXT", doc="what it is called", n=7, big=2**53 + 1, half=0.5, yes=True, list=[1, "two", None], map={"a": {"b": ODD_TEXT[:40]}})
    key("city", "TEXT")
    key("code", "TEXT")
    key("age", "INT")
    key("created", "DATE")
    key("weight", "DOUBLE")
    key(ODD_KEY, "TEXT", **{ODD_KEY: ODD_KEY})
    key(" blank", "INT")

    def vertex(name, strategy, properties, required=(), **more):
        body = {"name": name, "id_strategy": strategy, "properties": properties, "enable_label_index": True, "ttl": 0, "user_data": {}}
        body |= {"nullable_keys": [p for p in properties if p not in required], **more}
        g("POST", "/schema/vertexlabels", body)

    people = ["name", "city", "code", "age", "created", "weight", ODD_KEY]
    vertex("auto", "AUTOMATIC", every, user_data={"icon": "x", "super": 1, ODD_KEY: [ODD_LABEL, {"deep": [None, -0.5]}]})
    vertex("person", "PRIMARY_KEY", people, required=["name", "city"], primary_keys=["name", "city"])
    scalars = [key_name(kind, "SINGLE") for kind in ("INT", "LONG", "FLOAT", "DOUBLE", "BOOLEAN", "BYTE", "DATE", "UUID", "TEXT")]
    vertex("keyed", "PRIMARY_KEY", scalars, required=scalars, primary_keys=scalars)
    vertex("text", "CUSTOMIZE_STRING", people + ["single_blob", " blank"])
    vertex("number", "CUSTOMIZE_NUMBER", people, required=["age"])
    vertex("uuid", "CUSTOMIZE_UUID", people, required=["name"])
    vertex(ODD_LABEL, "CUSTOMIZE_STRING", people, user_data={ODD_LABEL: ODD_LABEL})
    vertex("quiet", "CUSTOMIZE_NUMBER", ["name"], enable_label_index=False)
    vertex("brief", "CUSTOMIZE_STRING", ["name", "created"], ttl=CENTURY)
    vertex("dated", "CUSTOMIZE_NUMBER", ["name", "created"], required=["created"], ttl=CENTURY, ttl_start_time="created")
    vertex("bare", "CUSTOMIZE_STRING", [])
    vertex("nothing", "AUTOMATIC", ["name"])

    def edge(name, source, target, properties, sort=(), **more):
        body = {"name": name, "source_label": source, "target_label": target, "properties": properties, "ttl": 0, "user_data": {}}
        body |= {"frequency": "MULTIPLE" if sort else "SINGLE", "sort_keys": list(sort), "enable_label_index": True}
        body |= {"nullable_keys": [p for p in properties if p not in sort], **more}
        g("POST", "/schema/edgelabels", body)

    edge("single", "auto", "person", ["created", "weight", "age", "name"])
    edge("multi", "person", "person", ["created", "code", "weight"], sort=["created", "code"], user_data={"k": "v", ODD_KEY: {"a": [1]}})
    edge("sorted", "number", "number", scalars + ["list_text", "set_long"], sort=scalars)
    edge("to_number", "text", "number", every)
    edge("uuids", "uuid", "uuid", ["name"])
    edge(ODD_EDGE, ODD_LABEL, "text", [ODD_KEY])
    edge("loop", "text", "text", ["name"])
    edge("brief_edge", "text", "brief", ["created", "name"], ttl=CENTURY)
    edge("dated_edge", "dated", "dated", ["created", "name"], sort=["name"], ttl=CENTURY, ttl_start_time="created", nullable_keys=[])
    edge("quiet_edge", "quiet", "bare", [], enable_label_index=False)
    edge("unused", "nothing", "nothing", [])

    def index(name, base, kind, fields, base_type="VERTEX_LABEL", **user):
        body = {"name": name, "base_type": base_type, "base_value": base, "index_type": kind, "fields": fields, "user_data": user}
        g.done(g("POST", "/schema/indexlabels", body)["task_id"])

    index("by_code", "person", "SECONDARY", ["code"])  # goes when by_code_city comes
    index("by_code_city", "person", "SECONDARY", ["code", "city"], doc="two keys", **{ODD_KEY: 1})
    index("by_name", "person", "SECONDARY", ["name"])
    index("by_odd", "text", "SECONDARY", [ODD_KEY])
    for kind in ("INT", "LONG", "FLOAT", "DOUBLE", "BYTE", "DATE"):
        index(f"range_{kind.lower()}", "auto", "RANGE", [key_name(kind, "SINGLE")])
    index("range_age", "number", "RANGE", ["age"])
    index("search_name", "text", "SEARCH", ["name"])
    index("shard_code_age", "person", "SHARD", ["code", "age"])
    index("unique_name", "uuid", "UNIQUE", ["name"])
    index("set_long_of_auto", "auto", "SECONDARY", ["set_long"])
    index(ODD_INDEX, ODD_LABEL, "SECONDARY", ["name"], **{ODD_INDEX: ODD_INDEX})
    index("edge_weight", "multi", "RANGE", ["weight"], "EDGE_LABEL")
    index("edge_age", "single", "SECONDARY", ["age"], "EDGE_LABEL")
    index("edge_text", "single", "SEARCH", ["name"], "EDGE_LABEL")
    index("edge_shard", "multi", "SHARD", ["code", "weight"], "EDGE_LABEL")


def make_vertices(long_ids):
    """Vertices, those with AUTOMATIC ids apart: they keep the ids given here only while the graph is RESTORING."""
    auto, rest = [], []

    def v(label, id_, **properties):
        (auto if label == "auto" else rest).append({"label": label, "id": id_, "properties": properties})

    ids = iter([-(2**63), -7, 0, 1, 2**53 + 1, 2**63 - 1] + list(range(1000, 2000)))
    for kind in TYPES:
        for value in VALUES[kind]:
            v("auto", next(ids), **{key_name(kind, "SINGLE"): value})
        # What an index holds of a collection has no room for a text of 70,000.
        short = [value for value in VALUES[kind] if not (isinstance(value, str) and len(value) > 10_000)]
        for cardinality in ("LIST", "SET"):
            name = key_name(kind, cardinality)
            v("auto", next(ids), **{name: []})
            v("auto", next(ids), **{name: short[:1]})
            v("auto", next(ids), **{name: short + short[::-1]})
    v("auto", next(ids), **{key_name(kind, c): VALUES[kind][0] if c == "SINGLE" else VALUES[kind][:2] for kind in TYPES for c in CARDINALITIES})
    v("auto", next(ids), single_blob=MEBIBYTE)
    v("auto", next(ids), **{ODD_KEY: ODD_TEXT, " blank": -5})
    v("auto", next(ids))

    for name in ["Al`:ice!B>`!rn", "Bob", "", "\u00e9/\\\"'", " lead", "nl\n", "\U0001F600", "5:Bob!x", "a!b`c", "``", "x" * 300]:
        v("person", None, name=name, city={"Bob": "Z\u00fcrich"}.get(name, name or "c"), code="c1", age=5, weight=0.5)
    v("person", None, name="only", city="keys")
    v("person", None, name="1", city="1", created=-1, code="", age=-5)
    for i in range(3):
        at = lambda kind: VALUES[kind][[0, -1, 1][i]] if kind != "TEXT" else ["a!b", "", "z>`"][i]
        v("keyed", None, **{key_name(kind, "SINGLE"): at(kind) for kind in ("INT", "LONG", "FLOAT", "DOUBLE", "BOOLEAN", "BYTE", "DATE", "UUID", "TEXT")})

    for id_ in ["s:1/\u00e9 1", "s2", "5", "-7", "a`b\"c>d!e:f/g?h#i%j&k\U0001F600\\l\u0001\n", "nul\u0000", UUIDS[0], f'U"{UUIDS[0]}"', "L5", " sp ", "..", "x" * 400, "\u00e9" * 150, "null", "+", "%2F"]:
        said = id_[:20].strip("\u0000")  # an index holds no U+0000
        v("text", id_, name=said, **{ODD_KEY: said})
    if long_ids:
        for size in (3000, 9000, 16384):
            v("text", "y" * size, name=str(size))
            v("text", "y" * (size - 1) + "z", name=str(size))
    v("text", "blob", single_blob=ENCODED(bytes(12)), **{" blank": 2**31 - 1})
    for id_ in [-(2**62) - 1, -8, 2, 5, 2**53 + 3, 2**62 + 1]:
        v("number", id_, age=id_ % 7, name="bignum")
    for i, id_ in enumerate(UUIDS):
        v("uuid", id_, name=f"u{i}")
    for id_ in ["odd", ODD_LABEL]:
        v(ODD_LABEL, id_, name=ODD_TEXT[:30])
    v("quiet", 77, name="quiet")
    v("quiet", 78)
    v("brief", "b1", name="still here", created=0)
    v("brief", "b2")
    v("dated", 90, name="still here", created=1577836800000)
    v("dated", 91, created=1763683200123)
    v("bare", "bare")
    return auto, rest


def make_edges(ids):
    """Edges, given the ids of the vertices by label in the order they were made."""
    rows = []

    def e(label, source, out, target, in_, **properties):
        rows.append({"label": label, "outVLabel": source, "outV": out, "inVLabel": target, "inV": in_, "properties": properties})

    people, numbers, texts, uuids = ids["person"], ids["number"], ids["text"], ids["uuid"]
    for i, out in enumerate(ids["auto"][:12]):
        e("single", "auto", out, "person", people[i % len(people)], created=i * 86_400_000 - 1, weight=VALUES["DOUBLE"][i % 11], age=i, name=f"edge {i}")
    e("single", "auto", ids["auto"][0], "person", people[-1])
    for i, code in enumerate(["c0>x", "", "`", "!", "a/b\"\\", "\U0001F600", "nl\n"]):
        e("multi", "person", people[0], "person", people[1], created=1704067200000 + i // 2, code=code, weight=float(i))
        e("multi", "person", people[i], "person", people[i], created=-1, code=code)
    for i in range(3):
        at = lambda kind: VALUES[kind][[0, -1, 1][i]] if kind != "TEXT" else ["a!b", "", "z>`"][i]
        scalars = {key_name(kind, "SINGLE"): at(kind) for kind in ("INT", "LONG", "FLOAT", "DOUBLE", "BOOLEAN", "BYTE", "DATE", "UUID", "TEXT")}
        e("sorted", "number", numbers[i], "number", numbers[-1], list_text=["b", "a", "b"], set_long=[2**53 + 1, -1], **scalars)
    for i, kind in enumerate(TYPES):
        for j, cardinality in enumerate(CARDINALITIES):
            value = VALUES[kind][0] if cardinality == "SINGLE" else VALUES[kind][:2]
            e("to_number", "text", texts[(i * 3 + j) % len(texts)], "number", numbers[(i + j) % len(numbers)], **{key_name(kind, cardinality): value})
    for out in uuids:
        for in_ in uuids:
            e("uuids", "uuid", out, "uuid", in_, name=f"{out[:4]}-{in_[:4]}")
    for out in ids[ODD_LABEL]:
        e(ODD_EDGE, ODD_LABEL, out, "text", texts[4], **{ODD_KEY: ODD_TEXT[:40]})
    for text in texts:
        e("loop", "text", text, "text", text, name="self")
    e("loop", "text", texts[0], "text", texts[1])
    e("brief_edge", "text", texts[0], "brief", "b1", created=1893456000000, name="x")
    e("dated_edge", "dated", 90, "dated", 91, created=1577836800000, name="first")
    e("dated_edge", "dated", 90, "dated", 91, created=1577836800001, name="second")
    e("quiet_edge", "quiet", 77, "bare", "bare")
    return rows


def build(g, options):
    if g("GET", "/schema/propertykeys")["propertykeys"]:
        raise SystemExit(f"{g.name} is not empty")
    make_schema(g)
    auto, rest = make_vertices(options.long_ids)
    ids = {}

    def store(kind, rows, query=""):
        for row in rows:  # a row at a time, so that a refusal names its row
            if kind == "vertices" and row["id"] is None:
                row = {k: v for k, v in row.items() if k != "id"}
            try:
                id_ = g("POST", f"/graph/{kind}/batch{query}", [row])[0]
            except Refused as refused:
                raise SystemExit(f"{json.dumps(row)[:400]}\n{refused}")
            ids.setdefault(row["label"], []).append(id_)

    g("PUT", "/mode", "RESTORING")
    store("vertices", auto)
    g("PUT", "/mode", "NONE")
    store("vertices", rest)
    edges = make_edges(ids)
    store("edges", edges, "?check_vertex=false")
    variables = {"text": ODD_TEXT[:20], "number": 2**53 + 1, "half": 0.5, "yes": True, "list": ["a", "b"], "numbers": [1, 2]}
    for name, value in variables.items():
        g("PUT", f"/variables/{quote(name, safe='')}", {"data": value})
    print(f"{len(auto) + len(rest)} vertices, {len(edges)} edges")


# ------------------------------------------------------------------------------------------------------------------------- read

SCHEMA = ["propertykeys", "vertexlabels", "edgelabels", "indexlabels"]


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


class Reader:
    """Reads a graph, and says every row in one way."""

    def __init__(self, g, options):
        self.g, self.options = g, options
        self.schema = {kind: g("GET", f"/schema/{kind}")[kind] for kind in SCHEMA}
        self.cardinality = {k["name"]: k["cardinality"] for k in self.schema["propertykeys"]}
        self.dates = {k["name"] for k in self.schema["propertykeys"] if k["data_type"] == "DATE"}
        self.strategy = {l["name"]: l["id_strategy"] for l in self.schema["vertexlabels"]}
        self.sort_keys = {l["name"]: l["sort_keys"] for l in self.schema["edgelabels"]}
        self.contents, self.instants = {}, {}

    def schema_rows(self):
        for kind in SCHEMA:
            for element in self.schema[kind]:
                row = dict(element, kind=kind)
                for unordered in ("properties", "nullable_keys", "index_labels"):
                    if unordered in row:
                        row[unordered] = sorted(row[unordered])
                if self.options.names_only:
                    del row["id"]
                if self.options.without_create_time:
                    row["user_data"] = {k: v for k, v in row["user_data"].items() if k != "~create_time"}
                yield row
        for name, value in self.g("GET", "/variables").items():
            yield {"kind": "variables", "name": name, "value": value}

    def rows(self, kind):
        if not self.options.scan:
            yield from self.g.pages(f"/graph/{kind}?", kind, "limit=500")
            return
        for shard in self.g.shards(kind):
            yield from self.g.pages(scan_path(kind, shard), kind, "page_limit=500")

    def ask_instants(self, kind):
        """The dates of all rows as milliseconds, by label, id and key."""
        script = (
            f"g.{'V' if kind == 'vertices' else 'E'}().toList().collectMany {{ e -> e.properties().toList().collectMany {{ p -> def v = p.value();"
            "def ms = v instanceof Date ? v.getTime() : v instanceof Collection && v.any { it instanceof Date } ? v.collect { it.getTime() } : null;"
            "ms == null ? [] : [[e.label(), e.id().toString(), p.key(), ms]] } }"
        )
        self.instants = {(label, id_, key): ms for label, id_, key, ms in self.g.gremlin(script)}

    def properties(self, row):
        said = {}
        for name, value in row["properties"].items():
            if self.options.instants and name in self.dates and value != []:
                value = self.instants[row["label"], str(row["id"]), name]
            if self.cardinality[name] == "SET":
                value = sorted(value, key=canonical)
            said[name] = value
        return said

    def vertex_id(self, label, id_):
        strategy = self.strategy.get(label)
        if strategy == "AUTOMATIC" and self.options.without_automatic:
            return {"content": self.contents.get((label, id_), "dangling")}
        if strategy == "PRIMARY_KEY" and self.options.names_only:
            return {"key": id_.partition(":")[2]}
        return id_

    def vertex(self, row):
        said = {"kind": "vertices", "label": row["label"], "properties": self.properties(row)}
        if self.strategy[row["label"]] == "AUTOMATIC" and self.options.without_automatic:
            self.contents[row["label"], row["id"]] = hashlib.sha256(canonical(said).encode()).hexdigest()
        return said | {"id": self.vertex_id(row["label"], row["id"])}

    def edge(self, row):
        said = {"kind": "edges", "label": row["label"], "properties": self.properties(row)}
        for end in ("outV", "inV"):
            label = row[end + "Label"]
            said[end], said[end + "Label"] = self.vertex_id(label, row[end]), label
        if not self.options.names_only and not self.options.without_automatic:
            said["id"] = row["id"]
        return said

    def data_rows(self):
        for kind, say in (("vertices", self.vertex), ("edges", self.edge)):
            if self.options.instants:
                self.ask_instants(kind)
            for row in self.rows(kind):
                yield say(row)


def read(g, options):
    reader = Reader(g, options)
    lines = []
    if not options.data:
        lines += sorted(canonical(row) for row in reader.schema_rows())
    if not options.schema:
        lines += sorted(canonical(row) for row in reader.data_rows())
    sys.stdout.writelines(line + "\n" for line in lines)


# ------------------------------------------------------------------------------------------------------------------------ bench


def bench_vertex(i):
    properties = {"name": f"person {i}", "age": i * 7919 % 100, "score": i / 3, "created": 1_600_000_000_000 + i}
    return {"label": "person", "id": i, "properties": properties}


def bench_edge(i, vertices):
    out = i % vertices
    in_ = (out + 1 + i // vertices * 7) % vertices
    properties = {"since": 1_600_000_000_000 + i, "weight": i / 7}
    return {"label": "knows", "outV": out, "inV": in_, "outVLabel": "person", "inVLabel": "person", "properties": properties}


def bench_schema(g):
    for name, kind in (("name", "TEXT"), ("age", "INT"), ("score", "DOUBLE"), ("created", "DATE"), ("since", "DATE"), ("weight", "DOUBLE")):
        g("POST", "/schema/propertykeys", {"name": name, "data_type": kind, "cardinality": "SINGLE"})
    g("POST", "/schema/vertexlabels", {"name": "person", "id_strategy": "CUSTOMIZE_NUMBER", "properties": ["name", "age", "score", "created"]})
    g("POST", "/schema/edgelabels", {"name": "knows", "source_label": "person", "target_label": "person", "properties": ["since", "weight"]})
    body = {"name": "by_age", "base_type": "VERTEX_LABEL", "base_value": "person", "index_type": "RANGE", "fields": ["age"]}
    g.done(g("POST", "/schema/indexlabels", body)["task_id"])


def load_bodies(kind, first, end, step, batch, vertices):
    for start in range(first * batch, end, step * batch):
        part = range(start, min(start + batch, end))
        yield json.dumps([bench_vertex(i) if kind == "vertices" else bench_edge(i, vertices) for i in part]).encode()


def load_part(job):
    url, graph, kind, first, end, step, batch, vertices, made = job
    g = Graph(url, graph)
    query = "?check_vertex=false" if kind == "edges" else ""
    bodies = load_bodies(kind, first, end, step, batch, vertices)
    if made:
        bodies = list(bodies)
        barrier.wait()
    begun, rows = time.monotonic(), 0
    for body in bodies:
        rows += len(g("POST", f"/graph/{kind}/batch{query}", body))
    return rows, g.busy, begun, time.monotonic()


def together(with_barrier):
    global barrier
    barrier = with_barrier


def report(what, rows, seconds, busy):
    print(f"{what}: {rows} rows in {seconds:.2f} s, {rows / seconds:.0f} rows/s, {busy} answers 503")


def load(g, options):
    def jobs(kind, n):
        end = options.vertices if kind == "vertices" else options.edges
        return [(options.url, options.graph, kind, at, end, n, options.batch, options.vertices, options.made) for at in range(n)]

    rows = store(g, "load", load_part, jobs, options.threads)
    if rows != [options.vertices, options.edges]:
        raise SystemExit(f"stored {rows}")


def store(g, what, part, jobs, n):
    """Fills an empty graph with the bench's rows, vertices before edges, from `n` processes."""
    bench_schema(g)
    counts, whole = [], 0.0
    with multiprocessing.Pool(n, together, [multiprocessing.Barrier(n)]) as pool:
        for kind in ("vertices", "edges"):
            done = pool.map(part, jobs(kind, n), chunksize=1)
            counts.append(sum(rows for rows, *_ in done))
            # The clock is one for all processes.
            seconds = max(end for *_, end in done) - min(begun for *_, begun, _ in done)
            whole += seconds
            report(f"{what} {kind}", counts[-1], seconds, sum(busy for _, busy, *_ in done))
    report(f"{what} all", sum(counts), whole, 0)
    return counts


def lines_between(name, begin, end):
    """The lines of a file that begin in a range of its bytes."""
    with open(name, "rb") as file:
        file.seek(max(begin - 1, 0))
        if begin > 0:
            file.readline()
        while file.tell() < end and (line := file.readline()):
            yield line


def refill_part(job):
    url, graph, kind, name, begin, end, batch = job
    g = Graph(url, graph)
    query = "?check_vertex=false" if kind == "edges" else ""
    begun, stored, lines = time.monotonic(), 0, lines_between(name, begin, end)
    while rows := [json.loads(line) for line in itertools.islice(lines, batch)]:
        stored += len(g("POST", f"/graph/{kind}/batch{query}", rows))
    return stored, g.busy, begun, time.monotonic()


def refill(g, options):
    def jobs(kind, n):
        name = f"{options.file}.{kind}"
        size = os.path.getsize(name)
        bounds = [size * at // n for at in range(n + 1)]
        return [(options.url, options.graph, kind, name, begin, end, options.batch) for begin, end in zip(bounds, bounds[1:])]

    store(g, "refill", refill_part, jobs, options.threads)


def drain_part(job):
    url, graph, kind, shard, limit, file, raw = job
    g = Graph(url, graph)
    path, page, rows = scan_path(kind, shard), "", 0
    with open(file, "ab") as out:
        while page is not None:
            data = g.bytes("GET", f"{path}page={quote(page, safe='')}&page_limit={limit}")
            if raw:
                rows += data.count(b'"type":"vertex"' if kind == "vertices" else b'"type":"edge"')
                page = json.loads(b"{" + data[data.rindex(b'"page"'):])["page"]
                out.write(data + b"\n")
            else:
                answer = json.loads(data)
                rows += len(answer[kind])
                page = answer.get("page")
                out.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in answer[kind]).encode())
    return rows, g.busy


def drain(g, options):
    total, begun = 0, time.monotonic()
    with multiprocessing.Pool(options.threads) as pool:
        for kind in ("vertices", "edges"):
            start, name = time.monotonic(), f"{options.file}.{kind}"
            open(name, "wb").close()
            jobs = [(options.url, options.graph, kind, shard, options.page, name, options.raw) for shard in g.shards(kind)]
            done = pool.map(drain_part, jobs, chunksize=1)
            rows = sum(rows for rows, _ in done)
            total += rows
            report(f"drain {kind} ({len(jobs)} shards)", rows, time.monotonic() - start, sum(busy for _, busy in done))
    report("drain all", total, time.monotonic() - begun, 0)


# ------------------------------------------------------------------------------------------------------------------------ small


def mode(g, options):
    if options.mode:
        g("PUT", "/mode", options.mode)
    print(g("GET", "/mode")["mode"])


def count(g, _options):
    for kind in ("vertices", "edges"):
        print(kind, sum(1 for shard in g.shards(kind) for _ in g.pages(scan_path(kind, shard), kind, "page_limit=20000")))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    verbs = parser.add_subparsers(required=True)

    def verb(run):
        it = verbs.add_parser(run.__name__)
        it.add_argument("url")
        it.add_argument("graph")
        it.set_defaults(run=run)
        return it

    verb(build).add_argument("--long-ids", action="store_true")
    verb(count)
    verb(mode).add_argument("mode", nargs="?")
    it = verb(read)
    for flag in ("scan", "instants", "without-create-time", "names-only", "without-automatic", "data", "schema"):
        it.add_argument("--" + flag, action="store_true")
    it = verb(load)
    it.add_argument("vertices", nargs="?", type=int, default=100_000)
    it.add_argument("edges", nargs="?", type=int, default=500_000)
    it.add_argument("--threads", type=int, default=4)
    it.add_argument("--batch", type=int, default=500)
    it.add_argument("--made", action="store_true")
    it = verb(drain)
    it.add_argument("file")
    it.add_argument("--threads", type=int, default=4)
    it.add_argument("--page", type=int, default=100_000)
    it.add_argument("--raw", action="store_true")
    it = verb(refill)
    it.add_argument("file")
    it.add_argument("--threads", type=int, default=4)
    it.add_argument("--batch", type=int, default=500)
    options = parser.parse_args()
    try:
        options.run(Graph(options.url, options.graph), options)
    except Refused as refused:
        raise SystemExit(str(refused))


if __name__ == "__main__":
    main()
