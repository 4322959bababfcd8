"""Legal variants that lack something: what a server refuses with a 4xx counts as unsupported."""

from __future__ import annotations

from defects.audio import has_sound
from defects.leaving import REASONING, SEEING, needing
from defects.planting import Asked, Variant, asks, refuse
from defects.vision import has_image


def _no_tools(asked: Asked) -> bool:
    return asked.is_chat and asked.parameters.get("tools") == []


VARIANTS = [
    Variant(
        id="image-refused",
        title="Images are refused.",
        change=refuse("content type image_url is not supported", when=has_image),
        lacks=SEEING,
    ),
    Variant(
        id="sound-refused",
        title="Sounds are refused.",
        change=refuse("content type input_audio is not supported", when=has_sound),
        lacks=needing("audio") | {"audio.counted"},
    ),
    Variant(
        id="effort-refused",
        title="reasoning_effort is refused.",
        change=refuse("Unsupported parameter", when=asks("reasoning_effort")),
        lacks=REASONING,
    ),
    Variant(
        id="no-tools-refused",
        title="An empty list of tools is refused, as at OpenAI.",
        change=refuse("Invalid 'tools': empty array.", when=_no_tools),
    ),
    Variant(
        id="bias-refused",
        title="logit_bias is refused.",
        change=refuse("property 'logit_bias' is unsupported", when=asks("logit_bias")),
        lacks=needing("logit_bias"),
        row="C220",
        issues=("dottxt-ai/outlines#946", "ogx-ai/ogx#609"),
    ),
    Variant(
        id="prediction-refused",
        title="A prediction is refused.",
        change=refuse("property 'prediction' is unsupported", when=asks("prediction")),
        lacks=needing("prediction"),
    ),
    Variant(
        id="search-refused",
        title="Options for a search are refused.",
        change=refuse(
            "Unknown parameter: 'web_search_options'.",
            when=lambda asked: "web_search_options" in asked.parameters,
        ),
        lacks=needing("web_search"),
    ),
    Variant(
        id="functions-refused",
        title="functions, the old form of tools, are refused.",
        change=refuse("property 'functions' is unsupported", when=asks("functions")),
        lacks=needing("legacy_functions")
        | {"tools.legacy-call", "tools.legacy-finish", "tools.legacy-stream"},
    ),
    Variant(
        id="parallel-refused",
        title="parallel_tool_calls is refused.",
        change=refuse(
            "property 'parallel_tool_calls' is unsupported", when=asks("parallel_tool_calls")
        ),
        lacks=needing("parallel_tools"),
        leaves=frozenset({"messages.own-parallel", "tools.parallel-off"}),
    ),
]
