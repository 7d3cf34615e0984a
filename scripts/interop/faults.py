"""A proxy before a server that injects faults, one for each request that a plan names."""
import itertools
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HUGE = 64 << 20  # bytes of the body that no client should read to its end
HANG = 3600      # seconds that a hanging request would last, were it not given up


class Proxy:
    """Forwards requests to an upstream URL. The n-th request meets the n-th fault of the plan, over and over: None,
    refused, killed, 500, 429, hang, garbage, empty or huge. Faults counts those that were met."""

    def __init__(self, upstream, plan):
        self.upstream, self.plan = upstream.rstrip("/"), itertools.cycle(plan)
        self.faults, self.requests, self.lock = {}, 0, threading.Lock()
        self.closing = threading.Event()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with proxy.lock:
                    fault = next(proxy.plan)
                    proxy.requests += 1
                    if fault:
                        proxy.faults[fault] = proxy.faults.get(fault, 0) + 1
                try:
                    proxy.answer(self, fault, body)
                except OSError:
                    self.close_connection = True  # the client has given up

            def do_GET(self):
                proxy.answer(self, None, None)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def forward(self, path, body):
        """The upstream's status and body."""
        request = urllib.request.Request(self.upstream + path, data=body, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=300) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def answer(self, handler, fault, body):
        if fault == "refused":  # a reset before any byte is what a client sees of a port that closes
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            handler.close_connection = True
            return handler.connection.shutdown(socket.SHUT_RDWR)
        if fault == "hang":
            self.closing.wait(HANG)
            handler.close_connection = True
            return
        if fault == "500":
            return reply(handler, 500, b'{"error": {"message": "injected"}}')
        if fault == "429":
            return reply(handler, 429, b'{"error": {"message": "slow down"}}', {"Retry-After": "1"})
        if fault == "garbage":
            return reply(handler, 200, b'{"choices": [{"message": {"content": \xff\xfe')
        if fault == "empty":
            return reply(handler, 200, b"")
        if fault == "huge":
            return huge(handler)
        status, answer = self.forward(handler.path, body)
        if fault == "killed":  # half of the answer that was promised
            handler.send_response(status)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(answer)))
            handler.end_headers()
            handler.wfile.write(answer[:len(answer) // 2])
            handler.wfile.flush()
            handler.close_connection = True
            return
        reply(handler, status, answer)


def reply(handler, status, body, headers=None):
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def huge(handler):
    """Valid JSON, but for its length."""
    start, end = b'{"choices": [{"message": {"role": "assistant", "content": "', b'"}}]}'
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(start) + HUGE + len(end)))
    handler.end_headers()
    handler.wfile.write(start)
    for _ in range(HUGE >> 16):
        handler.wfile.write(b"x" * (1 << 16))
    handler.wfile.write(end)


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(url, seconds, alive):
    """Until the URL answers with JSON; an error after so many seconds, or when alive says no."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and alive():
        try:
            with urllib.request.urlopen(url, timeout=5) as reply_:
                json.load(reply_)
                return
        except (OSError, ValueError):
            time.sleep(0.5)
    raise TimeoutError(f"nothing answers at {url}")
