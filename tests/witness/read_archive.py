"""An independent reader of docs/format-archive.md: checks an archive and prints the lines of its parts.

Python 3, standard library only, and the zstd program. Hashes are checked where a `blake3` module or a `b3sum` program is there.
"""

import json
import shutil
import subprocess
import sys
import tarfile


def blake3(data):
    try:
        import blake3 as module
        return module.blake3(data).hexdigest()
    except ImportError:
        if not shutil.which("b3sum"):
            return None
        return subprocess.run(["b3sum", "--no-names"], input=data, stdout=subprocess.PIPE, check=True).stdout.decode().strip()


def main(path):
    raw = open(path, "rb").read()
    members = []
    with tarfile.open(path) as tar:
        for member in tar:
            assert member.isreg() and member.mode == 0o600 and member.uname == "graphferry" and member.gname == "archive-1", member
            members.append((member.name, tar.extractfile(member).read(), member.offset))
    name, text, offset = members.pop()
    assert name == "manifest.json", name
    manifest = json.loads(text)
    assert manifest["format"] == "archive" and manifest["version"] == 1
    assert blake3(raw[:offset]) in (None, manifest["before"])
    body = text[: text.rindex(b'"manifest":')]
    assert blake3(body) in (None, manifest["manifest"])
    assert len(manifest["members"]) == len(members)
    line, counts = 1, {"node": 0, "relationship": 0, "schema": 0, "statement": 0, "graphferry": 0}
    for (name, data, _), told in zip(members, manifest["members"]):
        lines = subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout
        folder, first = name.split("/")
        assert first == f"{line:012}.jsonl.zst", (name, line)
        expected = {"name": name, "size": len(data), "bytes": len(lines), "lines": lines.count(b"\n")}
        assert told == {**expected, "blake3": blake3(data) or told["blake3"]}, (told, expected)
        line += told["lines"]
        for one in lines.decode().split("\n")[:-1]:
            key = next(iter(json.loads(one)))
            counts[key] += 1
            assert {"node": "nodes", "relationship": "relationships", "statement": "statements"}.get(key, "schema") == folder
        sys.stdout.buffer.write(lines)
    tally = manifest["tally"]
    assert (counts["node"], counts["relationship"], counts["statement"]) == (tally["nodes"], tally["relationships"], tally["statements"])
    assert counts["graphferry"] == 1 and counts["schema"] == sum(tally["schema"].values())


main(sys.argv[1])
