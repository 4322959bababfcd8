"""Checks of HTTP on named exchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import (
    accepted,
    below_500,
    not_5xx,
    prompt_tokens,
    status_wrong,
    wrong,
)
from pytest_byom.conformance.check import check
from pytest_byom.conformance.finding import Inconclusive, Unsupported, Wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.exchange import Exchange


@check(
    "http.answers",
    level="must",
    decides=["http-01", "msg-01"],
    asks=["chat/plain"],
    breaks="nothing works",
)
def test_answers(byom_ask: Ask) -> Iterator[Wrong]:
    """A valid POST to {base}/chat/completions answers 200."""
    yield from accepted(byom_ask("chat/plain"))


@check(
    "http.charset-accepted",
    level="must",
    decides=["http-11"],
    asks=["http/charset"],
    breaks="HTTP libraries that add the parameter, such as those of .NET and Java, get an error",
)
def test_charset_accepted(byom_ask: Ask) -> Iterator[Wrong]:
    """Content-Type application/json with a charset parameter is accepted."""
    yield from accepted(byom_ask("http/charset"))


@check(
    "http.client-request-id",
    level="may",
    decides=["hdr-03"],
    asks=["http/client-request-id"],
    breaks="apps that name each request themselves, to find it in a log, get an error",
)
def test_client_request_id(byom_ask: Ask) -> Iterator[Wrong]:
    """X-Client-Request-Id, sent by the client, is accepted."""
    yield from accepted(byom_ask("http/client-request-id"))


@check(
    "http.sdk-headers",
    level="must",
    decides=["http-16", "http-17"],
    asks=["http/sdk-headers"],
    breaks="openai-python sends nine x-stainless headers with each request",
)
def test_sdk_headers(byom_ask: Ask) -> Iterator[Wrong]:
    """Accept */* is served and unknown request headers are ignored."""
    yield from accepted(byom_ask("http/sdk-headers"))


@check(
    "http.stream-despite-accept",
    level="must",
    decides=["http-14"],
    needs=["stream"],
    asks=["http/sdk-headers-stream"],
    breaks="openai-python and openai-node send Accept: application/json with streamed requests",
)
def test_stream_despite_accept(byom_ask: Ask) -> Iterator[Wrong]:
    """stream=true yields an event stream even when the request says Accept: application/json."""
    exchange = byom_ask("http/sdk-headers-stream")
    if exchange.answered().status != 200:
        yield status_wrong(exchange, "200")
    elif exchange.media_type == "application/json":
        yield wrong(
            exchange,
            "header content-type",
            expected="text/event-stream",
            got=exchange.header("content-type"),
        )


@check(
    "http.unicode",
    level="must",
    decides=["http-27"],
    asks=["http/unicode"],
    breaks="openai-python sends UTF-8 unescaped: every prompt with an accent fails",
)
def test_unicode(byom_ask: Ask) -> Iterator[Wrong]:
    """Raw non-ASCII UTF-8 in the request body is accepted."""
    yield from accepted(byom_ask("http/unicode"))


@check(
    "http.escapes",
    level="should",
    decides=["http-28"],
    asks=["http/unicode", "http/unicode-escaped"],
    breaks="the same prompt means something else from another client",
)
def test_escapes(byom_ask: Ask) -> Iterator[Wrong]:
    """Escaped and unescaped forms of the same text are the same prompt."""
    raw = prompt_tokens(byom_ask("http/unicode"))
    escaped = byom_ask("http/unicode-escaped")
    if prompt_tokens(escaped) != raw:
        yield wrong(
            escaped,
            "usage.prompt_tokens",
            expected=f"{raw}, as for the unescaped text",
            got=prompt_tokens(escaped),
        )


@check(
    "http.get",
    level="should",
    decides=["http-08"],
    asks=["http/get-chat"],
    breaks="health probes and crawlers that GET the path show up as failures of the server",
)
def test_get(byom_ask: Ask) -> Iterator[Wrong]:
    """GET on the path is answered with 401, 403, 404, 405 or a list of stored completions."""
    exchange = byom_ask("http/get-chat").answered()
    if exchange.status not in (200, 400, 401, 403, 404, 405):
        yield status_wrong(exchange, "404 or 405")


@check(
    "http.allow",
    level="should",
    decides=["http-09"],
    asks=["http/get-chat"],
    breaks="a person with a 405 cannot see what the path is for",
)
def test_allow(byom_ask: Ask) -> Iterator[Wrong]:
    """A 405 answer carries an Allow header that names POST."""
    exchange = byom_ask("http/get-chat").answered()
    allowed = exchange.header("allow") or "nothing"
    if exchange.status == 405 and "POST" not in allowed.upper():
        yield wrong(exchange, "header allow", expected="POST", got=allowed)


@check(
    "http.unknown-path",
    level="should",
    decides=["http-10"],
    asks=["http/unknown-path"],
    breaks="a wrong base URL looks like an answer: openai-python gives an object without choices",
)
def test_unknown_path(byom_ask: Ask) -> Iterator[Wrong]:
    """An unknown path under the base answers 404."""
    exchange = byom_ask("http/unknown-path").answered()
    if exchange.status not in (404, 405) and (exchange.status or 0) < 500:
        yield status_wrong(exchange, "404")


@check(
    "http.request-id-differs",
    level="should",
    decides=["hdr-02"],
    asks=["chat/plain", "http/charset"],
    breaks="the id that openai-python shows for a failed request names all of them",
)
def test_request_id_differs(byom_ask: Ask) -> Iterator[Wrong]:
    """Two requests get two values of x-request-id."""
    first, second = (byom_ask(id).answered() for id in ("chat/plain", "http/charset"))
    if not (id := first.header("x-request-id")):
        raise Inconclusive("the answers have no x-request-id")
    if second.header("x-request-id") == id:
        yield wrong(second, "header x-request-id", expected="another than before", got=id)


@check(
    "http.media-type-case",
    level="should",
    decides=["http-12"],
    asks=["http/media-type-case"],
    breaks="RFC 9110 8.3.1 lets clients write it in any case",
)
def test_media_type_case(byom_ask: Ask) -> Iterator[Wrong]:
    """The media type of a request is compared without regard to case."""
    yield from accepted(byom_ask("http/media-type-case"))


@check(
    "http.plain-despite-accept",
    level="should",
    decides=["http-15"],
    asks=["http/plain-accepts-stream"],
    breaks="clients read the answer to stream false as one JSON text",
)
def test_plain_despite_accept(byom_ask: Ask) -> Iterator[Wrong]:
    """With stream false the answer is no event stream, whatever the request accepts."""
    exchange = byom_ask("http/plain-accepts-stream").answered()
    if exchange.status == 200 and exchange.media_type == "text/event-stream":
        got = exchange.media_type
        yield wrong(exchange, "header content-type", expected="application/json", got=got)


@check(
    "http.query",
    level="should",
    decides=["http-26"],
    asks=["http/query"],
    breaks="openai-python with default_query, and clients made for Azure, add api-version to it",
)
def test_query(byom_ask: Ask) -> Iterator[Wrong]:
    """A query string on the path is ignored."""
    yield from accepted(byom_ask("http/query"))


@check(
    "http.text-plain",
    level="should",
    decides=["http-13"],
    asks=["http/text-plain"],
    breaks="scripts with fetch and no header send text/plain, and retry a 5xx in vain",
)
def test_text_plain(byom_ask: Ask) -> Iterator[Wrong]:
    """A body that is declared as text/plain is read all the same, or refused with a 4xx."""
    yield from below_500(byom_ask("http/text-plain"))


@check(
    "http.form",
    level="should",
    decides=["http-13"],
    asks=["http/form"],
    breaks="curl -d declares form data: who forgets the header sees a failure of the server",
)
def test_form(byom_ask: Ask) -> Iterator[Wrong]:
    """A body that is declared as form data is read all the same, or refused with a 4xx."""
    yield from below_500(byom_ask("http/form"))


@check(
    "http.head",
    level="should",
    decides=["http-24"],
    asks=["http/head"],
    breaks="health probes by HEAD show up as failures of the server",
)
def test_head(byom_ask: Ask) -> Iterator[Wrong]:
    """HEAD on the path is not answered with a 5xx."""
    yield from below_500(byom_ask("http/head"))


@check(
    "http.options",
    level="should",
    decides=["http-24"],
    asks=["http/preflight"],
    breaks="browsers give up on a preflight that fails, and proxies count it as an outage",
)
def test_options(byom_ask: Ask) -> Iterator[Wrong]:
    """OPTIONS on the path is not answered with a 5xx."""
    yield from below_500(byom_ask("http/preflight"))


@check(
    "http.preflight",
    level="may",
    decides=["http-25"],
    asks=["http/preflight"],
    breaks="openai-node in a browser (dangerouslyAllowBrowser) fails with a bare network error",
)
def test_preflight(byom_ask: Ask) -> Iterator[Wrong]:
    """A preflight that is granted allows a POST with the headers of a key and of JSON."""
    exchange = _granted(byom_ask("http/preflight"))
    if not 200 <= (exchange.status or 0) < 300:
        yield status_wrong(exchange, "200 or 204")
    yield from _allows(exchange, "authorization", "content-type")


@check(
    "http.preflight-sdk",
    level="may",
    decides=["http-25"],
    asks=["http/preflight", "http/preflight-sdk"],
    breaks="openai-node in a browser sends eight x-stainless headers: each has to be allowed",
)
def test_preflight_sdk(byom_ask: Ask) -> Iterator[Wrong]:
    """A preflight that is granted allows the headers that SDKs add too."""
    _granted(byom_ask("http/preflight"))
    exchange = not_5xx(byom_ask("http/preflight-sdk"))
    if not exchange.header("access-control-allow-origin"):
        yield wrong(exchange, "header access-control-allow-origin", expected="*", got="nothing")
        return
    yield from _allows(exchange, "x-stainless-lang", "x-stainless-retry-count")


def _granted(exchange: Exchange) -> Exchange:
    """Return the answer to a preflight; Unsupported if it grants nothing."""
    if not not_5xx(exchange).header("access-control-allow-origin"):
        raise Unsupported("no preflight is granted")
    return exchange


def _allows(exchange: Exchange, *names: str) -> Iterator[Wrong]:
    """Yield what is wrong unless each header is allowed; * does not stand for Authorization."""
    allowed = (exchange.header("access-control-allow-headers") or "nothing").lower()
    for name in names:
        if name not in allowed and (allowed != "*" or name == "authorization"):
            place = "header access-control-allow-headers"
            yield wrong(exchange, place, expected=name, got=allowed)
