"""Contract files are read as they are, and what is wrong with one is said with file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from pytest_byom.client.errors import ContractError
from pytest_byom.contract import Shelf, load_folder, read_contract
from pytest_byom.contract.loading import find_broken, load_schema

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "title: Mine\nrequest:\n  body: {model: x}\n"

BROKEN = [
    ("", "a.yaml:1: the file must be a mapping, not nothing"),
    ("[]", "a.yaml:1: the file must be a mapping, not a list"),
    ("title: x", "a.yaml:1: the file needs a request"),
    ("request: {}", "a.yaml:1: the file needs a title"),
    ("title: ''\nrequest: {}", "a.yaml:1: title must not be empty"),
    ("title: 1\nrequest: {}", "a.yaml:1: title must be text, not a number; put it in quotes"),
    (
        GOOD + "kind: vald",
        "a.yaml:4: kind is 'vald', did you mean 'valid'? Valid are: valid, broken, open",
    ),
    (
        GOOD + "levle: may",
        (
            "a.yaml:4: levle is no valid key, did you mean 'level'? Valid keys: alone, before, "
            "beside, client, expect, flood, follows, kind, level, modelled_on, recorded, request, "
            "response, times, title"
        ),
    ),
    (
        GOOD + "modelled_on: here",
        "a.yaml:4: modelled_on must be a URL that starts with http:// or https://, not text",
    ),
    (
        GOOD + "recorded: {server: x, date: today}",
        "a.yaml:4: recorded.date must be a day as in '2027-01-31', not text",
    ),
    (GOOD + "response: {}", "a.yaml:4: response needs a status"),
    (GOOD + "response: {status: 99}", "a.yaml:4: response.status must be at least 100, not 99"),
    (
        GOOD + "response:\n  status: 200\n  sse: a\n  body: 1",
        "a.yaml:6: response.sse stands beside body: there is one body, in one form",
    ),
    (
        GOOD + "response: {status: 200, body_base64: ä}",
        "a.yaml:4: response.body_base64 must be base64, not text",
    ),
    (
        GOOD + "response:\n  status: 200\n  arrivals:\n  - [1]",
        "a.yaml:7: response.arrivals[0] must have at least 2 entries",
    ),
    (
        "title: x\nrequest: {path: chat}",
        "a.yaml:2: request.path must start with /, for it is joined to the base URL, not text",
    ),
    (
        "title: x\nrequest: {method: SEND}",
        (
            "a.yaml:2: request.method is 'SEND'. Valid are: POST, "
            "GET, HEAD, OPTIONS, PUT, PATCH, DELETE"
        ),
    ),
    (
        "title: x\nrequest: {body: 1, body_text: x}",
        "a.yaml:2: request.body_text stands beside body: there is one body, in one form",
    ),
    (
        "title: x\nrequest:\n  body:\n    model: ${modle}",
        (
            "a.yaml:4: request.body.model has an "
            "unknown placeholder ${modle}; there are ${model}, ${path-model}, ${number}, "
            "${answer.PATH}, ${answer.inner}, ${tokens:N}, ${window:N}, ${nested:N}; "
            "for a ${ as it is, write $${"
        ),
    ),
    (
        "title: x\nrequest:\n  body: ['${tokens:0}']",
        (
            "a.yaml:3: request.body[0] has an unknown "
            "placeholder ${tokens:0}; there are ${model}, ${path-model}, ${number}, "
            "${answer.PATH}, ${answer.inner}, ${tokens:N}, ${window:N}, ${nested:N}; "
            "for a ${ as it is, write $${"
        ),
    ),
    (
        "title: x\nrequest:\n  body: ['${answer.message}']",
        (
            "a.yaml:3: request.body[0] has "
            "${answer.message}, which needs 'follows' to name the contract that is answered first"
        ),
    ),
    (
        "title: x\nrequest:\n  headers: {x-a: '${answer.message}'}",
        (
            "a.yaml:3: request.headers.x-a has "
            "${answer.message}, which needs 'follows' to name the contract that is answered first"
        ),
    ),
    (
        GOOD + "expect: {boddy: 1}",
        (
            "a.yaml:4: expect.boddy is no valid key, did you mean 'body'? "
            "Valid keys: body, finish_reason, headers, status, text, tool_calls, usage"
        ),
    ),
    (
        GOOD + "expect:\n  body: {$typo: string}",
        (
            "a.yaml:5: expect.body.$typo is no matcher, did "
            "you mean '$type'? Valid are: $type, $regex, $range, $any, $absent, $schema, $each"
        ),
    ),
    (
        GOOD + "expect:\n  body: {$type: string, id: 1}",
        (
            "a.yaml:5: expect.body.id is no matcher "
            "beside matchers. Valid are: $type, $regex, $range, $any, $absent, $schema, $each"
        ),
    ),
    (
        GOOD + "expect: {text: {$type: text}}",
        (
            "a.yaml:4: expect.text.$type must be one or more "
            "of: string, integer, number, boolean, array, object, null"
        ),
    ),
    (
        GOOD + "expect: {text: {$regex: '('}}",
        (
            "a.yaml:4: expect.text.$regex is no regular "
            "expression: missing ), unterminated subpattern at position 0"
        ),
    ),
    (GOOD + "expect: {text: {$regex: 1}}", "a.yaml:4: expect.text.$regex must be text"),
    (
        GOOD + "expect: {usage: {a: {$range: 1}}}",
        (
            "a.yaml:4: expect.usage.a.$range must be two "
            "numbers, as in [0, 1]; null stands for no bound"
        ),
    ),
    (
        GOOD + "expect: {usage: {a: {$range: [2, 1]}}}",
        "a.yaml:4: expect.usage.a.$range must have its lower number first",
    ),
    (GOOD + "expect: {text: {$any: x}}", "a.yaml:4: expect.text.$any must be a list"),
    (
        GOOD + "expect: {text: {$any: [{$absent: 1}]}}",
        "a.yaml:4: expect.text.$any[0].$absent must be true or false",
    ),
    (
        GOOD + "expect: {body: {$schema: {type: x}}}",
        (
            "a.yaml:4: expect.body.$schema is no JSON "
            "Schema: 'x' is not valid under any of the given schemas"
        ),
    ),
    (
        GOOD + "expect:\n  tool_calls:\n    $each:\n      $nope: 1",
        (
            "a.yaml:7: expect.tool_calls.$each.$nope is no matcher, did you mean '$type'? "
            "Valid are: $type, $regex, $range, $any, $absent, $schema, $each"
        ),
    ),
    (GOOD + "title: twice", "a.yaml:4: title is there twice, first in line 1"),
    (
        "title: [",
        "a.yaml:1: this is not valid YAML: expected the node content, but found '<stream end>'",
    ),
    ("title: \x00", "a.yaml:1: the character U+0000 is not allowed in YAML"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_broken(text: str, message: str) -> None:
    """A broken file is refused with file, line, key and what would be right."""
    with pytest.raises(ContractError) as caught:
        read_contract(text, id="a", shown="a.yaml")
    assert str(caught.value) == message


def test_every_problem_has_a_line() -> None:
    """Several problems of a file are told at once, in the order of their lines."""
    text = "title: ''\nkind: x\nrequest: {metod: GET}\n"
    with pytest.raises(ContractError) as caught:
        read_contract(text, id="a", shown="a.yaml")
    lines = str(caught.value).splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["a.yaml:1:", "a.yaml:2:", "a.yaml:3:"]


def test_schema_is_one() -> None:
    """The schema that ships is a valid JSON Schema."""
    Draft202012Validator.check_schema(load_schema())


def test_no_secret_is_repeated() -> None:
    """A value of the file stands in no message: it may be a secret."""
    with pytest.raises(ContractError) as caught:
        read_contract("title: x\nrequest: {headers: sk-canary-123}", id="a", shown="a.yaml")
    assert "canary" not in str(caught.value)


def write(folder: Path, name: str, text: str = GOOD) -> Path:
    """Write a file of a folder and return the folder."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return folder


def test_shelf_holds_own_and_bundled(tmp_path: Path) -> None:
    """A user's contracts stand beside ours, under the path of their file."""
    shelf = Shelf([write(tmp_path, "support/greeting.yaml")])
    assert list(shelf.own) == ["support/greeting"]
    assert shelf.load("support/greeting").title == "Mine"
    assert shelf.load("chat/plain").title == "The minimal request"


BESIDE = "title: x\nbeside: [{}]\nrequest: {{}}\n"
FOLLOWING = "title: x\nfollows: {}\nrequest:\n  body: ['${{answer.message}}']\n"

CLASHES = [
    (
        {"chat/plain.yaml": GOOD},
        (
            "/chat/plain.yaml:1: the id 'chat/plain' is taken by a contract "
            "of pytest-byom; rename the file"
        ),
    ),
    ({"a.yaml": FOLLOWING.format("nope")}, "/a.yaml:2: follows 'nope', which is not there"),
    ({"a.yaml": FOLLOWING.format("a")}, "/a.yaml:2: a follows a"),
    ({"a.yaml": BESIDE.format("nope")}, "/a.yaml:2: beside names 'nope', which is not there"),
    ({"a.yaml": BESIDE.format("a")}, "/a.yaml:2: beside names 'a', which needs others itself"),
    (
        {"a.yaml": FOLLOWING.format("b"), "b.yaml": FOLLOWING.format("a")},
        "/a.yaml:2: a follows b follows a",
    ),
    (
        {"a b.yaml": GOOD},
        "/a b.yaml:1: the file has the id 'a b'; use letters, digits, dots and dashes in its name",
    ),
    ({"a.yml": GOOD}, "/a.yml:1: the name of a contract ends in .yaml"),
]


@pytest.mark.parametrize(("files", "message"), CLASHES)
def test_shelf_refuses(tmp_path: Path, files: dict[str, str], message: str) -> None:
    """What cannot be sent is refused when it is loaded."""
    for name, text in files.items():
        write(tmp_path, name, text)
    with pytest.raises(ContractError) as caught:
        Shelf([tmp_path])
    assert str(caught.value) == f"{tmp_path}{message}"


def test_two_folders_with_one_id(tmp_path: Path) -> None:
    """An id of two folders is refused, with both files."""
    one, two = write(tmp_path / "one", "a.yaml"), write(tmp_path / "two", "a.yaml")
    with pytest.raises(ContractError) as caught:
        Shelf([one, two])
    assert str(caught.value) == (
        f"{two}/a.yaml:1: the id 'a' is taken by {one}/a.yaml; rename the file"
    )


def test_chain(tmp_path: Path) -> None:
    """A contract may follow one that follows one of ours."""
    write(tmp_path, "a.yaml", FOLLOWING.format("chat/plain"))
    write(tmp_path, "b.yaml", FOLLOWING.format("a"))
    assert set(Shelf([tmp_path]).own) == {"a", "b"}


def test_no_folder(tmp_path: Path) -> None:
    """A folder that is not there is refused."""
    with pytest.raises(ContractError, match="there is no folder of contracts"):
        load_folder(tmp_path / "nope")


def test_no_utf8(tmp_path: Path) -> None:
    """A file in another encoding is refused with its line."""
    (tmp_path / "a.yaml").write_bytes(b"title: x\n# \xff\n")
    with pytest.raises(ContractError) as caught:
        load_folder(tmp_path)
    assert str(caught.value) == f"{tmp_path}/a.yaml:2: the file is not UTF-8"


def test_all_broken_files_are_found(tmp_path: Path) -> None:
    """A check of folders goes on behind the first broken file."""
    write(tmp_path, "a.yaml", "title: x")
    write(tmp_path, "b.yaml", "request: {}")
    assert find_broken([tmp_path]) == [
        f"{tmp_path}/a.yaml:1: the file needs a request",
        f"{tmp_path}/b.yaml:1: the file needs a title",
    ]
