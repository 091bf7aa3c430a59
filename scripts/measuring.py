"""What the benches share: commands that are timed, and the figures that come of it."""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def say(text):
    print(text, file=sys.stderr, flush=True)


class Ran:
    """What came of a command."""

    def __init__(self, seconds, usage, text):
        self.seconds, self.text = seconds, text
        self.memory = usage.ru_maxrss / 1024
        self.processor = usage.ru_utime + usage.ru_stime


def measured(*words, **options):
    """Runs a command to its end; gives its seconds, its processor time in seconds, its peak memory in MiB (of one process), and its stdout."""
    since = time.monotonic()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen([str(word) for word in words], stdout=out, cwd=ROOT, **options)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - since
        out.seek(0)
        text = out.read().decode()
    if child.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))} ended with {child.returncode}")
    return Ran(seconds, usage, text)


class Figures:
    """Rows a second and peak memory, by the name of what was measured, of several rounds."""

    def __init__(self):
        self.of = {}

    def note(self, name, rows, seconds, memory=None, extra=""):
        self.of.setdefault(name, []).append((rows / seconds, memory))
        extra += f", peak {memory:.0f} MiB" if memory else ""
        say(f"  {name}: {rows / seconds:,.0f} rows/s in {seconds:.2f} s{extra}")

    def rate(self, name):
        return statistics.median(rate for rate, _ in self.of[name]) if name in self.of else None

    def memory(self, name):
        return max(memory for _, memory in self.of[name])
