"""SPC007: governed code that changed without a spec."""

from __future__ import annotations

import re

from specguard.rules import Finding, Rule, path_text, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar

    from specguard.rules import Artifacts, Commit, Entry, PullRequest, Specs
    from specguard.specs.spec import Spec

_WORD = re.compile(r"\w{2,}")
# Words that stand where a reason should.
_EMPTY = frozenset(
    {"reason", "todo", "tbd", "none", "na", "no", "nothing", "not", "applicable", "the", "why", "xxx"}
)


class MissingSpecChange(Rule):
    r"""Governed code changes without its spec, and nobody says why.

    A change under `code` in `[specs]` also changes a spec that governs the path, or adds one with its
    required sections. Deletions, renames, white space and bare review dates do not count. Or a commit or the
    pull request says why: `Spec-Impact: none (only names changed)`. Before a commit it is a warning.

    Why is this bad? The spec soon describes something else.

    How to fix it: change the spec, or state the reason.

    ```text
    error: src/a.py changed, and no spec did that governs it; what changed in tasks/specs/0001-runs.md
      does not count; 'Spec-Impact: none' is without a reason in brackets
    ```

    ```toml fails
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    code = ["src/**"]
    '''
    base = {files = {"src/a.py" = "a", "tasks/specs/0001-runs.md" = "# Runs"}}

    [[commits]]
    message = "feat: run\n\nSpec-Impact: none"
    files = {"src/a.py" = "b", "tasks/specs/0001-runs.md" = "# Runs\n\n"}

    [[expect]]
    code = "SPC007"
    path = "src/a.py"
    message = "without a reason"
    ```

    ```toml passes
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    code = ["src/**"]
    '''
    base = {files = {"src/a.py" = "a"}}
    commits = [{message = "feat: run\n\nSpec-Impact: none (a private name)", files = {"src/a.py" = "b"}}]
    ```

    ```toml passes
    policy = '''
    [specs]
    files = ["tasks/specs/*.md"]
    code = ["src/**"]
    governs = {"src/**" = ["tasks/specs/0001-*.md"]}
    '''
    base = {files = {"src/a.py" = "a", "tasks/specs/0001-runs.md" = "# Runs"}}
    commits = [{message = "feat: run", files = {"src/a.py" = "b", "tasks/specs/0001-runs.md" = "# All runs"}}]
    ```
    """

    code: ClassVar[str] = "SPC007"
    name: ClassVar[str] = "missing-spec-change"
    tables: ClassVar[tuple[str, ...]] = ("specs.code",)
    condition: ClassVar[str] = "governed code changes with its spec, or a trailer says why not"

    def check(
        self,
        entries: Sequence[Entry],
        specs: Specs,
        commits: Sequence[Commit] | None = None,
        pull_request: PullRequest | None = None,
        artifacts: Artifacts | None = None,
    ) -> Iterator[Finding]:
        """Look for code, then for a spec, then for a reason."""
        settings = specs.settings
        governed = {path for spec in specs.altered for path in specs.governed_by(spec)}
        changed = [
            entry
            for entry in entries
            if settings.code.find(entry.path) is not None
            and not specs.is_spec_path(entry.path)
            and entry.path not in governed
        ]
        added = [_lacking(spec, artifacts) for spec in specs.altered if specs.is_new(spec)] if changed else []
        if not changed or "" in added:
            return
        stated, hint = _reason(settings.trailer, commits or (), pull_request)
        if stated:
            return
        first = changed[0]
        more = f" (and {len(changed) - 1} more like it)" if len(changed) > 1 else ""
        places = settings.spec_paths.patterns or (*settings.files.patterns, settings.index)
        wanted = " or ".join(filter(None, places)) or "[specs] `files`"
        candidates = sorted((one.deleted, one.path) for one in entries if specs.is_spec_path(one.path))
        why = ""
        if added:
            why = f"; the new {added[-1]}"
        elif specs.altered:
            why = f"; {path_text(specs.altered[0].path)} does not govern it"
        elif candidates:
            why = f"; what changed in {path_text(candidates[0][1])} does not count"
        yield Finding(
            f"{path_text(first.path)}{more} changed, and no spec did that governs it{why}{hint}",
            help="Change the spec that governs it ([specs.governs], or the spec itself, says which), or add "
            f"one under {wanted}. Or say why not in the last paragraph of the commit message: "
            f"'{settings.trailer}: none (REASON)'.",
            path=first.path,
            side=first.side,
            key="no spec changed",
            severity="warning" if commits is None else None,
            setting="specs.code",
        )


def _lacking(spec: Spec, artifacts: Artifacts | None) -> str:
    """What a new spec lacks to be one, with its name; empty where it lacks nothing."""
    about = artifacts.contracted(spec.path) if artifacts else ()
    contracts = [artifact for artifact in about if artifact.contract.sections]
    for artifact in contracts:
        for flaw in artifact.flaws("missing-section", "empty-section"):
            return f"{path_text(spec.path)} does not count: {flaw.message}"
    return "" if contracts or spec.has_text else f"{path_text(spec.path)} has no text under a heading"


def in_brackets(value: str) -> str:
    """What a line has in its brackets behind a word; empty without these."""
    before, _, behind = value.partition("(")
    return behind.rpartition(")")[0] if any(map(str.isalnum, before)) else ""


def _reason(key: str, commits: Sequence[Commit], pull_request: PullRequest | None) -> tuple[bool, str]:
    """Whether a reason is stated under a trailer; else what is wrong with the trailers, as a clause."""
    from specguard_rules.trailers import in_change

    hint = ""
    for found in in_change(commits, pull_request):
        for trailer in found.of(key):
            if {word.casefold() for word in _WORD.findall(in_brackets(trailer.value))} - _EMPTY:
                return True, ""
            said = f"{key}: {shortened(trailer.value)}".rstrip()
            hint = f"; {said!r} is without a reason in brackets"
        for trailer in found.misplaced(key):
            hint = hint or f"; '{key}' in line {trailer.line} of a message is not in its last paragraph"
    return False, hint
