"""What stands between a host and an ACME server, and spoils one of its answers.

front.py PORT UPSTREAM_PORT CERT KEY CONTROL_PORT. `GET /FAULT/N` on the control port has the N-th call from then on spoiled (0: every
one), and answers with how many calls there were before; `GET /none/0` spoils none.
"""

import http.client
import http.server
import json
import socket
import ssl
import sys
import threading
import time

PORT, UPSTREAM, CERT, KEY, CONTROL = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
ME, UP = f"https://127.0.0.1:{PORT}", f"https://127.0.0.1:{UPSTREAM}"
TLS = ssl.create_default_context(cafile=CERT)
state = {"fault": "none", "at": 0, "calls": 0}
lock = threading.Lock()


def problem(kind, detail, **more):
    return json.dumps({"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail, **more}).encode()


REFUSALS = {
    "rate_limited": (429, problem("rateLimited", "too many certificates already issued"), {"Retry-After": "14400"}),
    "rate_limited_for_ever": (429, problem("rateLimited", "no"), {"Retry-After": str(2**64 - 1)}),
    "caa": (403, problem("caa", "CAA record for the name prevents issuance"), {}),
    "compound": (400, problem("malformed", "some identifiers were rejected", subproblems=[
        {"type": "urn:ietf:params:acme:error:rejectedIdentifier", "detail": "policy forbids it", "identifier": {"type": "dns", "value": "shop.example.com"}}]), {}),
    "internal": (500, problem("serverInternal", "database is away"), {}),
    "bad_nonce": (400, problem("badNonce", "JWS has an invalid anti-replay nonce"), {}),
    "unknown_account": (400, problem("accountDoesNotExist", "unable to find account"), {}),
    "terminal": (403, problem("rejectedIdentifier", "\x1b[31mevil\x07 \u202e" + "x" * 100_000), {}),
    "html": (502, b"<html>bad gateway</html>", {}),
    "garbage": (200, b"\x00\xff{[", {}),
}


# What is refused of a signed call alone.
SIGNED = ("caa", "compound", "internal", "bad_nonce", "unknown_account", "terminal")


class Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        with lock:
            state["calls"] += 1
            fault = state["fault"] if state["at"] in (0, state["calls"]) else "none"
        if fault == "cut":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if fault == "hang":
            time.sleep(600)
        upstream = http.client.HTTPSConnection("127.0.0.1", UPSTREAM, context=TLS)
        headers = {"Host": f"127.0.0.1:{PORT}"}
        if self.headers.get("content-type"):
            headers["Content-Type"] = self.headers["content-type"]
        if fault in SIGNED and self.command != "POST":
            fault = "none"
        if fault in REFUSALS:
            # The nonce of the request is used up, as it would be; a fresh one comes along.
            upstream.request("HEAD", "/nonce-plz", headers=headers)
            found = upstream.getresponse()
            found.read()
            status, said, more = REFUSALS[fault]
            self.send(status, said, {"Content-Type": "text/html" if fault == "html" else "application/problem+json", "Replay-Nonce": found.headers["Replay-Nonce"], **more})
            return
        if self.path.startswith("/ari/"):
            self.send(200, json.dumps({"suggestedWindow": {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}}).encode(), {})
            return
        upstream.request(self.command, self.path, body or None, headers)
        found = upstream.getresponse()
        said = self.spoiled(fault, found.read())
        kept = {name: value.replace(UP, ME) for name, value in found.headers.items() if name.lower() in ("location", "replay-nonce", "content-type", "retry-after")}
        self.send(found.status, said, kept)

    def spoiled(self, fault, said):
        said = said.replace(UP.encode(), ME.encode())
        if fault == "endless":
            return said + b" " * (8 << 20)
        if fault == "half":
            return said[: len(said) // 2]
        if fault == "without_tls":
            return said.replace(b"https://", b"http://")
        if fault == "renewal_info" and self.path == "/dir":
            known = json.loads(said)
            known["renewalInfo"] = f"{ME}/ari"
            return json.dumps(known).encode()
        if fault == "token" and b'"token"' in said:
            known = json.loads(said)
            for challenge in known.get("challenges", [known]):
                challenge["token"] = "../../../../../../etc/planted"
            return json.dumps(known).encode()
        if fault == "other_chain" and said.startswith(b"-----BEGIN CERT"):
            return open(CERT, "rb").read()
        if fault == "keys_in_chain" and said.startswith(b"-----BEGIN CERT"):
            return said + open(KEY, "rb").read()
        return said

    def send(self, status, said, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said)

    do_GET = do_HEAD = do_POST = answer

    def log_message(self, *_):
        pass


class Control(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        _, fault, at = self.path.split("/")
        with lock:
            calls = state["calls"]
            state.update(fault=fault, at=int(at), calls=0)
        said = str(calls).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERT, KEY)
front = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Front)
front.daemon_threads = True
front.socket = context.wrap_socket(front.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=front.serve_forever, daemon=True).start()
http.server.HTTPServer(("127.0.0.1", CONTROL), Control).serve_forever()
