"""Strategies for hypothesis: requests, valid and broken, and streams, as the API has them.

What they give is plain data as it goes over the wire, for tests of servers and of clients alike;
`replies` gives what a mock says, for tests of apps. `ConversationMachine` is a state machine that
talks with a server.
"""

from pytest_byom.strategies.bodies import BrokenBody, broken_bodies
from pytest_byom.strategies.broken import BrokenRequest, broken_chat_requests
from pytest_byom.strategies.conversations import ConversationMachine
from pytest_byom.strategies.replies import replies
from pytest_byom.strategies.requests import chat_requests, messages, tools
from pytest_byom.strategies.schemas import schemas
from pytest_byom.strategies.streams import EventStream, sse_streams

__all__ = [
    "BrokenBody",
    "BrokenRequest",
    "ConversationMachine",
    "EventStream",
    "broken_bodies",
    "broken_chat_requests",
    "chat_requests",
    "messages",
    "replies",
    "schemas",
    "sse_streams",
    "tools",
]
