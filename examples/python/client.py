#!/usr/bin/env python3
"""Upload a track to Arsis, follow its analysis, and read beats and frames: the HTTP API from Python.

    export ARSIS_URL=http://127.0.0.1:7070 ARSIS_TOKEN=...
    python3 client.py song.flac                       tempo, key, and the first beats
    python3 client.py song.flac --npy bands.npy       ... and its bands as an array, a row a frame
    python3 client.py song.flac --json                ... as JSON

Needs httpx and numpy (`pip install httpx numpy`).
"""

import argparse
import json
import os
import pathlib
import sys
import time
import uuid

import httpx
import numpy as np

# How often something is asked for: with waits of 1, 2, 4, 8 and 16 seconds a server may be started anew meanwhile.
TRIES = 6
PASSING = (408, 429, 502, 503, 504)
TYPES = {"u8": "<u1", "i16": "<i2", "f16": "<f2", "f32": "<f4"}


class ApiError(Exception):
    """The server's answer is a problem document (RFC 9457)."""

    def __init__(self, response):
        response.read()
        is_json = "json" in response.headers.get("content-type", "")
        self.problem = response.json() if is_json else {"title": f"HTTP {response.status_code}"}
        self.status = response.status_code
        self.retry_after = response.headers.get("retry-after", "")
        self.request_id = response.headers.get("x-request-id")
        where = "; ".join(f"{error['pointer']} {error['detail']}" for error in self.problem.get("errors", []))
        super().__init__(": ".join(filter(None, [self.problem.get("title"), self.problem.get("detail"), where])))


class Arsis:
    """Speaks with one server, as one person."""

    def __init__(self, url, token):
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=60)

    def ask(self, method, path, **request):
        """An answer whose status is below 400. Tries again what passes, a POST under the same Idempotency-Key."""
        if method == "POST":
            request.setdefault("headers", {}).setdefault("Idempotency-Key", str(uuid.uuid4()))
        for tries in range(TRIES):
            try:
                return checked(self.http.request(method, path, **request))
            except (ApiError, httpx.TransportError) as error:
                wait(error, tries)

    def upload(self, path, **about):
        """A new track and its first analysis."""
        path = pathlib.Path(path)
        with path.open("rb") as file:
            # Read as it is sent, from its beginning at each try: the file is never in memory as a whole.
            return self.ask("POST", "/v1/tracks", data=about, files={"file": (path.name, file)}).json()

    def follow(self, analysis_id):
        """Each state of an analysis until it is over. A connection that breaks is made anew, behind the last event."""
        last_id, tries = None, 0
        while True:
            headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
            try:
                with self.http.stream("GET", f"/v1/analyses/{analysis_id}/progress", headers=headers) as response:
                    if checked(response).status_code == 204:
                        return
                    tries = 0
                    for event in events(response.iter_lines()):
                        last_id = event.get("id", last_id)
                        if event.get("event") != "progress":
                            continue
                        analysis = json.loads(event["data"])
                        yield analysis
                        if analysis["status"] in ("completed", "error"):
                            return
                raise httpx.ReadError("the stream broke off")
            except (ApiError, httpx.TransportError) as error:
                wait(error, tries)
            tries += 1

    def items(self, path, **query):
        """Items of a list, page by page as they are needed."""
        while True:
            page = self.ask("GET", path, params=query).json()
            yield from page["items"]
            if not page.get("next_cursor"):
                return
            query["cursor"] = page["next_cursor"]

    def frames(self, analysis_id, **span):
        """Frames of a span of time (from_ms, to_ms, level or max_frames): where they are, and their fields as arrays."""
        layout = self.ask("GET", f"/v1/analyses/{analysis_id}/manifest").json()["frame_layout"]
        path, headers = f"/v1/analyses/{analysis_id}/frames", {"Accept": "application/octet-stream"}
        response = self.ask("GET", path, params=span, headers=headers)
        place = {name: int(response.headers[f"arsis-{name}"]) for name in ("level", "hop-ms", "start-frame", "frame-count")}
        rows = np.frombuffer(response.content, np.uint8).reshape(place["frame-count"], layout["bytes_per_frame"])
        return place, {field["name"]: physical(field, rows) for field in layout["fields"]}


def checked(response):
    """An answer, if its status is below 400."""
    if response.is_error:
        raise ApiError(response)
    return response


def wait(error, tries):
    """Waits before another try, as long as the server asks for; raises the error where another try would not help."""
    after = getattr(error, "retry_after", "")
    passes = not isinstance(error, ApiError) or error.status in PASSING or after
    if not passes or tries == TRIES - 1:
        raise error
    time.sleep(int(after) if after.isdigit() else 2**tries)


def events(lines):
    """Server-sent events out of lines (WHATWG HTML, section 9.2)."""
    event = {}
    for line in lines:
        if not line:
            if "data" in event:
                yield event
            event = {}
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data" and "data" in event:
            event["data"] += "\n" + value
        elif name in ("data", "event", "id"):
            event[name] = value


def physical(field, rows):
    """Physical values (frames, count) of one field; NaN where there is no value. docs/FRAME-FORMAT.md has the layout."""
    width = np.dtype(TYPES[field["type"]]).itemsize * field["count"]
    raw = np.ascontiguousarray(rows[:, field["offset"] : field["offset"] + width]).view(TYPES[field["type"]])
    values = (raw.astype(np.float64) * field["scale"] + field["bias"]).astype(np.float32)
    if "none_raw" in field:
        values[raw == field["none_raw"]] = np.nan
    return values


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("audio", help="a file")
    parser.add_argument("--npy", help="write the bands to this file")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    given = parser.parse_args()
    arsis = Arsis(os.environ.get("ARSIS_URL", "http://127.0.0.1:7070"), os.environ["ARSIS_TOKEN"])

    uploaded = arsis.upload(given.audio, tags="example")
    analysis = uploaded["analysis"]
    for analysis in arsis.follow(analysis["id"]):
        done = analysis["progress"]["fraction"]
        print(f"{analysis['status']} {'' if done is None else f'{done:.0%}'}", file=sys.stderr)
    if analysis["status"] != "completed":
        sys.exit(f"error: {analysis['error_message']}")

    beats = list(arsis.items(f"/v1/analyses/{analysis['id']}/events", type="beat", limit=1000))
    place, fields = arsis.frames(analysis["id"], max_frames=2000)
    if given.npy:
        np.save(given.npy, fields["bands"])
    summary = analysis["summary"]
    if given.json:
        shapes = {name: list(values.shape) for name, values in fields.items()}
        print(json.dumps({"track": uploaded["track"]["id"], "analysis": analysis["id"], "summary": summary,
                          "beats_ms": [beat["time_ms"] for beat in beats], "frames": {**place, "fields": shapes}}))
        return
    key = summary["key"]["name"] if summary.get("key") else "no key"
    print(f"{uploaded['track']['name']}: {summary['tempo_bpm'] or 'no'} bpm, {key}, {len(beats)} beats")
    print("beats at", " ".join(f"{beat['time_ms'] / 1000:.2f}" for beat in beats[:16]), "…")
    print(f"{place['frame-count']} frames of {place['hop-ms']} ms:", ", ".join(f"{name} {v.shape[1]}" for name, v in fields.items()))


if __name__ == "__main__":
    try:
        main()
    except (ApiError, httpx.HTTPError, KeyError, OSError) as error:
        sys.exit(f"error: {error}")
