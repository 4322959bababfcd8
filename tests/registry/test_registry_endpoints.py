"""What a registry makes of names, of URLs and of entries in the file."""

from __future__ import annotations

import datetime
import os
import pickle
from typing import TYPE_CHECKING

import pytest

from pytest_byom.client.errors import RegistryError
from pytest_byom.client.models import CustomModel
from pytest_byom.registry import Deviation, Limits, load_registry
from pytest_byom.registry.dialects import load_dialect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .conftest import LoadText

KNOWN = {
    "embedded": ("", "it is started with the run"),
    "groq": ("https://api.groq.com/openai/v1", "set GROQ_API_KEY"),
    "llama-cpp-python": (
        "http://localhost:8000/v1",
        "start it with: python -m llama_cpp.server --model MODEL.gguf",
    ),
    "llamacpp": ("http://localhost:8080/v1", "start it with: llama-server -m MODEL.gguf --jinja"),
    "lmstudio": ("http://localhost:1234/v1", "start it with: lms server start"),
    "localai": ("http://localhost:8080/v1", "start it with: local-ai run"),
    "mistral": ("https://api.mistral.ai/v1", "set MISTRAL_API_KEY"),
    "ollama": ("http://localhost:11434/v1", "start it with: ollama serve"),
    "openrouter": ("https://openrouter.ai/api/v1", "set OPENROUTER_API_KEY"),
    "vllm": ("http://localhost:8000/v1", "start it with: vllm serve MODEL"),
    "xai": ("https://api.x.ai/v1", "set XAI_API_KEY"),
}

EXAMPLE = """
endpoints:
  ollama:
    base_url: http://localhost:11434/v1
    model: llama3.2
  staging:
    base_url: https://llm.staging.example/v1
    api_key: ${STAGING_KEY}            # from the environment; a literal key is warned about
    extra_headers: {X-API-Tenant: my-tenant}
    model: my-model
    dialect: vllm                      # which known deviations to expect
    limits: {concurrency: 4, requests: 400, tokens: 200000, cost: 0.50, timeout: 60, per_second: 5}
    capabilities: {tools: true, logprobs: false}      # said, not probed
    deviations:
      - check: usage.stream-include-usage
        reason: upstream issue 1234
        until: 2027-01-31              # after that day it fails again
models:
  llama3.2: {api_model: "llama3.2:latest", context_window: 128000, structured_output: true}
"""


@pytest.mark.parametrize("name", KNOWN)
def test_servers_are_known_without_a_file(tmp_path: Path, name: str) -> None:
    """Each known server has its usual base URL, its own dialect, and says how to reach it."""
    endpoint = load_registry(root=tmp_path, environ={}).endpoint(name)
    assert (endpoint.base_url, endpoint.hint) == KNOWN[name]
    assert endpoint.dialect == name
    assert endpoint.is_embedded is (name == "embedded")
    assert endpoint.api_key is None
    assert endpoint.limits == Limits(**load_dialect(name).limits)


def test_known_names_are_listed(tmp_path: Path) -> None:
    """A registry without a file has the known servers and nothing of its own."""
    registry = load_registry(root=tmp_path, environ={})
    assert list(registry.endpoints) == list(KNOWN)
    assert (registry.path, registry.own, dict(registry.models)) == (None, (), {})


@pytest.mark.parametrize("variable", ["GROQ", "MISTRAL", "OPENROUTER", "XAI"])
def test_a_cloud_key_is_taken_from_its_usual_variable(tmp_path: Path, variable: str) -> None:
    """A cloud's key in the environment is used, without a file and without a word in it."""
    environ = {f"{variable}_API_KEY": "canary-key\n"}
    endpoint = load_registry(root=tmp_path, environ=environ).endpoint(variable.lower())
    assert (endpoint.api_key, endpoint.key_variable) == ("canary-key", f"{variable}_API_KEY")


def test_a_file_may_refuse_the_usual_key(load_text: LoadText) -> None:
    """`api_key: null` sends no key, even if the usual variable is set."""
    registry = load_text("endpoints: {groq: {api_key: null}}", GROQ_API_KEY="canary-key")
    assert registry.endpoint("groq").api_key is None


def test_the_usual_key_stays_with_its_host(load_text: LoadText) -> None:
    """A cloud's key is not sent to another host that goes by the cloud's name."""
    text = "endpoints:\n  groq: {base_url: https://proxy.example/v1}\n"
    endpoint = load_text(text, GROQ_API_KEY="canary-key").endpoint("groq")
    assert (endpoint.api_key, endpoint.key_variable, endpoint.hint) == (None, "", "")


def test_a_dialect_brings_no_key(load_text: LoadText) -> None:
    """An endpoint of a cloud's dialect gets no key that it does not name."""
    text = "endpoints:\n  mine: {base_url: https://proxy.example/v1, dialect: groq}\n"
    assert load_text(text, GROQ_API_KEY="canary-key").endpoint("mine").api_key is None


def test_the_documented_file_is_read(load_text: LoadText) -> None:
    """The example of the documentation gives what it says."""
    registry = load_text(EXAMPLE, STAGING_KEY="canary-key")
    staging = registry.endpoint("staging")
    assert staging.base_url == "https://llm.staging.example/v1"
    assert (staging.api_key, staging.key_variable) == ("canary-key", "STAGING_KEY")
    assert staging.extra_headers == {"X-API-Tenant": "my-tenant"}
    assert (staging.model, staging.dialect, staging.hint) == ("my-model", "vllm", "")
    assert staging.limits == Limits(
        concurrency=4, requests=400, tokens=200_000, cost=0.5, timeout=60, per_second=5
    )
    assert staging.capabilities == {"tools": True, "logprobs": False}
    assert staging.deviations[0] == Deviation(
        check="usage.stream-include-usage",
        reason="upstream issue 1234",
        until=datetime.date(2027, 1, 31),
        origin="registry",
    )
    assert registry.own == ("ollama", "staging")
    assert registry.warnings == ()


def test_models_are_read(load_text: LoadText) -> None:
    """An entry of `models` is a model with its id; what is not said has its default."""
    model = load_text(EXAMPLE).models["llama3.2"]
    assert model == CustomModel(
        model_id="llama3.2",
        api_model="llama3.2:latest",
        context_window=128_000,
        structured_output=True,
    )


def test_an_empty_model_is_one(load_text: LoadText) -> None:
    """A model of which nothing is said has its id."""
    assert load_text("models:\n  m:\n").models["m"] == CustomModel(model_id="m")


def test_a_model_that_is_none_is_refused(load_text: LoadText) -> None:
    """What the schema lets pass and a model does not take is named with file and line."""
    registry = load_text("models:\n  m:\n    currency: ' '\n")
    with pytest.raises(RegistryError, match=r"^byom.yaml:2: models.m is no valid model: "):
        registry.models["m"]


def test_a_known_server_is_merged(load_text: LoadText) -> None:
    """What the file says replaces what is known, the rest stays."""
    endpoint = load_text("endpoints:\n  ollama: {model: m, limits: {timeout: 90}}\n").endpoint(
        "ollama"
    )
    assert endpoint.base_url == "http://localhost:11434/v1"
    assert (endpoint.model, endpoint.limits) == ("m", Limits(timeout=90))


def test_a_local_server_elsewhere_keeps_its_hint(load_text: LoadText) -> None:
    """A local server on another port is started in the same way."""
    endpoint = load_text("endpoints: {ollama: {base_url: 'http://box:1/v1/'}}").endpoint("ollama")
    assert (endpoint.base_url, endpoint.hint) == ("http://box:1/v1", "start it with: ollama serve")


EMPTY = {
    "nothing": "",
    "comment": "# later\n",
    "null": "null\n",
    "sections": "endpoints:\nmodels:\n",
    "entry": "endpoints:\n  ollama:\n",
    "members": "endpoints:\n  ollama:\n    model:\n    limits:\n    capabilities:\n"
    "    deviations:\n    extra_headers:\n    dialect:\n",
}


@pytest.mark.parametrize("text", EMPTY.values(), ids=EMPTY)
def test_what_is_empty_says_nothing(load_text: LoadText, text: str) -> None:
    """An empty file, section, entry or member is as good as none."""
    assert load_text(text).endpoint("ollama") == load_text("").endpoint("ollama")


def test_aliases_and_merge_keys_work(load_text: LoadText) -> None:
    """What endpoints share may be written once; an own key goes before a merged one."""
    text = (
        "endpoints:\n"
        "  one: &one {base_url: http://one/v1, model: m, limits: &few {requests: 5}}\n"
        "  two: {<<: *one, base_url: http://two/v1}\n"
        "  three: {<<: [{model: first}, *one], limits: {<<: *few, tokens: 7}}\n"
    )
    registry = load_text(text)
    two, three = registry.endpoint("two"), registry.endpoint("three")
    assert (two.base_url, two.model, two.limits.requests) == ("http://two/v1", "m", 5)
    assert (three.base_url, three.model) == ("http://one/v1", "first")
    assert three.limits == Limits(requests=5, tokens=7)


FILES = {
    "unicode": "endpoints:\n  ollama:\n    model: größe-模型-🦙\n".encode(),
    "line ends of Windows": "endpoints:\r\n  ollama:\r\n    model: größe-模型-🦙\r\n".encode(),
    "byte order mark": "\ufeffendpoints:\n  ollama:\n    model: größe-模型-🦙\n".encode(),
    "no line end": "endpoints: {ollama: {model: größe-模型-🦙}}".encode(),
}


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_files_of_every_editor_are_read(load_text: LoadText, data: bytes) -> None:
    """Unicode, CRLF and a byte order mark make no difference."""
    assert load_text(data).endpoint("ollama").model == "größe-模型-🦙"


def test_lines_are_counted_in_files_of_windows(load_text: LoadText) -> None:
    """An error in a file with CRLF names the line that an editor shows."""
    with pytest.raises(RegistryError, match=r"^byom.yaml:3: "):
        load_text("\ufeffendpoints:\r\n  ollama:\r\n    zzz: 1\r\n")


def test_a_date_as_a_model_is_text(load_text: LoadText) -> None:
    """What YAML takes for a date stays the text that was written."""
    assert load_text("endpoints: {ollama: {model: 2026-11-24}}").endpoint("ollama").model == (
        "2026-11-24"
    )


def test_whole_numbers_are_whole(load_text: LoadText) -> None:
    """A limit of 1.0e+3 requests is 1000 requests."""
    limits = (
        load_text("endpoints: {ollama: {limits: {requests: 1.0e+3}}}").endpoint("ollama").limits
    )
    assert repr(limits.requests) == "1000"


URLS = {
    "http://127.0.0.1:8000/v1": ("127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
    "http://127.0.0.1:8000/v1/": ("127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
    "http://localhost:8000": ("localhost:8000", "http://localhost:8000"),
    "https://llm.example/openai/v1": ("llm.example/openai/v1", "https://llm.example/openai/v1"),
    "http://[::1]:8000/v1": ("[::1]:8000", "http://[::1]:8000/v1"),
    "HTTPS://LLM.example/v1": ("LLM.example", "HTTPS://LLM.example/v1"),
}


@pytest.mark.parametrize(("url", "expected"), URLS.items(), ids=URLS)
def test_a_url_is_an_endpoint(tmp_path: Path, url: str, expected: tuple[str, str]) -> None:
    """A URL needs no file: its name is host and port, and the path where that is not /v1."""
    endpoint = load_registry(root=tmp_path, environ={}).endpoint(url)
    assert (endpoint.name, endpoint.base_url) == expected
    assert (endpoint.api_key, endpoint.key_variable, endpoint.dialect) == (None, "", "")


def test_the_key_of_a_url_has_a_variable(tmp_path: Path) -> None:
    """BYOM_API_KEY is the key of an endpoint that is only a URL."""
    registry = load_registry(root=tmp_path, environ={"BYOM_API_KEY": "canary-key"})
    endpoint = registry.endpoint("http://localhost/v1")
    assert (endpoint.api_key, endpoint.key_variable) == ("canary-key", "BYOM_API_KEY")
    assert registry.endpoint("ollama").api_key is None


BAD_NAMES = {
    "olama": (
        "no endpoint is named 'olama', did you mean 'ollama'? Known are: ollama, llamacpp,"
        " localai, vllm, llama-cpp-python, xai, groq, mistral, embedded, lmstudio, openrouter."
        " Or name it in a byom.yaml, or give its URL."
    ),
    "zzz": (
        "no endpoint is named 'zzz'. Known are: embedded, groq, llama-cpp-python, llamacpp,"
        " lmstudio, localai, mistral, ollama, openrouter, vllm, xai. Or name it in a"
        " byom.yaml, or give its URL."
    ),
    "localhost:8000/v1": (
        "'localhost:8000/v1' is no name of an endpoint; a URL starts with http:// or https://."
        " Known are: localai, llama-cpp-python, lmstudio, openrouter, vllm, ollama, mistral,"
        " llamacpp, xai, groq, embedded. Or name it in a byom.yaml, or give its URL."
    ),
    "ftp://localhost/v1": (
        "the URL of the endpoint must start with http:// or https://, not ftp://"
    ),
    "http://me:canary-key@localhost/v1": (
        "the URL of the endpoint must not carry a user or a password; a key goes into BYOM_API_KEY"
    ),
    "http://": "the URL of the endpoint has no valid host",
    "http://a b/v1": "the URL of the endpoint has no valid host",
    "http://localhost/v 1": "the URL of the endpoint must not contain spaces",
    "http://localhost:x/v1": "the URL of the endpoint has a host or a port that is not valid",
    "http://[::1/v1": "the URL of the endpoint has a host or a port that is not valid",
    "http://localhost/v1?key=canary-key": (
        "the URL of the endpoint must not have a query or a fragment (? or #)"
    ),
    "http://localhost/v1/chat/completions": (
        "the URL of the endpoint must end before /chat/completions, which is added to it"
    ),
}


@pytest.mark.parametrize(("name", "message"), BAD_NAMES.items(), ids=BAD_NAMES)
def test_what_is_no_endpoint_says_what_to_do(tmp_path: Path, name: str, message: str) -> None:
    """A name that is unknown and a URL that cannot be asked are refused in one sentence."""
    with pytest.raises(RegistryError) as caught:
        load_registry(root=tmp_path, environ={}).endpoint(name)
    assert str(caught.value) == message


def test_own_names_are_suggested(load_text: LoadText) -> None:
    """Names out of the file are known, and the file is where a new one goes."""
    registry = load_text("endpoints: {staging: {base_url: http://localhost/v1}}")
    with pytest.raises(RegistryError) as caught:
        registry.endpoint("stagin")
    assert str(caught.value).startswith(
        "no endpoint is named 'stagin', did you mean 'staging'? Known are: staging, mistral"
    )
    assert str(caught.value).endswith("Or add it to byom.yaml, or give its URL.")


def test_a_mapping_of_endpoints_has_no_other(tmp_path: Path) -> None:
    """`endpoints` and `models` behave as mappings do for a name that they do not have."""
    registry = load_registry(root=tmp_path, environ={})
    assert "zzz" not in registry.endpoints
    with pytest.raises(KeyError):
        registry.endpoints["zzz"]
    assert registry.models.get("zzz") is None


PLACES: dict[str, tuple[Mapping[str, str], str | None]] = {
    "byom.yaml": ({"byom.yaml": "one"}, "one"),
    "byom.yml": ({"byom.yml": "two"}, "two"),
    "neither": ({}, None),
}


@pytest.mark.parametrize(("files", "model"), PLACES.values(), ids=PLACES)
def test_the_file_is_found_in_the_root(
    tmp_path: Path, files: Mapping[str, str], model: str | None
) -> None:
    """Without a path it is byom.yaml or byom.yml in the root directory."""
    for name, text in files.items():
        (tmp_path / name).write_text(f"endpoints: {{ollama: {{model: {text}}}}}")
    assert load_registry(root=tmp_path, environ={}).endpoint("ollama").model == model


def test_a_second_file_is_warned_about(tmp_path: Path) -> None:
    """Of two files one is read, and the other one is named."""
    (tmp_path / "byom.yaml").touch()
    (tmp_path / "byom.yml").touch()
    registry = load_registry(root=tmp_path, environ={})
    assert registry.path == tmp_path / "byom.yaml"
    assert registry.warnings == ("byom.yml is not read, for byom.yaml is there too",)


def test_a_path_goes_before_the_variable(tmp_path: Path) -> None:
    """A path that is given wins over BYOM_REGISTRY, and that over the root directory."""
    for name in ("given", "named", "byom"):
        (tmp_path / f"{name}.yaml").write_text(f"endpoints: {{ollama: {{model: {name}}}}}")
    environ = {"BYOM_REGISTRY": str(tmp_path / "named.yaml")}
    given = load_registry(tmp_path / "given.yaml", root=tmp_path, environ=environ)
    named = load_registry(root=tmp_path, environ=environ)
    assert given.endpoint("ollama").model == "given"
    assert named.endpoint("ollama").model == "named"


def test_the_current_directory_is_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a root directory the file is looked for where the run was started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BYOM_REGISTRY", raising=False)
    (tmp_path / "byom.yaml").write_text("endpoints: {ollama: {model: here}}")
    assert load_registry().endpoint("ollama").model == "here"
    assert load_registry().environ is os.environ


def test_endpoints_travel_between_processes(load_text: LoadText) -> None:
    """An endpoint survives pickling, as plain data does."""
    endpoint = load_text(EXAMPLE, STAGING_KEY="canary-key").endpoint("staging")
    assert pickle.loads(pickle.dumps(endpoint)) == endpoint
