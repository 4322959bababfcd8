"""All planted defects, by area."""

from __future__ import annotations

from dataclasses import replace

from defects import (
    auth,
    choices,
    definitions,
    errors,
    fuzz,
    headers,
    http,
    limits,
    logprobs,
    messages,
    models,
    params,
    parity,
    response,
    stream_bytes,
    stream_chunks,
    stream_deltas,
    stream_ends,
    structured,
    tools,
    usage,
)
from defects.consequences import load_consequences

ALSO = load_consequences()

NAMED = [
    *http.DEFECTS,
    *headers.DEFECTS,
    *auth.DEFECTS,
    *models.DEFECTS,
    *params.DEFECTS,
    *limits.DEFECTS,
    *messages.DEFECTS,
    *response.DEFECTS,
    *choices.DEFECTS,
    *usage.DEFECTS,
    *errors.DEFECTS,
    *logprobs.DEFECTS,
    *structured.DEFECTS,
    *parity.DEFECTS,
    *stream_bytes.DEFECTS,
    *stream_chunks.DEFECTS,
    *stream_ends.DEFECTS,
    *stream_deltas.DEFECTS,
    *tools.DEFECTS,
    *definitions.DEFECTS,
    *fuzz.DEFECTS,
]

DEFECTS = [replace(defect, also=ALSO.get(defect.id, {})) for defect in NAMED]
