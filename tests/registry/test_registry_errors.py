"""What people read when their registry file is broken, word for word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_byom.client.errors import RegistryError

if TYPE_CHECKING:
    from .conftest import LoadText

KEYS = (
    "api_key, base_url, capabilities, deviations, dialect, extra_headers, gate, limits, model, "
    "think_tags"
)
DIALECTS = (
    "embedded, groq, llama-cpp-python, llamacpp, lmstudio, localai, mistral, ollama, openrouter,"
    " vllm, xai"
)
LIMITS = "concurrency, cost, per_second, requests, timeout, tokens"

SYNTAX = {
    "tab": (
        "endpoints:\n\tollama:\n",
        "byom.yaml:2: this is not valid YAML: the line is indented with a tab, YAML wants spaces",
    ),
    "variable in a flow mapping": (
        "endpoints:\n  ollama:\n    extra_headers: {X-Tenant: ${TENANT}}\n",
        'byom.yaml:3: this is not valid YAML: inside { } and [ ], write "${NAME}" with quotes',
    ),
    "colon in a value": (
        "endpoints:\n  ollama:\n    model: a: b\n",
        "byom.yaml:3: this is not valid YAML: mapping values are not allowed here",
    ),
    "list in a mapping": (
        "endpoints:\n  ollama: {}\n- groq\n",
        "byom.yaml:3: this is not valid YAML: expected <block end>, but found '-'",
    ),
    "reserved character": (
        "endpoints:\n  ollama:\n    model: @home\n",
        (
            "byom.yaml:3: this is not valid YAML: the value starts with a character that YAML"
            " reserves; put it in quotes"
        ),
    ),
    "unknown alias": (
        "endpoints:\n  ollama: *local\n",
        (
            "byom.yaml:2: this is not valid YAML: the value starts with a character that YAML"
            " reserves; put it in quotes"
        ),
    ),
    "open quote": (
        'endpoints:\n  ollama:\n    model: "llama\n',
        "byom.yaml:4: this is not valid YAML: found unexpected end of stream",
    ),
    "two documents": (
        "endpoints: {}\n---\nmodels: {}\n",
        "byom.yaml:2: this is not valid YAML: but found another document",
    ),
    "unknown tag": (
        "endpoints:\n  ollama:\n    model: !!python/name:os.system ''\n",
        "byom.yaml:3: endpoints.ollama.model has a tag (!) that is not known",
    ),
    "control character": (
        "endpoints:\n  ollama:\n    model: a\x00b\n",
        "byom.yaml:3: the character U+0000 is not allowed in YAML",
    ),
    "key twice": (
        "endpoints:\n  ollama:\n    model: a\n    model: b\n",
        "byom.yaml:4: endpoints.ollama.model is there twice, first in line 3",
    ),
    "endpoint twice": (
        "endpoints:\n  ollama: {}\n  groq: {}\n  ollama: {}\n",
        "byom.yaml:4: endpoints.ollama is there twice, first in line 2",
    ),
    "number as a key": (
        "endpoints:\n  7: {base_url: http://localhost/v1}\n",
        "byom.yaml:2: the key 7 in endpoints is not text; put it in quotes",
    ),
    "boolean as a key": (
        "on: {}\n",
        "byom.yaml:1: the key on is not text; put it in quotes",
    ),
    "mapping as a key": (
        "endpoints:\n  {a: b}: {}\n",
        "byom.yaml:2: a key in endpoints is not text",
    ),
    "infinite limit": (
        "endpoints:\n  ollama:\n    limits: {timeout: .inf}\n",
        "byom.yaml:3: endpoints.ollama.limits.timeout must be a finite number",
    ),
    "number without an end": (
        f"endpoints:\n  ollama:\n    limits: {{tokens: {'9' * 5000}}}\n",
        "byom.yaml:3: endpoints.ollama.limits.tokens is not valid",
    ),
    "merge of text": (
        "endpoints:\n  ollama:\n    <<: base\n",
        "byom.yaml:3: << needs an alias of a mapping",
    ),
}

SCHEMA = {
    "list": ("- ollama\n", "byom.yaml:1: the file must be a mapping, not a list"),
    "text": ("ollama\n", "byom.yaml:1: the file must be a mapping, not text"),
    "unknown section": (
        "# ours\nendpoint:\n  ollama: {}\n",
        (
            "byom.yaml:2: endpoint is no valid key, did you mean 'endpoints'?"
            " Valid keys: endpoints, models"
        ),
    ),
    "endpoints as a list": (
        "endpoints:\n  - ollama\n",
        "byom.yaml:1: endpoints must be a mapping, not a list",
    ),
    "unknown key": (
        "endpoints:\n  ollama:\n    base-url: http://localhost/v1\n",
        (
            "byom.yaml:3: endpoints.ollama.base-url is no valid key, did you mean 'base_url'?"
            f" Valid keys: {KEYS}"
        ),
    ),
    "unknown key like no other": (
        "endpoints:\n  ollama:\n    zzz: 1\n",
        f"byom.yaml:3: endpoints.ollama.zzz is no valid key. Valid keys: {KEYS}",
    ),
    "URL for embedded": (
        "endpoints:\n  embedded:\n    base_url: http://localhost/v1\n",
        (
            "byom.yaml:3: endpoints.embedded.base_url is no valid key."
            " Valid keys: api_key, capabilities, deviations, extra_headers, gate, limits, model"
        ),
    ),
    "no base URL": (
        "endpoints:\n  ollama: {}\n  staging:\n    model: m\n",
        "byom.yaml:3: endpoints.staging needs a base_url",
    ),
    "empty endpoint": (
        "endpoints:\n  staging:\n",
        "byom.yaml:2: endpoints.staging must be a mapping, not nothing",
    ),
    "name of an endpoint": (
        "endpoints:\n  my server: {base_url: http://localhost/v1}\n",
        (
            "byom.yaml:2: endpoints.my server is no valid name; it must be letters, digits,"
            " '.', '_' and '-', and start with a letter or a digit"
        ),
    ),
    "no scheme": (
        "endpoints:\n  ollama:\n    base_url: localhost:11434/v1\n",
        (
            "byom.yaml:3: endpoints.ollama.base_url must start with http:// or https://,"
            " as in http://localhost:8000/v1"
        ),
    ),
    "other scheme": (
        "endpoints:\n  ollama:\n    base_url: ftp://localhost/v1\n",
        "byom.yaml:3: endpoints.ollama.base_url must start with http:// or https://, not ftp://",
    ),
    "no host": (
        "endpoints:\n  ollama:\n    base_url: http:///v1\n",
        "byom.yaml:3: endpoints.ollama.base_url has no valid host",
    ),
    "port": (
        "endpoints:\n  ollama:\n    base_url: http://localhost:123456/v1\n",
        "byom.yaml:3: endpoints.ollama.base_url has a host or a port that is not valid",
    ),
    "query": (
        "endpoints:\n  ollama:\n    base_url: http://localhost/v1?key=1\n",
        "byom.yaml:3: endpoints.ollama.base_url must not have a query or a fragment (? or #)",
    ),
    "credentials in the URL": (
        "endpoints:\n  ollama:\n    base_url: http://me:pass@localhost/v1\n",
        (
            "byom.yaml:3: endpoints.ollama.base_url must not carry a user or a password;"
            " a key goes into api_key"
        ),
    ),
    "whole path": (
        "endpoints:\n  ollama:\n    base_url: http://localhost/v1/chat/completions\n",
        (
            "byom.yaml:3: endpoints.ollama.base_url must end before /chat/completions,"
            " which is added to it"
        ),
    ),
    "dialect": (
        "endpoints:\n  ollama:\n    dialect: vlm\n",
        (
            "byom.yaml:3: endpoints.ollama.dialect is 'vlm', did you mean 'vllm'?"
            f" Valid are: {DIALECTS}"
        ),
    ),
    "model as a number": (
        "endpoints:\n  ollama:\n    model: 3.2\n",
        "byom.yaml:3: endpoints.ollama.model must be text, not a number; put it in quotes",
    ),
    "empty model": (
        "endpoints:\n  ollama:\n    model: ''\n",
        "byom.yaml:3: endpoints.ollama.model must not be empty",
    ),
    "limits as a number": (
        "endpoints:\n  ollama:\n    limits: 4\n",
        "byom.yaml:3: endpoints.ollama.limits must be a mapping, not a number",
    ),
    "limit as text": (
        "endpoints:\n  ollama:\n    limits:\n      tokens: 1e6\n",
        "byom.yaml:4: endpoints.ollama.limits.tokens must be a whole number, not text",
    ),
    "limit as a boolean": (
        "endpoints:\n  ollama:\n    limits: {concurrency: yes}\n",
        "byom.yaml:3: endpoints.ollama.limits.concurrency must be a whole number, not true",
    ),
    "limit as a mapping": (
        "endpoints:\n  ollama:\n    limits: {cost: {USD: 1}}\n",
        "byom.yaml:3: endpoints.ollama.limits.cost must be a number, not a mapping",
    ),
    "unknown limit": (
        "endpoints:\n  ollama:\n    limits:\n      concurency: 4\n",
        (
            "byom.yaml:4: endpoints.ollama.limits.concurency is no valid key,"
            f" did you mean 'concurrency'? Valid keys: {LIMITS}"
        ),
    ),
    "limit too low": (
        "endpoints:\n  ollama:\n    limits: {concurrency: 0}\n",
        "byom.yaml:3: endpoints.ollama.limits.concurrency must be at least 1, not 0",
    ),
    "limit too high": (
        "endpoints:\n  ollama:\n    limits: {timeout: 100000}\n",
        "byom.yaml:3: endpoints.ollama.limits.timeout must be at most 86400, not 100000",
    ),
    "no time": (
        "endpoints:\n  ollama:\n    limits: {timeout: -0.5}\n",
        "byom.yaml:3: endpoints.ollama.limits.timeout must be more than 0, not -0.5",
    ),
    "capability": (
        "endpoints:\n  ollama:\n    capabilities: {tools: maybe}\n",
        "byom.yaml:3: endpoints.ollama.capabilities.tools must be true or false, not text",
    ),
    "name of a capability": (
        "endpoints:\n  ollama:\n    capabilities: {Tools: true}\n",
        (
            "byom.yaml:3: endpoints.ollama.capabilities.Tools is no valid name; it must be"
            " lower-case letters, digits, '_' and '-', and start with a letter"
        ),
    ),
    "header as a number": (
        "endpoints:\n  ollama:\n    extra_headers:\n      X-Version: 2\n",
        (
            "byom.yaml:4: endpoints.ollama.extra_headers.X-Version must be text, not a number;"
            " put it in quotes"
        ),
    ),
    "name of a header": (
        'endpoints:\n  ollama:\n    extra_headers:\n      "X Version": "2"\n',
        (
            "byom.yaml:4: endpoints.ollama.extra_headers.X Version is no valid name; it must be"
            " letters, digits and '-', as in X-Tenant"
        ),
    ),
    "deviation as text": (
        "endpoints:\n  ollama:\n    deviations:\n      - stream.done-marker\n",
        "byom.yaml:4: endpoints.ollama.deviations[0] must be a mapping, not text",
    ),
    "deviation without a reason": (
        "endpoints:\n  ollama:\n    deviations:\n      - check: stream.done-marker\n",
        "byom.yaml:4: endpoints.ollama.deviations[0] needs a reason",
    ),
    "glob for everything": (
        "endpoints:\n  ollama:\n    deviations:\n      - {check: '*', reason: r}\n",
        (
            "byom.yaml:4: endpoints.ollama.deviations[0].check must be the id of a check or a glob"
            " with at least one letter, as in stream.done-marker or stream.*, not '*'"
        ),
    ),
    "not a date": (
        "endpoints:\n  ollama:\n    deviations:\n      - {check: a.b, reason: r, until: soon}\n",
        (
            "byom.yaml:4: endpoints.ollama.deviations[0].until must be a day as in 2027-01-31,"
            " not 'soon'"
        ),
    ),
    "no such day": (
        (
            "endpoints:\n  ollama:\n    deviations:\n      - check: a.b\n        reason: r\n"
            "        until: 2027-02-30\n"
        ),
        (
            "byom.yaml:6: endpoints.ollama.deviations[0].until must be a day as in 2027-01-31,"
            " not '2027-02-30'"
        ),
    ),
    "time instead of a day": (
        (
            "endpoints:\n  ollama:\n    deviations:\n"
            "      - {check: a.b, reason: r, until: 2027-01-31 12:00:00}\n"
        ),
        (
            "byom.yaml:4: endpoints.ollama.deviations[0].until must be a day as in 2027-01-31,"
            " not '2027-01-31 12:00:00'"
        ),
    ),
    "number instead of a day": (
        "endpoints:\n  ollama:\n    deviations:\n      - {check: a.b, reason: r, until: 2027}\n",
        (
            "byom.yaml:4: endpoints.ollama.deviations[0].until must be text, not a number;"
            " put it in quotes"
        ),
    ),
    "model": (
        "models:\n  llama3.2: {context: 128000}\n",
        (
            "byom.yaml:2: models.llama3.2.context is no valid key, did you mean 'context_window'?"
            " Valid keys: api_model, attachments, context_window, cost_per_1m_in,"
            " cost_per_1m_in_cached, cost_per_1m_out, cost_per_1m_out_cached, currency,"
            " default_max_tokens, image_generation, max_tokens_field, name, provider, reasoning,"
            " structured_output"
        ),
    ),
    "open variable": (
        "endpoints:\n  ollama:\n    api_key: ${KEY\n",
        (
            "byom.yaml:3: endpoints.ollama.api_key has a ${ that starts no variable;"
            " write ${NAME} or ${NAME:-default}"
        ),
    ),
    "name of a variable": (
        "endpoints:\n  ollama:\n    api_key: ${MY-KEY}\n",
        (
            "byom.yaml:3: endpoints.ollama.api_key has a ${ that starts no variable;"
            " write ${NAME} or ${NAME:-default}"
        ),
    ),
    "two problems": (
        "endpoints:\n  ollama:\n    limits: {tokens: 0}\n    model: 1\nmodel: {}\n",
        (
            "byom.yaml:3: endpoints.ollama.limits.tokens must be at least 1, not 0\n"
            "byom.yaml:4: endpoints.ollama.model must be text, not a number; put it in quotes\n"
            "byom.yaml:5: model is no valid key, did you mean 'models'?"
            " Valid keys: endpoints, models"
        ),
    ),
}


@pytest.mark.parametrize(("text", "message"), SYNTAX.values(), ids=SYNTAX)
def test_what_is_not_yaml_is_named_with_its_line(
    load_text: LoadText, text: str, message: str
) -> None:
    """A file that cannot be read as YAML is refused with file, line and reason."""
    with pytest.raises(RegistryError, match=f"^{re.escape(message)}$"):
        load_text(text)


@pytest.mark.parametrize(("text", "message"), SCHEMA.values(), ids=SCHEMA)
def test_what_is_not_valid_is_named_with_its_line(
    load_text: LoadText, text: str, message: str
) -> None:
    """A value or a key that is not valid is named with file, line and what is valid."""
    with pytest.raises(RegistryError, match=f"^{re.escape(message)}$"):
        load_text(text)


def test_many_problems_are_counted(load_text: LoadText) -> None:
    """A message lists five problems and counts the rest."""
    text = "endpoints:\n" + "".join(f"  server{n}: {{}}\n" for n in range(7))
    with pytest.raises(RegistryError) as caught:
        load_text(text)
    assert str(caught.value).splitlines()[4:] == [
        "byom.yaml:6: endpoints.server4 needs a base_url",
        "and 2 more",
    ]
