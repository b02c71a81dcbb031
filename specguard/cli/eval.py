"""`specguard eval`: a policy applied to sample repositories."""

from __future__ import annotations

import os

import click

from specguard.change.repository import Repository
from specguard.cli.completion import FILE
from specguard.cli.options import in_directory
from specguard.cli.run_store import in_root
from specguard.cli.words import counted
from specguard.errors import SpecguardError
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED
from specguard.reporters.escape import cut, json_text, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.evaluation.evaluation import Evaluated, Evaluation

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
def command(
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
        _tell(done)
    states = {one.state for one in done.evaluated}
    if "unknown" in states:
        return EXIT_NO_VERDICT
    return EXIT_FAILED if "different" in states else EXIT_PASSED


def _tell(done: Evaluation) -> None:
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
