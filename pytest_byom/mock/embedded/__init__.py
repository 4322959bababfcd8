"""A server of the chat completions API with a deterministic stand-in model.

    from pytest_byom.mock.embedded import EmbeddedServer
    from pytest_byom.mock.http1 import BackgroundServer

    with BackgroundServer(EmbeddedServer(api_key="secret")) as server:
        base_url = server.url + "/v1"

What it obeys and what it refuses stands on top of each module: `rules` for parameters, `messages`
and `tools` for what they hold, `skills` and `tool_calls` for what the stand-in can do.
"""

from pytest_byom.mock.embedded.app import EmbeddedServer

__all__ = ["EmbeddedServer"]
