"""`specguard test` and `specguard eval`: a policy on a team's cases, and on sample repositories."""

from __future__ import annotations

import os

import click

from specguard.change.repository import Repository
from specguard.cli.options import FILE, counted, in_directory
from specguard.cli.runs import in_root
from specguard.errors import SpecguardError
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED
from specguard.reporters.escape import cut, json_text, legible, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

    from specguard.evaluation.evaluation import Evaluated, Evaluation
    from specguard.evaluation.expectations import Tried
    from specguard.evaluation.own import OwnAuthority


SCHEMA: Final = "specguard.test/1"
_WORDS: Final = {"missing": "expected", "unexpected": "found", "other": "but"}


@click.command("test", short_help="Test a policy with cases.")
@click.argument("cases", nargs=-1, metavar="[FOLDER|FILE]...", type=FILE)
@in_directory
@click.option(
    "--output-format", type=click.Choice(("text", "json", "junit")), default="text", help="What is printed."
)
def command(cases: Sequence[str], directory: str, output_format: str) -> int:
    """Test the working tree's authority, case by case, in scratch repositories.

    By default it runs [[should-fail]] and [[should-pass]] of the authority, and tests/policy. It ends with 1
    if one differs, 2 without an answer.
    """
    from specguard.evaluation.expectations import (
        FOLDER,
        check_codes,
        find_cases,
        read_cases,
        read_inline,
        try_expectation,
    )
    from specguard.evaluation.own import read_own

    top = _top(directory)
    own: OwnAuthority | None = None
    try:
        own = read_own(top)
    except SpecguardError:
        # Cases with policies of their own need none.
        if not cases or _has_authority(top):
            raise
    if cases:
        expected = read_cases(find_cases(cases), own)
    else:
        folder = os.path.join(top, FOLDER)
        expected = [
            *(read_inline(own) if own else ()),
            *read_cases(find_cases([os.path.relpath(folder)], True), own),
        ]
    if not expected:
        raise SpecguardError(
            f"nothing is expected of this policy: the authority has no table [[should-fail]] or "
            f"[[should-pass]], and there is no case in {FOLDER}",
            help="write one of them, or name files and folders of cases",
            code="unknown-name",
        )
    check_codes(expected, own)
    done = []
    for one in expected:
        tried = try_expectation(one)
        done.append(tried)
        if output_format == "text":
            _tell(tried)
    if output_format == "json":
        click.echo(json_text(_data(done)))
    elif output_format == "junit":
        from specguard.evaluation.expectations import junit_text

        click.echo(junit_text(done), nl=False)
    else:
        _sum_up(done)
    if any(one.problem for one in done):
        return EXIT_NO_VERDICT
    return EXIT_PASSED if all(one.passed for one in done) else EXIT_FAILED


def _top(directory: str) -> str:
    try:
        return Repository.locate(directory, os.environ).work_tree()
    except SpecguardError:
        return os.path.abspath(directory or ".")


def _has_authority(top: str) -> bool:
    from specguard.authority.load import AUTHORITY, SETTINGS

    return any(os.path.lexists(os.path.join(top, name)) for name in (AUTHORITY, SETTINGS))


def _tell(tried: Tried) -> None:
    one = tried.expectation
    where = one.path if one.kind == "case" else f"{one.path}:{one.line}: {one.name}"
    state = "ok" if tried.passed else "error" if tried.problem else "FAIL"
    click.echo(visible(f"{state:6}{where} ({tried.seconds:.2f} s)"))
    if tried.problem:
        click.echo(legible(f"        cannot be tried: {tried.problem}"))
    for difference in tried.differences:
        at = f"  ({one.path}:{difference.at})" if difference.at else ""
        click.echo(visible(f"        {_WORDS[difference.kind]:9} {difference.said}{at}"))
    kinds = {difference.kind for difference in tried.differences}
    if kinds == {"missing"}:
        click.echo("        found     nothing else")


def _sum_up(done: Sequence[Tried]) -> None:
    failed = sum(bool(one.differences) for one in done)
    broken = sum(bool(one.problem) for one in done)
    spent = sum(one.seconds for one in done)
    parts = [counted(len(done), "case")]
    parts += [f"{failed} not as expected"] if failed else []
    parts += [f"{broken} not tried"] if broken else []
    parts += ["all as expected"] if not failed and not broken else []
    click.echo(f"{', '.join(parts)} ({spent:.1f} s, {spent / len(done):.2f} s a case)")


def _data(done: Sequence[Tried]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "passed": all(one.passed for one in done),
        "counts": {
            "cases": len(done),
            "failed": sum(bool(one.differences) for one in done),
            "errors": sum(bool(one.problem) for one in done),
        },
        "cases": [
            {
                "name": one.expectation.name,
                "kind": one.expectation.kind,
                "path": one.expectation.path,
                "line": one.expectation.line,
                "passed": one.passed,
                "seconds": round(one.seconds, 3),
                "problem": one.problem or None,
                "differences": [
                    {"kind": difference.kind, "said": difference.said, "line": difference.at}
                    for difference in one.differences
                ],
            }
            for one in done
        ],
    }


_MOST = 20


@click.command("eval", short_help="Judge sample repositories, and keep what was found.")
@click.argument("repositories", nargs=-1, metavar="[REPO]...", type=FILE)
@in_directory
@click.option(
    "--samples",
    "file",
    metavar="FILE",
    type=FILE,
    default="",
    help="The samples (default: evaluation/samples.toml).",
)
@click.option("--update", is_flag=True, help="Accept the present findings as expected.")
@in_root
@click.option("--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed.")
def eval_command(
    repositories: Sequence[str], directory: str, file: str, update: bool, run_root: str, output_format: str
) -> int:
    """Judge sample repositories by the working tree's authority, and compare with what is expected.

    REPO is a sample's name, or a repository or bundle; by default all samples. The findings are kept as a
    run. It ends with 1 if a sample differs, 2 if one gives no answer.
    """
    from specguard.evaluation.evaluation import evaluate
    from specguard.evaluation.samples import FILE as DEFAULT
    from specguard.evaluation.samples import read_samples
    from specguard.executor.run import RunOptions

    top = Repository.locate(directory, os.environ).work_tree()
    place = os.path.abspath(file) if file else os.path.join(top, DEFAULT)
    if file and not os.path.exists(place):
        raise SpecguardError(
            "there is no such file",
            path=file,
            help="name the file that declares samples",
            code="unreadable-file",
        )
    samples = read_samples(place)
    options = RunOptions(environment=os.environ, directory=directory, kind="eval", run_root=run_root)
    chosen = samples.chosen(repositories)
    done = evaluate(samples, chosen, options, update=update)
    if output_format == "json":
        click.echo(json_text(done.data))
    else:
        _tell_samples(done)
    states = {one.state for one in done.evaluated}
    if "unknown" in states:
        return EXIT_NO_VERDICT
    return EXIT_FAILED if "different" in states else EXIT_PASSED


def _tell_samples(done: Evaluation) -> None:
    for one in done.evaluated:
        _tell_sample(one)
    click.echo(visible(f"run {done.run_id}: {done.state}, {counted(len(done.evaluated), 'sample')}"))
    click.echo(visible(f"manifest: {done.manifest}"))


def _tell_sample(one: Evaluated) -> None:
    sample = one.sample
    words = {"as-expected": "ok", "different": "FAIL", "unknown": "error"}
    version = f" {sample.version}" if sample.version else ""
    at = f" at {one.object_id[:12]}" if one.object_id else ""
    stored = ", stored as what is expected" if one.updated else ""
    click.echo(
        visible(f"{words[one.state]:6}{sample.name}{version}{at}: {counted(one.found, 'finding')}{stored}")
    )
    for kind, said in (("expected", one.missing), ("found", one.unexpected), ("but", one.others)):
        for line in said[:_MOST]:
            click.echo(visible(f"        {kind:9} {cut(line)}"))
        if len(said) > _MOST:
            click.echo(f"        {kind:9} and {len(said) - _MOST} more")
    for warning in one.warnings:
        click.echo(visible(f"        warning   {warning}"))
    if one.problem:
        click.echo(visible(f"        cannot be evaluated: {cut(one.problem)}"))
