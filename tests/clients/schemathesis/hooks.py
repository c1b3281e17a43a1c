"""What no schema can say about the requests of the test."""

import uuid

import schemathesis
from schemathesis import GenerationMode


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes valid what the description calls valid.

    A cursor is opaque: only one that the list gave is valid, so a request that is to be valid has none. An
    Idempotency-Key is made for one request, and refused where another request has used it. A user_id must be
    somebody's, and run_at lie within a year: no schema knows who there is, and when it is read.
    """
    if not case.meta or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if case.query:
        case.query.pop("cursor", None)
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    if isinstance(case.body, dict):
        for field in ("user_id", "run_at"):
            if field in case.body:
                case.body[field] = None
