"""The fixtures aim a user's own tests at an endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_byom.mock.embedded import EmbeddedServer

from .servers import Counting, free_url, serving

if TYPE_CHECKING:
    from .conftest import Run

ENDPOINT = """
    def test_endpoint(byom_endpoint):
        assert byom_endpoint.name == {name!r}
"""


def test_embedded_by_default(run: Run, pytester: pytest.Pytester) -> None:
    """Without option and ini file, the endpoint is the embedded server, which is running."""
    pytester.makepyfile(
        """
        import urllib.request

        def test_endpoint(byom_endpoint):
            assert byom_endpoint.name == "embedded"
            request = urllib.request.Request(
                byom_endpoint.base_url + "/models",
                headers={"Authorization": "Bearer " + byom_endpoint.api_key},
            )
            with urllib.request.urlopen(request) as answer:
                assert answer.status == 200
        """
    )
    result = run()
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=1)


def test_both_clients(run: Run, pytester: pytest.Pytester) -> None:
    """The clients, sync and async, talk to the endpoint and leave nothing open."""
    pytester.makeini("[pytest]\nfilterwarnings = error")
    pytester.makepyfile(
        """
        import asyncio

        def test_sync(byom_client):
            assert byom_client.send_messages("Say ok.").content

        def test_async(byom_async_client):
            async def ask():
                async with byom_async_client as client:
                    return await client.send_messages("Say ok.")

            assert asyncio.run(ask()).content
        """
    )
    run().assert_outcomes(passed=2)


def test_endpoint_of_ini_file(run: Run, pytester: pytest.Pytester) -> None:
    """The ini file may name the endpoint."""
    app = Counting()
    with serving(app) as url:
        pytester.makefile(".yaml", byom=f"endpoints: {{mine: {{base_url: '{url}'}}}}")
        pytester.makeini("[pytest]\nbyom_endpoint = mine")
        pytester.makepyfile(ENDPOINT.format(name="mine"))
        run().assert_outcomes(passed=1)
    assert app.requests[0].path == "/v1/models"


def test_option_beats_ini_file(run: Run, pytester: pytest.Pytester) -> None:
    """The option wins over the ini file."""
    pytester.makeini("[pytest]\nbyom_endpoint = mine")
    pytester.makepyfile(ENDPOINT.format(name="embedded"))
    result = run("--byom-endpoint=embedded", "test_option_beats_ini_file.py")
    result.assert_outcomes(passed=1)


def test_paths_run_those_tests_only(run: Run, pytester: pytest.Pytester) -> None:
    """With a path, the tests there run and no check of the suite."""
    pytester.makepyfile(ENDPOINT.format(name="embedded"))
    result = run("--byom-endpoint=embedded", "test_paths_run_those_tests_only.py")
    assert result.ret == pytest.ExitCode.OK
    assert result.parseoutcomes() == {"passed": 1}


def test_tests_without_fixtures(run: Run, pytester: pytest.Pytester) -> None:
    """Tests that use no fixture of the plugin run once, and no endpoint is asked."""
    app = Counting()
    pytester.makepyfile("def test_own(): pass")
    with serving(app) as url:
        result = run(
            f"--byom-endpoint={url}", "--byom-endpoint=embedded", "test_tests_without_fixtures.py"
        )
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=1)
    assert app.requests == []


def test_several_endpoints(run: Run, pytester: pytest.Pytester) -> None:
    """A test with the fixture runs once for each endpoint, named after it."""
    pytester.makepyfile("def test_own(byom_endpoint): assert byom_endpoint.base_url")
    with serving(Counting()) as url:
        pytester.makefile(".yaml", byom=f"endpoints: {{mine: {{base_url: '{url}'}}}}")
        result = run(
            "--byom-endpoint=mine", "--byom-endpoint=embedded", "test_several_endpoints.py", "-v"
        )
    result.stdout.re_match_lines(
        [
            r"test_several_endpoints\.py::test_own\[mine\] PASSED .*",
            r"test_several_endpoints\.py::test_own\[embedded\] PASSED .*",
        ]
    )


def test_ask(run: Run, pytester: pytest.Pytester) -> None:
    """`byom_ask` gives the exchange of a contract, the same to every test."""
    pytester.makepyfile(
        """
        def test_first(byom_ask):
            assert byom_ask("chat/plain").status == 200

        def test_second(byom_ask):
            assert byom_ask("chat/plain") is byom_ask("chat/plain")
        """
    )
    app = Counting()
    with serving(app) as url:
        run(f"--byom-endpoint={url}", "test_ask.py").assert_outcomes(passed=2)
    assert [request.path for request in app.requests] == ["/v1/models", "/v1/chat/completions"]


def test_ask_unknown_contract(run: Run, pytester: pytest.Pytester) -> None:
    """A contract id that is none fails the test with the id."""
    pytester.makepyfile("def test_own(byom_ask): byom_ask('chat/nope')")
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*there is no contract 'chat/nope' in *contracts"])


def test_client(run: Run, pytester: pytest.Pytester) -> None:
    """`byom_client` talks to the endpoint with its model and key."""
    pytester.makepyfile(
        """
        def test_own(byom_client):
            answer = byom_client.send_messages([{"role": "user", "content": "Say ok."}])
            assert answer.content
        """
    )
    run().assert_outcomes(passed=1)


def test_traffic(run: Run, pytester: pytest.Pytester) -> None:
    """`byom_traffic` holds every exchange of the run so far."""
    pytester.makepyfile(
        """
        def test_own(byom_traffic):
            assert [e.contract.id for e in byom_traffic] == ["models/list", "chat/plain"]
        """
    )
    run().assert_outcomes(passed=1)


def test_unreachable_without_option(run: Run, pytester: pytest.Pytester) -> None:
    """Without the option, an endpoint that is not there fails the test with the sentence."""
    pytester.makeini(f"[pytest]\nbyom_endpoint = {free_url()}")
    pytester.makepyfile("def test_own(byom_endpoint): pass")
    result = run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*127.0.0.1:* is not reachable: no connection: *"])
    assert "fixtures.py" not in result.stdout.str()


def test_unreachable_with_option(run: Run, pytester: pytest.Pytester) -> None:
    """With the option, tests aimed at an endpoint that is not there do not run: exit code 10."""
    pytester.makepyfile("def test_own(byom_client): pass")
    result = run(f"--byom-endpoint={free_url()}", "test_unreachable_with_option.py")
    assert result.ret == 10
    assert result.parseoutcomes() == {"deselected": 1}


def test_indirect_use(run: Run, pytester: pytest.Pytester) -> None:
    """A user's own fixture on top of the endpoint is aimed at it too."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def address(byom_endpoint):
            return byom_endpoint.base_url

        def test_own(address):
            assert address.startswith("http://127.0.0.1:")
        """
    )
    run("--byom-endpoint=embedded", "test_indirect_use.py").assert_outcomes(passed=1)


def test_dynamic_use(run: Run, pytester: pytest.Pytester) -> None:
    """`request.getfixturevalue` gives the endpoint of the option."""
    pytester.makepyfile(
        """
        def test_own(request):
            assert request.getfixturevalue("byom_endpoint").name == "embedded"
        """
    )
    run("--byom-endpoint=embedded", "test_dynamic_use.py").assert_outcomes(passed=1)


def test_fixtures_are_listed(run: Run, pytester: pytest.Pytester) -> None:
    """--fixtures shows each fixture with a sentence."""
    pytester.makepyfile("def test_own(): pass")
    run("--fixtures").stdout.re_match_lines(
        [
            r"byom_endpoint \[session scope\].*",
            r" +The endpoint under test: .*",
            r"byom_ask \[session scope\].*",
            r" +From a contract id to the exchange .*",
            r"byom_traffic \[session scope\].*",
            r" +Every exchange of the run .*",
            r"byom_client.*",
            r" +The client core, aimed at the endpoint\.",
        ]
    )


def test_markers_are_listed(run: Run) -> None:
    """--markers shows the levels."""
    run("--markers").stdout.fnmatch_lines(
        ["@pytest.mark.must: *", "@pytest.mark.should: *", "@pytest.mark.may: *"]
    )


def test_models_of_the_registry(run: Run, pytester: pytest.Pytester) -> None:
    """A model of the registry goes over the wire under its own name, and its prices are known."""
    with serving(EmbeddedServer(models=["small:latest"])) as url:
        pytester.makefile(
            ".yaml",
            byom=f"""
endpoints:
  mine: {{base_url: "{url}", model: small}}
models:
  small: {{api_model: "small:latest", cost_per_1m_in: 1, cost_per_1m_out: 1}}
""",
        )
        pytester.makepyfile(
            """
            def test_own(byom_client):
                assert byom_client.send_messages("Say ok.").cost.amount > 0
            """
        )
        result = run("--byom-endpoint=mine", "test_models_of_the_registry.py")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["endpoint: mine (*), server: *, model: small:latest"])


def test_cost_limit(run: Run, pytester: pytest.Pytester) -> None:
    """A limit on cost ends the asking; what was not asked is inconclusive."""
    with serving(EmbeddedServer()) as url:
        pytester.makefile(
            ".yaml",
            byom=f"""
endpoints:
  mine: {{base_url: "{url}", model: dear, limits: {{cost: 1, concurrency: 1}}}}
models:
  dear: {{api_model: byom-embedded, cost_per_1m_in: 1000000, cost_per_1m_out: 1000000}}
""",
        )
        result = run("--byom-endpoint=mine", "-k", "messages.history")
    result.stdout.fnmatch_lines(["*the limit of 1 in cost is used up"])
