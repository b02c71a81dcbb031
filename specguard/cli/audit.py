"""`specguard audit`: judge the changes of a history, and report what was merged in spite of findings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from specguard.audit.audit import AuditOptions, Progress, audit, open_store
from specguard.audit.report import RENDERERS
from specguard.audit.store import Summary
from specguard.cli import options as opt
from specguard.cli.app import require_extra
from specguard.engine.plugins import load_registry
from specguard.engine.rule_runner import codes_of
from specguard.model import EXIT_FAILED, EXIT_NO_VERDICT, EXIT_PASSED
from specguard.reporters.escape import visible
from specguard.reporters.file_writing import replace_file, writing


@opt.command("audit")
@click.argument("repositories", nargs=-1, metavar="[REPOSITORY]...")
@opt.repeated("--repos", "lists", metavar="FILE", help="Repositories, one a line; - is standard input.")
@opt.folder("--mirrors", help="Keep mirrors of addresses in DIR.")
@opt.text("--branch", metavar="NAME", help="Audit this branch; by default each repository's base.")
@opt.text("--since", metavar="DATE", help="Only changes since this UTC date.")
@opt.number("--last", metavar="N", default=None, help="Only the last N changes.")
@opt.text("--range", metavar="A..B", help="Only the changes of this range.")
@opt.text(
    "--by",
    metavar="then|now|FILE",
    default="then",
    show_default=True,
    help="Judge by the authority of each change's base, by today's, or by FILE.",
)
@opt.floor
@opt.file("--store", help="Keep verdicts in FILE.")
@opt.number("--jobs", metavar="N", default=1, show_default=True, help="Judge in N processes.")
@opt.text("--scheduler", metavar="ADDRESS", help="Judge on the Dask cluster of this scheduler.")
@opt.repeated("--plugin", "plugins", metavar="NAME", help="Let policies use this plugin; repeatable.")
@opt.choice("--output-format", words=RENDERERS, default="text", show_default=True, help="What is printed.")
@opt.file("--output-file", help="Write it to FILE.")
@opt.text(
    "--fail-on",
    metavar="RULES|new|none",
    default="none",
    show_default=True,
    help="End with 1 if these rules have errors; new: if unreported changes have any.",
)
def command(
    repositories: Sequence[str], output_format: str, output_file: str, fail_on: str, **given: Any
) -> int:
    """Judge the changes that landed in REPOSITORY, each as a check would have judged it then.

    A REPOSITORY is a folder, a pattern of folders, or an address (https, ssh or file). Verdicts are kept: a
    second audit judges only what is new. It ends with 0, with 1 for --fail-on, and with 2 if nothing could
    be judged; for `--fail-on new`, if one change or repository could not.
    """
    if given["scheduler"] and given["jobs"] > 1:
        raise opt.usage("--jobs does not go with --scheduler, which has its own workers", "Give one of them.")
    named = repositories or (() if given["lists"] else (".",))
    options = AuditOptions(environment=dict(os.environ), named=named, **given)
    rules = (one.rule for one in load_registry(options.plugins).rules.values())
    failing_rules = [] if fail_on in ("new", "none") else sorted(codes_of([fail_on], rules))
    with open_store(options) as store:
        try:
            with Progress() as progress, require_extra("cluster", "distributed", "dask"):
                unread = audit(options, store, progress)
        except KeyboardInterrupt:
            opt.say(f"What was judged is kept in {visible(store.file)}: the same command goes on.", err=True)
            raise
        summary = Summary(store, datetime.now(UTC).date())
        failing = summary.has_errors(failing_rules) if fail_on != "none" else False
        unclear = fail_on == "new" and not failing and (unread or summary.has_unjudged())
        text = RENDERERS[output_format](summary)
        if output_file:
            replace_file(os.path.realpath(output_file), text, writing(output_file))
        else:
            click.echo(text, nl=False)
        store.mark_reported()
        # Repositories without changes leave nothing to judge.
        read = summary.repositories and not any("reason" in row["state"] for row in summary.repositories)
        if read and summary.verdicts.get("no-authority") and not summary.judged:
            opt.say("  next: --by SPEC_AUTHORITY.md judges by that file; specguard init writes it", err=True)
        if unclear or (not summary.judged and (summary.changes or not read)):
            return EXIT_NO_VERDICT
        return EXIT_FAILED if failing else EXIT_PASSED
