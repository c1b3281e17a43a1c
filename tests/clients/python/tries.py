"""What the example client does when answers fail or break off: against a server that answers by a script."""

import http.server
import tempfile
import threading
import unittest

import client

AUDIO = b"RIFF" + bytes(100_000)


class Scripted(http.server.BaseHTTPRequestHandler):
    """Answers of a script, one for each request: (status, headers, body), or None for a connection that is cut."""

    def do_GET(self):
        body = self.rfile.read(int(self.headers["content-length"])) if "content-length" in self.headers else self.chunks()
        self.server.seen.append((self.headers, body))
        step = self.server.steps.pop(0)
        if step:
            status, headers, body = step
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    do_POST = do_GET

    def chunks(self):
        body = b""
        while self.headers.get("transfer-encoding") == "chunked" and (size := int(self.rfile.readline(), 16)):
            body += self.rfile.read(size + 2)[:-2]
        return body

    def log_message(self, *_):
        pass


def state(number, status):
    return b'id: %d\nevent: progress\ndata: {"status":"%s"}\n\n' % (number, status)


STREAM = {"content-type": "text/event-stream"}
GOOD = (200, {"content-type": "application/json"}, b'{"track": {}}')


class Tries(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
        self.server.seen = []
        threading.Thread(target=self.server.serve_forever).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.arsis = client.Arsis(f"http://127.0.0.1:{self.server.server_port}", "t0")
        self.addCleanup(self.arsis.http.close)
        self.waits = []
        client.time = type("Clock", (), {"sleep": self.waits.append})

    def test_an_upload_is_sent_again_whole_and_under_its_key(self):
        self.server.steps = [(503, {"retry-after": "7"}, b""), None, (409, {"retry-after": "1"}, b""), GOOD]
        with tempfile.NamedTemporaryFile() as file:
            file.write(AUDIO)
            file.flush()
            self.assertEqual(self.arsis.upload(file.name, tags="x"), {"track": {}})
        self.assertEqual(self.waits, [7, 2, 1])
        self.assertEqual(len({headers["idempotency-key"] for headers, _ in self.server.seen}), 1)
        self.assertEqual([AUDIO in body for _, body in self.server.seen], [True] * 4)

    def test_following_goes_on_when_the_server_cannot_now(self):
        self.server.steps = [(200, STREAM, state(1, b"running")), (429, {"retry-after": "3"}, b""), (502, {}, b""), None]
        self.server.steps += [(503, {}, b""), (200, STREAM, b""), (200, STREAM, state(2, b"completed"))]
        self.assertEqual([one["status"] for one in self.arsis.follow("a")], ["running", "completed"])
        self.assertEqual(self.waits, [1, 3, 4, 8, 16, 1])
        self.assertEqual([headers["last-event-id"] for headers, _ in self.server.seen], [None] + ["1"] * 6)

    def test_what_no_other_try_changes_is_an_error_and_so_is_a_server_that_stays_away(self):
        self.server.steps = [(404, {}, b"")]
        with self.assertRaises(client.ApiError):
            next(self.arsis.follow("a"))
        self.server.steps = [None] * client.TRIES
        with self.assertRaises(client.httpx.TransportError):
            next(self.arsis.follow("a"))
        self.assertEqual(self.waits, [1, 2, 4, 8, 16])


if __name__ == "__main__":
    unittest.main()
