"""Changes that rules are to catch: made of a policy's own settings, or of what nobody wants anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.evaluation.guessing import apart, line_of, path_in
from specguard.testing.case import Case
from specguard.testing.stream import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from specguard.authority.policy import Policy, RuleInPolicy
    from specguard.declaration.patterns import Patterns

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


class Provocation:
    """A change that a rule is to catch.

    Attributes:
        case: the change, without a policy and without anything expected.
        said: what it does, as a clause.
        paths: the paths that must each be found; empty where any finding will do.
    """

    def __init__(self, case: Case, said: str, paths: tuple[bytes, ...] = ()) -> None:
        self.case = case
        self.said = said
        self.paths = paths


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
