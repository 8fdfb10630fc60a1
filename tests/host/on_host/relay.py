"""Who is told of failures, played by this machine: a mail server with TLS and a login, a webhook, a heartbeat.

Each mail and each request is a line of JSON on standard output. Standard input says `away`, `back`, `deny` and `allow`.
"""
import email
import email.policy
import json
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

ADDRESS, NAME, FOLDER, PASSWORD, PORT = sys.argv[1:6]
denies = False


TELLING = threading.Lock()


def tell(what, **more):
    # Mails and requests come side by side, and a line is one write.
    with TELLING:
        print(json.dumps({"what": what, **more}), flush=True)


def openssl(*words):
    subprocess.run(["openssl", *words], cwd=FOLDER, check=True, capture_output=True)


def certificate():
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/CN=authority of a test",
            "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={NAME}", "-keyout", "key.pem", "-out", "req.pem")
    with open(f"{FOLDER}/names", "w") as names:
        names.write(f"subjectAltName=DNS:{NAME}\n")
    openssl("x509", "-req", "-in", "req.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "9",
            "-extfile", "names", "-out", "cert.pem")


class Mails:
    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        tell("mail", sender=envelope.mail_from, to=envelope.rcpt_tos, subject=str(mail["subject"]),
             body=mail.get_content(), tls=session.ssl is not None, login=session.authenticated)
        return "250 OK"


def login(server, session, envelope, mechanism, data):
    right = not denies and data.login == b"shop" and data.password == PASSWORD.encode()
    return AuthResult(success=True) if right else AuthResult(success=False, handled=False)


class Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        tell("request", method=self.command, path=self.path, body=body)
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


def relay():
    # LOGIN asks in a way that some clients do not know.
    return Controller(Mails(), hostname=ADDRESS, port=int(PORT), tls_context=tls, require_starttls=True, authenticator=login,
                      auth_required=True, auth_require_tls=True, auth_exclude_mechanism=["LOGIN"])


certificate()
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(f"{FOLDER}/cert.pem", f"{FOLDER}/key.pem")
mails = relay()
mails.start()
web = ThreadingHTTPServer((ADDRESS, int(PORT) + 1), Requests)
threading.Thread(target=web.serve_forever, daemon=True).start()
tell("up", authority=open(f"{FOLDER}/ca.pem").read())
for line in sys.stdin:
    word = line.strip()
    if word == "away":
        mails.stop()
    elif word == "back":
        mails = relay()
        mails.start()
    elif word in ("deny", "allow"):
        denies = word == "deny"
    tell(word)
