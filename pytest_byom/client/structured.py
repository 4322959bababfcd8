"""Reads structured output out of a response."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_byom.client.errors import BadAnswer
from pytest_byom.client.jsontext import NotJSON, parse_json

if TYPE_CHECKING:
    from pytest_byom.client.response import Response
    from pytest_byom.client.schema import OutputSchema


def with_output(response: Response, output: OutputSchema) -> Response:
    """The response with its `structured_output`; None if the model called tools instead.

    Raises BadAnswer, with the response as its `partial`, if the text does not fit the schema.
    """
    text = response.content
    if response.refusal and not text:
        raise BadAnswer(f"the model refused: {response.refusal}", partial=response)
    if not text and response.tool_calls:
        return response
    try:
        value = output.read(parse_json(text))
    except (NotJSON, ValueError, TypeError) as error:
        why = "is not JSON" if isinstance(error, NotJSON) else "does not fit the schema"
        cut = " (it was cut: finish_reason length)" if response.finish_reason == "length" else ""
        raise BadAnswer(
            f"the structured output {why}{cut}: {error}; it reads {text[:200]!r}",
            partial=response,
        ) from None
    return replace(response, structured_output=value)
