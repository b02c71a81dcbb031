"""PTH004: the authority, or what runs specguard, changed."""

from __future__ import annotations

import re

from specguard.rules import Finding, Rule, Selecting, path_text, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Final

    from specguard.authority.baseline import BaselineChange
    from specguard.rules import Base, Entry, Policy, PolicyChange, Severity, Stage, Tree

_FOLDER: Final = b".specguard/"
_BASELINE: Final = b".specguard/baseline.json"
_PROJECT: Final = b"pyproject.toml"
_DOCUMENTS: Final = frozenset({b"SPEC_AUTHORITY.md", b"specguard.toml", _PROJECT})
"""Where settings are read from without being named."""

_WORDS: Final = {
    "tightens": "tightens the policy",
    "loosens": "loosens the policy",
    "incomparable": "changes the policy, for better or worse",
}
_NAMED: Final = 3
"""So many elements of a list are named before the rest is counted."""

_HELP: Final = "Leave it to a change of its own, and ask for an approval of PTH004."


class PolicyChanges(Rule):
    r"""A change alters the policy, or what runs specguard.

    Settings that loosen, or could, are errors with their old and new values. Those that only tighten are
    warnings, and prose is information. `.specguard/` counts too: a grown baseline is an error. In `files`
    (hooks, CI, agents' settings), only what runs specguard counts.

    Why is this bad? It judges every later change.

    How to fix it: make it a change of its own, and ask for an approval of `PTH004`.

    ```text
    error: specguard.toml:2: loosens the policy: rules.locked-path.paths drops "docs/api/"
    ```

    ```toml fails
    policy = ""
    base = {files = {"specguard.toml" = "[rules.locked-path]\npaths = ['docs/api/', 'LICENSE']\n"}}

    [[commits]]
    message = "chore: x"
    files = {"specguard.toml" = "[rules.locked-path]\npaths = ['LICENSE']\n"}

    [[expect]]
    code = "PTH004"
    path = "specguard.toml"
    line = 2
    message = "loosens the policy: rules.locked-path.paths"
    authority = "specguard.toml:2"
    ```

    ```toml fails
    base = {files = {"lefthook.yml" = "pre-commit:\n  jobs:\n  - run: specguard check --staged\n"}}
    commits = [{message = "chore: x", files = {"lefthook.yml" = "pre-commit:\n  jobs: []\n"}}]
    expect = [{code = "PTH004", path = "lefthook.yml", message = "no longer runs specguard"}]
    ```

    ```toml passes
    policy = '''
    [rules.locked-path]
    paths = ["LICENSE"]
    '''
    base = {files = {"ci.yml" = "a"}}
    commits = [{message = "ci: x", files = {".github/workflows/test.yml" = "on: [push]\njobs: {}\n"}}]
    ```
    """

    code: ClassVar[str] = "PTH004"
    name: ClassVar[str] = "policy-change"
    signed: ClassVar[bool] = True
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = "neither the policy nor what runs specguard changes"

    files: Selecting = setting(Selecting.of(
        ".pre-commit-config.yaml", ".githooks/**", ".husky/**", "lefthook.yml", ".claude/settings.json",
        ".claude/settings.local.json", ".codex/hooks.json", ".codex/config.toml", ".gemini/settings.json",
        ".cursor/hooks.json", ".ci/**",
        ".github/workflows/*", ".github/actions/**", ".gitlab-ci.yml", ".gitlab/**", ".circleci/*",
        ".buildkite/*", "azure-pipelines.yml", "bitbucket-pipelines.yml", "Jenkinsfile"
    ), "hooks and CI files")  # fmt: skip

    def check(
        self,
        entries: Sequence[Entry],
        base: Base,
        policy: Policy,
        policy_change: PolicyChange,
        start_files: Tree,
        head_files: Tree,
    ) -> Iterator[Finding]:
        """Look at the policy's difference, then at each file that runs specguard."""
        authority = {path.encode("utf-8", "surrogateescape") for path, _ in policy.documents}
        named = _DOCUMENTS | authority
        documents = [entry for entry in entries if entry.path in named]
        if documents:
            yield from _differences(documents, policy_change)
        # Compiling the patterns would cost a hook more than looking at how they begin.
        beginnings = tuple(
            re.split(r"[*?\[\\]", pattern.lstrip("/"))[0].encode() for pattern in self.files.patterns
        )
        for entry in entries:
            if entry.path in named:
                continue
            if entry.path.startswith(_FOLDER):
                if entry.path == _BASELINE:
                    # Before a first authority nothing was judged, so nothing could be accepted.
                    if policy_change.baseline is not None and not (entry.added and policy.adopted):
                        yield _accepted(policy_change.baseline)
                elif not (entry.path.startswith(policy.log_folder) and (entry.added or base.has(entry))):
                    yield _finding(
                        entry.path, "is part of what specguard goes by, and was changed", "error", "state"
                    )
            elif entry.path.startswith(beginnings) and self.files.find(entry.path) is not None:
                yield from _runner(entry, start_files, head_files)


def _differences(documents: Sequence[Entry], change: PolicyChange) -> Iterator[Finding]:
    """A finding for each setting that the change alters."""
    paths = {entry.path.decode("utf-8", "surrogateescape"): entry for entry in documents}
    first = next((entry for entry in documents if entry.path != _PROJECT), documents[0])
    if change.problem:
        yield _finding(
            first.path, f"leaves a policy that cannot be read: {change.problem}", "error", "unread"
        )
    for difference in change.differences:
        origins = (difference.new_origin, difference.old_origin)
        origin = next((one for one in origins if one is not None and one.path in paths), None)
        path = paths[origin.path].path if origin else first.path
        yield Finding(
            f"{path_text(path)} {_WORDS[difference.effect]}: {difference.key} {difference.summary}",
            help="See that this is meant." if difference.effect == "tightens" else _HELP,
            path=path,
            line=origin.line or None if origin is not None and origin is difference.new_origin else None,
            key=difference.key,
            severity="warning" if difference.effect == "tightens" else "error",
            authority=difference.old_origin,
        )
    if not change:
        for entry in documents:
            # A pyproject.toml is mostly about something else.
            if not entry.added and entry.path != _PROJECT:
                message = f"{path_text(entry.path)} changes, and no setting with it"
                step = "See that its prose still says what the settings do."
                yield Finding(message, help=step, path=entry.path, key="prose", severity="info")


def _accepted(change: BaselineChange) -> Finding:
    """What a change of the baseline comes to."""
    if change.problem:
        return _finding(
            _BASELINE, f"cannot be compared with what it was: {change.problem}", "error", "baseline"
        )
    if not change.growths:
        return _finding(_BASELINE, "accepts no more findings than before", "warning", "baseline")
    named = ", ".join(map(str, change.growths[:_NAMED]))
    more = f" and {len(change.growths) - _NAMED} more" if len(change.growths) > _NAMED else ""
    found = _finding(
        _BASELINE, f"accepts findings that were not accepted before: {named}{more}", "error", "baseline"
    )
    found.line = change.growths[0].line
    return found


def _runner(entry: Entry, before: Tree, after: Tree) -> Iterator[Finding]:
    """What a change of a hook or CI file comes to, where it has to do with specguard."""
    if entry.old == entry.new and entry.old_mode == entry.new_mode:
        return
    from specguard_rules.paths._runners import RUNNERS, mentions, running_part, switches_off

    old, new = _text(before, entry.path), _text(after, entry.path) if entry.is_file else ""
    runner = RUNNERS.get(entry.path)
    if runner is not None and mentions(_text(before, runner)) and switches_off(new) and not switches_off(old):
        what = f"switches off the hooks of {path_text(runner)}, specguard's with them"
        yield _finding(entry.path, what, "error", "switch")
        return
    if not mentions(old):
        if mentions(new):
            yield _finding(entry.path, "runs specguard from now on", "info", "runner")
        return
    if not mentions(new):
        yield _finding(entry.path, "no longer runs specguard", "error", "runner")
        return
    yaml = entry.path.endswith((b".yml", b".yaml"))
    mode = entry.old_mode != entry.new_mode and not yaml
    if mode or running_part(old, yaml=yaml) != running_part(new, yaml=yaml):
        yield _finding(
            entry.path, "changes how specguard is run, which cannot be compared", "error", "runner"
        )


def _text(tree: Tree, path: bytes) -> str:
    return (tree.read(path) or b"").decode("utf-8", "surrogateescape")


def _finding(path: bytes, what: str, severity: Severity, key: str) -> Finding:
    mild = severity != "error"
    step = "See that this is meant." if mild else _HELP
    return Finding(f"{path_text(path)} {what}", help=step, path=path, key=key, severity=severity)
