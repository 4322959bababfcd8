"""The small app that the guide's examples test: it is put beside them as their conftest."""

from __future__ import annotations

CONFTEST = '''
import json

import httpx
import pytest


@pytest.fixture(scope="session")
def ask():
    """Ask a model, and return the text: a client without any library of an SDK."""

    def send(text, *, stream=False, **members):
        body = {"model": "small", "messages": [{"role": "user", "content": text}], **members}
        url = "http://llm.test/v1/chat/completions"
        if not stream:
            answer = httpx.post(url, json=body)
            answer.raise_for_status()
            return answer.json()["choices"][0]["message"].get("content")
        said = ""
        with httpx.stream("POST", url, json={**body, "stream": True}) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    for choice in json.loads(line[6:])["choices"]:
                        said += choice["delta"].get("content") or ""
        return said

    return send
'''
