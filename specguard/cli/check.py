"""`specguard check`: judge a change against the authority, watch it, or put right what it says how to."""

from __future__ import annotations

import difflib
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from specguard.change.repository import Repository
from specguard.change.request import Request
from specguard.change.uncommitted import message_path, rewrite, start_settings
from specguard.change.worktree import Signs
from specguard.cli import complain
from specguard.cli import options as opt
from specguard.cli.judge import Reports, judge, judged
from specguard.cli.options import usage
from specguard.declaration.registry import FORMATS
from specguard.errors import SpecguardError, internal_error
from specguard.model import listed, path_text
from specguard.reporters.escape import cut_path, visible
from specguard.reporters.wording import shell_word
from specguard.reporters.written_files import replace_file, writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Final, NoReturn, TextIO

    from specguard.engine.fixing import Proposal
    from specguard.model import Verdict

    Open = Mapping[tuple[str, str], str]
    """What is open: a rule's code and a finding's fingerprint, and what a line calls it."""

    _Choice = click.Choice[str]
else:
    _Choice = click.Choice  # before 8.2 it has no type to be of

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""What a format can be named."""

_OF_OVERRIDE: Final = ("--path", "--approved-by", "--reason", "--expires", "--ticket")
"""What only has a meaning with `--override`."""

_ONCE: Final = ("--push", "--pre-receive", "--patch", "--commit-msg-file", "--override")
"""What is judged once, and does not go with `--watch`."""

_ELSEWHERE: Final = (
    "--push", "--pre-receive", "--patch", "--override", "--head", "--range", "--root", "--branch",
    "--pr-title", "--pr-body-file", "--pr-event", "--pr-reviews", "--enforce", "--watch",
)  # fmt: skip
"""What does not go with `--fix`: where it is judged nothing can be put right, or nothing must be."""


class _FormatName(_Choice):
    """A format's name: one of those that ship with specguard, or what a plugin's can be."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        # Which plugins there are says the policy, and that is not read yet.
        return value if _NAME.fullmatch(value) else super().convert(value, param, ctx)


def _output(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> list[tuple[str, str]]:
    outputs: dict[str, tuple[str, str]] = {}
    for value in values:
        form, _, name = value.partition("=")
        if not _NAME.fullmatch(form) or not name:
            known = ", ".join(FORMATS)
            raise click.BadParameter(f"{value!r} is not FORMAT=FILE with one of the formats {known}")
        if name == "-":
            raise click.BadParameter(f"what is printed is set by --output-format {form}")
        other, _ = outputs.setdefault(os.path.abspath(name), (form, name))
        if other != form:
            raise click.BadParameter(f"{name!r} is to have the reports {other} and {form}")
    return list(outputs.values())


def _given(options: Mapping[str, Any], flags: Sequence[str]) -> str:
    """The first of some flags that is given; empty where none is."""
    known = {flag: one.name or "" for one in click.get_current_context().command.params for flag in one.opts}
    return next((flag for flag in flags if options.get(known[flag])), "")


@click.command("check")
@opt.in_directory
@opt.what_is_judged
@opt.flag("--pre-receive", help="Judge a server's pre-receive input; implies --enforce unless --dry-run.")
@opt.file("--authority", help="Judge by this authority.")
@opt.floor
@opt.repeated(
    "--select",
    metavar="RULES",
    shell_complete=opt.complete_selectors,
    help="Run only these rules: codes, families or names.",
)
@opt.repeated("--ignore", metavar="RULES", shell_complete=opt.complete_selectors, help="Skip these rules.")
@opt.repeated(
    "--extend-select",
    metavar="RULES",
    shell_complete=opt.complete_selectors,
    help="Run these too, even if they are off.",
)
@opt.flag("--all", help="Judge the whole tree.")
@opt.flag("--strict", help="Count warnings as errors.")
@opt.flag("--exit-zero", "--dry-run", "dry_run", help="Report, but end with 0 on findings.")
@opt.repeated(
    "--override",
    metavar="RULE",
    shell_complete=opt.complete_selectors,
    help="Approve this rule's findings in --path, and record it.",
)
@opt.approval
@opt.today
@opt.flag("--enforce", help="Trust only the base (for CI).")
@opt.flag("--bootstrap", help="Accept a base without an authority, or its first approvers.")
@opt.text(
    "--output-format",
    type=_FormatName(list(FORMATS)),
    metavar="F",
    default="text",
    help=f"The report on standard output: {', '.join(FORMATS)}, or a plugin's.",
)
@opt.repeated("--output", "outputs", metavar="F=FILE", callback=_output, help="Write one more report.")
@opt.file("--log-decisions", "log", help="Append the verdict to FILE as JSON.")
@opt.flag("--watch", help="Judge again after each change.")
@opt.flag("--fix", help="Show fixes, apply those you confirm, then judge.")
@opt.flag("--yes", help="With --fix: do not ask.")
@opt.flag("--explain", help="Show what each rule looked at.")
@opt.flag("--statistics", help="Count the findings of each rule.")
def command(
    output_format: str,
    outputs: list[tuple[str, str]],
    explain: bool,
    statistics: bool,
    watch: bool,
    fix: bool,
    yes: bool,
    **options: Any,
) -> int:
    """Judge a change against the authority.

    By default it judges the current branch since its merge base with the base.
    """
    reports = Reports(form=output_format, files=outputs, explain=explain, statistics=statistics)
    if watch:
        if other := _given(options, _ONCE):
            help = "watch the working tree, --staged, or a branch with --head"
            raise usage(f"--watch does not go with {other}", help)
        # The working tree is judged where nothing else is named.
        options["worktree"] |= not any(options[name] for name in ("staged", "head", "range", "root"))
    if yes and not fix:
        raise usage("--yes agrees to what --fix would do, and there is no --fix", "add --fix")
    if fix and (other := _given({**options, "watch": watch}, _ELSEWHERE)):
        help = "put right what is here: the branch, --staged, --worktree or --commit-msg-file"
        raise usage(f"--fix does not go with {other}", help)
    # What a server takes is final.
    options["enforce"] = options["enforce"] or (options["pre_receive"] and not options["dry_run"])
    request = Request(environment=os.environ, **options)
    if not request.override and (other := _given(options, _OF_OVERRIDE)):
        raise usage(f"{other} says more of --override, and there is none", "add --override RULE")
    if watch:
        watch_and_judge(request, reports)
    if fix:
        return put_right(request, reports, yes=yes)
    return judge(request, reports)


PAUSE: Final = 0.4
"""So many seconds lie between two looks at least."""

_REST: Final = 20
"""Looking takes one part of so many of the time at most, and a pause lasts no longer than `_LONGEST`."""

_LONGEST: Final = 10.0
_SETTLE: Final = 0.15
"""A change has come to its end when two looks so many seconds apart see the same."""

_PATIENCE: Final = 3.0
"""What goes on changing for longer is judged all the same."""

_NAMED: Final = 3
"""So many findings the line about the difference names."""

_CLEAR: Final = "\033[2J\033[H"


def watch_and_judge(request: Request, reports: Reports) -> NoReturn:
    """Judge, and judge again after each change, until the person who watches interrupts it.

    What keeps a verdict from being given is shown, and watching goes on: a policy may be in the middle of an
    edit. A report is printed as a whole or not at all.

    Raises:
        SpecguardError: there is nothing to watch.
        KeyboardInterrupt: the only way in which it ends.
    """
    # A report that is written into the working tree must not be the reason for the next one.
    signs = Signs(request, [name for _, name in reports.files] + ([request.log] if request.log else []))
    what = "the working tree" if request.worktree else "the index" if request.staged else "the branch"
    before: Open | None = None
    first = True
    while True:
        seen = signs.look()
        failed: SpecguardError | None = None
        now: Open | None = None
        report = ""
        try:
            verdicts, report = judged(request, reports)
            now = _open(verdicts)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - shown, and watching goes on
            failed = error if isinstance(error, SpecguardError) else internal_error(error)
        said = "" if first else f"{_since(before, now)}\n"
        _show(report, failed, f"{said}watching {what}; Ctrl-C ends\n", reports.form, first=first)
        before, first = now, False
        _wait(signs, seen)


def _wait(signs: Signs, seen: tuple[Any, ...]) -> None:
    """Return when something else is seen, and has come to rest."""
    pause = PAUSE
    while True:
        time.sleep(pause)
        began = time.monotonic()
        now = _look(signs)
        pause = min(max(PAUSE, _REST * (time.monotonic() - began)), _LONGEST)
        if now == seen:
            continue
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            time.sleep(_SETTLE)
            previous, now = now, _look(signs)
            if now == previous:
                break
        # It may have been taken back meanwhile.
        if now != seen:
            return


def _look(signs: Signs) -> tuple[Any, ...]:
    try:
        return signs.look()
    except SpecguardError as error:
        # Git may be missing for a moment, while it is updated.
        return (error.message,)


def _show(report: str, failed: SpecguardError | None, lines: str, form: str, *, first: bool) -> None:
    """Print a report, or why there is none, and what is said of watching: all of it or nothing."""
    other = sys.stdout if form == "text" else sys.stderr
    asked: list[int] = []

    def later(number: int, _frame: object) -> None:
        asked.append(number)
        if len(asked) > 1:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, later)
    try:
        if form == "text" and sys.stdout.isatty():
            sys.stdout.write(_CLEAR)
        elif not first:
            print(f"--- {time.strftime('%H:%M:%S')}", file=other)
        sys.stdout.write(report)
        sys.stdout.flush()
        if failed is not None:
            complain(failed, ["check", "--output-format", form])
            sys.stdout.flush()
        other.write(lines)
        other.flush()
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt


def _open(verdicts: Sequence[Verdict]) -> Open:
    """What of some verdicts is left to do."""
    found: dict[tuple[str, str], str] = {}
    for verdict in verdicts:
        for one in verdict.findings:
            if one.state == "open":
                path = one.finding.path
                where = cut_path(path_text(path)) if path is not None else one.finding.field or ""
                found[one.code, one.fingerprint] = visible(f"{one.code} {where}".strip())
        for result in verdict.results:
            if result.state == "indeterminate":
                found[result.code, ""] = f"{result.code} undecided"
    return found


def _since(before: Open | None, now: Open | None) -> str:
    """What became better and what worse, in one line."""
    if now is None:
        return "since last time: worse: there is no verdict" if before is not None else "still no verdict"
    if before is None:
        return f"since last time: better: there is a verdict; {len(now)} open"
    gone = [name for key, name in before.items() if key not in now]
    new = [name for key, name in now.items() if key not in before]
    said = [
        f"{word}: {len(names)} {what} ({listed(names, _NAMED)})"
        for word, what, names in (("better", "gone", gone), ("worse", "new", new))
        if names
    ]
    return f"since last time: {'; '.join(said) or 'the same'}; {len(now)} open"


_AMEND: Final = ("commit", "--amend", "--only", "--allow-empty", "--cleanup=verbatim", "--file=-")
"""Nothing that is staged goes into the commit, and no line of the message is taken for a comment."""

_UNDER_WAY: Final = {
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
}


def put_right(request: Request, reports: Reports, *, yes: bool) -> int:
    """Judge, show what would put findings right, do what is agreed to, judge again, and report.

    With `request.dry_run` it is shown alone. With `yes` all of it is agreed to: else a person is asked on a
    terminal.

    Raises:
        SpecguardError: there is no verdict, or something that was agreed to could not be done.
    """
    from specguard.engine.check import check

    shown = sys.stdout if reports.form == "text" else sys.stderr
    try:
        verdicts = check(request, needs={"fixes"})
    except SpecguardError:
        # There is no verdict, which every report says.
        verdicts = []
    proposals = [proposal for verdict in verdicts for proposal in verdict.fixes]
    if proposals:
        _Fixer(request, shown, yes=yes).put_right(proposals)
    elif verdicts:
        print("nothing here can be put right without a person's thought\n", file=shown)
    shown.flush()
    return judge(request, reports)


class _Fixer:
    """Shows what would be done in one repository, asks, and does it.

    Args:
        request: what was judged.
        shown: where it is shown.
        yes: whether all of it is agreed to.
    """

    def __init__(self, request: Request, shown: TextIO, *, yes: bool) -> None:
        self._request = request
        self._shown = shown
        self._yes = yes
        self._repository = Repository.locate(request.directory, request.environment)
        # A question that nobody sees is answered by nobody.
        self._asks = sys.stdin.isatty() and shown.isatty()

    def put_right(self, proposals: list[Proposal]) -> None:
        """Show each thing, and do it where it may be done and is agreed to.

        Raises:
            SpecguardError: it could not be done; then nothing of it is.
        """
        left = uncommitted = 0
        for proposal in proposals:
            problem = proposal.refused or self._problem(proposal)
            for line in self._lines(proposal, problem):
                print(visible(line), file=self._shown)
            if not problem and not self._request.dry_run:
                if self._agreed():
                    self._do(proposal)
                    uncommitted += proposal.kind == "file"
                    print("  done", file=self._shown)
                else:
                    left += 1
            print(file=self._shown)
        if left and not self._asks:
            print("nothing of this was done: add --yes, or answer on a terminal\n", file=self._shown)
        if uncommitted and not (self._request.staged or self._request.worktree):
            print("what was written is in the working tree, and not committed yet\n", file=self._shown)

    def _agreed(self) -> bool:
        if self._yes or not self._asks:
            return self._yes
        print("  do this? [y/N] ", end="", file=self._shown, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def _lines(self, proposal: Proposal, problem: str) -> Iterator[str]:
        """What would be done: a sentence, the command, and what differs."""
        codes, name = ", ".join(proposal.codes), path_text(proposal.name)
        if proposal.kind == "branch":
            yield f"fix ({codes}): rename the branch {name} to {path_text(proposal.after)}"
            command = f"git branch -m {shell_word(proposal.before)} {shell_word(proposal.after)}"
        elif proposal.kind == "message" and name:
            yield f"fix ({codes}): reword the newest commit, {name[:12]}"
            command = f"git {' '.join(_AMEND)}"
        else:
            yield f"fix ({codes}): edit {name or self._request.message_file}"
            command = f"git add -- {shell_word(b':/' + proposal.name)}" if self._request.staged else ""
        if problem:
            yield f"  not possible: {problem}"
            return
        if command:
            yield f"  {command}"
        if proposal.kind != "branch":
            shown = name if proposal.kind == "file" else "message"
            before, after = (
                one.decode("utf-8", "backslashreplace").split("\n")
                for one in (proposal.before, proposal.after)
            )
            for line in difflib.unified_diff(before, after, shown, shown, lineterm="", n=2):
                yield f"  {line}"

    def _do(self, proposal: Proposal) -> None:
        # What was looked at may have changed while somebody read.
        if problem := self._problem(proposal):
            raise SpecguardError(f"it was not done: {problem}", help="run specguard check --fix again")
        if proposal.kind == "branch":
            self._git("branch", "-m", "--", os.fsdecode(proposal.before), os.fsdecode(proposal.after))
        elif proposal.kind == "message" and proposal.name:
            self._git(*_AMEND, given=proposal.after)
        elif proposal.kind == "message":
            content = self._message_file(proposal)
            if content is not None:
                _replace(os.fsencode(self._message_place), content)
        else:
            place = self._place(proposal)
            _replace(place, proposal.after)
            if self._request.staged:
                try:
                    self._git("--literal-pathspecs", "add", "--", place)
                except SpecguardError:
                    _replace(place, proposal.before)
                    raise

    def _git(self, *arguments: str | bytes, given: bytes = b"") -> None:
        done = self._run(*arguments, given=given)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip() or f"git ended with {done.returncode}"
            help = "nothing of this was done; put right what git names, and try again"
            raise SpecguardError(f"git refused it: {said}", help=help, code="git-failed")

    def _problem(self, proposal: Proposal) -> str:
        """Why something cannot be done here and now, as a clause; empty where it can."""
        if proposal.kind == "file":
            return self._file_problem(proposal)
        if proposal.kind == "message" and not proposal.name:
            return "" if self._message_file(proposal) is not None else "the file has another message now"
        for name, what in _UNDER_WAY.items():
            if os.path.exists(os.path.join(self._repository.git_dir, name)):
                return f"{what} is under way"
        if proposal.kind == "message":
            return self._commit_problem(path_text(proposal.name))
        return self._branch_problem(proposal)

    def _file_problem(self, proposal: Proposal) -> str:
        place = self._place(proposal)
        if os.path.realpath(place) != place:
            return "it is a link, or in a folder that is one"
        try:
            with open(place, "rb") as stream:
                present = stream.read()
        except OSError as error:
            return f"it cannot be read: {error.strerror}"
        if present != proposal.before:
            return "the file in the working tree is another one than the one that was judged"
        return ""

    def _message_file(self, proposal: Proposal) -> bytes | None:
        """The content of the file with the message, with the new one."""
        with open(self._message_place, "rb") as stream:
            raw = stream.read()
        return rewrite(raw, proposal.before, proposal.after, start_settings(self._repository))

    def _commit_problem(self, oid: str) -> str:
        branch = self._said("symbolic-ref", "-q", "HEAD")
        if self._said("rev-parse", "HEAD") != oid or not branch:
            return "it is not the newest commit of the branch that is checked out"
        others = [name for name in self._containing(oid) if name != branch]
        return f"{_short(others[0])} has it already" if others else ""

    def _branch_problem(self, proposal: Proposal) -> str:
        old, new = os.fsdecode(proposal.before), os.fsdecode(proposal.after)
        if self._said("symbolic-ref", "-q", "HEAD") != f"refs/heads/{old}":
            return "it is not the branch that is checked out"
        if self._run("check-ref-format", "--branch", new).returncode:
            return f"git takes no branch of the name {new}"
        refs = self._said("for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes").split("\n")
        # A remote's own name may have slashes, so that more is taken for pushed than is, and never less.
        for ref in refs:
            remote = ref.startswith("refs/remotes/")
            if remote and ref.endswith(f"/{old}"):
                return f"it is pushed already, as {_short(ref)}"
            if ref == f"refs/heads/{new}" or (remote and ref.endswith(f"/{new}")):
                return f"there is a branch {_short(ref)} already"
        merges = self._said("config", "--get", f"branch.{old}.merge")
        remote_of = self._said("config", "--get", f"branch.{old}.remote")
        if merges == f"refs/heads/{old}" and remote_of != ".":
            return f"it was pushed to {remote_of}"
        # What is pushed under another name is shared all the same; the base's own commits are no part of it.
        containing = self._containing(self._said("rev-parse", "HEAD"))
        pushed = next((name for name in containing if name.startswith("refs/remotes/")), "")
        return f"its newest commit is pushed already, as {_short(pushed)}" if pushed and self._own() else ""

    def _own(self) -> bool:
        """Whether the branch has commits that the base does not have."""
        from specguard.change.base import find_base
        from specguard.change.git import Git

        with Git(self._repository) as git:
            found = find_base(git, self._request)
        if found is None or found.oid is None:
            return True
        return self._run("merge-base", "--is-ancestor", "HEAD", found.oid).returncode != 0

    def _containing(self, oid: str) -> list[str]:
        folders = ("refs/heads/", "refs/remotes/", "refs/tags/")
        said = self._said("for-each-ref", f"--contains={oid}", "--format=%(refname)", *folders)
        return said.split("\n") if said else []

    def _place(self, proposal: Proposal) -> bytes:
        """Where the file is that would be edited."""
        return os.path.join(os.path.realpath(os.fsencode(self._repository.work_tree())), proposal.name)

    @property
    def _message_place(self) -> str:
        """The file of the message that is being written."""
        return message_path(self._repository, self._request.message_file)

    def _said(self, *arguments: str) -> str:
        done = self._run(*arguments)
        return "" if done.returncode else os.fsdecode(done.stdout).removesuffix("\n")

    def _run(self, *arguments: str | bytes, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run git as the person would, whatever the repository's hooks and configuration make of it."""
        return subprocess.run(
            [self._repository.program, *arguments],
            env=dict(self._request.environment),
            input=given,
            capture_output=True,
            check=False,
        )


def _replace(place: bytes, content: bytes) -> None:
    with writing(path_text(place), "make it writable"):
        replace_file(os.fsdecode(place), content)


def _short(ref: str) -> str:
    for start in ("refs/heads/", "refs/remotes/", "refs/tags/"):
        ref = ref.removeprefix(start)
    return ref
