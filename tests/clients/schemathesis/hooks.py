"""What no schema can say about the requests of the test."""

import json
import pathlib
import uuid

import schemathesis
from schemathesis import GenerationMode

HERE = pathlib.Path(__file__).parent
KNOWN = json.loads((HERE / "known.json").read_text())

# These end the session that asks, or another of the same person: each is asked in a session of its own.
ENDING = {"DELETE /v1/me/session", "POST /v1/me/session/rotate", "DELETE /v1/me/sessions/{session_id}"}
SPARE = iter(KNOWN["spare_tokens"])

# What the other requests rest on is neither removed nor shut out.
GUARDED = [
    ("DELETE /v1/tracks/{track_id}", "track_id", KNOWN["track"], KNOWN["victim"]),
    ("/v1/admin/users/{user_id}", "user_id", KNOWN["user"], KNOWN["other"]),
    ("DELETE /v1/me/sessions/{session_id}", "session_id", KNOWN["session"], KNOWN["spare_session"]),
]


@schemathesis.auth(refresh_interval=None)
class Session:
    """Who asks."""

    def get(self, case, context):
        return next(SPARE, "none") if case.operation.label in ENDING else KNOWN["token"]

    def set(self, case, token, context):
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}


@schemathesis.hook
def before_call(context, case, kwargs):
    guard(case)
    if case.meta and case.meta.generation.mode is GenerationMode.POSITIVE:
        make_valid(case)


def guard(case):
    """Turns a request away from what must stay."""
    path = case.path_parameters or {}
    for where, parameter, keep, instead in GUARDED:
        if where in case.operation.label and path.get(parameter) == keep:
            path[parameter] = instead


def make_valid(case):
    """Makes valid what the description calls valid.

    A cursor is opaque: only one that the list gave is valid, so a request that is to be valid has none. An
    Idempotency-Key is made for one request, and refused where another request has used it. A user_id must be
    somebody's, and a time lie in the future and within a year: no schema knows who there is, and when it is read.
    Webhooks go to a name that nobody has (RFC 6761).
    """
    if case.query:
        case.query.pop("cursor", None)
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    if isinstance(case.body, dict):
        for field in ("user_id", "run_at", "expires_at"):
            if field in case.body:
                case.body[field] = None
        if str(case.body.get("url", "")).startswith("https://"):
            case.body["url"] = "https://hooks.invalid/arsis"
