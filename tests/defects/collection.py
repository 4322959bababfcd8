"""All planted defects, by area."""

from __future__ import annotations

from dataclasses import replace

from defects import (
    audio,
    auth,
    capability,
    choices,
    definitions,
    errors,
    headers,
    http,
    limits,
    logprobs,
    logprobs_table,
    messages,
    messages_content,
    messages_forms,
    models,
    params,
    parity,
    reasoning,
    response,
    stream_bytes,
    stream_chunks,
    stream_deltas,
    stream_ends,
    structured,
    structured_limits,
    tools,
    tools_legacy,
    tools_table,
    usage,
    vision,
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
    *messages_content.DEFECTS,
    *messages_forms.DEFECTS,
    *response.DEFECTS,
    *choices.DEFECTS,
    *usage.DEFECTS,
    *errors.DEFECTS,
    *logprobs.DEFECTS,
    *logprobs_table.DEFECTS,
    *structured.DEFECTS,
    *structured_limits.DEFECTS,
    *parity.DEFECTS,
    *stream_bytes.DEFECTS,
    *stream_chunks.DEFECTS,
    *stream_ends.DEFECTS,
    *stream_deltas.DEFECTS,
    *tools.DEFECTS,
    *tools_legacy.DEFECTS,
    *tools_table.DEFECTS,
    *definitions.DEFECTS,
    *vision.DEFECTS,
    *audio.DEFECTS,
    *reasoning.DEFECTS,
    *capability.DEFECTS,
]

DEFECTS = [replace(defect, also=ALSO.get(defect.id, {})) for defect in NAMED]
