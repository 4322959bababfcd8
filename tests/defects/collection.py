"""All planted defects, by area."""

from __future__ import annotations

from defects import (
    auth,
    errors,
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
    stream_ends,
    structured,
    tools,
    usage,
)

DEFECTS = [
    *http.DEFECTS,
    *auth.DEFECTS,
    *models.DEFECTS,
    *params.DEFECTS,
    *limits.DEFECTS,
    *messages.DEFECTS,
    *response.DEFECTS,
    *usage.DEFECTS,
    *errors.DEFECTS,
    *logprobs.DEFECTS,
    *structured.DEFECTS,
    *parity.DEFECTS,
    *stream_bytes.DEFECTS,
    *stream_chunks.DEFECTS,
    *stream_ends.DEFECTS,
    *tools.DEFECTS,
]
