"""Environment variables in values: when they are read, and that what they hold is never shown."""

from __future__ import annotations

import re
import traceback
from typing import TYPE_CHECKING

import pytest

from pytest_byom.client.errors import RegistryError
from pytest_byom.registry import Endpoint

if TYPE_CHECKING:
    from .conftest import LoadText

CANARY = "canary-5ecret"

VALUES = {
    "${NAME}": "value",
    "a-${NAME}-b": "a-value-b",
    "${NAME}${OTHER}": "valueother",
    "${NAME:-default}": "value",
    "${MISSING:-default}": "default",
    "${MISSING:-http://localhost:8080/v1}": "http://localhost:8080/v1",
    "${EMPTY:-default}": "default",
    "a${MISSING:-}b": "ab",
    "${NESTED}": "${NAME}",
    "$NAME": "$NAME",
    "$${NAME}": "$value",
}
ENVIRON = {"NAME": "value", "OTHER": "other", "EMPTY": "", "NESTED": "${NAME}"}


@pytest.mark.parametrize(("text", "expected"), VALUES.items(), ids=VALUES)
def test_variables_are_replaced_as_in_a_shell(
    load_text: LoadText, text: str, expected: str
) -> None:
    """`${NAME}` gives the variable, `${NAME:-default}` stands in for one that is unset or empty."""
    registry = load_text(f"endpoints:\n  ollama:\n    model: {text}\n", **ENVIRON)
    assert registry.endpoint("ollama").model == expected


def test_keys_are_not_replaced(load_text: LoadText) -> None:
    """A `${NAME}` in a key is no variable."""
    with pytest.raises(RegistryError, match="is no valid name"):
        load_text('endpoints: {"${NAME}": {base_url: http://localhost/v1}}', NAME="mine")


MISSING = {
    "not set": ({}, "is not set"),
    "empty": ({"STAGING_KEY": ""}, "is empty"),
}


@pytest.mark.parametrize(("environ", "state"), MISSING.values(), ids=MISSING)
def test_a_missing_variable_is_named(
    load_text: LoadText, environ: dict[str, str], state: str
) -> None:
    """A variable that is missing is named with file, line and key."""
    text = (
        "endpoints:\n  staging:\n    base_url: http://localhost/v1\n    api_key: ${STAGING_KEY}\n"
    )
    registry = load_text(text, **environ)
    with pytest.raises(RegistryError) as caught:
        registry.endpoint("staging")
    assert str(caught.value) == (
        "byom.yaml:4: endpoints.staging.api_key needs the environment variable STAGING_KEY,"
        f" which {state}"
    )


def test_a_missing_variable_breaks_no_other_endpoint(load_text: LoadText) -> None:
    """Whoever tests ollama needs no key for staging."""
    registry = load_text(
        "endpoints:\n  staging: {base_url: http://localhost/v1, api_key: '${STAGING_KEY}'}\n"
        "models:\n  m: {api_model: '${STAGING_MODEL}'}\n"
    )
    assert registry.endpoint("ollama").name == "ollama"
    assert "staging" in registry.endpoints
    assert list(registry.models) == ["m"]


def test_variables_of_a_model_are_read_with_the_model(load_text: LoadText) -> None:
    """A model's missing variable is an error when the model is used."""
    registry = load_text("models:\n  m:\n    api_model: ${STAGING_MODEL}\n")
    with pytest.raises(RegistryError, match=r"^byom.yaml:3: models.m.api_model needs the"):
        registry.models["m"]


KEYS = {
    "${KEY}": ("canary-5ecret", "KEY"),
    "${KEY:-EMPTY}": ("canary-5ecret", "KEY"),
    "${MISSING:-EMPTY}": ("EMPTY", ""),
    "${MISSING:-}": (None, ""),
    "sk-${KEY}": ("sk-canary-5ecret", ""),
    "literal": ("literal", ""),
}


@pytest.mark.parametrize(("text", "expected"), KEYS.items(), ids=KEYS)
def test_a_key_knows_its_variable(
    load_text: LoadText, text: str, expected: tuple[str | None, str]
) -> None:
    """The variable of a key is known if the key is that variable and nothing else."""
    endpoint = load_text(f"endpoints: {{ollama: {{api_key: '{text}'}}}}", KEY=CANARY).endpoint(
        "ollama"
    )
    assert (endpoint.api_key, endpoint.key_variable) == expected


def test_space_around_a_key_is_dropped(load_text: LoadText) -> None:
    """A line break at the end of a variable, as files leave it, is no part of the key."""
    registry = load_text("endpoints: {ollama: {api_key: '${KEY}'}}", KEY=f"{CANARY}\n")
    assert registry.endpoint("ollama").api_key == CANARY


UNUSABLE = {
    "base_url": (
        "base_url: ${VALUE}",
        f"{CANARY}.example/v1",
        (
            "base_url must start with http:// or https://, as in http://localhost:8000/v1"
            " (it comes from VALUE)"
        ),
    ),
    "password": (
        "base_url: ${VALUE}",
        f"http://me:{CANARY}@host/v1",
        "base_url must not carry a user or a password (it comes from VALUE)",
    ),
    "api_key": (
        "api_key: ${VALUE}",
        f"{CANARY}\n{CANARY}",
        "api_key has a character that cannot stand in a header (it comes from VALUE)",
    ),
    "header": (
        "extra_headers: {X-Tenant: '${VALUE}'}",
        f"{CANARY}-ü",
        (
            "extra_headers.X-Tenant has a character that cannot stand in a header"
            " (it comes from VALUE)"
        ),
    ),
}


@pytest.mark.parametrize(("line", "value", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_value_that_cannot_be_used_is_not_shown(
    load_text: LoadText, line: str, value: str, message: str
) -> None:
    """A variable with a value that cannot be used is named, its value is not."""
    registry = load_text(f"endpoints:\n  ollama:\n    {line}\n", VALUE=value)
    with pytest.raises(
        RegistryError, match=f"^byom.yaml:3: endpoints.ollama.{re.escape(message)}$"
    ):
        registry.endpoint("ollama")


WARNINGS = {
    "literal key": (
        "    api_key: canary-5ecret\n",
        ("byom.yaml:3: endpoints.ollama.api_key is written out; write ${NAME} instead",),
    ),
    "literal header": (
        "    extra_headers:\n      Authorization: Basic canary-5ecret\n",
        (
            (
                "byom.yaml:4: endpoints.ollama.extra_headers.Authorization is written out;"
                " write ${NAME} instead"
            ),
        ),
    ),
    "variable": ("    api_key: ${KEY}\n", ()),
    "placeholder": ("    api_key: ollama\n", ()),
    "harmless header": ("    extra_headers: {X-Tenant: mine}\n", ()),
}


@pytest.mark.parametrize(("lines", "warnings"), WARNINGS.values(), ids=WARNINGS)
def test_literal_secrets_are_warned_about(
    load_text: LoadText, lines: str, warnings: tuple[str, ...]
) -> None:
    """A secret that stands in the file is warned about, without being shown."""
    assert load_text(f"endpoints:\n  ollama:\n{lines}").warnings == warnings


SECRETS = {
    "key": ("api_key: ${KEY}", {"canary-5ecret"}),
    "literal key": ("api_key: literal-key", {"literal-key"}),
    "part of a key": ("api_key: sk-${KEY}", {"sk-canary-5ecret", "canary-5ecret"}),
    "authorization": (
        "extra_headers: {Authorization: 'Bearer abcdef'}",
        {"Bearer abcdef", "abcdef"},
    ),
    "header named like a key": ("extra_headers: {X-Api-Key: abcdef}", {"abcdef"}),
    "cookie": ("extra_headers: {Cookie: s=abcdef}", {"s=abcdef"}),
    "token": ("extra_headers: {X-Token-Id: abcdef}", {"abcdef"}),
    "any header from the environment": ("extra_headers: {X-Tenant: '${KEY}'}", {"canary-5ecret"}),
    "harmless header": ("extra_headers: {X-Tenant: mine-and-yours}", set()),
    "model": ("model: ${KEY}", set()),
    "placeholder": ("api_key: ollama", set()),
    "short": ("extra_headers: {X-Tenant: '${SHORT}'}", set()),
}


@pytest.mark.parametrize(("line", "secrets"), SECRETS.values(), ids=SECRETS)
def test_secrets_are_known(load_text: LoadText, line: str, secrets: set[str]) -> None:
    """Keys, credentials and what the environment put into headers are secrets of an endpoint."""
    registry = load_text(f"endpoints:\n  ollama:\n    {line}\n", KEY=CANARY, SHORT="1")
    assert set(registry.endpoint("ollama").secrets) == secrets


def test_the_longest_secret_comes_first() -> None:
    """A secret that contains another one is replaced before it."""
    endpoint = Endpoint(name="a", base_url="", api_key="abcd", hidden=("abcdef",))
    assert endpoint.secrets == ("abcdef", "abcd")


def test_no_secret_is_in_a_repr(load_text: LoadText) -> None:
    """Neither the registry nor an endpoint shows a secret."""
    registry = load_text(
        "endpoints:\n  one:\n    base_url: http://localhost/v1\n    api_key: sk-${KEY}\n"
        "    extra_headers: {X-Tenant: '${KEY}', Cookie: canary-5ecret}\n",
        KEY=CANARY,
        GROQ_API_KEY=CANARY,
    )
    shown = repr((registry, registry.endpoints, registry.endpoint("one"), registry.warnings))
    assert CANARY not in shown
    assert CANARY not in repr(registry.endpoint("groq"))


BROKEN = {
    "key as a number": "api_key: [canary-5ecret]",
    "unknown key": "zzz: canary-5ecret",
    "limit": "limits: {tokens: canary-5ecret}",
    "capability": "capabilities: {tools: canary-5ecret}",
    "limits": "limits: canary-5ecret",
    "URL": "base_url: canary-5ecret",
    "password": "base_url: http://me:canary-5ecret@localhost/v1",
    "headers": "extra_headers: canary-5ecret",
    "header": "extra_headers: {Authorization: [canary-5ecret]}",
    "alias": "api_key: *canary-5ecret",
    "tag": "api_key: !canary-5ecret x",
    "unknown handle": "api_key: !canary-5ecret!x x",
    "open quote": "api_key: 'canary-5ecret",
    "escape": 'api_key: "canary-5ecret\\q"',
    "colon": "api_key: canary-5ecret: x",
    "backtick": "api_key: `canary-5ecret",
    "directive": "api_key: %canary-5ecret",
    "open variable": "api_key: canary-5ecret${",
    "deviation": "deviations: [canary-5ecret]",
    "twice": "api_key: a\n    api_key: canary-5ecret",
    "anchor twice": "api_key: &canary-5ecret a\n    model: &canary-5ecret b\n    zzz: 1",
}


@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN)
def test_no_secret_is_in_an_error(load_text: LoadText, line: str) -> None:
    """What stands in a broken file is not repeated in the error, nor in its traceback."""
    with pytest.raises(RegistryError) as caught:
        load_text(f"endpoints:\n  ollama:\n    {line}\n")
    assert CANARY not in "".join(traceback.format_exception(caught.value))
