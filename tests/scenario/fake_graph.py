"""A Graph API that takes everything and notes it: for stories whose webhooks are written by hand."""
import http.server
import json
import threading

from harness import GRAPH_TOKEN, WAIT_S, until


class FakeGraph:
    def __init__(self, rig, status=200, body=None):
        self.requests = []   # (path, token, body)
        self.status, self.body = status, body or {"messaging_product": "whatsapp", "success": True}
        graph = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                text = self.rfile.read(int(self.headers["Content-Length"]))
                graph.requests.append((self.path, self.headers["Authorization"], json.loads(text)))
                answer = json.dumps(graph.body).encode()
                self.send_response(graph.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def do_GET(self):  # keeps the connection warm
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = do_GET

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", rig.graph_port), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def actions(self, wacid=None):
        return [r[2]["action"] for r in list(self.requests) if wacid in (None, r[2].get("call_id"))]

    def wait(self, action, wacid=None, timeout=WAIT_S):
        until(lambda: action in self.actions(wacid), f"{action} at the Graph API", timeout)
        for path, token, body in self.requests:
            if body["action"] == action and wacid in (None, body.get("call_id")):
                assert token == f"Bearer {GRAPH_TOKEN}", token
                return body
        return None

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(2)
