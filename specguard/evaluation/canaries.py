"""One canary a rule: a change that it must catch under this policy, and whether it does."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace

# The tree that `re` makes of an expression is in no documented module; what comes of it is compared with the
# expression itself, so that a wrong guess is none.
from re import _constants as constants  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from specguard.authority.policy import load, plain
from specguard.declaration.rule import Record
from specguard.documents.toml import toml_key, toml_value
from specguard.errors import SpecguardError
from specguard.testing.case import Case
from specguard.testing.reading import CaseError
from specguard.testing.repository import Step
from specguard.testing.running import examples, judge_case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from specguard.authority.policy import Policy, RuleInPolicy
    from specguard.declaration.expressions import Expression
    from specguard.declaration.patterns import Covering, Patterns
    from specguard.evaluation.own import OwnAuthority

    Settings = dict[str, Any]


_WHOLE = "under this policy"


@dataclass(frozen=True)
class Canary:
    """A rule with what became of the change that it was to catch.

    Attributes:
        code, name: the rule's.
        outcome: `caught`; `missed`: a change that it is there for was let through; `unprovoked`: no change
            was found that it has something to say of, so nothing is shown.
        said: which change, and under which settings; or why there is none.
    """

    code: str
    name: str
    outcome: Literal["caught", "missed", "unprovoked"]
    said: str


class _Seen:
    """What a check of a scratch repository came to; without its reports, why there are none."""

    def __init__(self, reports: Sequence[Mapping[str, Any]], error: str = "") -> None:
        self.findings: list[tuple[str, bytes]] = []
        self.reasons: dict[str, str] = {}
        self.states: dict[str, str] = {}
        self.error = error
        for report in reports:
            for wrong in report.get("errors", ()):
                self.error = wrong["message"]
            for finding in report.get("findings", ()):
                path = (finding.get("location") or {}).get("path") or ""
                self.findings.append((finding["code"], path.encode("utf-8", "surrogateescape")))
            for rule in report.get("rules", ()):
                self.states[rule["code"]] = rule["state"]
                self.reasons[rule["code"]] = rule["reason"] or ""

    @property
    def codes(self) -> set[str]:
        return {code for code, _ in self.findings}


def try_canaries(own: OwnAuthority) -> Iterator[Canary]:
    """Provoke every active rule of an authority, each in a scratch repository.

    Args:
        own: the authority.
    """
    active = [rule for rule in own.policy.rules if rule.active]
    first = {rule.code: _by_settings(rule, own) for rule in active}
    caught = _by_anything({rule.code for rule in active if first[rule.code] is None}, own)
    for rule in active:
        yield first[rule.code] or caught.get(rule.code) or _by_example(rule, own)


def _by_settings(rule: RuleInPolicy, own: OwnAuthority) -> Canary | None:
    """A rule tried with changes that its own settings speak of; None where there is none that it judged."""
    said = []
    idle = unmatched(rule, own.policy, own.files)
    if idle:
        return Canary(rule.code, rule.name, "missed", idle)
    for one in of_settings(rule, own.policy, own.files):
        seen = _seen(_at_stage(_alone(own.under(one.case), rule.code), rule))
        missed = [path for path in one.paths if (rule.code, path) not in seen.findings]
        if seen.error or seen.states.get(rule.code) in ("not-applicable", "off", None):
            return None
        if missed or rule.code not in seen.codes:
            which = ", ".join(path.decode("utf-8", "backslashreplace") for path in missed)
            return Canary(rule.code, rule.name, "missed", f"a change that {one.said}: not found at {which}")
        said.append(one.said)
    return Canary(rule.code, rule.name, "caught", f"a change that {'; '.join(said)}") if said else None


def _by_anything(codes: set[str], own: OwnAuthority) -> dict[str, Canary]:
    """The rules that catch something of changes that nobody wants, under the authority as it is."""
    found: dict[str, Canary] = {}
    for one in unwanted(own.policy):
        if not codes - set(found):
            break
        for code in sorted(_seen(own.under(one.case)).codes & codes - set(found)):
            found[code] = Canary(code, _name(own, code), "caught", f"a change that {one.said}")
    return found


def _by_example(rule: RuleInPolicy, own: OwnAuthority) -> Canary:
    """A rule tried with the failing examples of its own page."""
    reason = "its page has no example that fails"
    muted = ""
    for example in examples(load(rule.target)):
        if example.kind != "fails":
            continue
        try:
            case = example.case
        except CaseError as error:
            reason = str(error)
            continue
        where = f"the example {example.number} of its page"
        for tried, under in _under(case, rule, own):
            seen = _seen(_at_stage(tried, rule))
            if rule.code in seen.codes and speaks_of_changes(rule) and under != _WHOLE:
                reason = f"no change could be guessed that its own settings cover; caught is {where}"
            elif rule.code in seen.codes:
                return Canary(rule.code, rule.name, "caught", f"{where}, {under}")
            elif seen.states.get(rule.code) == "passed" and "severity" in under:
                muted = f"{where}, {under}, is let through"
            elif not seen.error:
                reason = seen.reasons.get(rule.code) or reason
    if muted:
        return Canary(rule.code, rule.name, "missed", muted)
    return Canary(rule.code, rule.name, "unprovoked", reason)


def _under(case: Case, rule: RuleInPolicy, own: OwnAuthority) -> Iterator[tuple[Case, str]]:
    """An example under this authority, then under its own policy with ever less of this one's settings."""
    yield own.under(replace(case, policy=None)), _WHOLE
    own_settings = {name: _toml(plain(value)) for name, value in rule.settings.items()}
    common: Settings = {"severity": rule.severity, "stages": list(rule.stages)}
    if rule.exclude:
        common["exclude"] = list(rule.exclude.patterns)
    for settings, under in (
        (own_settings, "with what this policy sets for the rule besides"),
        ({}, "with this policy's severity, stages and exceptions for the rule"),
    ):
        merged = _merged(case, rule, settings, common)
        if merged is not None:
            yield merged, under


def _merged(case: Case, rule: RuleInPolicy, settings: Settings, common: Settings) -> Case | None:
    """An example whose policy has a rule's settings too, below its own; None where they cannot be joined."""
    text = case.policy or ""
    if not text:
        return None
    if text.startswith("#"):
        # A second table of the same rule is an error, which the check then says.
        table = toml_value({**settings, **common})
        # A section of its own: a sentence is bound to the rules whose settings stand beside it.
        block = f"## Settings\n\n```toml specguard\nrules.{rule.name} = {table}\n```\n"
        return replace(case, policy=f"{text.rstrip()}\n\n{block}")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        # Placeholders of keys stand in it.
        return None
    rules = data.setdefault("rules", {})
    table = rules.setdefault(rule.name, {})
    if not isinstance(table, dict):
        return None
    rules[rule.name] = {**settings, **table, **common}
    lines = (f"{toml_key(key)} = {toml_value(value)}\n" for key, value in data.items())
    return replace(case, policy="".join(lines))


def _at_stage(case: Case, rule: RuleInPolicy) -> Case:
    """A case at a moment at which a rule judges, where that is not the one of a range."""
    stages: Sequence[str] = rule.stages
    if "range" in stages or case.staged or case.worktree or case.commit_message or case.title is not None:
        return case
    if "pull-request" in stages:
        return replace(case, title="feat: canary", body=case.body or "")
    if "staged" in stages and len(case.commits) == 1:
        return replace(case, commits=[], staged=case.commits[0])
    return case


def _alone(case: Case, code: str) -> Case:
    return replace(case, args=[*case.args, f"--select={code}"])


def _seen(case: Case) -> _Seen:
    with TemporaryDirectory(prefix="specguard-canary-") as place:
        try:
            outcome, _ = judge_case(case, place, installed=False)
            return _Seen(outcome.reports)
        except (CaseError, AssertionError, SpecguardError) as error:
            return _Seen((), str(error) or "it cannot be judged")


def _toml(value: Any) -> Any:
    """A value without what TOML cannot say."""
    if isinstance(value, dict):
        return {key: _toml(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_toml(part) for part in value if part is not None]
    return value


def _name(own: OwnAuthority, code: str) -> str:
    rule = own.policy.rule(code)
    return rule.name if rule else code


_CLASS = re.compile(r"\[(?P<not>[!^])?(?P<first>[^]])[^]]*\]")
_PARTS = re.compile(r"(\*+|\?)")
_WORD = "canary"
_CATEGORIES = {"CATEGORY_DIGIT": "7", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "w"}
_OTHERS = {"CATEGORY_NOT_DIGIT": "d", "CATEGORY_NOT_SPACE": "s", "CATEGORY_NOT_WORD": "-"}


def path_in(patterns: Patterns, position: int, exclude: Covering | None = None) -> bytes | None:
    """A path that one of some patterns matches; None where none can be guessed.

    Args:
        patterns: the patterns.
        position: which of them.
        exclude: paths that will not do.
    """
    pattern = patterns.patterns[position]
    plain = _CLASS.sub(lambda found: "~" if found["not"] else found["first"], pattern).lstrip("/")
    for word in (_WORD, "canary.md", "c"):
        filled = "".join(
            "q" if part == "?" else word if "*" in part else part for part in _PARTS.split(plain)
        )
        for end in (_WORD, "canary.md", ""):
            path = f"{filled.rstrip('/')}/{end}" if end and filled.endswith("/") else filled.rstrip("/")
            data = path.replace("\\", "").encode("utf-8", "surrogateescape")
            if data and patterns.find(data) is not None and not (exclude and exclude.find(data) is not None):
                return data
    return None


def apart(paths: Iterable[bytes]) -> list[bytes]:
    """Those paths that can be in one tree: none of them is a folder of another, in letters of either case."""
    kept: list[bytes] = []
    for path in paths:
        low = path.lower()
        if not any(
            low == other or low.startswith(other + b"/") or other.startswith(low + b"/")
            for other in (one.lower() for one in kept)
        ):
            kept.append(path)
    return kept


def line_of(expression: Expression) -> str | None:
    """A line that an expression matches; None where none can be guessed."""
    try:
        tree = parser.parse(expression.text.replace(r"\z", r"\Z"))
        line = "".join(_sample(item) for item in tree)
    except (re.error, RecursionError, OverflowError, KeyError, LookupError):
        return None
    for guess in (line, f" {line} ", f"{_WORD} {line}", f"{line}.", f"{line}{_WORD}"):
        if "\n" not in guess and "\0" not in guess and expression.search(guess):
            return guess
    return None


def _sample(item: tuple[Any, Any]) -> str:
    """A text for one node of an expression's tree."""
    kind, value = item
    name = str(kind)
    if name == "LITERAL":
        return chr(value)
    if name == "NOT_LITERAL":
        return "a" if value != ord("a") else "b"
    if name == "ANY":
        return "a"
    if name == "IN":
        return _member(value)
    if name == "BRANCH":
        return "".join(_sample(part) for part in value[1][0])
    if name == "SUBPATTERN":
        return "".join(_sample(part) for part in value[-1])
    if name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        least, _most, inner = value
        return "".join(_sample(part) for part in inner) * min(int(least), 10_000)
    if name == "AT":
        return ""
    raise KeyError(name)


def _member(options: list[tuple[Any, Any]]) -> str:
    """A character of a set."""
    unlike = str(options[0][0]) == "NEGATE"
    if unlike:
        inside = {char for option in options[1:] for char in _characters(option)}
        return next(char for char in "aZ7-_ .~" if char not in inside)
    return _characters(options[0])[0]


def _characters(option: tuple[Any, Any]) -> str:
    kind, value = option
    if kind is constants.LITERAL:
        return chr(value)
    if kind is constants.RANGE:
        return "".join(map(chr, range(value[0], min(value[1], value[0] + 255) + 1)))
    return {**_CATEGORIES, **_OTHERS}[str(value)]


_MOST = 40
_MESSAGES = (
    "nonsense",
    "WIP: Something Something.",
    "feat:no space",
    "FEAT(Scope): Added a thing.\nand no empty line",
    f"feat: {'long ' * 60}",
    "feat: x\n\n" + "word " * 80,
)
_CODE_RULE = "missing-spec-change"
_BRANCHES = ("canary/Not_A-Name", "main")


class Provocation(Record):
    """A change that a rule is to catch.

    Attributes:
        case: the change, without a policy and without anything expected.
        said: what it does, as a clause.
        paths: the paths that must each be found; empty where any finding will do.
    """

    case: Case
    said: str
    paths: tuple[bytes, ...] = ()


def speaks_of_changes(rule: RuleInPolicy) -> bool:
    """Whether a rule's own settings say which changes it is to catch."""
    return rule.name in _MAKERS or rule.name == _CODE_RULE


def of_settings(rule: RuleInPolicy, policy: Policy, files: Sequence[bytes] = ()) -> Iterator[Provocation]:
    """The changes that a rule's own settings speak of; nothing for a rule whose settings name none.

    Args:
        rule: the rule.
        policy: its policy.
        files: the repository's own files, one of which is taken where the rule is about code.
    """
    maker = _MAKERS.get(rule.name)
    if maker is not None:
        yield from maker(rule, policy)
    elif rule.name == _CODE_RULE:
        path = _code(policy, files)
        if path is not None:
            yield Provocation(_commit({path: "x\n"}), f"touches only {_named([path])}", (path,))


def unmatched(rule: RuleInPolicy, policy: Policy, files: Sequence[bytes]) -> str:
    """Why a rule about the repository's code can find nothing, as a clause; empty where it can."""
    if rule.name != _CODE_RULE or not files or _code(policy, files) is not None:
        return ""
    return f"no file is under [specs] code ({', '.join(policy.declared('spec_settings').code.patterns)})"


def _code(policy: Policy, files: Sequence[bytes]) -> bytes | None:
    """The first file of a repository that `[specs] code` covers."""
    code: Patterns = policy.declared("spec_settings").code
    return next((files[at] for at, _ in code.find_each(files)), None)


def unwanted(policy: Policy) -> Iterator[Provocation]:
    """Changes that many policies catch something of, whatever their settings are."""
    for message in _MESSAGES:
        title = message.split("\n")[0].strip()
        yield Provocation(_commit({b"canary.txt": "x\n"}, message=message), f"commits {title[:40]!r}")
        yield Provocation(
            _commit({b"canary.txt": "x\n"}, message=message, title=title, body=""),
            f"opens a pull request {title[:40]!r}",
        )
    for branch in _BRANCHES:
        yield Provocation(
            Case(
                base=[Step("chore: base")],
                commits=[Step("feat: canary", files={b"canary.txt": "x\n"})],
                branch="work" if branch == "main" else branch,
                args=["--branch=main"] if branch == "main" else [],
            ),
            f"commits to the branch {branch!r}",
        )
    commits = [Step("feat: canary", files={b"canary.txt": f"{number}\n"}) for number in range(12)]
    yield Provocation(Case(commits=commits), "makes twelve commits")
    documents = [path for path, _ in policy.documents]
    if documents:
        gone = documents[0].encode("utf-8", "surrogateescape")
        case = Case(commits=[Step("docs: canary", delete=[gone])])
        yield Provocation(case, f"deletes {documents[0]}")


def _commit(
    files: dict[bytes, str],
    *,
    message: str = "feat: canary",
    title: str | None = None,
    body: str | None = None,
) -> Case:
    return Case(commits=[Step(message, files={**files})], title=title, body=body)


def _guarded(rule: RuleInPolicy, policy: Policy) -> Iterator[Provocation]:
    """A path of every pattern that forbids or locks: some are added, and some changed."""
    patterns: Patterns = rule.settings["paths"]
    guesses = [path_in(patterns, at, rule.exclude) for at in range(min(len(patterns.patterns), _MOST))]
    own = policy.document_paths
    paths = apart(path for path in guesses if path is not None and _is_guarded(path, rule, policy))
    if paths:
        there = [path for path in paths[1::2] if path not in own]
        case = Case(
            base=[Step("chore: base", files=dict.fromkeys(there, "a\n"))],
            commits=[Step("feat: canary", files=dict.fromkeys(paths, "b\n"))],
        )
        yield Provocation(case, f"touches {_named(paths)}", tuple(paths))


def _is_guarded(path: bytes, rule: RuleInPolicy, policy: Policy) -> bool:
    """Whether this rule speaks of a path: one that is forbidden too is not told to be locked."""
    guard = policy.guards.find(path)
    return guard is not None and guard.rule == rule.name


def _forbidden_content(rule: RuleInPolicy, _policy: Policy) -> Iterator[Provocation]:
    files: dict[bytes, str] = {}
    for forbidden in rule.settings["forbid"]:
        line = line_of(forbidden.pattern)
        path: bytes | None = b"canary.txt"
        if forbidden.paths:
            path = next(
                filter(None, (path_in(forbidden.paths, at, forbidden.exclude)
                              for at in range(len(forbidden.paths.patterns)))),
                None,
            )  # fmt: skip
        if line is not None and path is not None:
            files[path] = files.get(path, "") + line + "\n"
    kept = apart(files)
    if kept:
        case = _commit({path: files[path] for path in kept})
        yield Provocation(case, f"adds lines that match to {_named(kept)}", tuple(kept))


def _companions(rule: RuleInPolicy, _policy: Policy) -> Iterator[Provocation]:
    for companion in rule.settings["companions"]:
        path = path_in(companion.when, 0, companion.require)
        if path is not None:
            yield Provocation(_commit({path: "x\n"}), f"touches only {_named([path])}", (path,))


def _named(paths: list[bytes]) -> str:
    shown = [path.decode("utf-8", "backslashreplace") for path in paths[:3]]
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(shown) + more


_MAKERS: dict[str, Callable[[RuleInPolicy, Policy], Iterator[Provocation]]] = {
    "forbidden-path": _guarded,
    "locked-path": _guarded,
    "forbidden-content": _forbidden_content,
    "missing-companion": _companions,
}
