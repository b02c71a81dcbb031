"""The common records: severities, states, findings, results and verdicts.

This module imports only what the interpreter has loaded already, because a hook runs before every commit. The
closed lists and their order are those of the JSON report, `specguard.report/1`.
"""

from __future__ import annotations

import posixpath
import sys

TYPE_CHECKING = False
"""True for type checkers only, as in `typing`, which a hook need not import."""

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, ClassVar, Final, Literal, Self, TypeVar, TypeVarTuple
    from typing import dataclass_transform as dataclass_transform

    from specguard.approvals.record import Approval
    from specguard.authority.difference import Difference

    _Owner = TypeVar("_Owner")
    _Arguments = TypeVarTuple("_Arguments")
    _Key = TypeVar("_Key")
    _Value = TypeVar("_Value")

    Plan = tuple[Mapping[str, Any], Sequence[str], set[str], int]
    """How records of a class are made: defaults, those to copy, all fields, the number of positional ones."""

    Severity = Literal["off", "info", "warning", "error"]
    State = Literal[
        "passed", "warned", "failed", "approved", "baselined", "not-applicable", "off", "indeterminate"
    ]
    FindingState = Literal["open", "approved", "baselined"]
    Outcome = Literal["passed", "accepted", "failed", "indeterminate", "error"]
    Stage = Literal["edit", "staged", "commit-msg", "push", "range", "pull-request", "run"]
else:

    def dataclass_transform(**_: object):  # noqa: D103 - importing `typing` costs a hook too much
        return lambda cls: cls


REPORT_SCHEMA: Final = "specguard.report/1"

SEVERITIES: Final = ("off", "info", "warning", "error")
"""In ascending order; a policy's `severity` is a ceiling."""

STATES: Final = (
    "passed",
    "warned",
    "failed",
    "approved",
    "baselined",
    "not-applicable",
    "off",
    "indeterminate",
)
"""The states of a rule, in the order in which a report counts them."""

OUTCOMES: Final = ("passed", "accepted", "failed", "indeterminate")
"""The outcomes of a verdict, from the lightest to the gravest."""

STAGES: Final = ("edit", "staged", "commit-msg", "push", "range", "pull-request", "run")

EXIT_PASSED: Final = 0
EXIT_FAILED: Final = 1
EXIT_NO_VERDICT: Final = 2
EXIT_INTERRUPTED: Final = 130


def load_extension(package: str, name: str) -> Any:
    """Return the extension module of a library, without the rest of its package.

    The packages for which this is used import much else, which multiplies the time of a hook.

    Args:
        package: the package.
        name: the module in it.
    """
    from _frozen_importlib import _load  # type: ignore[attr-defined]  # typeshed lacks it
    from _frozen_importlib_external import PathFinder

    full, found = f"{package}.{name}", PathFinder.find_spec(package)
    spec = found and PathFinder.find_spec(full, found.submodule_search_locations)
    # A package that is installed in another way, or not at all, is left to an ordinary import.
    return sys.modules.get(full) or (_load(spec) if spec else __import__(full, fromlist=[name]))


class OutputOnStderr:
    """A context manager in which what a plugin prints goes to stderr, and does not mix with a report."""

    def __enter__(self) -> None:
        self._stdout, sys.stdout = sys.stdout, sys.stderr

    def __exit__(self, *_: object) -> None:
        sys.stdout = self._stdout


def with_stash(command: str, undo: str = "") -> str:
    """Wrap a command that alters commits: uncommitted changes are stashed before it and restored after it.

    Args:
        command: the command.
        undo: what takes back what it prepares for its commit, if a hook may refuse that; the changes are
            restored then, too. Without it they stay in the stash, as in the middle of a rebase.
    """
    prepare, _, commit = command.replace(" --autostash", "").partition(" && git commit ")
    if undo and commit:
        step = f"{prepare} && {{ git commit {commit} || {undo}; }}"
        return f"git stash && {{ {step}; git stash pop --index; }}"
    return f"git stash && {command.replace(' --autostash', '')} && git stash pop --index"


BYTES_IN_JSON: Final = {0xDC00 + byte: f"\\\\x{byte:02x}" for byte in range(0x80, 0x100)}
"""How JSON shows bytes of a text that were not UTF-8, which it cannot represent."""


def path_text(path: bytes) -> str:
    r"""Return a path as text for people and reports: UTF-8, with each byte that is not UTF-8 as `\xNN`.

    Other characters stay as they are, so text for a terminal passes through `visible` too.
    """
    return path.decode("utf-8", "backslashreplace")


def only_text(value: Any) -> str:
    """Return a value that is a text; empty for all others."""
    return value if isinstance(value, str) else ""


def listed(parts: Sequence[str], most: int = 5, between: str = ", ") -> str:
    """Join at most `most` texts, and append the number of those left out."""
    more = f"{between.rstrip(', ')} and {len(parts) - most} more" if len(parts) > most else ""
    return between.join(parts[:most]) + more


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: `1 error`, `2 errors`."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def folders_of(path: bytes) -> Iterator[bytes]:
    """Yield the folders that contain a path, the innermost first, without the root."""
    while b"/" in path:
        path = path.rpartition(b"/")[0]
        yield path


def plain_path(path: bytes) -> bytes | None:
    """Normalize a path: remove `.`, `..` and empty parts.

    Returns:
        None if the path leads above its root, or if nothing remains.
    """
    plain = posixpath.normpath(path.lstrip(b"/"))
    return None if plain == b"." or plain.split(b"/")[0] == b".." else plain


def grouped(pairs: Iterable[tuple[_Key, _Value]]) -> dict[_Key, list[_Value]]:
    """Return the values of each key, in order."""
    groups: dict[_Key, list[_Value]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups


def shortened(text: str, most: int = 60) -> str:
    """Return a text on one line, cut to at most `most` characters, for a message."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


@dataclass_transform(frozen_default=True)
class Record:
    """A value with annotated fields, given by position or keyword; a class attribute is its field's default.

    Records replace dataclasses, whose import costs a hook 1.6 times a bare start of Python. Each record gets
    its own copy of a mutable default. Two records of one class with equal fields are equal.

    Only the type checker enforces that a field is not set again, unless a class is declared with
    `frozen=False`. In a class with `kw_only=True`, fields without a default may follow fields with one.

    Annotations must be postponed (`from __future__ import annotations`), so that their names can be imported
    for the type checker only.

    Raises:
        TypeError: an argument does not name a field, or a field has neither an argument nor a default.
    """

    _fields: ClassVar[tuple[str, ...]] = ()
    _plan: ClassVar[Plan | None] = None

    def __init_subclass__(cls, *, frozen: bool = True, kw_only: bool = False) -> None:
        names = [name for base in reversed(cls.__bases__) for name in getattr(base, "_fields", ())]
        noted = cls.__annotations__.items()
        names += [name for name, kind in noted if name[0] != "_" and not str(kind).startswith("ClassVar")]
        cls._fields = tuple(dict.fromkeys(names))
        cls._plan = None

    def __init__(self, *values: Any, **named: Any) -> None:
        store = self.__dict__
        defaults, copied, names, positional = self._plan or _plan_of(type(self))
        store.update(defaults)
        store.update(zip(self._fields, values))  # noqa: B905 - the numbers differ
        store.update(named)
        repeats = named and values and not named.keys().isdisjoint(self._fields[: len(values)])
        if store.keys() != names or len(values) > positional or repeats:
            takes = f"{type(self).__name__} takes {self._fields}, at most {positional} of them positional"
            raise TypeError(f"{takes}, and got {len(values)} values and {sorted(named)}")
        for name in copied:
            if store[name] is defaults[name]:
                store[name] = store[name].copy()

    def with_values(self, **values: Any) -> Self:
        """Return a new record with other values of some fields; nothing that was computed is kept."""
        return type(self)(**{**dict(zip(self._fields, self._field_values(), strict=True)), **values})

    def __eq__(self, other: object) -> bool:
        # What a record has computed from its fields may lead back to it.
        return type(self) is type(other) and self._field_values() == other._field_values()

    def __hash__(self) -> int:
        return hash((type(self), repr(self)))

    def __repr__(self) -> str:
        fields = ", ".join(
            f"{name}={value!r}" for name, value in zip(self._fields, self._field_values(), strict=True)
        )
        return f"{type(self).__name__}({fields})"

    def _field_values(self) -> list[Any]:
        return [self.__dict__[name] for name in self._fields]


def _plan_of(cls: type[Record]) -> Plan:
    """Return how records of a class are made, and keep that in the class."""
    # A class can get its defaults after it is made, so the first record asks for them.
    defaults = {name: getattr(cls, name) for name in cls._fields if hasattr(cls, name)}
    copied = [name for name, value in defaults.items() if isinstance(value, (list, dict, set))]
    # A field without a default is keyword-only behind one with a default.
    required = [at for at, name in enumerate(cls._fields) if name not in defaults]
    positional = next((at for at in required if defaults.keys() & cls._fields[:at]), len(cls._fields))
    cls._plan = defaults, copied, {*cls._fields}, positional
    return cls._plan


def cached_method(
    function: Callable[[_Owner, *_Arguments], _Value],
) -> Callable[[_Owner, *_Arguments], _Value]:
    """Cache the results of a function in its first argument, such as `self`, by the other arguments."""
    name = f"results of {function.__qualname__}"

    def cached(owner: _Owner, *arguments: *_Arguments) -> _Value:
        results: dict[tuple[*_Arguments], _Value] = owner.__dict__.setdefault(name, {})
        if arguments not in results:
            results[arguments] = function(owner, *arguments)
        return results[arguments]

    cached.__doc__ = function.__doc__
    return cached


class Origin(Record):
    """The place of a setting: a file (or `preset:NAME`) and its line, from 1; line 0 means the whole file."""

    path: str
    line: int

    @property
    def is_file(self) -> bool:
        """True if it is in a document of the repository, and not in a preset or a floor."""
        return not self.path.startswith(("preset:", "floor:"))

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


class Finding(Record, frozen=False):
    """A problem that a rule found, as the rule describes it.

    Attributes:
        message: one sentence that says what is wrong and names the thing.
        help: one sentence that says what to do next.
        path: the file's path in git.
        line: its first line, from 1; `end_line` is the last one.
        commit: the full object id of the commit that the finding is about.
        field: the subject of the finding if that is not a file: `branch`, `commit.subject`, `commit.body`,
            `commit.author`, `pull_request.title`, `pull_request.body`, `pull_request.base`, `origin`,
            `work_item`. Or a dotted key within `path`.
        side: `"base"` if the path is only in the base (a deletion).
        key: the part that identifies this finding among those of its rule and path: the pattern, the heading,
            the normalised line. Never a line number, an object id, a date or the message. The finding's
            fingerprint is computed from it.
        severity: a lower severity than the rule's, never a higher one.
        setting: the key of the deciding setting, which reports cite: within the rule's own table (`paths.2`),
            or from the top of the policy (`work.phase.branch`).
        authority: the deciding line, if it is not a setting.
        moved: the other path of a file that was moved: its new path, or its old one.
        same_as: code and key (`BRN001 item`) of findings of other rules with the same path, or none, and
            the same cause and a better description. If one of them is open and as severe, this finding is not
            reported.
    """

    message: str
    help: str = ""
    path: bytes | None = None
    line: int | None = None
    end_line: int | None = None
    commit: str | None = None
    field: str | None = None
    side: Literal["base"] | None = None
    key: str = ""
    severity: Severity | None = None
    setting: str = ""
    authority: Origin | None = None
    moved: bytes | None = None
    same_as: Sequence[str] = ()


class ApprovalUse(Record):
    """An approval that names a finding: it approves the finding, or has refusals that say why not.

    Attributes:
        id: the approval's id.
        approval: its record.
        proof: the proof that the approver approved: `signature`, `platform`, `base` (the record is in the
            trusted base), or `local`, which proves nothing.
        refusals: the reasons why it does not count, each as a clause; empty if it counts.
    """

    id: str
    approval: Approval
    proof: str
    refusals: Sequence[str] = ()


class Judged(Record, frozen=False):
    """A finding with the engine's additions: its rule, severity, citation, fingerprint and state.

    Attributes:
        fingerprint: sha256 as hexadecimal digits; it survives line shifts and rebases.
        approvals: the approvals that name the finding: first those that count, then those that do not.
        exceeds: the number of errors of this rule in the file, and the smaller number that the baseline
            accepts; None if the baseline is not exceeded.
        quote: the line of the authority behind the finding, if a report asks for it and it is available.
    """

    finding: Finding
    code: str
    name: str
    severity: Severity
    authority: Origin | None
    fingerprint: str
    state: FindingState = "open"
    exceeds: tuple[int, int] | None = None
    approvals: Sequence[ApprovalUse] = ()
    quote: str = ""

    @property
    def is_open_error(self) -> bool:
        """True if it is an error that neither an approval nor the baseline accepts."""
        return self.severity == "error" and self.state == "open"

    @property
    def place(self) -> tuple[bytes, int, str]:
        """The sort key in a report: path, line and code; findings in one place keep the rule's order."""
        return self.finding.path or b"", self.finding.line or 0, self.code


def state_of(judged: Sequence[Judged]) -> State:
    """Return the worst state that findings give their rule; open ones below an error make it `warned`."""
    severities = {one.severity for one in judged if one.state == "open"}
    if "error" in severities:
        return "failed"
    if severities:
        return "warned"
    states = {one.state for one in judged}
    if "approved" in states:
        return "approved"
    return "baselined" if states else "passed"


class RuleResult(Record, frozen=False):
    """The outcome of one rule in one check.

    Attributes:
        reason: why the rule is not-applicable, off or indeterminate; None otherwise.
        command: for indeterminate, the command that supplies what is missing.
        error: for indeterminate, the name of the kind of error; empty otherwise.
        condition: what holds when the rule passes, for `--explain`.
        looked_at: the facts that the rule asked for, each with a short account of its size.
        approvers: the people who may approve the rule's errors; empty if nobody may, or if it has none.
        persons: how many more persons must approve the errors.
        by_paths: True if the approval that is offered for them is bound to its files only.
        plugin: the distribution of the rule, if a report asks for its text; empty otherwise.
        text: the rule's docstring, if a report asks for it; empty if the rule was not judged.
        severity: the rule's own severity. An indeterminate rule below `error` is shown, but decides the exit
            code only if it crashed.
    """

    code: str
    name: str
    state: State
    severity: Severity = "error"
    findings: Sequence[Judged] = ()
    reason: str | None = None
    command: str = ""
    error: str = ""
    crashed: bool = False
    condition: str = ""
    looked_at: Sequence[str] = ()
    approvers: Sequence[str] = ()
    persons: int = 1
    by_paths: bool = False
    plugin: str = ""
    text: str = ""

    @property
    def incomplete(self) -> bool:
        """True if this rule makes the whole check incomplete (exit code 2)."""
        return self.state == "indeterminate" and (self.crashed or self.severity == "error")

    def keep(self, findings: Sequence[Judged]) -> None:
        """Keep some of the findings, or all in new states; a state that comes from findings follows."""
        self.findings = findings
        if self.state in ("failed", "warned"):
            self.state = state_of(findings)


class Verdict(Record, frozen=False):
    """The outcome of a check of one change.

    Attributes:
        change: the `change` object of the JSON report.
        authority: the `authority` object of the JSON report.
        results: every rule's result, by code.
        notes: sentences that a reader must see: what was judged by which policy, what was truncated.
        empty: True if there was nothing to judge.
        dry_run: True if findings leave the exit code at 0 (`--exit-zero`, `--dry-run`).
        policy_change: how the change would alter the policy, one difference for each setting; may be empty.
        enforce: True if nothing outside the trusted base could loosen the verdict (`--enforce`).
        hunks: by path, the hunks of the change in files with findings, if a report asks for them.
        fixes: the fixes for the findings, if `check --fix` asks for them.
        touched: the paths of the change, if there are findings; empty if the change has none. Also empty
            during a merge, as its other paths are in the same folders, and for what git stages for a hook.
        options: the options that name the change and its pull request, and their values.
    """

    change: Mapping[str, Any]
    authority: Mapping[str, Any]
    results: Sequence[RuleResult]
    notes: Sequence[str] = ()
    empty: bool = False
    dry_run: bool = False
    policy_change: Sequence[Difference] = ()
    enforce: bool = False
    hunks: Mapping[bytes, Sequence[Any]] = {}
    fixes: Sequence[Any] = ()
    touched: Sequence[bytes] = ()
    options: Mapping[str, str] = {}

    @property
    def findings(self) -> list[Judged]:
        """All findings, in the order of a report."""
        found = [judged for result in self.results for judged in result.findings]
        return sorted(found, key=lambda judged: judged.place)

    @property
    def counts(self) -> dict[str, int]:
        """The number of rules in each state; every state is a key."""
        counts = dict.fromkeys(STATES, 0)
        for result in self.results:
            counts[result.state] += 1
        return counts

    @property
    def outcome(self) -> Outcome:
        """The verdict in one word; an incomplete check outweighs a failed one."""
        if any(result.incomplete for result in self.results):
            return "indeterminate"
        if any(result.state == "failed" for result in self.results):
            return "failed"
        # A rule with an open warning is `warned`, but may have accepted findings too.
        if any(judged.state != "open" for result in self.results for judged in result.findings):
            return "accepted"
        return "passed"

    @property
    def exit_code(self) -> int:
        """0, 1 or 2; in a dry run findings leave it at 0, and 2 stays 2."""
        outcome = self.outcome
        if outcome == "indeterminate":
            return EXIT_NO_VERDICT
        return EXIT_FAILED if outcome == "failed" and not self.dry_run else EXIT_PASSED
