"""Undoes Content-Encoding, piece by piece and with a bound.

The client does this itself, and not its HTTP library, so that the raw bytes of an answer that
cannot be decoded are still there to be shown.
"""

from __future__ import annotations

import zlib

from pytest_byom.client.errors import BadAnswer

ACCEPTED = "gzip, deflate"
"""What is asked for: what the standard library decodes."""

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS
_PIECE = 1 << 20


class BodyDecoder:
    """Decodes the body of one answer.

    Raises BadAnswer for an encoding that was not asked for, and for bytes that are not what they
    claim to be; `body` of the error holds them as they came.
    """

    def __init__(self, encoding: str = "") -> None:
        names = [name.strip().lower() for name in encoding.split(",")]
        self._names = [name for name in names if name not in ("", "identity")]
        self._inflate = zlib.decompressobj(_GZIP_OR_ZLIB) if self._names else None
        self._begun = False
        self._held = b""
        unknown = [name for name in self._names if name not in ("gzip", "x-gzip", "deflate")]
        if unknown or len(self._names) > 1:
            raise BadAnswer(
                f"the answer has the Content-Encoding {encoding!r}; asked for was {ACCEPTED}"
            )

    def feed(self, chunk: bytes) -> bytes:
        """Decode the next bytes."""
        if self._inflate is None or not chunk:
            return chunk
        if not self._begun:
            chunk = self._begin(chunk)
        pieces: list[bytes] = []
        try:
            pieces.append(self._next(chunk))
            while self._inflate.unconsumed_tail:
                pieces.append(self._next(self._inflate.unconsumed_tail))
        except zlib.error as error:
            raise BadAnswer(
                f"the answer says Content-Encoding {self._names[0]} and is not ({error})",
                body=chunk,
            ) from None
        return b"".join(pieces)

    @property
    def cut_short(self) -> bool:
        """Whether bytes have come and the end has not."""
        begun = self._begun or bool(self._held)
        return self._inflate is not None and begun and not self._inflate.eof

    def _begin(self, chunk: bytes) -> bytes:
        """Look at the first two bytes: half the world sends deflate without its header."""
        chunk = self._held + chunk
        if len(chunk) < 2:
            self._held = chunk
            return b""
        self._begun = True
        if self._names == ["deflate"] and not _has_zlib_header(chunk):
            self._inflate = zlib.decompressobj(_RAW)
        return chunk

    def _next(self, chunk: bytes) -> bytes:
        return self._inflate.decompress(chunk, _PIECE) if self._inflate else chunk


def _has_zlib_header(start: bytes) -> bool:
    return start[0] & 0x0F == zlib.DEFLATED and (start[0] << 8 | start[1]) % 31 == 0
