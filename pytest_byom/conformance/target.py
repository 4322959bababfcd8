"""One endpoint under test: reached, asked, judged."""

from __future__ import annotations

import dataclasses
import secrets
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_byom.conformance import capabilities, reach
from pytest_byom.conformance.asking import Asker
from pytest_byom.conformance.catalogue import all_checks
from pytest_byom.conformance.fuzz.fuzzer import Fuzzer, FuzzSettings
from pytest_byom.conformance.fuzz.judging import Rulebook
from pytest_byom.conformance.fuzz.making import is_fuzzed
from pytest_byom.conformance.judging import Judge, find_known
from pytest_byom.conformance.plan import FIRST, Plan, make_plan
from pytest_byom.conformance.repeating import (
    OPEN,
    again,
    is_repeat,
    needs_skill,
    repeatable,
    sum_up,
)
from pytest_byom.conformance.sending import Aim
from pytest_byom.conformance.showing import Shower
from pytest_byom.conformance.spending import Spending
from pytest_byom.contract import load_contract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pytest_byom.client.models import CustomModel
    from pytest_byom.conformance.capabilities import Capability
    from pytest_byom.conformance.check import Check
    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.conformance.finding import Verdict
    from pytest_byom.contract import Contract
    from pytest_byom.registry import Endpoint

LEAST_TIMEOUT = 10.0
"""Seconds for GET /models, unless the limit is lower: no model is needed to answer it."""


class Target:
    """One endpoint under test, from the first request to the last verdict.

    `open` finds out whether there is anything to judge and raises `NothingToJudge` if not. An
    endpoint that is the embedded server is started by it, and stopped by `close`. `load` finds a
    contract by its id; `models` are the registry's, for names on the wire and for prices; `fuzz`
    says how much is fuzzed. With `repeat` what depends on the model is tried so many times, and
    to `learn` what comes and goes in answers, so is every request.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        model: str | None = None,
        load: Callable[[str], Contract] = load_contract,
        models: Mapping[str, CustomModel] | None = None,
        fuzz: FuzzSettings | None = None,
        repeat: int = 1,
        learn: bool = False,
    ) -> None:
        self.endpoint = endpoint
        self.custom: CustomModel | None = None
        self.model = model or endpoint.model or ""
        self.plan: Plan | None = None
        self._wanted = model
        self._load = repeatable(load)
        self._repeat = repeat
        self._learn = learn
        self._try = 1
        self._models = models or {}
        self._fuzz = fuzz or FuzzSettings()
        self._server: Any = None
        self._asker: Asker | None = None
        self._capabilities: dict[str, Capability] = {}

    def open(self, checks: Iterable[Check]) -> None:
        """Reach the server, choose the model, and start to fetch what the checks need.

        Nothing is left running if that fails.
        """
        self.plan = make_plan(
            checks,
            self.endpoint.capabilities,
            load=self._load,
            fuzzed=self._fuzz.most,
            repeat=self._repeat,
            learn=self._learn,
        )
        try:
            if self.endpoint.is_embedded:
                self._start_embedded()
            self._reach()
        except reach.NothingToJudge as trouble:
            self.close()
            raise reach.NothingToJudge(self.shower.redact(str(trouble))) from None
        except BaseException:
            self.close()
            raise
        self.asker.plan(self.plan.contracts)

    def _reach(self) -> None:
        reach.check_key(self.endpoint)
        models_first, plain_first = FIRST
        timeout = self.endpoint.limits.timeout
        quick = min(timeout, max(LEAST_TIMEOUT, timeout / 3))
        limits = dataclasses.replace(self.endpoint.limits, timeout=quick)
        self._asker = Asker(self._aim(self.model), limits, load=self._load)
        models = self._asker.ask(models_first)
        self._asker.close()
        reach.check_connection(self.endpoint, models)
        self._choose(reach.choose_model(self.endpoint, models, self._wanted))
        spending = Spending(self.endpoint.limits, model=self.custom)
        self._asker = Asker(
            self._aim(self.model), self.endpoint.limits, load=self._load, spending=spending
        )
        self._asker.keep(models)
        reach.check_first_answer(self.endpoint, self.model, models, self._asker.ask(plain_first))

    def _choose(self, name: str) -> None:
        """Take a model: by the name that the registry's `models` give it, or as it is."""
        self.custom = self._models.get(name)
        self.model = self.custom.wire_name if self.custom else name

    def close(self) -> None:
        """Stop asking, and stop the embedded server if this target started it."""
        if self._asker is not None:
            self._asker.close()
        if self._server is not None:
            self._server.close()
            self._server = None

    @property
    def asker(self) -> Asker:
        """What fetches the exchanges; there once the target is open."""
        if self._asker is None:
            raise reach.NothingToJudge(f"{self.endpoint.name} was not reached")
        return self._asker

    def ask(self, contract: str) -> Exchange:
        """Return the exchange of a contract, asked once for all checks; anew for another try."""
        if is_repeat(contract):  # named by a finding of that try
            return self.asker.ask(contract)
        return self.asker.ask(again(contract, self._try))

    def traffic(self) -> list[Exchange]:
        """Return every exchange of the run, waiting for those under way."""
        return self.asker.traffic()

    def named_traffic(self) -> list[Exchange]:
        """Return the exchanges of contracts: those of fuzzed requests differ from run to run."""
        return [exchange for exchange in self.traffic() if not is_fuzzed(exchange.contract)]

    @cached_property
    def fuzzer(self) -> Fuzzer:
        """What the fuzz checks are given."""
        return Fuzzer(
            self._fuzz,
            send=self.asker.send,
            know=self.asker.know,
            forget=self.asker.forget,
            has=lambda name: self.capability(name).present,
            rules=self._rulebook,
        )

    def _rulebook(self) -> Rulebook:
        """Return the rules that fuzzed answers are held to: those that hold so far, and bind."""
        known = self.endpoint.deviations
        rules = [
            check
            for check in all_checks().values()
            if find_known(known, check.id) is None
            and all(self.capability(need).present for need in check.needs if check.on)
        ]
        return Rulebook(rules, before=self.named_traffic())

    def capability(self, name: str) -> Capability:
        """Return whether the server has a capability: said in the registry, or probed once."""
        if name not in self._capabilities:
            if name in self.endpoint.capabilities:
                found = capabilities.said(name, self.endpoint.capabilities[name])
            else:
                found = capabilities.probe(name, self.ask)
            self._capabilities[name] = found
        return self._capabilities[name]

    def known_capabilities(self) -> dict[str, dict[str, Any]]:
        """Return what is known so far of capabilities, and how, as plain data by name."""
        said = self.endpoint.capabilities
        found = {name: self.capability(name) for name in said} | self._capabilities
        return {
            name: {
                "present": capability.present,
                "state": self._state(capability),
                "known": "said" if name in said else "probed",
                "reason": self.shower.redact(capability.reason),
            }
            for name, capability in sorted(found.items())
        }

    def _state(self, capability: Capability) -> str:
        if capability.fails:
            return "fails"
        if capability.name in self._judge.ignored:
            return "ignored"
        return "present" if capability.present else "absent"

    def judge(self, check: Check, run: Callable[[], object]) -> Verdict:
        """Run a check against this endpoint and return its verdict.

        What depends on the model is run several times, if the run repeats.
        """
        if self._repeat == 1 or not needs_skill(check):
            return self._judge.judge(check, run)
        try:
            return sum_up(list(self._judge_tries(check, run)))
        finally:
            self._try = 1

    def _judge_tries(self, check: Check, run: Callable[[], object]) -> Iterator[Verdict]:
        for number in range(1, self._repeat + 1):
            self._try = number
            yield (verdict := self._judge.judge(check, run))
            if verdict.outcome in OPEN:
                return

    @cached_property
    def _judge(self) -> Judge:
        return Judge(
            self.endpoint.name,
            capability=self.capability,
            known=self.endpoint.deviations,
            shower=self.shower,
        )

    @property
    def shower(self) -> Shower:
        """What makes findings and texts of this endpoint fit to be shown."""
        return Shower(self.endpoint, self.ask)

    @property
    def server(self) -> str:
        """What the server calls itself in its header, or an empty text."""
        models, plain = FIRST
        return self.ask(plain).header("server") or self.ask(models).header("server") or ""

    def _aim(self, model: str) -> Aim:
        window = self.custom.context_window if self.custom else 0
        return Aim.at(self.endpoint, model, context_window=window)

    def _start_embedded(self) -> None:
        from pytest_byom.mock.embedded import EmbeddedServer
        from pytest_byom.mock.http1 import BackgroundServer

        key = self.endpoint.api_key or f"byom-{secrets.token_hex(16)}"
        self._server = BackgroundServer(EmbeddedServer(api_key=key))
        base_url = f"{self._server.url}/v1"
        self.endpoint = dataclasses.replace(self.endpoint, base_url=base_url, api_key=key)
