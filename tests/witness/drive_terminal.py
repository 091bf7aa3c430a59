"""Runs a command on a pseudo-terminal of its own, types an answer when it asks, and prints what came as JSON.

    drive_terminal.py ANSWER COMMAND...      ANSWER in hexadecimal: 03 is Ctrl-C, 04 the end of the input; it may be empty
"""

import json
import os
import pty
import select
import sys
import time

PROMPT = b"(y/n/Q)> "


def main(answer, words):
    child, terminal = pty.fork()
    if child == 0:
        os.execv(words[0], words)
    out, typed, since = b"", False, time.monotonic()
    while time.monotonic() - since < 120:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        out += data
        if not typed and PROMPT in out:
            typed = True
            os.write(terminal, answer)
    else:
        os.kill(child, 9)
    _, status = os.waitpid(child, 0)
    print(json.dumps({"code": os.waitstatus_to_exitcode(status), "text": out.decode("utf-8", "replace"), "asked": typed}))


main(bytes.fromhex(sys.argv[1]), sys.argv[2:])
