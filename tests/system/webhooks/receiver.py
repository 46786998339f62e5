# A receiver that checks each delivery with the official package of
# Standard Webhooks.
#
#   python receiver.py whsec_... [whsec_...]
#
# Prints "port N" once it listens on 127.0.0.1, and ends when its standard
# input is closed. A POST to any path is answered 204 if at least one of the
# secrets accepts it, else 401. GET /counts tells what has come in so far.
#
# Needs Python 3.9 or later and the package standardwebhooks.

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook

if len(sys.argv) < 2:
    sys.exit("usage: receiver.py whsec_... [whsec_...]")

hooks = [Webhook(secret) for secret in sys.argv[1:]]

lock = threading.Lock()
accepted = 0
refused = 0
by_secret = [0] * len(hooks)
ids = set()


def accepts(hook, body, headers):
    try:
        hook.verify(body, headers)
    except Exception:
        # Besides its own error the package lets others through, such as
        # that of a signature that is not Base64 or a body that is not JSON.
        return False
    return True


def count(verdicts, msg_id):
    global accepted, refused
    with lock:
        if any(verdicts):
            accepted += 1
        else:
            refused += 1
        for i, ok in enumerate(verdicts):
            by_secret[i] += ok
        if msg_id:
            ids.add(msg_id)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open
    disable_nagle_algorithm = True

    def do_POST(self):
        msg_id = self.headers.get("webhook-id")
        length = self.headers.get("content-length", "")
        if not length.isdigit():
            # The end of the body is not known, so the connection must close.
            count([False] * len(hooks), msg_id)
            self.send_response(411)
            self.send_header("connection", "close")
            self.send_header("content-length", "0")
            self.end_headers()
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            # The sender went away: there is no delivery to count.
            self.close_connection = True
            return
        headers = dict(self.headers.items())
        verdicts = [accepts(hook, body, headers) for hook in hooks]
        count(verdicts, msg_id)
        if any(verdicts):
            self.send_response(204)
        else:
            self.send_response(401)
            self.send_header("content-length", "0")
        self.end_headers()

    def do_GET(self):
        if self.path != "/counts":
            self.send_response(404)
            self.send_header("content-length", "0")
            self.end_headers()
            return
        with lock:
            counts = {
                "accepted": accepted,
                "refused": refused,
                "by_secret": list(by_secret),
                "ids": len(ids),
            }
        answer = json.dumps(counts).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    # The default of 5 makes a burst of connections wait for a second.
    request_queue_size = 512

    def handle_error(self, request, client_address):
        # A sender that drops its connection is no fault of the receiver.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def end_with_stdin():
    try:
        while os.read(0, 4096):
            pass
    finally:
        os._exit(0)


server = Server(("127.0.0.1", 0), Handler)
print("port", server.server_port, flush=True)
threading.Thread(target=end_with_stdin, daemon=True).start()
server.serve_forever()
