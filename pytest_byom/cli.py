"""`byom`: the few things that are not a test run."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_byom.conformance.check import Check
    from pytest_byom.gate.terminal import Styled

USAGE = 4
"""The exit code for bad arguments; the same as pytest's."""

COLORS = {"bold": "1", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    from pytest_byom.client.errors import BYOMError

    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except BYOMError as error:
        print(f"byom: {error}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]  # argparse exits with 2
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="byom", description="Bring your own model: what is not a test run.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    serve = commands.add_parser("serve", help="Run a server", description="Run a server.")
    serve.add_argument(
        "what",
        metavar="WHAT",
        help="'embedded', the server inside this package, or a script: a file that ends in .yaml",
    )
    serve.add_argument("--host", default="127.0.0.1", help="Where to listen (default: 127.0.0.1)")
    serve.add_argument("--port", type=int, default=0, help="The port (default: a free one)")
    serve.add_argument(
        "--api-key", metavar="K", help="Refuse requests without this key (embedded only)"
    )
    serve.set_defaults(run=_serve)

    checks = commands.add_parser("checks", help="List the checks", description="List the checks.")
    checks.add_argument("--area", metavar="AREA", help="Only those of this area")
    checks.add_argument("--level", choices=["must", "should", "may"], help="Only those of a level")
    checks.set_defaults(run=_list_checks)

    explain = commands.add_parser(
        "explain", help="Tell all about one check", description="Tell all about one check."
    )
    explain.add_argument("id", metavar="ID", help="The id of a check, such as stream.done-marker")
    explain.set_defaults(run=_explain)

    contracts = commands.add_parser(
        "contracts", help="Check or list contracts", description="Check or list contracts."
    )
    actions = contracts.add_subparsers(metavar="ACTION", required=True)
    for name, run, text in (
        ("check", _check_contracts, "Say what is wrong with contract files"),
        ("list", _list_contracts, "List contracts with their titles"),
    ):
        action = actions.add_parser(name, help=text, description=f"{text}.")
        action.add_argument(
            "folders",
            nargs="*",
            type=Path,
            metavar="FOLDER",
            help="Folders of your own (default: the contracts of this package)",
        )
        action.set_defaults(run=run)
    _add_report_command(commands)
    _add_gate_commands(commands)
    _add_endpoint_commands(commands)
    return parser


def _add_report_command(commands: argparse._SubParsersAction[_Parser]) -> None:
    report = commands.add_parser(
        "report",
        help="Show the results of several runs together",
        description="Show the results of several runs together: of one server over time, or of "
        "several servers. Writes index.html, summary.md and badge.svg.",
    )
    report.add_argument(
        "results",
        nargs="+",
        type=Path,
        metavar="RESULTS",
        help="A results.json of --byom-report, or its directory; the oldest first",
    )
    report.add_argument(
        "--output", required=True, type=Path, metavar="DIR", help="Where to write the report"
    )
    report.set_defaults(run=_report)


def _add_endpoint_commands(commands: argparse._SubParsersAction[_Parser]) -> None:
    text = "List the endpoints, and who answers there"
    listing = commands.add_parser("endpoints", help=text, description=f"{text}.")
    listing.add_argument("--registry", type=Path, metavar="FILE", help="Instead of byom.yaml")
    listing.set_defaults(run=_endpoints)
    _add_timeout(listing)

    text = "Write a byom.yaml of the servers that run here and the keys that are set"
    init = commands.add_parser("init", help=text, description=f"{text}.")
    init.add_argument(
        "--file",
        type=Path,
        default=Path("byom.yaml"),
        metavar="FILE",
        help="The file to write (default: byom.yaml)",
    )
    init.add_argument("--force", action="store_true", help="Replace a file that is there")
    init.set_defaults(run=_init)
    _add_timeout(init)


def _add_timeout(parser: _Parser) -> None:
    parser.add_argument(
        "--timeout",
        type=float,
        default=1.2,
        metavar="SECONDS",
        help="How long to wait for all answers together (default: 1.2)",
    )


def _endpoints(arguments: argparse.Namespace) -> int:
    from pytest_byom import endpoint_commands

    return _print(*endpoint_commands.endpoints(arguments))


def _init(arguments: argparse.Namespace) -> int:
    from pytest_byom import endpoint_commands

    return _print(*endpoint_commands.init(arguments))


def _add_gate_commands(commands: argparse._SubParsersAction[_Parser]) -> None:
    diff = commands.add_parser(
        "diff",
        help="Compare two baselines",
        description="Compare two baselines, as --byom-baseline does.",
    )
    diff.add_argument("before", type=Path, metavar="BEFORE", help="A file of --byom-save")
    diff.add_argument("after", type=Path, metavar="AFTER", help="A later one")
    diff.add_argument("--gate", metavar="MODE", help="What fails besides: strict, speed, or both")
    diff.set_defaults(run=_diff)

    accept = commands.add_parser(
        "accept",
        help="Accept the findings of a report",
        description="Write the findings of a report into byom.yaml as known deviations.",
    )
    accept.add_argument("report", type=Path, metavar="REPORT", help="What --byom-report wrote")
    accept.add_argument("--reason", required=True, help="Why they are accepted")
    accept.add_argument("--endpoint", metavar="NAME", help="Whose, if the report has several")
    accept.add_argument(
        "--check",
        action="append",
        default=[],
        metavar="ID",
        help="Only this one: an id or a glob; may be repeated (default: every finding)",
    )
    accept.add_argument("--link", metavar="URL", help="The issue or page that says more")
    accept.add_argument("--owner", metavar="WHO", help="Who looks after it")
    accept.add_argument("--versions", metavar="V", help="The versions of the server that have it")
    accept.add_argument("--until", metavar="DAY", help="The last day, as in 2027-01-31")
    accept.add_argument("--registry", type=Path, metavar="FILE", help="The file to write")
    accept.set_defaults(run=_accept)


def _diff(arguments: argparse.Namespace) -> int:
    from pytest_byom import gate_commands

    return _print(*gate_commands.diff(arguments))


def _accept(arguments: argparse.Namespace) -> int:
    from pytest_byom import gate_commands

    return _print(*gate_commands.accept(arguments))


def _print(lines: Iterable[Styled], code: int) -> int:
    """Print styled lines, with their styles where a person reads them."""
    in_color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for line, style in lines:
        codes = ";".join(COLORS[name] for name, on in style.items() if on)
        print(f"\x1b[{codes}m{line}\x1b[0m" if in_color and codes else line)
    return code


def _serve(arguments: argparse.Namespace) -> int:
    from pytest_byom.client.errors import UsageError

    if arguments.what == "embedded":
        return _serve_embedded(arguments)
    if not arguments.what.endswith((".yaml", ".yml")):
        raise UsageError(f"{arguments.what!r} cannot be served; give 'embedded' or a .yaml file")
    if arguments.api_key is not None:
        raise UsageError("--api-key is for the embedded server: a script takes every key")
    return _serve_script(arguments)


def _serve_embedded(arguments: argparse.Namespace) -> int:
    from pytest_byom.mock.embedded import EmbeddedServer
    from pytest_byom.mock.http1 import BackgroundServer

    stop = _stop_on_signal()
    app = EmbeddedServer(api_key=arguments.api_key)
    with _listening(arguments):
        server = BackgroundServer(app, host=arguments.host, port=arguments.port)
    with server:
        print(f"{server.url}/v1", flush=True)
        stop.wait()
    return 0


def _serve_script(arguments: argparse.Namespace) -> int:
    """Serve a script; what nothing takes is told at once, and the exit code says that it was."""
    from pytest_byom.mock.script_file import load_script
    from pytest_byom.mock.server import MockServer

    script = load_script(Path(arguments.what))
    server = MockServer(
        host=arguments.host, port=arguments.port, strict=False, guard=False, **script.options
    )
    server.name = arguments.what
    script.write_into(server)
    server.log.watch(lambda served: served.note and print(served.note, file=sys.stderr, flush=True))
    stop = _stop_on_signal()
    with _listening(arguments):
        server.start()
    try:
        print(server.base_url, flush=True)
        stop.wait()
    finally:
        server.stop()
    return 1 if any(served.note for served in server.log.served) else 0


def _stop_on_signal() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


@contextlib.contextmanager
def _listening(arguments: argparse.Namespace) -> Iterator[None]:
    """Say what is wrong where a server cannot listen."""
    from pytest_byom.client.errors import UsageError

    try:
        yield
    except (OSError, OverflowError) as error:
        where = f"{arguments.host}:{arguments.port}"
        raise UsageError(f"cannot listen on {where}: {error}; try another --port") from error


def _list_checks(arguments: argparse.Namespace) -> int:
    from pytest_byom.conformance.catalogue import all_checks

    shown = [
        check
        for check in all_checks().values()
        if arguments.area in (None, check.area) and arguments.level in (None, check.level)
    ]
    width = max((len(check.id) for check in shown), default=0)
    for check in sorted(shown, key=lambda check: check.id):
        print(f"{check.id:<{width}}  {check.level:<6}  {check.sentence}")
    if not shown:
        areas = sorted({check.area for check in all_checks().values()})
        print(f"byom: no such check; the areas are {', '.join(areas)}", file=sys.stderr)
    return 0 if shown else USAGE


def _explain(arguments: argparse.Namespace) -> int:
    from pytest_byom.conformance.catalogue import all_checks

    checks = all_checks()
    if arguments.id not in checks:
        from difflib import get_close_matches

        near = get_close_matches(arguments.id, checks, n=3, cutoff=0.4)
        hint = f"did you mean {', '.join(near)}?" if near else "byom checks lists them"
        print(f"byom: no check is called {arguments.id!r}; {hint}", file=sys.stderr)
        return USAGE
    for line in explanation(checks[arguments.id]):
        print(line)
    return 0


def _check_contracts(arguments: argparse.Namespace) -> int:
    from pytest_byom.contract import contract_ids, load_bundled
    from pytest_byom.contract.loading import find_broken

    broken = find_broken(arguments.folders)
    for line in broken:
        print(line)
    if broken:
        return USAGE
    if arguments.folders:
        number = sum(len(contract_ids(folder)) for folder in arguments.folders)
    else:
        number = len(load_bundled(check=True))
    print("1 contract, and it is right" if number == 1 else f"{number} contracts, all right")
    return 0


def _list_contracts(arguments: argparse.Namespace) -> int:
    from pytest_byom.contract import load_bundled, load_folder

    shown = [contract for folder in arguments.folders for contract in load_folder(folder)]
    shown = shown if arguments.folders else load_bundled()
    width = max(len(contract.id) for contract in shown)
    for contract in shown:
        print(f"{contract.id:<{width}}  {contract.title}")
    return 0


def _report(arguments: argparse.Namespace) -> int:
    from pytest_byom.client.errors import UsageError
    from pytest_byom.gate.reports.writing import write_reports
    from pytest_byom.gate.results import NotResults, read_results

    try:
        runs = [read_results(file) for file in arguments.results]
    except NotResults as error:
        raise UsageError(str(error)) from error
    try:
        files = write_reports(arguments.output, runs)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"--output: cannot write to {arguments.output}: {reason}") from error
    for file in files:
        print(file)
    return 0


def explanation(check: Check) -> list[str]:
    """Return all that is known of a check, a line each."""
    from pytest_byom.contract import load_statements

    looks_at = ", ".join(check.asks) or (f"every {check.on.noun} of the run" if check.on else "")
    lines = [
        f"{check.id} ({check.level}, since {check.since})",
        f"  {check.sentence}",
        f"  breaks    {check.breaks}",
        f"  looks at  {looks_at}",
        f"  needs     {', '.join(check.needs) or 'no capability'}",
    ]
    if check.abuse:
        lines.append("  made      with --byom-abuse only: it burdens a server")
    statements = load_statements()
    for id in check.statements:
        statement = statements[id]
        lines += [
            f"  decides   {id} ({statement.level}): {statement.statement}",
            f"            {statement.source}",
        ]
    return lines


if __name__ == "__main__":
    sys.exit(main())
