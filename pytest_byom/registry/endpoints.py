"""What is known about one endpoint: where it is, what a run may take, what it is known to do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

EMBEDDED = "embedded"
"""The name of the server inside this package."""

SHORTEST_SECRET = 4
"""Shorter values are not hidden: taking "1" out of a report would leave no report."""

PLACEHOLDER_KEYS = frozenset(
    {"ollama", "empty", "none", "null", "dummy", "test", "lm-studio", "not-needed"}
    | {"no-key", "no-key-required", "sk-no-key-required", "your-api-key"}
)
"""Keys that documentation tells people to send to servers that ask for none. They protect
nothing, and hiding "ollama" would hide the endpoint's own name."""

_CREDENTIAL_HEADER = re.compile(r"authorization|.*key|.*cookie|.*token.*|.*secret.*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a run may take from an endpoint; None is no limit.

    `timeout` is in seconds without a byte, `cost` in the currency of the model's prices.
    """

    concurrency: int = 4
    requests: int | None = None
    tokens: int | None = None
    cost: float | None = None
    timeout: float = 30.0
    per_second: float | None = None


@dataclass(frozen=True, kw_only=True)
class GateSettings:
    """How a gate compares an endpoint with its baseline.

    `significance` is the probability up to which two counts count as different, `slower` how much
    of a figure is borne on top: 0.5 bears half as much again.
    """

    significance: float = 0.05
    slower: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """One known deviation: which checks (an id or a glob), why, and until when it is accepted.

    `origin` is "registry" for one of the file, "dialect" for one that ships with a dialect.
    """

    check: str
    reason: str
    link: str = ""
    owner: str = ""
    versions: str = ""
    until: date | None = None
    origin: str = "registry"

    def is_expired(self, today: date) -> bool:
        """True once the last day on which the deviation is accepted is over."""
        return self.until is not None and self.until < today


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One server under a name, ready to be asked.

    `key_variable` is the environment variable that the key came from, "" if there is none.
    `think_tags` are the marks of reasoning inside of text, for the client core.
    `hint` says what to do when the endpoint is not reachable. `is_provider` is true for a cloud
    that is known by name, at its usual host. `hidden` holds what else came from the environment
    into the headers.
    """

    name: str
    base_url: str
    model: str | None = None
    api_key: str | None = field(default=None, repr=False)
    key_variable: str = ""
    extra_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    dialect: str = ""
    think_tags: tuple[str, str] | None = None
    limits: Limits = Limits()
    capabilities: Mapping[str, bool] = field(default_factory=dict)
    deviations: tuple[Deviation, ...] = ()
    gate: GateSettings = GateSettings()
    hint: str = ""
    is_provider: bool = False
    hidden: tuple[str, ...] = field(default=(), repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that must never be shown, the longest first.

        The order matters to whoever replaces them: a secret may be part of another one.
        """
        values = {self.api_key or "", *self.hidden}
        for name, value in self.extra_headers.items():
            if is_credential(name):
                values.update((value, value.rpartition(" ")[2]))
        return tuple(sorted(filter(_is_secret, values), key=lambda value: (-len(value), value)))

    @property
    def has_key(self) -> bool:
        """True if requests carry a key, or a header that is one."""
        return bool(self.api_key) or any(map(is_credential, self.extra_headers))

    @property
    def is_embedded(self) -> bool:
        """True for the server inside this package, started or not."""
        return self.name == EMBEDDED


def is_credential(header: str) -> bool:
    """True if a header of this name usually carries a secret."""
    return _CREDENTIAL_HEADER.fullmatch(header) is not None


def is_placeholder(key: str) -> bool:
    """True if a key is one of those that stand for no key."""
    return key.lower() in PLACEHOLDER_KEYS


def _is_secret(value: str) -> bool:
    return len(value) >= SHORTEST_SECRET and not is_placeholder(value)
