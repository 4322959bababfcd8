"""Known deviations are added to a registry file, and nothing else in it changes."""

from __future__ import annotations

import difflib

import pytest

from pytest_byom.client.errors import RegistryError
from pytest_byom.registry.accepting import add_deviations

ONE = [{"check": "stream.done-marker", "reason": "upstream issue 1234"}]
TWO = [*ONE, {"check": "usage.*", "reason": "it does not count", "until": "2027-01-31"}]


def add(text: str, endpoint: str = "mine", entries: list[dict[str, str]] = ONE) -> str:
    """Return a file with more known deviations of an endpoint."""
    return add_deviations(text, endpoint, entries, shown="byom.yaml")


# Before, and after: `+` marks the lines that are added, `-` one that is taken out.
FILES = {
    "block": """
 # ours
 endpoints:
   mine:          # the one
     base_url: "http://localhost/v1"
     limits: {timeout: 5}   # slow
+    deviations:
+      - check: stream.done-marker
+        reason: upstream issue 1234

   # another
   other:
     base_url: http://localhost/v1
""",
    "list": """
 endpoints:
   mine:
     deviations:
     - check: models.*
       reason: 'old'  # keep
     # the last
     - reason: >-
         two
         lines
       check: a.b
+    - check: stream.done-marker
+      reason: upstream issue 1234
     base_url: http://localhost/v1
 models: {}
""",
    "last-line-without-end": """
 endpoints:
   mine:
     base_url: http://localhost/v1
+    deviations:
+      - check: stream.done-marker
+        reason: upstream issue 1234
""",
    "empty-list": """
 endpoints:
   mine:
     base_url: http://localhost/v1
-    deviations: []  # none so far
+    deviations:  # none so far
+      - check: stream.done-marker
+        reason: upstream issue 1234
     model: m
""",
    "null-list": """
 endpoints:
   mine:
     base_url: http://localhost/v1
     deviations:
+      - check: stream.done-marker
+        reason: upstream issue 1234
     model: m
""",
    "written-null": """
 endpoints:
   mine:
     base_url: http://localhost/v1
-    deviations: null
+    deviations:
+      - check: stream.done-marker
+        reason: upstream issue 1234
""",
    "deep-indent": """
 endpoints:
       mine:
             base_url: http://localhost/v1
+            deviations:
+              - check: stream.done-marker
+                reason: upstream issue 1234
""",
    "quoted-name": """
 "endpoints":
   'mine':
     base_url: http://localhost/v1
+    deviations:
+      - check: stream.done-marker
+        reason: upstream issue 1234
""",
    "models-first": """
 models:
   m: {context_window: 5}
 endpoints:
   mine:
     base_url: http://localhost/v1
+    deviations:
+      - check: stream.done-marker
+        reason: upstream issue 1234
""",
}

KNOWN = {
    "known-without-entry": """
 endpoints:
   mine: {base_url: "http://localhost/v1"}
+  ollama:
+    deviations:
+      - check: stream.done-marker
+        reason: upstream issue 1234
""",
    "known-and-empty": """
 endpoints:
   ollama:
+    deviations:
+      - check: stream.done-marker
+        reason: upstream issue 1234
   mine:
     base_url: http://localhost/v1
""",
    "no-endpoints": """
 models: {}  # nothing else
+endpoints:
+  ollama:
+    deviations:
+      - check: stream.done-marker
+        reason: upstream issue 1234
""",
    "empty-endpoints": """
 endpoints:  # to come
+  ollama:
+    deviations:
+      - check: stream.done-marker
+        reason: upstream issue 1234
""",
    "comments-only": """
 # nothing yet
+endpoints:
+  ollama:
+    deviations:
+      - check: stream.done-marker
+        reason: upstream issue 1234
""",
}


def sides(marked: str) -> tuple[str, str]:
    """Return the file before and after."""
    lines = marked.strip("\n").splitlines()
    before = [line[1:] for line in lines if line[:1] != "+"]
    after = [line[1:] for line in lines if line[:1] != "-"]
    return "\n".join(before) + "\n", "\n".join(after) + "\n"


@pytest.mark.parametrize("name", FILES)
def test_own_endpoint(name: str) -> None:
    """The lines go where they belong; comments, quotes and order stay."""
    before, after = sides(FILES[name])
    assert add(before).splitlines() == after.splitlines()


@pytest.mark.parametrize("name", KNOWN)
def test_known_endpoint(name: str) -> None:
    """A server that is known without the file gets an entry."""
    before, after = sides(KNOWN[name])
    assert add(before, "ollama").splitlines() == after.splitlines()


def test_no_file() -> None:
    """Where there was no file, there is one now."""
    assert add("", "groq", TWO) == (
        "endpoints:\n"
        "  groq:\n"
        "    deviations:\n"
        "      - check: stream.done-marker\n"
        "        reason: upstream issue 1234\n"
        "      - check: usage.*\n"
        "        reason: it does not count\n"
        "        until: 2027-01-31\n"
    )


@pytest.mark.parametrize("name", FILES)
def test_only_lines_are_added(name: str) -> None:
    """Every line that was there is there, in its order, but for an empty list."""
    before, _ = sides(FILES[name])
    for text in (before, before.rstrip("\n"), before.replace("\n", "\r\n")):
        added = add(text)
        marks = [line[0] for line in difflib.ndiff(text.splitlines(), added.splitlines())]
        assert marks.count("-") <= (name in ("empty-list", "written-null"))
        assert ("\r\n" in added) is ("\r\n" in text)
        assert "\n" not in added.replace("\r\n", "") or "\r\n" not in text


def test_twice() -> None:
    """Entries can be added to entries that were added."""
    once = add(sides(FILES["block"])[0])
    twice = add(once, entries=[TWO[1]])
    lines = ["check: usage.*", "reason: it does not count", "until: 2027-01-31"]
    added = "".join(f"{'- ' if n == 0 else '  ':>8}{line}\n" for n, line in enumerate(lines))
    assert added in twice
    assert twice.replace(added, "") == once


REASONS = [
    "upstream: issue #1234",
    'it\'s "so"',
    "yes",
    "1234",
    "- no",
    "ends with a colon:",
    "Für später — ключ 日本",
    "two\nlines",
    "{a: b}",
    " spaces ",
    "@home",
    "null",
    "https://example.org/issues/1?x=1#y",
    "tab\there",
]


@pytest.mark.parametrize("reason", REASONS)
def test_reason(reason: str) -> None:
    """A reason is read back as it was given: `add_deviations` itself sees to that."""
    assert add(sides(FILES["block"])[0], entries=[{"check": "a.b", "reason": reason}])


REFUSED = {
    "flow-endpoint": (
        "endpoints:\n  mine: {base_url: http://localhost/v1}\n",
        (
            "byom.yaml:2: cannot add lines to what stands in {} or []; write it on lines of its "
            "own, or add this to mine by hand:\n    deviations:\n"
            "      - check: stream.done-marker\n        reason: upstream issue 1234"
        ),
    ),
    "flow-list": (
        (
            "endpoints:\n  mine:\n    base_url: http://localhost/v1\n"
            "    deviations: [{check: a.b, reason: c}]\n"
        ),
        "byom.yaml:4: cannot add lines to what stands in {} or []",
    ),
    "flow-file": (
        "{endpoints: {mine: {base_url: http://localhost/v1}}}\n",
        "byom.yaml:1: cannot add lines",
    ),
    "unknown": (
        "endpoints:\n  other:\n    base_url: http://localhost/v1\n",
        "byom.yaml has no endpoint 'mine': add it with its base_url first",
    ),
    "broken": ("endpoints: [", "byom.yaml:1"),
    "invalid": ("endpoint:\n  mine:\n", "byom.yaml:1: endpoint is no valid key"),
    "aliased": (
        "endpoints:\n  other: &o\n    base_url: http://localhost/v1\n  mine: *o\n",
        "byom.yaml is written in a way that lines cannot be added to: edit it",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    """What lines cannot be added to is refused, with its line and what to do."""
    text, said = REFUSED[name]
    with pytest.raises(RegistryError) as caught:
        add(text)
    assert str(caught.value).startswith(said)
