"""Named endpoints: the file `byom.yaml`, the servers known without it, and URLs.

`load_registry` reads the file, `Registry.endpoint` turns a name or a URL into an `Endpoint`. Only
there are environment variables replaced: one that is missing breaks its own endpoint, no other.
"""

from __future__ import annotations

from pytest_byom.registry.endpoints import Deviation, Endpoint, GateSettings, Limits
from pytest_byom.registry.loading import Registry, load_registry

__all__ = ["Deviation", "Endpoint", "GateSettings", "Limits", "Registry", "load_registry"]
