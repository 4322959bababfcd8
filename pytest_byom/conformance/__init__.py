"""The conformance suite: what a server must do, and the judging of it.

    plan -> ask -> judge

`checks/` and `rules/` hold the suite itself, as ordinary pytest functions: a check looks at named
exchanges, a rule at every exchange of a kind. The other modules find out which exchanges these
need, fetch each of them once, and turn what was found into verdicts.
"""
