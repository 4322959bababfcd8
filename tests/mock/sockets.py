"""Talks with a server over a raw socket."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.mock.http1 import BackgroundServer


@contextmanager
def connection(server: BackgroundServer) -> Iterator[socket.socket]:
    """A connection to a server, closed with the block."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        yield raw


def talk(server: BackgroundServer, *sent: bytes) -> bytes:
    """Send bytes, and return all that comes until the server closes."""
    with connection(server) as raw:
        for part in sent:
            raw.sendall(part)
        return b"".join(iter(lambda: raw.recv(65536), b""))
