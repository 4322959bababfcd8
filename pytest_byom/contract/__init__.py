"""Contract files: one exchange each, as YAML, read in both directions.

`load_contract("chat/plain")` gives a bundled one; a `Shelf` adds those of a user's own folders.
"""

from pytest_byom.contract.checking import check_answer
from pytest_byom.contract.dumping import dump_contract
from pytest_byom.contract.format import Answer, Contract, Recorded, RequestTemplate
from pytest_byom.contract.loading import (
    Shelf,
    bundled,
    contract_ids,
    load_bundled,
    load_contract,
    load_folder,
    read_contract,
    suite_ids,
)
from pytest_byom.contract.matching import Difference, match
from pytest_byom.contract.statements import Statement, load_statements

__all__ = [
    "Answer",
    "Contract",
    "Difference",
    "Recorded",
    "RequestTemplate",
    "Shelf",
    "Statement",
    "bundled",
    "check_answer",
    "contract_ids",
    "dump_contract",
    "load_bundled",
    "load_contract",
    "load_folder",
    "load_statements",
    "match",
    "read_contract",
    "suite_ids",
]
