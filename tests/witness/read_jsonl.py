"""An independent reader of docs/format.md: checks a dump and prints what it holds, one fact a line.

Python 3, standard library only. Values come out in a canonical text that has nothing to do with the one in the dump: floats as bits, times as
numbers, strings as hexadecimal. The hash is checked where a `blake3` module or a `b3sum` program is there.
"""

import base64
import collections
import json
import re
import shutil
import struct
import subprocess
import sys

MAX_DEPTH = 256


def fail(number, why):
    sys.exit(f"line {number}: {why}")


class Float(str):
    """The text of a JSON number with a point or an exponent."""


class Integer(int):
    """A JSON number without."""


def unique(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError(f"a key twice: {keys}")
    return pairs  # A list of tuples; JSON arrays are told apart by `Array`.


def parse(text):
    def constant(name):
        raise ValueError(name)

    return json.loads(text, object_pairs_hook=lambda pairs: ("object", unique(pairs)), parse_float=Float,
                      parse_int=Integer, parse_constant=constant)


def fields(value, required, optional=()):
    assert isinstance(value, tuple), f"not an object: {value!r}"
    found = dict(value[1])
    assert set(required) <= set(found) <= set(required) | set(optional), f"keys {sorted(found)}"
    return found


def integer(value, bits=64):
    assert isinstance(value, Integer), f"not an integer: {value!r}"
    assert -(1 << bits - 1) <= value < 1 << bits - 1, f"{value} has more than {bits} bits"
    return int(value)


def text(value):
    assert isinstance(value, str) and not isinstance(value, Float), f"not a string: {value!r}"
    value.encode("utf-8")  # Fails on half a surrogate pair.
    return value


def words(value):
    """A string as it can stand in a line of facts."""
    return text(value).encode("utf-8").hex() or "-"


def float_bits(value, bits=64):
    letter, digits = (">d", 16) if bits == 64 else (">f", 8)
    if isinstance(value, tuple):
        word = text(fields(value, ["$float"])["$float"])
        infinity, nan = (0x7FF0000000000000, 0x7FF8000000000000) if bits == 64 else (0x7F800000, 0x7FC00000)
        known = {"NaN": nan, "Infinity": infinity, "-Infinity": infinity | 1 << bits - 1}
        if word in known:
            return f"{known[word]:0{digits}x}"
        assert re.fullmatch(rf"NaN:[0-9a-f]{{{digits}}}", word), word
        return word[4:]
    assert isinstance(value, (Float, Integer)), f"not a float: {value!r}"
    if bits == 32:
        # Going over 64 bits rounds twice; a value that is the shortest text of a 32-bit float comes out the same.
        return struct.pack(letter, float(value)).hex()
    number = float(value)
    assert abs(number) != float("inf"), value
    return struct.pack(letter, number).hex()


def days(year, month, day):
    """The day number of a date, by counting leap years."""
    lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths[1] += leap
    assert 1 <= month <= 12 and 1 <= day <= lengths[month - 1], f"no such date: {year}-{month}-{day}"
    first = lambda year: 365 * year + (year - 1) // 4 - (year - 1) // 100 + (year - 1) // 400
    return first(year) - first(1970) + sum(lengths[: month - 1]) + day - 1


DATE = r"(?P<year>\d{4}|[+-]\d{4,})-(?P<month>\d\d)-(?P<day>\d\d)"
CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?"
OFFSET = r"(?P<offset>Z|(?P<sign>[+-])(?P<oh>\d\d):(?P<om>\d\d)(?::(?P<os>\d\d))?)"


def date(match):
    return days(int(match["year"]), int(match["month"]), int(match["day"]))


def clock(match):
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"])
    assert hour < 24 and minute < 60 and second < 60, match.string
    return hour * 3600 + minute * 60 + second, int((match["fraction"] or "0").ljust(9, "0"))


def offset(match):
    if match["offset"] == "Z":
        return 0
    seconds = int(match["oh"]) * 3600 + int(match["om"]) * 60 + int(match["os"] or 0)
    assert seconds < 86400
    return -seconds if match["sign"] == "-" else seconds


def match(pattern, value):
    found = re.fullmatch(pattern, text(value), re.ASCII | re.DOTALL)
    assert found, f"{value!r} is not {pattern}"
    return found


def typed(key, value, depth):
    """The type's name in the tally, and the canonical text."""
    if key == "$float":
        return "float", float_bits(("object", [(key, value)]))
    if key == "$map":
        return plain_map(value, depth)
    if key == "$bytes":
        return "bytes", base64.b64decode(text(value), validate=True).hex()
    if key == "$date":
        return "date", str(date(match(DATE, value)))
    if key == "$localTime":
        seconds, nanoseconds = clock(match(CLOCK, value))
        return "local-time", f"{seconds * 10**9 + nanoseconds}"
    if key == "$time":
        found = match(CLOCK + OFFSET, value)
        seconds, nanoseconds = clock(found)
        return "time", f"{seconds * 10**9 + nanoseconds},{offset(found)}"
    if key == "$localDateTime":
        found = match(DATE + "T" + CLOCK, value)
        seconds, nanoseconds = clock(found)
        return "local-date-time", f"{date(found) * 86400 + seconds},{nanoseconds}"
    if key == "$dateTime":
        found = match(DATE + "T" + CLOCK + OFFSET + r"(?:\[(?P<zone>.*)\])?", value)
        seconds, nanoseconds = clock(found)
        instant = date(found) * 86400 + seconds - offset(found)
        if found["zone"] is None:
            return "date-time", f"{instant},{nanoseconds},{offset(found)}"
        assert found["offset"] == "Z", "a named zone stands after UTC"
        return "zoned-date-time", f"{instant},{nanoseconds},{words(found['zone'])}"
    if key == "$duration":
        assert isinstance(value, list) and len(value) == 4, value
        return "duration", ",".join(str(integer(part, 32 if at == 3 else 64)) for at, part in enumerate(value))
    if key == "$point":
        found = fields(value, ["srid", "x", "y"], ["z"])
        parts = [float_bits(found[name]) for name in ("x", "y", "z") if name in found]
        return "point", ",".join([str(integer(found["srid"], 32)), *parts])
    if key == "$vector":
        found = fields(value, ["type", "values"])
        kind, values = text(found["type"]), found["values"]
        assert kind in ("i8", "i16", "i32", "i64", "f32", "f64") and isinstance(values, list), value
        bits = int(kind[1:])
        each = (lambda x: float_bits(x, bits)) if kind[0] == "f" else (lambda x: str(integer(x, bits)))
        return "vector", ",".join([kind, *map(each, values)])
    if key == "$enum":
        return "enum", words(value)
    if key == "$structure":
        found = fields(value, ["tag", "fields"])
        tag = integer(found["tag"])
        assert 0 <= tag < 256 and len(found["fields"]) <= 15, value
        assert tag not in (68, 69, 73, 84, 86, 88, 89, 100, 101, 105, 116), f"tag {tag} has a type"
        return "structure", f"{tag}({' '.join(canonical(field, depth + 1)[1] for field in found['fields'])})"
    raise ValueError(f"unknown type {key}")


def plain_map(value, depth):
    assert depth < MAX_DEPTH, "nested too deep"
    assert isinstance(value, tuple), f"not an object: {value!r}"
    return "map", "{" + " ".join(f"{words(key)}={canonical(member, depth + 1)[1]}" for key, member in value[1]) + "}"


def member_sort(name, canon):
    """What members of a list must have in common not to be mixed."""
    name = name.split(" ")[0]
    if name == "zoned-date-time":
        return "date-time", None
    return name, canon.split(":")[1].split(",")[0] if name == "point" else None


def canonical(value, depth):
    """A pair: the type's name in the tally, and `name:text`."""
    if value is None:
        return "null", "null"
    if isinstance(value, bool):
        return "boolean", f"boolean:{str(value).lower()}"
    if isinstance(value, Integer):
        return "integer", f"integer:{integer(value)}"
    if isinstance(value, Float):
        return "float", f"float:{float_bits(value)}"
    if isinstance(value, str):
        return "string", f"string:{words(value)}"
    if isinstance(value, list):
        assert depth < MAX_DEPTH, "nested too deep"
        members = [canonical(member, depth + 1) for member in value]
        sorts = {member_sort(*member) for member in members}
        name = f"list of {sorts.pop()[0] if len(sorts) == 1 else 'mixed'}" if members else "list"
        return name, f"list:[{' '.join(member for _, member in members)}]"
    pairs = value[1]
    dollars = [key for key, _ in pairs if key.startswith("$")]
    if not dollars:
        name, body = plain_map(value, depth)
    else:
        assert len(pairs) == 1, f"{dollars[0]} has company"
        name, body = typed(pairs[0][0], pairs[0][1], depth)
    return name, f"{name}:{body}"


def tree(value):
    """Plain JSON for the schema: sorted, so that the order of keys does not matter."""
    if isinstance(value, tuple):
        return {key: tree(member) for key, member in value[1]}
    if isinstance(value, list):
        return [tree(member) for member in value]
    return int(value) if isinstance(value, Integer) else value


def sort_of(kind, body):
    if kind == "index":
        return f"{body['on']} {body['kind']} index"
    if kind == "constraint":
        name = body["kind"] if isinstance(body["kind"], str) else next(iter(body["kind"]))
        return f"{body['on']} {name} constraint"
    return f"{body['system']} trigger" if kind == "trigger" else body["kind"]


class Reader:
    def __init__(self):
        self.count = collections.Counter()
        self.by = {name: collections.Counter() for name in ("labels", "types", "schema", "values")}

    def properties(self, value):
        value = value if value is not None else ("object", [])
        assert isinstance(value, tuple)
        facts = []
        for key, member in value[1]:
            assert member is not None, "a property is null"
            name, canon = canonical(member, 1)
            self.by["values"][name] += 1
            facts.append(f" {words(key)}={canon}")
        return "".join(facts)

    def line(self, value):
        keys = [key for key, _ in value[1]]
        if "node" in keys:
            found = fields(value, ["node"], ["labels", "properties"])
            assert not self.count["relationships"], "a node after a relationship"
            labels = [text(label) for label in found.get("labels", [])]
            assert len(set(labels)) == len(labels), labels
            self.count["nodes"] += 1
            self.count["unlabelled"] += not labels
            self.by["labels"].update(labels)
            print(f"node {integer(found['node'])} [{','.join(map(words, labels))}]{self.properties(found.get('properties'))}")
        elif "relationship" in keys:
            found = fields(value, ["relationship", "type", "start", "end"], ["properties"])
            self.count["relationships"] += 1
            self.by["types"][text(found["type"])] += 1
            ids = " ".join(str(integer(found[key])) for key in ("relationship", "start", "end"))
            print(f"relationship {ids} {words(found['type'])}{self.properties(found.get('properties'))}")
        elif "schema" in keys:
            found = fields(value, ["schema"])["schema"]
            assert isinstance(found, tuple) and len(found[1]) == 1
            kind, body = found[1][0]
            body = tree(body)
            assert kind in ("index", "constraint", "trigger", "other"), kind
            self.by["schema"][sort_of(kind, body)] += 1
            print(f"schema {kind} {json.dumps(body, sort_keys=True)}")
        elif "statement" in keys:
            self.count["statements"] += 1
            print(f"statement {words(fields(value, ['statement'])['statement'])}")
        else:
            raise ValueError(f"unknown line: {keys}")

    def close(self, value, before):
        trailer = fields(fields(value, ["trailer"])["trailer"], ["tally", "blake3"], ["source_changed"])
        tally = tree(trailer["tally"])
        for name in ("nodes", "relationships", "statements", "unlabelled"):
            assert tally[name] == self.count[name], f"{name}: {tally[name]} in the trailer, {self.count[name]} read"
        for name, counted in self.by.items():
            assert tally[name] == dict(counted), f"{name}: {tally[name]} in the trailer, {dict(counted)} read"
        hashed = blake3(before)
        assert hashed in (None, text(trailer["blake3"])), f"checksum {hashed}"
        print(f"trailer {'unchecked' if hashed is None else 'checked'}")


def blake3(data):
    try:
        import blake3 as module
        return module.blake3(data).hexdigest()
    except ImportError:
        if not shutil.which("b3sum"):
            return None
        return subprocess.run(["b3sum", "--no-names"], input=data, stdout=subprocess.PIPE, check=True).stdout.decode().strip()


def read(data):
    reader, place, number = Reader(), 0, 0
    lines = data.split(b"\n")
    if lines.pop() != b"":
        fail(len(lines) + 1, "the last line does not end")
    for at, raw in enumerate(lines):
        number = at + 1
        try:
            value = parse(raw.decode("utf-8"))
            assert isinstance(value, tuple), "not an object"
            keys = [key for key, _ in value[1]]
            if at == 0:
                head = fields(value, ["graphferry"])["graphferry"]
                head = tree(("object", list(fields(head, ["format", "version"],
                                                   ["tool", "source", "created", "consistency", "filters", "absent"]).items())))
                assert (head["format"], head["version"]) == ("jsonl", 1), head
                print(f"header {json.dumps(head, sort_keys=True)}")
            elif keys == ["trailer"]:
                reader.close(value, data[:place])
                if at + 1 != len(lines):
                    fail(number + 1, "something after the trailer")
                return
            else:
                reader.line(value)
        except (AssertionError, ValueError, KeyError, ArithmeticError) as error:
            fail(number, f"{type(error).__name__}: {error}")
        place += len(raw) + 1
    fail(number + 1, "no trailer")


def main():
    """Reads stdin; or the files named, and says of each what is wrong with it."""
    if len(sys.argv) == 1:
        return read(sys.stdin.buffer.read())
    for path in sys.argv[1:]:
        try:
            with open(path, "rb") as file:
                read(file.read())
            print(f"verdict {path}: read")
        except SystemExit as refusal:
            print(f"verdict {path}: {refusal}")


sys.setrecursionlimit(10_000)
main()
