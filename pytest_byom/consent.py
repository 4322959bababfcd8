"""What a run may cost at a provider: said before anything is sent, and asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.profiles import Profile
from pytest_byom.conformance.reach import NothingToJudge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_byom.client.models import CustomModel
    from pytest_byom.conformance.plan import Plan
    from pytest_byom.registry import Endpoint

MILLION = 1_000_000


def usual_profile(endpoint: Endpoint | None) -> Profile:
    """Return how much is asked where nobody says: little of who charges for it."""
    is_provider = endpoint is not None and endpoint.is_provider
    return Profile.QUICK if is_provider else Profile.STANDARD


def ceiling(plan: Plan, model: CustomModel | None) -> str:
    """Return in words what a plan takes at the most: requests, tokens, and money if it is known."""
    words = f"{plan.requests + plan.fuzzed} requests and {plan.tokens:,} tokens at the most"
    price = max(model.cost_per_1m_in, model.cost_per_1m_out) if model is not None else 0
    if model is None or not price:
        return f"{words}; the price of a token is not in byom.yaml"
    return f"{words}, which is {float(price) * plan.tokens / MILLION:.4f} {model.currency}"


def check_consent(
    endpoint: Endpoint, plan: Plan, models: Mapping[str, CustomModel], *, model: str | None
) -> None:
    """Raise NothingToJudge unless the registry says how much a provider's answers may cost.

    A limit of cost is one only where the price is known, too.
    """
    if not endpoint.is_provider or not endpoint.has_key:
        return
    name = model or endpoint.model
    custom = models[name] if name is not None and name in models else None
    priced = custom is not None and (custom.cost_per_1m_in or custom.cost_per_1m_out)
    limits = endpoint.limits
    if limits.tokens is not None or (limits.cost is not None and priced):
        return
    raise NothingToJudge(
        f"{endpoint.name} ({endpoint.base_url}) was not asked: it may charge for what the run "
        f"takes, {ceiling(plan, custom)}. Say --byom-yes, or set limits.tokens for it in byom.yaml "
        f"(or limits.cost, with the price of the model under models)."
    )
