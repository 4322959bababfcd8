"""Functions and types become schemas, and JSON becomes values."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import jsonschema
import pytest

from pytest_byom.client.errors import BadAnswer, UsageError
from pytest_byom.client.response import ToolCall
from pytest_byom.client.schema import is_strict, output_schema, read_value, type_schema
from pytest_byom.client.tools import Tool, run_tool, tool_from, tools_as_json


class Unit(enum.Enum):
    C = "celsius"
    F = "fahrenheit"


@dataclass
class Place:
    name: str
    at: list[float]


@dataclass
class Report:
    place: Place
    unit: Unit
    notes: dict[str, str] | None = None
    kind: Literal["now", "later"] = "now"


@dataclass
class Node:
    value: int
    children: list[Node] = field(default_factory=list)


class Person(TypedDict):
    name: str
    age: NotRequired[int]


OBJECT = {"type": "object", "additionalProperties": False}


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (None, {"type": "null"}),
        (Any, {}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Literal["a", 1], {"type": ["integer", "string"], "enum": ["a", 1]}),
        (Unit, {"type": "string", "enum": ["celsius", "fahrenheit"]}),
        (Annotated[int, "how many"], {"type": "integer", "description": "how many"}),
        (Node, OBJECT | {"properties": {
            "value": {"type": "integer"},
            "children": {"type": "array", "items": {"$ref": "#"}},
        }, "required": ["value", "children"]}),
        (Person, OBJECT | {"properties": {
            "name": {"type": "string"},
            "age": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        }, "required": ["name", "age"]}),
        (list[Place], {"type": "array", "items": {"$ref": "#/$defs/Place"}, "$defs": {
            "Place": OBJECT | {"properties": {
                "name": {"type": "string"},
                "at": {"type": "array", "items": {"type": "number"}},
            }, "required": ["name", "at"]},
        }}),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_type_schema(annotation: Any, schema: dict[str, Any]) -> None:
    """Each type has its schema, and it is a valid one."""
    assert type_schema(annotation) == schema
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("annotation", [set[int], dict[int, str], object, complex, Literal[b"x"]])
def test_no_schema(annotation: Any) -> None:
    """A type that JSON does not have is refused."""
    with pytest.raises(UsageError, match="JSON Schema"):
        type_schema(annotation)


@pytest.mark.parametrize(
    ("annotation", "value", "read"),
    [
        (Report,
         {"place": {"name": "Rome", "at": [1, 2.5]}, "unit": "celsius", "notes": {"a": "b"},
          "kind": "later"},
         Report(Place("Rome", [1.0, 2.5]), Unit.C, {"a": "b"}, "later")),
        (Report, {"place": {"name": "R", "at": []}, "unit": "celsius", "notes": None,
                  "kind": "now"},
         Report(Place("R", []), Unit.C)),
        (Node, {"value": 1, "children": [{"value": 2, "children": []}]}, Node(1, [Node(2)])),
        (Person, {"name": "A", "age": None}, {"name": "A"}),
        (int | Place, {"name": "A", "at": []}, Place("A", [])),
        (float, 1, 1.0),
        (list[Unit], ["celsius"], [Unit.C]),
    ],
    ids=["nested", "defaults", "recursive", "typed dict", "union", "float", "enum"],
)  # fmt: skip
def test_read_value(annotation: Any, value: Any, read: Any) -> None:
    """JSON becomes a value of its type."""
    found = read_value(annotation, value)
    assert found == read
    assert type(found) is type(read)


def test_output_schema_from_a_class() -> None:
    """A class gives its name, a strict schema, and itself as the target."""
    output = output_schema(Report)
    sent = output.response_format()["json_schema"]
    assert (sent["name"], sent["strict"], output.target) == ("Report", False, Report)
    assert output_schema(Person).response_format()["json_schema"]["strict"] is True


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"type": "object", "title": "My Thing"}, "My_Thing"),
        ({"type": "object"}, "output"),
        ({"name": "x", "schema": {"type": "object"}}, "x"),
        ({"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}, "x"),
    ],
)
def test_output_schema_from_json(given: dict[str, Any], name: str) -> None:
    """JSON Schema is taken bare, named, or as a whole response_format."""
    output = output_schema(given)
    assert (output.name, output.schema["type"]) == (name, "object")
    assert output.read({"a": 1}) == {"a": 1}


def test_a_whole_response_format_is_sent_as_it_is() -> None:
    """What is said of strict, and what the API may add, is not for the client to change."""
    described = {"name": "x y", "strict": True, "description": "d", "schema": {"type": "object"}}
    whole = {"type": "json_schema", "json_schema": described}
    assert output_schema(whole).response_format() == whole


@pytest.mark.parametrize("source", [int, "object", 5, list])
def test_no_output_schema(source: Any) -> None:
    """What is no schema of an object is refused."""
    with pytest.raises(UsageError, match="a schema must be"):
        output_schema(source)


def test_a_broken_schema() -> None:
    """A schema that is no JSON Schema is our caller's error."""
    with pytest.raises(UsageError, match="no valid JSON Schema"):
        output_schema({"type": "objekt"}).read({})


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (OBJECT | {"properties": {"a": {}}, "required": ["a"]}, True),
        (OBJECT | {"properties": {"a": {}}, "required": []}, False),
        ({"type": "object", "properties": {}}, False),
        ({"type": "array", "items": {"type": "object"}}, False),
        ({"$defs": {"a": {"type": "object"}}}, False),
        ({"type": "string"}, True),
    ],
)
def test_is_strict(schema: dict[str, Any], strict: bool) -> None:
    """Strict means that every object requires all its members and allows no other."""
    assert is_strict(schema) is strict


def get_weather(city: str, unit: Unit = Unit.C, days: int = 1) -> str:
    """Tell the weather
    of a city.

    It knows only good weather.

    Args:
        city: Where to look.
        days (int): How many days.

    Returns:
        A sentence.
    """
    return f"{days} days of sun in {city}, {unit.name}"


def find(place: Annotated[Place, "where"], limit: int) -> int:
    """:param limit: at most so many"""
    return limit + len(place.at)


def test_tool_from_a_function() -> None:
    """Type hints and docstring become the description that a model reads."""
    assert tools_as_json([get_weather]) == [
        {
            "type": "function",
            "function": {
                "name": "get_weather",
                "description": "Tell the weather of a city.",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "city": {"type": "string", "description": "Where to look."},
                        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                        "days": {
                            "type": "integer",
                            "description": "How many days.",
                            "default": 1,
                        },
                    },
                    "required": ["city"],
                    "additionalProperties": False,
                },
            },
        }
    ]


def test_tool_with_a_class() -> None:
    """A class in a signature stands in $defs, and is made of the arguments."""
    tool = tool_from(find)
    assert isinstance(tool, Tool)
    parameters = tool.parameters
    assert parameters["properties"]["place"] == {"$ref": "#/$defs/Place", "description": "where"}
    assert parameters["properties"]["limit"]["description"] == "at most so many"
    assert set(parameters["$defs"]) == {"Place"}
    call = ToolCall("a", "find", '{"place": {"name": "x", "at": [1, 2]}, "limit": 3}')
    assert tool.run(call) == 5


def test_run_tool() -> None:
    """A call runs the function that it names, with its arguments as values."""
    call = ToolCall("a", "get_weather", '{"city": "Rome", "unit": "fahrenheit"}')
    assert run_tool([find, get_weather], call) == "1 days of sun in Rome, F"


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("get_weather", "{}", "'city' is a required property"),
        ("get_weather", '{"city": 5}', "5 is not of type 'string'"),
        ("get_weather", '{"city": "Ro', "are not JSON"),
        ("get_weather", "[1]", "are JSON but no object"),
        ("get_weather", "[" * 100_000, "are not JSON"),
        ("forecast", "{}", "the tool 'forecast'; known are: get_weather"),
    ],
)
def test_calls_that_cannot_be_run(name: str, arguments: str, reason: str) -> None:
    """What a model gets wrong is told in words that it can be told."""
    with pytest.raises(BadAnswer) as caught:
        run_tool([get_weather], ToolCall("a", name, arguments))
    assert reason in str(caught.value)


def test_no_arguments_are_an_empty_object() -> None:
    """Some servers send no text for a call without arguments."""
    assert ToolCall("a", "f", "").input == {}


def test_tools_from_objects() -> None:
    """An object of the wire's form goes as it is, one with a name is wrapped."""
    wire = {"type": "custom", "custom": {"name": "x"}, "more": 1}
    bare = {"name": "y", "parameters": OBJECT | {"properties": {}, "required": []}, "strict": True}
    made = tools_as_json([wire, bare, Tool(name="z")])
    assert made[0] == wire
    assert made[1] == {"type": "function", "function": bare}
    assert made[2]["function"]["name"] == "z"


def untyped(city) -> str:  # type: ignore[no-untyped-def]  # this is the point
    return str(city)


def variadic(*cities: str) -> str:
    return ", ".join(cities)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (5, "a tool must be a function"),
        ({"nam": "x"}, "a tool has"),
        (untyped, "the parameter 'city' of the tool 'untyped' has no type"),
        (variadic, "a model can only give named arguments"),
        ({"name": "bad name"}, "1 to 64 letters"),
        ({"name": "x", "strict": True}, "not in the strict form"),
    ],
)
def test_no_tool(source: Any, reason: str) -> None:
    """What cannot be described to a model is refused."""
    with pytest.raises(UsageError) as caught:
        tool_from(source)
    assert reason in str(caught.value)


def test_a_tool_without_a_function() -> None:
    """A tool that is only a schema has nothing to run."""
    with pytest.raises(UsageError, match="nothing to run"):
        Tool(name="f").run(ToolCall("a", "f", "{}"))
