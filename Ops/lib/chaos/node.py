"""A node between the program and `permanode local-tangle`: it hides, delays and lies."""

import gzip
import http.client
import json
import random
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

UNKNOWN = "9" * 2673
ALPHABET = "9ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Node(ThreadingHTTPServer):
    """Passes on what comes; shows only what was revealed; misbehaves as `choose` says."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, backend, other=None):
        """backend, other: (host, port) of the right node and of one of another network."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.backend = backend
        self.other = other
        self.lock = threading.Condition()
        self.requests = 0
        self.misbehaved = {}
        self.hidden = set()
        self.choose = None
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def hide(self, hashes):
        """From now on nothing is known of these transactions, and of all others."""
        with self.lock:
            self.hidden = set(hashes)

    def note_request(self, command):
        with self.lock:
            self.requests += 1
            self.lock.notify_all()
            chosen = self.choose(command) if self.choose else None
            if chosen:
                self.misbehaved[chosen] = self.misbehaved.get(chosen, 0) + 1
            return chosen

    def wait_for_request(self, count, seconds, process):
        """Waits for so many more requests; false if they do not come, or the process ended."""
        deadline = time.monotonic() + seconds
        with self.lock:
            goal = self.requests + count
            while self.requests < goal:
                if time.monotonic() > deadline or not process.is_running():
                    return False
                self.lock.wait(0.02)
        return True

    def handle_error(self, request, client_address):
        """Clients that are killed leave broken connections behind: that is the point."""


def ask(place, body, seconds=30):
    """The status and the body of a node's answer."""
    connection = http.client.HTTPConnection(*place, timeout=seconds)
    try:
        connection.request(
            "POST", "/", body, {"Content-Type": "application/json", "X-IOTA-API-Version": "1"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def command(place, name, **arguments):
    status, body = ask(place, json.dumps({"command": name, **arguments}).encode())
    if status != 200:
        raise OSError(f"{name}: {status} {body[:200]}")
    return json.loads(body)


# How a node misbehaves. Those of the first list answer the right thing in the end.
LATE = ["slow", "pieces"]
WRONG = [
    "html", "refuse", "busy", "cut", "reset", "half", "endless", "headers", "redirect", "deep", "types",
    "bomb", "other-trytes", "changed-trytes", "shuffled-trytes", "fewer-trytes", "more-trytes", "lowercase",
    "other-network", "wrong-hashes", "no-hashes", "silent", "pieces-endless",
]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            asked = json.loads(body)
        except ValueError:
            asked = {}
        name = asked.get("command", "")
        how = self.server.note_request(name)
        place = self.server.other if how == "other-network" and self.server.other else self.server.backend
        try:
            status, right = ask(place, body)
        except OSError:
            return self.abort()
        if self.server.hidden and status == 200:
            right = self.without_hidden(asked, right)
        try:
            self.answer(how, status, right, asked)
        except OSError:
            self.close_connection = True

    def without_hidden(self, asked, right):
        answer = json.loads(right)
        hidden = self.server.hidden
        if "hashes" in answer:
            answer["hashes"] = [each for each in answer["hashes"] if each not in hidden]
        if "trytes" in answer and asked.get("command") == "getTrytes":
            answer["trytes"] = [
                UNKNOWN if hash in hidden else trytes
                for hash, trytes in zip(asked.get("hashes", []), answer["trytes"])]
        return json.dumps(answer).encode()

    def answer(self, how, status, right, asked):
        if how in (None, "other-network"):
            return self.send(status, right)
        if how in ("slow", "pieces"):
            return self.send_slowly(status, right, how)
        changed = changed_answer(how, right)
        if changed is not None:
            return self.send(status, changed)
        if how == "html":
            return self.send(200, b"<html><body>Welcome</body></html>", "text/html")
        if how == "refuse":
            return self.send(503, b'{"error":"node not synced","duration":0}')
        if how == "busy":
            return self.send(429, b'{"error":"too many requests"}', headers={"Retry-After": "1"})
        if how == "redirect":
            place = self.server.other or self.server.backend
            return self.send(307, b"", headers={"Location": f"http://127.0.0.1:{place[1]}/"})
        if how == "bomb":
            packed = gzip.compress(b'{"hashes":["' + b"9" * (64 << 20) + b'"]}', 1)
            return self.send(200, packed, headers={"Content-Encoding": "gzip"})
        if how in ("half", "cut"):
            length = len(right) if how == "cut" else len(right) // 2
            self.head(status, length)
            self.wfile.write(right[: len(right) // 2])
            if how == "cut":
                self.close_connection = True
            return None
        if how == "headers":
            return self.without_end(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"9" * 1000 + b"\r\n")
        if how == "endless":
            self.head(200, None)
            return self.without_end(b"", b"4000\r\n" + b"9" * 0x4000 + b"\r\n")
        if how == "pieces-endless":
            self.head(200, None)
            return self.without_end(b'1\r\n{\r\n', b"1\r\n \r\n", pause=0.05)
        if how == "silent":
            # Until the other side has waited long enough.
            self.connection.settimeout(15)
            self.connection.recv(1)
            return self.abort()
        return self.abort()

    def head(self, status, length, content_type="application/json", headers=None):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def send(self, status, body, content_type="application/json", headers=None):
        self.head(status, len(body), content_type, headers)
        self.wfile.write(body)

    def send_slowly(self, status, body, how):
        """In 40 parts within a second, or byte by byte up to 3,000 of them and then the rest."""
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.head(status, len(body))
        part = max(1, len(body) // 40) if how == "slow" else 1
        for start in range(0, min(len(body), 3000) if how == "pieces" else len(body), part):
            self.wfile.write(body[start : start + part])
            time.sleep(0.02 if how == "slow" else 0.0002)
        if how == "pieces":
            self.wfile.write(body[3000:])

    def without_end(self, first, part, pause=0.0, seconds=20):
        """Until the other side has enough of it; bounded, because a harness has to end."""
        self.close_connection = True
        self.wfile.write(first)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.wfile.write(part)
            time.sleep(pause)

    def abort(self):
        """A reset instead of an end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def changed_answer(how, right):
    """The answer with other content; None where this way is none of changing content."""
    if how == "deep":
        return b"[" * 200_000
    if how == "types":
        return json.dumps({"hashes": {"a": [None, 1e308, -1]}, "trytes": "x", "states": [None], "appName": []}).encode()
    if how not in WRONG or how in ("html", "bomb", "reset", "half", "cut"):
        return None
    try:
        answer = json.loads(right)
    except ValueError:
        return right
    trytes = answer.get("trytes")
    hashes = answer.get("hashes")
    if how == "other-trytes" and trytes:
        answer["trytes"] = [random.choice(trytes) for _ in trytes]
    elif how == "changed-trytes" and trytes:
        answer["trytes"] = [other_tryte(each) for each in trytes]
    elif how == "shuffled-trytes" and trytes:
        answer["trytes"] = random.sample(trytes, len(trytes))
    elif how == "fewer-trytes" and trytes:
        answer["trytes"] = trytes[:-1]
    elif how == "more-trytes" and trytes:
        answer["trytes"] = trytes + trytes
    elif how == "lowercase" and (trytes or hashes):
        answer = json.loads(json.dumps(answer).lower())
    elif how == "wrong-hashes" and hashes is not None:
        answer["hashes"] = hashes + ["".join(random.choices(ALPHABET, k=81)) for _ in range(20)]
    elif how == "no-hashes" and hashes is not None:
        answer["hashes"] = []
    elif how not in (
            "other-trytes", "changed-trytes", "shuffled-trytes", "fewer-trytes", "more-trytes", "lowercase",
            "wrong-hashes", "no-hashes"):
        return None
    return json.dumps(answer).encode()


def other_tryte(trytes):
    """With one tryte changed, anywhere."""
    place = random.randrange(len(trytes))
    return trytes[:place] + random.choice(ALPHABET.replace(trytes[place], "")) + trytes[place + 1 :]
