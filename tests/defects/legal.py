"""Legal variants: what real servers do otherwise, and no client minds. None has a finding.

Where a variant is not OpenAI's own way, it is one that the schema, the SDK types or every measured
client allow.
"""

from __future__ import annotations

from defects import legal_answers, legal_lacks, legal_params, legal_senses, legal_streams

VARIANTS = [
    *legal_streams.VARIANTS,
    *legal_answers.VARIANTS,
    *legal_params.VARIANTS,
    *legal_senses.VARIANTS,
    *legal_lacks.VARIANTS,
]
