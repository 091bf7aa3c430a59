"""Prints a graph line by line, sorted: from a backup of HugeGraph, or from the JSONL of one.

    hugegraph_backup.py backup DIR ZONE [ids]     every element of a directory, zipped or plain; with the ids of edges
    hugegraph_backup.py jsonl FILE                every node and relationship of a JSONL dump

The two print the same for the same graph. A value has its type beside it, and a date is milliseconds since 1970.
"""

import json
import math
import pathlib
import re
import struct
import sys
import zipfile
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def milliseconds(at):
    since = at - EPOCH
    return (since.days * 86400 + since.seconds) * 1000 + since.microseconds // 1000


def lines(folder, name):
    """The objects of every file of a kind."""
    pattern = re.compile(re.escape(name) + (r"\d+" if name in ("vertices", "edges") else "") + r"(\.zip)?")
    for path in sorted(path for path in pathlib.Path(folder).iterdir() if pattern.fullmatch(path.name)):
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                assert archive.testzip() is None, path
                assert archive.namelist() == [path.stem], archive.namelist()
                text = archive.read(path.stem).decode()
        else:
            text = path.read_text()
        for line in text.split("\n"):
            if line:
                assert line.startswith('{"%s": [' % name), line[:40]
                elements = json.loads(line)[name]
                assert len(elements) <= 500 or name not in ("vertices", "edges")
                yield from elements


def from_backup(folder, zone, ids):
    keys = {key["name"]: key for key in lines(folder, "propertykeys")}

    def scalar(kind, value):
        if kind == "DOUBLE" or (kind == "FLOAT" and not math.isfinite(float(value))):
            return ["float", repr(float(value))]
        if kind == "FLOAT":
            # Java may write more digits than a 32-bit float needs.
            bits = struct.pack("f", float(value))
            (exact,) = struct.unpack("f", bits)
            texts = ("%.*g" % (digits, exact) for digits in range(1, 10))
            return ["float", repr(float(next(text for text in texts if struct.pack("f", float(text)) == bits)))]
        if kind == "DATE" and isinstance(value, int):
            return ["date", value]
        if kind == "DATE":
            at = datetime.strptime(value, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=ZoneInfo(zone))
            return ["date", milliseconds(at.astimezone(timezone.utc))]
        names = {"BOOLEAN": "bool", "BLOB": "bytes", "TEXT": "str", "UUID": "str"}
        assert isinstance(value, {"BOOLEAN": bool, "BLOB": str, "TEXT": str, "UUID": str}.get(kind, int)), value
        return [names.get(kind, "int"), value]

    def values(element):
        out = {}
        for name, value in element["properties"].items():
            kind = keys[name]["data_type"]
            single = keys[name]["cardinality"] == "SINGLE"
            out[name] = scalar(kind, value) if single else [scalar(kind, one) for one in value]
        return out

    for vertex in lines(folder, "vertices"):
        yield ["vertex", vertex["label"], vertex["id"], values(vertex)]
    for edge in lines(folder, "edges"):
        id = [edge["id"], edge["outVLabel"], edge["inVLabel"]] if ids else []
        yield ["edge", edge["label"], edge["outV"], edge["inV"], values(edge), *id]


def from_jsonl(file):
    ids = {}

    def scalar(value):
        if isinstance(value, dict):
            ((tag, value),) = value.items()
            if tag == "$bytes":
                return ["bytes", value]
            if tag == "$float":
                return ["float", repr(float(value))]
            assert tag == "$dateTime", tag
            return ["date", milliseconds(datetime.fromisoformat(value))]
        return [type(value).__name__, repr(value) if isinstance(value, float) else value]

    def values(element):
        found = element.get("properties", {}).items()
        return {k: [scalar(one) for one in v] if isinstance(v, list) else scalar(v) for k, v in found if k != "~id"}

    for line in pathlib.Path(file).read_text().split("\n"):
        line = json.loads(line) if line else {}
        if "node" in line:
            ids[line["node"]] = line["properties"]["~id"]
            (label,) = line["labels"]
            yield ["vertex", label, ids[line["node"]], values(line)]
        if "relationship" in line:
            yield ["edge", line["type"], ids[line["start"]], ids[line["end"]], values(line)]


def main():
    how, what, *rest = sys.argv[1:]
    found = from_backup(what, rest[0], "ids" in rest) if how == "backup" else from_jsonl(what)
    sys.stdout.reconfigure(encoding="utf-8")
    for line in sorted(json.dumps(one, sort_keys=True) for one in found):
        print(line)


main()
