"""The torture graph of fixtures/memgraph-3.6.2/create.cypherl, value by value, written down by hand: what it is and how Memgraph sends it.

    memgraph_torture.py wire 5      the rows of the two scans as Bolt 5.2 carries them, one JSON object a row
    memgraph_torture.py wire 4      the same as Bolt 4.1 and 4.3 carry them
    memgraph_torture.py prove FILE  compares the wire forms with those that were recorded
    memgraph_torture.py facts       what a reader of a dump has to find, in the words of read_jsonl.py

Nobody recorded the rows of `MATCH (n) RETURN n` for this graph. They are put together here from what was recorded of 3.6.2: the wire form of each type of
value, of nodes and of relationships. Ids, labels and the order of properties are those of the server's own dump of this graph.

Python 3, standard library only; nothing of GraphFerry is used.
"""

import datetime
import json
import struct
import sys

EPOCH = datetime.datetime(1970, 1, 1)
MICRO = datetime.timedelta(microseconds=1)


class Value:
    """A value with its wire form, by version of Bolt, and its fact."""

    def __init__(self, fact, wire, old=None):
        self.fact, self.wire, self.old = fact, wire, old or wire


def hexed(text):
    return text.encode("utf-8").hex() or "-"


def bits(number):
    return struct.pack(">d", number).hex()


def structure(tag, *fields):
    return {"$type": "struct", "tag": tag, "fields": list(fields)}


def real(number):
    return {"$type": "float", "bits": bits(number)}


def parts(text):
    """An ISO text without zone as microseconds since 1970, on its own clock."""
    return (datetime.datetime.fromisoformat(text) - EPOCH) // MICRO


def sent(micros):
    """Seconds and nanoseconds as Memgraph sends them: cut towards zero, so that both are negative before 1970."""
    seconds = abs(micros) // 10**6 * (1 if micros >= 0 else -1)
    return seconds, (micros - seconds * 10**6) * 1000


def kept(micros):
    """The same as everybody else has them."""
    return f"{micros // 10**6},{micros % 10**6 * 1000}"


def nan():
    # 0.0/0.0 on x86 has its sign set.
    return Value("float:fff8000000000000", {"$type": "float", "bits": "fff8000000000000"})


def date(text):
    days = (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days
    return Value(f"date:{days}", structure("0x44", days))


def local_time(text):
    clock = datetime.time.fromisoformat(text)
    nanoseconds = ((clock.hour * 60 + clock.minute) * 60 + clock.second) * 10**9 + clock.microsecond * 1000
    return Value(f"local-time:{nanoseconds}", structure("0x74", nanoseconds))


def local_date_time(text):
    micros = parts(text)
    return Value(f"local-date-time:{kept(micros)}", structure("0x64", *sent(micros)))


def duration(days, seconds, nanoseconds):
    """What Memgraph sends; kept with nanoseconds that are not below zero, as other systems have them."""
    kept_seconds, kept_nanoseconds = seconds + nanoseconds // 10**9, nanoseconds % 10**9
    return Value(f"duration:0,{days},{kept_seconds},{kept_nanoseconds}", structure("0x45", 0, days, seconds, nanoseconds))


def zoned(local, offset, zone):
    """A local time that is `offset` seconds ahead of UTC in a named zone."""
    there = parts(local)
    instant = there - offset * 10**6
    return Value(f"zoned-date-time:{kept(instant)},{hexed(zone)}", structure("0x69", *sent(instant), zone),
                 structure("0x66", *sent(there), zone))


def with_offset(local, offset):
    there = parts(local)
    instant = there - offset * 10**6
    return Value(f"date-time:{kept(instant)},{offset}", structure("0x49", *sent(instant), offset),
                 structure("0x46", *sent(there), offset))


def point(srid, *coordinates):
    tag = "0x58" if len(coordinates) == 2 else "0x59"
    facts = ",".join([str(srid), *(bits(float(number)) for number in coordinates)])
    return Value(f"point:{facts}", structure(tag, srid, *(real(float(number)) for number in coordinates)))


def enum(text):
    return Value(f"enum:{hexed(text)}", {"__type": "mg_enum", "__value": text})


NODES = [
    (0, ["Scalar"], {"id": 1, "b_true": True, "b_false": False, "i0": 0, "ineg": -1, "imax": 9223372036854775807,
                     "imin": -9223372036854775808}),
    (1, ["Floats"], {"f1": 1.0, "f1_5": 1.5, "f01": 0.1, "fneg": -2.25, "fnegzero": -0.0, "fbig": 1e300, "fsmall": 1e-7,
                     "f15": 1e15, "f16": 1e16, "f17": 1e17, "fden": 5e-324, "fmax": 1.7976931348623157e308, "third": 1.0 / 3}),
    (2, ["FloatSpecial"], {"nan": nan(), "inf": float("inf"), "ninf": float("-inf")}),
    (3, ["Strings"], {"comment": "// not -- a /* comment */", "semi": "a;b", "esc_u": "\u00e9", "uni": "žluťoučký 日本語 😀",
                      "nbsp": "\u00a0\u2028", "bs": "back\\slash", "ctl": "\x01\x0b\x1b\x7f", "dq": 'say "hi"',
                      "dollar": "$param {x}", "sq": "it's", "bt": "back`tick", "empty": "", "nl": "a\nb", "tab": "a\tb",
                      "cr": "a\rb", "bsp": "a\bb", "ff": "a\fb"}),
    (4, ["Lists"], {"empty": [], "ints": [1, 2, 3], "mixed": [1, 1.5, "s", True, None], "nested": [[1, [2, []]], ["x"]],
                    "maps": [{"a": 1}, {}], "floats": [1.0, 2.5]}),
    (5, ["Maps"], {"empty": {}, "nested": {"x": {"y": {"z": [1, {"w": None}]}}}, "simple": {"a": 1, "b": "two"},
                   "weird key": {"Zed": 3, "a b": 1, "alpha": 4, "tick`ed": 2}}),
    (6, ["Temporal"], {"d": date("1994-12-07"), "dursec": duration(0, -6, -10011000), "d0": date("0001-01-01"),
                       "lt": local_time("14:10:44.099099"), "dur0": duration(0, 0, 0), "lt0": local_time("00:00:00"),
                       "ldt": local_date_time("1994-12-07T14:10:44.099099"), "ldt0": local_date_time("1994-12-07T14:10:44"),
                       "ldt_old": local_date_time("1900-01-01T00:00:00.000001"),
                       "dur": duration(3, 4 * 3600 + 5 * 60 + 6, 10011000), "durneg": duration(-1, -2 * 3600, 0),
                       "durmicro": duration(0, 0, -1000)}),
    (7, ["Zoned"], {"la": zoned("1994-12-07T06:10:44.099099", -8 * 3600, "America/Los_Angeles"),
                    "utc": zoned("2024-01-01T00:00:00", 0, "Etc/UTC"), "off": with_offset("2024-01-01T00:00:00", 19800),
                    "prague": zoned("2024-07-01T12:00:00", 7200, "Europe/Prague")}),
    (8, ["Points"], {"p2c": point(7203, 1, 2.5), "p2w": point(4326, 14.42, 50.08), "p3c": point(9157, 1, -2, 0.1),
                     "p3w": point(4979, 1e-7, 0, 123456789.25)}),
    (9, ["Enums"], {"w": enum("My Enum::a b"), "s": enum("Status::Good"), "c": enum("Color::RED"),
                    "l": [enum("Status::Bad"), enum("Status::Good")], "m": {"k": enum("Status::Bad")}}),
    (10, ["Label with space", "tick`label", "ünï", "a:b", "CREATE"],
     {"prop with space": 1, "tick`prop": 2, "ünï": 3, "123": 4, "MATCH": 5, "quote\"s'": 6, "new\nline": 7}),
    (11, [], {"nolabel": True}),
    (12, [], {}),
    (13, ["Person"], {"id": 1, "name": "Ann", "age": 30, "loc": point(7203, 1, 1), "vec": [1.0, 0.5]}),
    (14, ["Person"], {"id": 2, "name": "Bob", "age": 40, "loc": point(7203, 2, 2), "vec": [0.3333333333333333, 2.0]}),
    # 15 was :Doomed, and is gone.
    (16, ["Doc"], {"title": "Some title", "body": "lorem ipsum", "vec 2": [1, 2.5]}),
    (17, ["__mg_vertex__"], {"__mg_id__": 777, "collide": True}),
]

RELATIONSHIPS = [
    (0, 13, 14, "KNOWS", {"vec": [0.1, 0.2], "since": 2001, "note": "hello world"}),
    (2, 13, 14, "KNOWS", {"since": 2002}),
    (3, 13, 13, "SELF LOOP", {"w": 1.0}),
    (4, 13, 14, "tick`type", {"p q": [1, {"a": date("2020-01-01")}]}),
    (1, 14, 13, "KNOWS", {}),
]


def wire(value, bolt):
    if isinstance(value, Value):
        return value.wire if bolt == 5 else value.old
    if isinstance(value, float):
        return real(value)
    if isinstance(value, list):
        return [wire(member, bolt) for member in value]
    if isinstance(value, dict):
        return {key: wire(member, bolt) for key, member in value.items()}
    return value


def fact(value):
    if isinstance(value, Value):
        return value.fact
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"boolean:{str(value).lower()}"
    if isinstance(value, int):
        return f"integer:{value}"
    if isinstance(value, float):
        return f"float:{bits(value)}"
    if isinstance(value, str):
        return f"string:{hexed(value)}"
    if isinstance(value, list):
        return f"list:[{' '.join(map(fact, value))}]"
    return "map:{" + " ".join(f"{hexed(key)}={fact(member)}" for key, member in value.items()) + "}"


def properties(values):
    """Sorted, as the replaying server sends them: the order of properties means nothing."""
    return "".join(f" {hexed(key)}={fact(values[key])}" for key in sorted(values, key=lambda key: key.encode("utf-8")))


# What the statements of the records give.
PROOF = {
    "RETURN Status::Good AS e": enum("Status::Good"),
    "RETURN [Status::Good,{k:Status::Bad}] AS l": [enum("Status::Good"), {"k": enum("Status::Bad")}],
    "RETURN point({x:1,y:2.5}) AS p": point(7203, 1, 2.5),
    "RETURN point({longitude:14.42,latitude:50.08}) AS p": point(4326, 14.42, 50.08),
    "RETURN point({x:1,y:-2,z:0.1}) AS p": point(9157, 1, -2, 0.1),
    "RETURN point({longitude:1,latitude:2,height:3}) AS p": point(4979, 1, 2, 3),
    'RETURN date("1994-12-07") AS d': date("1994-12-07"),
    'RETURN date("0001-01-01") AS d': date("0001-01-01"),
    'RETURN localTime("14:10:44.099099") AS t': local_time("14:10:44.099099"),
    'RETURN localDateTime("1994-12-07T14:10:44.099099") AS t': local_date_time("1994-12-07T14:10:44.099099"),
    'RETURN localDateTime("1960-01-01T00:00:00.000001") AS t': local_date_time("1960-01-01T00:00:00.000001"),
    'RETURN datetime("1994-12-07T06:10:44.099099-08:00[America/Los_Angeles]") AS z':
        zoned("1994-12-07T06:10:44.099099", -8 * 3600, "America/Los_Angeles"),
    'RETURN datetime("2024-01-01T00:00:00Z") AS z': zoned("2024-01-01T00:00:00", 0, "Etc/UTC"),
    'RETURN datetime("2024-01-01T00:00:00+05:30") AS z': with_offset("2024-01-01T00:00:00", 19800),
    'RETURN datetime("1960-01-01T00:00:00.000001-08:00") AS z': with_offset("1960-01-01T00:00:00.000001", -28800),
    'RETURN duration("P3DT4H5M6.010011S") AS d': duration(3, 14706, 10011000),
    "RETURN duration({day:-1, microsecond:-1}) AS d": duration(-1, 0, -1000),
    "RETURN {a:{b:[1,{c:null}]}} AS m": {"a": {"b": [1, {"c": None}]}},
    'RETURN [1,1.0,"s",true,null] AS l': [1, 1.0, "s", True, None],
}


def plain(value):
    """A recorded value without what says the same twice."""
    if isinstance(value, list):
        return [plain(member) for member in value]
    if isinstance(value, dict) and value.get("$type") == "float":
        return {"$type": "float", "bits": value.get("bits") or bits(float(value["value"]))}
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items() if "$type" not in value or key != "name"}
    return value


def prove(path):
    proved = 0
    with open(path, encoding="utf-8") as file:
        for record in map(json.loads, file):
            if record.get("graph") != "values" or record["query"] not in PROOF:
                continue
            expected = wire(PROOF[record["query"]], 5 if record["bolt"] == "5.2" else 4)
            assert plain(record["rows"]) == [[expected]], f"{record['bolt']} {record['query']}: {record['rows']}, not {expected}"
            proved += 1
    assert proved == 2 * len(PROOF), proved
    print(f"{proved} wire forms agree")


def main():
    if sys.argv[1] == "prove":
        return prove(sys.argv[2])
    if sys.argv[1] == "facts":
        for number, labels, values in NODES:
            print(f"node {number} [{','.join(map(hexed, labels))}]{properties(values)}")
        for number, start, end, kind, values in RELATIONSHIPS:
            print(f"relationship {number} {start} {end} {hexed(kind)}{properties(values)}")
        return
    bolt = int(sys.argv[2])
    for number, labels, values in NODES:
        ids = [str(number)] if bolt == 5 else []
        row = structure("0x4E", number, labels, wire(values, bolt), *ids)
        print(json.dumps({"query": "MATCH (n) RETURN n", "row": [row]}, ensure_ascii=False))
    for number, start, end, kind, values in RELATIONSHIPS:
        ids = [str(number), str(start), str(end)] if bolt == 5 else []
        row = structure("0x52", number, start, end, kind, wire(values, bolt), *ids)
        print(json.dumps({"query": "MATCH ()-[r]->() RETURN r", "row": [row]}, ensure_ascii=False))


main()
