"""What the caller knows about a model: its names, what it can do, its window and its prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal, InvalidOperation

from pytest_byom.client.errors import UnsupportedError, UsageError

_FLAGS = ("structured_output", "attachments", "reasoning", "image_generation")
_COUNTS = ("context_window", "default_max_tokens")
_PRICES = (
    "cost_per_1m_in",
    "cost_per_1m_out",
    "cost_per_1m_in_cached",
    "cost_per_1m_out_cached",
)
MAX_TOKENS_FIELDS = ("max_tokens", "max_completion_tokens")
"""Servers read one of the two, some both: `max_tokens` is the older and more widely read."""


@dataclass(frozen=True, kw_only=True)
class CustomModel:
    """A model behind any server, described by whoever brings it.

    `model_id` is what people write, `api_model` what goes over the wire (`model_id` if it is
    empty). `structured_output`, `attachments` and `reasoning` (asked for by `reasoning_effort`)
    are refused before anything is sent where the flag is not set; `image_generation` only tells.
    `context_window` (0: unknown) and `default_max_tokens` (0: none) are tokens. Prices are for a
    million tokens in `currency`; a cached price of 0 means that cached tokens cost what others
    do. `max_tokens_field` names the request field that limits the answer.

    Raises UsageError for a value that cannot be meant.
    """

    model_id: str
    api_model: str = ""
    name: str = ""
    provider: str = "custom"
    context_window: int = 0
    default_max_tokens: int = 0
    structured_output: bool = False
    attachments: bool = False
    reasoning: bool = False
    image_generation: bool = False
    cost_per_1m_in: Decimal | float = Decimal(0)
    cost_per_1m_out: Decimal | float = Decimal(0)
    cost_per_1m_in_cached: Decimal | float = Decimal(0)
    cost_per_1m_out_cached: Decimal | float = Decimal(0)
    currency: str = "USD"
    max_tokens_field: str = field(default="max_tokens")

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name in _FLAGS:
                _require(isinstance(value, bool), entry.name, value, "True or False")
            elif entry.name in _COUNTS:
                _require(_is_count(value), entry.name, value, "a whole number of tokens, 0 or more")
            elif entry.name in _PRICES:
                object.__setattr__(self, entry.name, _price(entry.name, value))
            else:
                _require(isinstance(value, str), entry.name, value, "text")
        _require(bool(self.model_id.strip()), "model_id", self.model_id, "a name")
        _require(bool(self.currency.strip()), "currency", self.currency, "a code such as USD")
        _require(
            self.max_tokens_field in MAX_TOKENS_FIELDS,
            "max_tokens_field",
            self.max_tokens_field,
            " or ".join(MAX_TOKENS_FIELDS),
        )

    @property
    def wire_name(self) -> str:
        """The name that is sent to the server."""
        return self.api_model or self.model_id

    def price(self, kind: str) -> Decimal:
        """The price of a million tokens: of `in`, `out`, `in_cached` or `out_cached`."""
        value = Decimal(getattr(self, f"cost_per_1m_{kind}"))
        return value or self.price(kind.removesuffix("_cached")) if "_" in kind else value

    def require(self, flag: str, *, wanted: str) -> None:
        """Raise UnsupportedError, with the flag named, unless it is set."""
        if not getattr(self, flag):
            raise UnsupportedError(
                f"{wanted} was asked of the model {self.model_id!r}, which is described with "
                f"{flag}=False; if it can do this, say CustomModel(..., {flag}=True)"
            )


def model_from(value: CustomModel | str | Mapping[str, object]) -> CustomModel | str:
    """Take a model as people write it: a CustomModel, its fields, or only a name.

    Raises UsageError for anything else, and for an unknown field.
    """
    if isinstance(value, CustomModel):
        return value
    if isinstance(value, str):
        _require(bool(value.strip()), "model", value, "a name or a CustomModel")
        return value
    if isinstance(value, Mapping):
        known = [entry.name for entry in fields(CustomModel)]
        unknown = sorted(str(key) for key in value if key not in known)
        if unknown:
            raise UsageError(f"unknown fields of a model: {unknown}; valid are {known}")
        if "model_id" not in value:
            raise UsageError("a model needs its model_id")
        return CustomModel(**value)  # type: ignore[arg-type]  # judged by __post_init__
    raise UsageError(f"model must be a name or a CustomModel, not {value!r}")


def _require(good: bool, name: str, value: object, valid: str) -> None:
    if not good:
        raise UsageError(f"{name} must be {valid}, not {value!r}")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _price(name: str, value: object) -> Decimal:
    """Read a price exactly: 0.1 means one tenth, not its nearest binary neighbour."""
    try:
        price = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        price = Decimal("NaN")
    _require(price.is_finite() and price >= 0, name, value, "a price of 0 or more")
    return price
