"""What the sync and the async client share: their arguments, and the dialogues they perform."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_byom.client.dialogue import Job, json_dialogue, plain_dialogue
from pytest_byom.client.errors import UsageError
from pytest_byom.client.http import check_client, make_client
from pytest_byom.client.messages import as_messages
from pytest_byom.client.modellist import read_models
from pytest_byom.client.models import CustomModel, model_from
from pytest_byom.client.redact import HiddenText, Redactor, secrets_of, shown_url
from pytest_byom.client.request import (
    ChatRoute,
    Settings,
    base_headers,
    build_body,
    check_base_url,
    models_request,
    without_user,
)
from pytest_byom.client.retry import Retry, retry_from
from pytest_byom.client.schema import output_schema
from pytest_byom.client.streaming import stream_dialogue
from pytest_byom.client.timeouts import Timeouts, timeouts_from
from pytest_byom.client.tools import tools_as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from pytest_byom.client.context import ContextStrategy
    from pytest_byom.client.dialogue import Step
    from pytest_byom.client.messages import Conversation
    from pytest_byom.client.modellist import ModelInfo
    from pytest_byom.client.response import Response
    from pytest_byom.client.schema import OutputSchema
    from pytest_byom.client.tools import ToolLike

DEFAULT_TIMEOUTS = Timeouts()
DEFAULT_RETRY = Retry()


class Core:
    """One endpoint, one model, and what every request asks for.

    `base_url` is used as it is given, with `/chat/completions` joined to its path; a query stays.
    `model` is a name or a CustomModel. `extra_headers` replace ours of the same name, the
    Authorization too; None takes one away. `extra_body` is merged into the body last.
    `timeout` is seconds or Timeouts, `retry` a number of retries or a Retry. `http_client` is a
    client of httpx or httpx2 that you keep and close yourself; without it one is made when first
    needed. `context` fits conversations into the model's window. `think_tags` names the marks
    between which a server writes reasoning into its text. All else is sent if it is given.

    Raises UsageError for an argument that cannot be meant.
    """

    _asynchronous = False

    def __init__(
        self,
        *,
        base_url: str,
        model: CustomModel | str | Mapping[str, object],
        api_key: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        stop: str | Sequence[str] | None = None,
        seed: int | None = None,
        frequency_penalty: float | None = None,
        presence_penalty: float | None = None,
        logit_bias: Mapping[str, int] | None = None,
        top_logprobs: int | None = None,
        n: int | None = None,
        reasoning_effort: str | None = None,
        tool_choice: str | Mapping[str, Any] | None = None,
        parallel_tool_calls: bool | None = None,
        max_tokens_field: str | None = None,
        extra_headers: Mapping[str, str | None] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        timeout: Timeouts | float | None = DEFAULT_TIMEOUTS,
        retry: Retry | int | None = DEFAULT_RETRY,
        http_client: Any = None,
        context: ContextStrategy | None = None,
        think_tags: tuple[str, str] | None = None,
    ) -> None:
        base_url = check_base_url(base_url)
        self._base_url = HiddenText(without_user(base_url))
        self._endpoint = shown_url(self._base_url)
        self._model = model_from(model)
        self._headers = base_headers(api_key, extra_headers or {}, base_url=base_url)
        self._chat = ChatRoute(self._base_url, self._headers)
        self._redactor = Redactor(secrets_of(api_key, extra_headers or {}, base_url))
        self._settings = Settings(
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
            stop=stop,
            seed=seed,
            frequency_penalty=frequency_penalty,
            presence_penalty=presence_penalty,
            logit_bias=logit_bias,
            top_logprobs=top_logprobs,
            n=n,
            reasoning_effort=reasoning_effort,
            tool_choice=tool_choice,
            parallel_tool_calls=parallel_tool_calls,
            max_tokens_field=max_tokens_field,
            extra_body=extra_body or {},
        )
        self._timeouts = timeouts_from(timeout)
        self._retry = retry_from(retry)
        self._context = self._check_context(context)
        self._think_tags = think_tags
        self._own_client: Any = None
        self._given_client = http_client
        self._lock = threading.Lock()
        if http_client is not None:
            check_client(http_client, asynchronous=self._asynchronous)

    def __repr__(self) -> str:
        name = self._model if isinstance(self._model, str) else self._model.model_id
        return f"{type(self).__name__}(base_url={self._endpoint!r}, model={name!r})"

    @property
    def endpoint(self) -> str:
        """The base URL, without secrets."""
        return self._endpoint

    @property
    def model(self) -> CustomModel | str:
        """The model that is asked."""
        return self._model

    def _client(self) -> Any:
        """The HTTP client; its TLS context takes 30 ms, so it is made once and when needed."""
        if self._given_client is not None:
            return self._given_client
        with self._lock:
            if self._own_client is None:
                self._own_client = make_client(asynchronous=self._asynchronous)
            return self._own_client

    def _plain(
        self, messages: Conversation, tools: Sequence[ToolLike] | None, schema: Any = None
    ) -> Generator[Step, Any, Response]:
        return self._with_context(plain_dialogue, *self._prepare(messages, tools, schema, False))

    def _stream(
        self, messages: Conversation, tools: Sequence[ToolLike] | None, schema: Any = None
    ) -> Generator[Step, Any, None]:
        return self._with_context(stream_dialogue, *self._prepare(messages, tools, schema, True))

    def _models(self) -> Generator[Step, Any, tuple[ModelInfo, ...]]:
        request = models_request(self._base_url, self._headers)
        job = Job(
            request=request,
            endpoint=self._endpoint,
            retry=self._retry,
            redactor=self._redactor,
        )
        return json_dialogue(job, partial(read_models, endpoint=self._endpoint))

    def _prepare(
        self,
        messages: Conversation,
        tools: Sequence[ToolLike] | None,
        schema: Any,
        stream: bool,
    ) -> tuple[list[dict[str, Any]], int, Callable[[list[dict[str, Any]]], Job]]:
        """Check everything that can be checked before anything is sent."""
        described = tools_as_json(tools or ())
        output: OutputSchema | None = None if schema is None else output_schema(schema)
        checked = as_messages(messages)

        def job_for(messages: list[dict[str, Any]]) -> Job:
            body = build_body(
                self._settings,
                model=self._model,
                messages=messages,
                tools=described,
                output=output,
                stream=stream,
            )
            return Job(
                request=self._chat.request(body),
                endpoint=self._endpoint,
                model=self._model,
                retry=self._retry,
                redactor=self._redactor,
                output=output,
                think_tags=self._think_tags,
            )

        return checked, self._budget(described), job_for

    def _with_context(
        self,
        dialogue: Callable[[Job], Generator[Step, Any, Any]],
        messages: list[dict[str, Any]],
        budget: int,
        job_for: Callable[[list[dict[str, Any]]], Job],
    ) -> Generator[Step, Any, Any]:
        job = job_for(messages)
        if self._context is None or not budget:
            return dialogue(job)
        return self._fitted(self._context, dialogue, messages, budget, job_for)

    def _fitted(
        self,
        context: ContextStrategy,
        dialogue: Callable[[Job], Generator[Step, Any, Any]],
        messages: list[dict[str, Any]],
        budget: int,
        job_for: Callable[[list[dict[str, Any]]], Job],
    ) -> Generator[Step, Any, Any]:
        fitting = yield from context.fitting(messages, budget=budget)
        return (yield from dialogue(job_for(fitting)))

    def _budget(self, tools: Sequence[Mapping[str, Any]]) -> int:
        """The tokens that the window leaves for messages; 0 if the window is unknown."""
        if isinstance(self._model, str) or not self._model.context_window or not self._context:
            return 0
        answer = self._settings.max_tokens or self._model.default_max_tokens
        taken = answer + sum(map(self._context.count, ({"content": [tool]} for tool in tools)))
        return max(1, self._model.context_window - taken)

    def _check_context(self, context: ContextStrategy | None) -> ContextStrategy | None:
        if context is not None and not callable(getattr(context, "fitting", None)):
            raise UsageError(
                f"context must be TruncateOldest, SlidingWindow or Summarize, not {context!r:.100}"
            )
        other = getattr(context, "llm", None)
        if isinstance(other, Core) and other._asynchronous and not self._asynchronous:
            raise UsageError("an LLM can only be summarised by an LLM, not by an AsyncLLM")
        return context
