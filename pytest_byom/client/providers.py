"""Providers that an app registers in code.

Only storage: whoever registers a provider also makes the client for it. Nothing here decides
which client an id belongs to.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_byom.client.errors import UsageError
from pytest_byom.client.redact import HiddenHeaders, shown_url
from pytest_byom.client.request import check_base_url

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "custom:"


@dataclass(frozen=True, kw_only=True)
class CustomProviderConfig:
    """Where a provider is, what every request to it carries, and its usual model."""

    base_url: str
    extra_headers: Mapping[str, str] = field(default_factory=dict)
    default_model: str | None = None

    def __post_init__(self) -> None:
        check_base_url(self.base_url)
        object.__setattr__(self, "extra_headers", HiddenHeaders(self.extra_headers or {}))

    def __repr__(self) -> str:
        return (
            f"CustomProviderConfig(base_url={shown_url(self.base_url)!r}, "
            f"extra_headers={self.extra_headers!r}, default_model={self.default_model!r})"
        )


_lock = threading.Lock()
_configs: dict[str, CustomProviderConfig] = {}
REGISTERED: Mapping[str, CustomProviderConfig] = MappingProxyType(_configs)
"""A view of what is registered."""


def register_custom_provider(name: str, config: CustomProviderConfig) -> str:
    """Store a provider and give back its opaque id; the same name again replaces it."""
    if not isinstance(name, str) or not name.strip():
        raise UsageError(f"a provider's name must be text, not {name!r}")
    if not isinstance(config, CustomProviderConfig):
        raise UsageError(f"a provider is described by a CustomProviderConfig, not by {config!r}")
    identifier = PREFIX + name.strip()
    with _lock:
        _configs[identifier] = config
    return identifier


def get_custom_provider(provider_id: str) -> CustomProviderConfig | None:
    """The provider of an id, or None if there is none."""
    with _lock:
        return _configs.get(provider_id)


def unregister_custom_provider(provider_id: str) -> None:
    """Forget a provider; an unknown id is no error."""
    with _lock:
        _configs.pop(provider_id, None)
