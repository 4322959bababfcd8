"""Three answers of llama.cpp b10068 and b11434, as recorded: what that upgrade changed.

Of 112 requests to either build these are all that were answered otherwise. No rule says a word
about the first and the third; an app that lists models without its key stopped working.
"""

from __future__ import annotations

from typing import Any

from pytest_byom.gate.fingerprint import Answer, take_fingerprint
from pytest_byom.gate.shape_changes import compare_fingerprints

from .making import plain

META = {"vocab_type": 2, "n_vocab": 49152, "n_ctx": 2048, "n_embd": 576, "ftype": "Q4_1"}
BROKEN = (
    "[json.exception.parse_error.101] parse error at line 1, column 29: syntax error while parsing "
    "value - unexpected end of input; expected '[', '{', or a literal"
)
MODALITIES = {"input_modalities": ["text"], "output_modalities": ["text"]}


def models(**members: Any) -> Answer:
    """Return the list of models, shortened."""
    entry = {"id": "smollm2", "aliases": ["smollm2"], "tags": [], "object": "model", **members}
    data = {"models": [{"name": "smollm2"}], "object": "list"}
    return plain(data | {"data": [entry | {"owned_by": "llamacpp", "meta": META}]}, kind="models")


def refusal(status: int, type: str, message: str) -> Answer:
    """Return an error answer: the code is the status."""
    error = {"code": status, "message": message, "type": type}
    return plain({"error": error}, status=status)


B10068 = {
    "models": [models(created=1795340141)],
    "invalid_json": [refusal(500, "server_error", BROKEN)],
    "auth_none_models": [models(created=1795340145)],
}
B11434 = {
    "models": [models(created=1795337061, architecture=MODALITIES)],
    "invalid_json": [refusal(400, "invalid_request_error", BROKEN)],
    "auth_none_models": [refusal(401, "authentication_error", "Invalid API Key")],
}


def test_upgrade() -> None:
    """The gate names a new member, a 500 that became a 400, and a list that now needs a key."""
    changes = compare_fingerprints(take_fingerprint(B10068), take_fingerprint(B11434))
    assert [(change.sentence, change.where) for change in changes] == [
        ("answer: status was 200, and is 401", ("auth_none_models",)),
        ("answer: status was 500, and is 400", ("invalid_json",)),
        ("body.data[]: architecture is new (object)", ("models",)),
    ]
