"""A proxy in front of a HugeGraph server that lets things happen on the way: a stand-in for busy servers, bad lines and other writers.

    hugegraph_proxy.py URL FILE [--fail N] [--limit N] [--refuse PART] [--stall PART N] [--before PART GRAPH CODE]

Prints the URL at which it listens. FILE gets, after each request, a JSON object with the counts: requests, failed, refused, stalled, busy (answers 503 of
the server itself), largest (bytes of an answer, unpacked).

--fail N                  every Nth request fails: the answer is lost after the server has done what was asked, or is cut in the middle, or it is 503
--limit N                 while N requests are under way others get 503, with the words of a server that has come to its limit of workers
--refuse PART             requests whose path holds PART get a status of 500
--stall PART N            the Nth request whose path holds PART gets no answer, though the server has done what was asked
--before PART GRAPH CODE  before the first request whose path holds PART goes on, CODE runs, with `g` as the graph of that name

Python 3, standard library only.
"""

import argparse
import gzip
import http.client
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hugegraph import Graph

parser = argparse.ArgumentParser()
parser.add_argument("url")
parser.add_argument("file")
parser.add_argument("--fail", type=int, default=0)
parser.add_argument("--limit", type=int, default=1 << 30)
parser.add_argument("--refuse")
parser.add_argument("--stall", nargs=2)
parser.add_argument("--before", nargs=3)
options = parser.parse_args()
server = urlsplit(options.url)
lock = threading.Lock()
counts = {"requests": 0, "failed": 0, "refused": 0, "stalled": 0, "busy": 0, "largest": 0}
active = 0
BUSY = {
    "exception": "class jakarta.ws.rs.ServiceUnavailableException",
    "message": "The server is too busy to process the request, you can config restserver.max_worker_threads to adjust it or try again later",
    "cause": "",
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, *_):
        pass

    def answer(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def forward(self):
        global active
        with lock:
            active += 1
            is_over = active > options.limit
        try:
            self.forward_one(is_over)
        finally:
            with lock:
                active -= 1

    def forward_one(self, is_over):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with lock:
            counts["requests"] += 1
            fails = options.fail and counts["requests"] % options.fail == 0
            how = counts["failed"] % 3
            counts["failed"] += bool(fails)
            before, is_met = options.before, options.before and options.before[0] in self.path
            if is_met:
                options.before = None
                exec(before[2], {"g": Graph(options.url, before[1])})
            counts["refused"] += is_over
            stalls = False
            if options.stall and options.stall[0] in self.path:
                options.stall[1] = int(options.stall[1]) - 1
                stalls = options.stall[1] == 0
        if is_over:
            self.close_connection = True
            headers = [("Connection", "close"), ("Content-Type", "application/json")]
            return self.answer(503, headers, json.dumps(BUSY).encode())
        if fails and how == 2 or options.refuse and options.refuse in self.path:
            self.close_connection = True
            return self.answer(503 if fails else 500, [("Connection", "close")], b"{}")
        line = http.client.HTTPConnection(server.hostname, server.port, timeout=300)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        line.request(self.command, self.path, body, headers)
        got = line.getresponse()
        data = got.read()
        line.close()
        with lock:
            size = len(gzip.decompress(data)) if data[:2] == b"\x1f\x8b" else len(data)
            counts["largest"] = max(counts["largest"], size)
            counts["stalled"] += stalls
            counts["busy"] += got.status == 503
            # Whoever reads it meanwhile gets a whole one.
            with open(options.file + ".new", "w") as file:
                json.dump(counts, file)
            os.replace(options.file + ".new", options.file)
        if stalls:
            threading.Event().wait()
        if fails:
            self.close_connection = True
            if how == 1:
                head = f"HTTP/1.1 {got.status} X\r\nContent-Length: {len(data)}\r\n"
                head += "".join(f"{n}: {v}\r\n" for n, v in got.getheaders() if n.lower() == "content-encoding")
                self.wfile.write(head.encode() + b"\r\n" + data[: len(data) // 2])
            return self.wfile.flush()
        self.answer(got.status, got.getheaders(), data)

    do_GET = do_POST = do_PUT = do_DELETE = forward


listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
listener.daemon_threads = True
print(f"hugegraph://127.0.0.1:{listener.server_port}", flush=True)
listener.serve_forever()
