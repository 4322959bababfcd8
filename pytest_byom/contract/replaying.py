"""What our client core makes of a recorded answer: the same dialogues, with no network.

The result has the shape of a contract's `client`: content, reasoning, tool calls, finish reason,
usage and the codes of warnings; or the error, with what had come before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_byom.client.dialogue import Head, Read, Send
from pytest_byom.client.errors import BYOMError, ServerError
from pytest_byom.client.llm import LLM

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_byom.client.response import Response
    from pytest_byom.contract.format import Answer, Contract

ENDPOINT = "http://recorded.example/v1"


class _Wire:
    """Performs the steps of a dialogue from a recorded answer."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._pieces = iter(answer.pieces)

    def perform(self, step: Any) -> Any:
        if isinstance(step, Send):
            headers = {name.lower(): text for name, text in self._answer.headers.items()}
            return Head(self._answer.status, headers)
        return next(self._pieces, b"") if isinstance(step, Read) else None

    def close(self) -> None:
        self._pieces = iter(())


class _RecordedLLM(LLM):
    """The client, with a recorded answer in place of the network."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(base_url=ENDPOINT, model="recorded", retry=None)
        self._answer = answer

    def _wire(self) -> Any:
        return _Wire(self._answer)


def replay_chat(answer: Answer, *, stream: bool) -> Response:
    """Return what the client makes of a chat answer; raises what the client raises."""
    llm = _RecordedLLM(answer)
    if not stream:
        return llm.send_messages("recorded")
    with llm.stream_response("recorded") as events:
        return events.response()


def replay_models(answer: Answer) -> list[str]:
    """Return the ids that the client finds in a list of models; raises what the client raises."""
    return [model.id for model in _RecordedLLM(answer).models()]


def client_view(contract: Contract) -> dict[str, Any] | None:
    """Return what the client makes of a contract's answer; None if no method asks such a thing."""
    if contract.response is None:
        return None
    if contract.request.method == "GET" and contract.request.path == "/models":
        return view_of(lambda answer: {"models": replay_models(answer)}, contract.response)
    if contract.is_chat:
        stream = contract.asks_stream
        return view_of(
            lambda answer: view_response(replay_chat(answer, stream=stream)), contract.response
        )
    return None


def view_of(read: Callable[[Answer], dict[str, Any]], answer: Answer) -> dict[str, Any]:
    """Return what `read` makes of an answer, or the view of the error that it raises."""
    try:
        return read(answer)
    except BYOMError as error:
        return view_error(error)


def view_response(response: Response) -> dict[str, Any]:
    """Return a response as a contract writes it; what is empty is left out."""
    usage = response.usage
    view = {
        "content": response.content,
        "reasoning": response.reasoning,
        "tool_calls": [
            {"id": call.id, "name": call.name, "arguments": call.arguments}
            for call in response.tool_calls
        ],
        "finish_reason": response.finish_reason,
        "usage": usage
        and {
            "input": usage.input_tokens,
            "output": usage.output_tokens,
            "cached": usage.cached_tokens,
            "reasoning": usage.reasoning_tokens,
        },
        "warnings": [warning.code for warning in response.warnings],
    }
    return {key: value for key, value in view.items() if value or key == "content"}


def view_error(error: BYOMError) -> dict[str, Any]:
    """Return an error as a contract writes it, with the text that had come before it."""
    view: dict[str, Any] = {"class": type(error).__name__}
    if isinstance(error, ServerError):
        said = {"status": error.status, "code": error.code, "message": error.server_message}
        view |= {key: value for key, value in said.items() if value is not None}
    partial = getattr(error, "partial", None)
    shown = {"content": partial.content} if partial is not None and partial.content else {}
    return {**shown, "error": view}
