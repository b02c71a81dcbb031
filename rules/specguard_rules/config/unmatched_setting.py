"""CFG002: patterns of the policy that match nothing in the tree."""

from __future__ import annotations

import re

from specguard.rules import Covering, Finding, Guarding, Rule, Selecting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, ClassVar, Final

    from specguard.rules import Entry, Origin, Policy, Severity, Stage, Tree

_WILD: Final = re.compile(r"[*?\[]")
_CODE: Final = "specs.code"
_ABOUT_BRANCHES: Final = frozenset(["BRN", "PRQ"])


class UnmatchedSetting(Rule):
    """A pattern or exception in the policy matches no file.

    Path patterns of all rules, `exclude` too, are compared with the files after the change, except those of
    presets, wildcards of `forbidden-path` and branch names.

    Why is this bad? A typo in a lock is an open door: `docs/prodct/` locks nothing.

    How to fix it: correct the pattern, or take it out.

    ```text
    warning: SPEC_AUTHORITY.md:5: the pattern 'docs/prodct/' of locked-path.paths matches no file
    ```

    ```toml fails
    policy = '''
    [rules.locked-path]
    paths = ["docs/product/", "docs/prodct/"]
    exclude = ["docs/product/draft.md"]
    '''
    base = {files = {"docs/product/x.md" = "a"}}
    expect = [{code = "CFG002", path = "SPEC_AUTHORITY.md"}, {code = "CFG002", path = "SPEC_AUTHORITY.md"}]
    ```

    ```toml passes
    policy = '''
    [rules.forbidden-path]
    paths = ["**/*.pem"]

    [rules.locked-path]
    paths = ["docs/", "docs/product/"]
    exclude = ["docs/product/draft.md"]
    '''
    base = {files = {"docs/product/draft.md" = "a"}}
    ```
    """

    code: ClassVar[str] = "CFG002"
    name: ClassVar[str] = "unmatched-setting"
    severity: ClassVar[Severity] = "warning"
    stages: ClassVar[tuple[Stage, ...]] = ("push", "range", "pull-request", "run")
    condition: ClassVar[str] = "every path pattern of the policy's rules matches a file"

    def check(
        self, policy: Policy, entries: Sequence[Entry], head_files: Tree, whole: bool
    ) -> Iterator[Finding]:
        """Compare the patterns with the files before and after."""
        paths: Sequence[bytes] | None = None
        origins = policy.origins
        for key, patterns in _settings(policy):
            if paths is None:
                # What the change itself takes away was no typo, nor is the policy that is not committed yet.
                gone = [entry.path for entry in entries if entry.deleted]
                own = [path.encode("utf-8", "surrogateescape") for path, _ in policy.documents]
                paths = [*head_files.paths(), *gone, *own]
            used = patterns.used(paths)
            places = [origins.get(f"{key}.{at}", origins.get(key)) for at in range(len(patterns.patterns))]
            if places and all(place and place.path.startswith("preset:") for place in places):
                # A preset is written for many repositories, so that one of its patterns is enough.
                if not used and (isinstance(patterns, Guarding) or key == _CODE):
                    yield _unfitted(key, patterns, policy)
                continue
            for index, (pattern, origin) in enumerate(zip(patterns.patterns, places, strict=True)):
                # A default has no origin.
                if index in used or not origin or origin.path.startswith("preset:"):
                    continue
                others = not whole and policy.is_of_others(origin.path, entries)
                if not others and not _forbids_by_form(key, pattern):
                    yield _finding(key, index, pattern, origin)


def _settings(policy: Policy) -> Iterator[tuple[str, Covering | Guarding | Selecting]]:
    """Every list of path patterns of the rules that judge, with its key."""
    for rule in policy.rules:
        if rule.active and rule.configured:
            tables: dict[str, Any] = {} if rule.code[:3] in _ABOUT_BRANCHES else dict(rule.settings)
            for field, patterns in _patterns({**tables, "exclude": rule.exclude}, ""):
                yield f"rules.{rule.name}.{field}", patterns
    governing = policy.rule("SPC007")
    if governing is not None and governing.active:
        yield _CODE, policy.declared("spec_settings").code


def _unfitted(key: str, patterns: Covering | Guarding | Selecting, policy: Policy) -> Finding:
    origin = policy.origin("extends")
    where = ", ".join(patterns.patterns)
    return Finding(
        f"the preset's {key.removeprefix('rules.')} ({where}) matches no file, so it holds nothing",
        help=f"Say where that is here: `{key} = [...]`.",
        path=policy.documents[0][0].encode("utf-8", "surrogateescape"),
        line=(origin and origin.line) or None,
        field=key,
        key=key,
        authority=origin,
    )


def _forbids_by_form(key: str, pattern: str) -> bool:
    """Whether a pattern forbids files of a form, which may never be there."""
    return key == "rules.forbidden-path.paths" and _WILD.search(pattern.removesuffix("/**")) is not None


def _finding(key: str, index: int, pattern: str, origin: Origin) -> Finding:
    return Finding(
        f"the pattern {pattern!r} of {key.removeprefix('rules.')} matches no file",
        help="Correct the pattern, or take it out.",
        path=origin.path.encode("utf-8", "surrogateescape"),
        line=origin.line or None,
        field=f"{key}.{index}",
        key=f"{key} {pattern}",
        authority=origin,
    )


def _patterns(value: Any, field: str) -> Iterator[tuple[str, Covering | Guarding | Selecting]]:
    """Every list of path patterns in a value, with its key: in tables, lists of tables and nested ones."""
    if isinstance(value, (Covering, Guarding, Selecting)):
        yield field, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _patterns(inner, f"{field}.{name}" if field else name)
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from _patterns(inner, f"{field}.{index}")
    elif hasattr(value, "_fields"):
        yield from _patterns({name: getattr(value, name) for name in value._fields}, field)
