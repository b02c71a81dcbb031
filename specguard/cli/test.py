"""`specguard test` and `specguard eval`: run a policy on a team's cases, and on sample repositories."""

from __future__ import annotations

import os

import click

from specguard.cli import options as opt
from specguard.cli.options import from_here, say_each, show
from specguard.errors import SpecguardError
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED, TYPE_CHECKING
from specguard.reporters.escape import text_lines
from specguard.reporters.json import fields_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

    from specguard.evaluation.policy_tests import PolicyTest


SCHEMA: Final = "specguard.test/1"


@opt.command("test", json=True)
@click.argument("cases", nargs=-1, metavar="[FOLDER|FILE]...", type=opt.FILE)
def command(cases: Sequence[str], output_format: str) -> int:
    """Test the working tree's authority, case by case, in scratch repositories.

    By default it runs [[should-fail]] and [[should-pass]] of the authority, and tests/policy. It ends with 1
    if one differs, 2 without an answer.
    """
    from specguard.evaluation import policy_tests

    top = opt.find_repository().work_tree()
    authority = policy_tests.read_own(top)
    tests = policy_tests.read_tests(authority, cases, from_here(policy_tests.CASE_FOLDER, top))
    if not tests:
        raise SpecguardError(
            f"nothing is expected of this policy: the authority has no table [[should-fail]] or "
            f"[[should-pass]], and there is no case in {policy_tests.CASE_FOLDER}",
            help="write one of them, or name files and folders of cases",
            code="unknown-name",
        )
    for one in tests:
        one.run()
        if output_format == "text":
            say_each(text_lines("case.txt", test=one))
    spent = sum(one.seconds for one in tests)
    show(output_format, _data(tests), text_lines("tests.txt", **_counts(tests), spent=spent))
    if any(one.problem for one in tests):
        return EXIT_NO_VERDICT
    return EXIT_PASSED if all(one.passed for one in tests) else EXIT_FAILED


def _counts(tests: Sequence[PolicyTest]) -> dict[str, int]:
    return {
        "cases": len(tests),
        "failed": sum(bool(one.differences) for one in tests),
        "errors": sum(bool(one.problem) for one in tests),
    }


def _data(tests: Sequence[PolicyTest]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "passed": all(one.passed for one in tests),
        "counts": _counts(tests),
        "cases": [
            {
                **fields_of(one, "name", "kind"),
                **fields_of(one.origin, "path", "line"),
                "passed": one.passed,
                "seconds": round(one.seconds, 3),
                "problem": one.problem or None,
                "differences": [
                    {"kind": diff.kind, "said": diff.what, "line": one.line_of(diff)}
                    for diff in one.differences
                ],
            }
            for one in tests
        ],
    }


@opt.command("eval", json=True)
@click.argument("repositories", nargs=-1, metavar="[REPO]...", type=opt.FILE)
@opt.flag("--update", help="Accept the present findings as expected.")
@opt.run_root
def eval_command(repositories: Sequence[str], update: bool, run_root: str, output_format: str) -> int:
    """Judge sample repositories by the working tree's authority, and compare with what is expected.

    REPO is a sample's name, or a repository or bundle; by default all of evaluation/samples.toml. The
    findings are kept as a run. It ends with 1 if a sample differs, 2 if one gives no answer.
    """
    from specguard.evaluation.evaluation import SAMPLES_FILE, evaluate, read_samples
    from specguard.executor.run import RunOptions

    samples = read_samples(os.path.join(opt.find_repository().work_tree(), SAMPLES_FILE))
    options = RunOptions(environment=os.environ, kind="eval", run_root=run_root)
    data, exit_code = evaluate(samples, samples.chosen(repositories), options, update=update)
    show(output_format, data, text_lines("evaluation.txt", **data))
    return exit_code
