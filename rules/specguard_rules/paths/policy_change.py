"""PTH004: changes of the authority, or of files that run specguard."""

from __future__ import annotations

import re

from specguard.rules import Finding, Rule, Selecting, path_text, setting
from specguard_rules.paths.guarded import undone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, ClassVar, Final

    from specguard.engine.baseline import BaselineChange
    from specguard.rules import Base, Documents, Entry, Policy, PolicyChange, Severity, Stage

_FOLDER: Final = b".specguard/"
_BASELINE: Final = b".specguard/baseline.json"
_PROJECT: Final = b"pyproject.toml"
_DOCUMENTS: Final = frozenset({b"SPEC_AUTHORITY.md", b"specguard.toml", _PROJECT})
"""The files from which settings are read without being named."""

_EFFECTS: Final = {
    "tightens": "tightens the policy",
    "loosens": "loosens the policy",
    "incomparable": "changes the policy, for better or worse",
}
_MOST_NAMED: Final = 3
"""The number of elements of a list that are named; the rest is counted."""

_WILD: Final = str.maketrans("?[\\", "***")
"""The characters that end the literal beginning of a pattern, all mapped to `*`."""

_ASK: Final = "ask for an approval of PTH004."
_HELP: Final = f"Make it a change of its own, and {_ASK}"
_UNREAD: Final = f"Put it right: until then every check ends with 2. Or {_ASK}"

_AGENTS: Final = (b".claude/", b".codex/")
"""How paths of agents' settings begin."""

_SETTINGS: Final = (b".json", b".jsonc", b".toml", b".yaml", b".yml")
"""How paths of settings and of workflows end."""

_DATA: Final = (b".json", b".yaml", b".yml")
"""How paths of files end whose data is compared, not their lines and mode."""

_LEFTHOOK: Final = (b"lefthook", b".lefthook", b".config/lefthook")
"""How paths of lefthook's settings begin; its version decides which it reads, and local ones add to them."""

_PRECEDENCE: Final = (
    ((b".claude/settings.local.json",), (b".claude/settings.json",)),
    ((b".codex/config.toml",), (b".codex/hooks.json",)),
    ((b".forgejo/workflows/",), (b".gitea/workflows/", b".github/workflows/")),
    ((b".gitea/workflows/",), (b".github/workflows/",)),
    (_LEFTHOOK, _LEFTHOOK),
)
"""How paths of files begin that precede others or are read in their place, and how those of others do."""

_NAMES: Final = ("specguard", "spec-guard.y")
"""What a file names that runs specguard: the program, or a workflow `spec-guard.yml` to call."""

_CALLED: Final = (b".github/workflows/", b".gitea/workflows/", b".forgejo/workflows/", b".gitlab/")
"""How paths of workflows begin that others call, or include."""

_HOOKS_DISABLED: Final = r'"disableAllHooks"\s*:\s*true|\b(?:codex_)?hooks["\']?\s*[=:]\s*false'
_JOB_KEYS: Final = frozenset({"script", "trigger", "steps", "commands", "scripts", "jobs"})
"""Keys that mark a table at the top as a job: in GitLab, or a hook's commands in lefthook."""

_OTHER_TABLES: Final = frozenset([
    "commands", "default", "env", "executors", "inputs", "on", "orbs", "outputs", "parameters", "templates",
    "variables", "workflows",
])  # fmt: skip
"""Keys at the top whose children may have any names, including those of `_JOB_KEYS`."""

_GITLAB_JOB: Final = "spec-guard"
"""The name of the job in the component for GitLab, if no input gives another."""

_DESCRIPTIVE: Final = frozenset({"name", "run-name", "description", "output", "colors", "min_version"})
"""Keys at the top that decide nothing, unless a job has that name."""


class PolicyChanges(Rule):
    r"""A change alters the policy, or what runs specguard.

    Settings that loosen, or could, are errors with old and new values. Those that tighten are warnings, and
    prose is information. `.specguard/` and artifacts' schemas count: a grown baseline is an error. In `files`
    (hooks, CI, agents' settings), only what names specguard, a `spec-guard.yml` or a called workflow that
    runs it counts. Beside CI jobs, all but names and descriptions counts; in agents' settings that run
    specguard, all but `model` and `permissions`. Lock scripts that a job calls to run it.

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
        ".pre-commit-config.yaml", ".githooks/**", ".husky/**", "lefthook*.*", ".lefthook*.*",
        ".config/lefthook*.*", ".claude/settings.json", ".claude/settings.local.json", ".codex/hooks.json",
        ".codex/config.toml", ".gemini/settings.json", ".cursor/hooks.json", ".ci/**",
        ".github/workflows/*", ".github/actions/**", ".gitea/workflows/*", ".forgejo/workflows/*",
        ".gitlab-ci.yml", ".gitlab/**", ".circleci/*",
        ".buildkite/*", "azure-pipelines.yml", "bitbucket-pipelines.yml", "Jenkinsfile"
    ), "hooks and CI files", tightens="more")  # fmt: skip

    def check(
        self, entries: Sequence[Entry], base: Base, policy: Policy, policy_change: PolicyChange
    ) -> Iterator[Finding]:
        """Report what a rebase would undo, the policy's differences, and changed files that run specguard."""
        own = _DOCUMENTS | policy.document_paths | policy.schemas
        for one in undone(
            base, policy, lambda path: path in own or path.startswith(_FOLDER) or self.files.matches(path)
        ):
            what = f"was put back: a rebase undoes what {base.name} has"
            step = f"Put back what `git rebase {base.name}` undoes."
            commit = (base.touching(one.path) or base.commits)[-1].oid
            yield _finding(one.path, what, "error", "undone", step, commit=commit)
        rule = policy.rule(self.code)
        for found in self._changes([*entries, *base.carried], base, policy, policy_change):
            if rule and not rule.approvable and found.help.endswith(_ASK):
                found.help = "Take it back: the policy lets no approval lift it."
            yield found

    def _changes(
        self, entries: Sequence[Entry], base: Base, policy: Policy, policy_change: PolicyChange
    ) -> Iterator[Finding]:
        named = _DOCUMENTS | policy.document_paths
        schemas = frozenset() if policy.adopted else policy.schemas
        # A folder in the place of a document leaves a policy that cannot be read.
        inside = (_FOLDER, *(one + b"/" for one in named))
        named |= {entry.path for entry in entries if policy.is_nested(entry.path)}
        if settings := [entry for entry in entries if entry.path in named]:
            yield from _differences(settings, policy_change, policy)
        # Comparing the beginnings of the patterns costs a hook less than compiling them.
        beginnings = [one.lstrip("/").translate(_WILD).partition("*")[0] for one in self.files.patterns]
        prefixes = (*inside, *schemas, *map(str.encode, beginnings))
        runners = []
        for entry in entries:
            path = entry.path
            if path in named or not path.startswith(prefixes):
                continue
            if path == _BASELINE:
                # Before the first authority nothing was judged, so a baseline accepts nothing.
                if policy_change.baseline and policy.drafts is None and not (entry.added and policy.adopted):
                    yield _baseline_finding(policy_change.baseline)
            elif path in schemas or path.startswith(inside):
                grows = not path.startswith(inside) or path.startswith(policy.log_folder)
                if not (grows and (entry.added or base.has(entry))):
                    yield _state_finding(entry, base, policy)
            elif self.files.matches(path):
                runners.append(entry)
        if runners and policy.drafts is None:
            before, after = base.landing(prefixes)
            called = [one for one in before.tree.paths() if _is_only_called(one, before)]
            jobs = _gitlab_jobs(before)
            for entry in runners:
                calls = (str(one, "utf-8", "surrogateescape").lower() for one in called if one != entry.path)
                yield from _runner_findings(entry, before, after, (*_NAMES, *calls), jobs)


def _differences(documents: Sequence[Entry], change: PolicyChange, policy: Policy) -> Iterator[Finding]:
    """Yield a finding for each setting that the change alters; a draft is compared with nothing."""
    paths = {entry.path.decode("utf-8", "surrogateescape"): entry.path for entry in documents}
    first = next((entry.path for entry in documents if entry.path != _PROJECT), documents[0].path)
    if change.problem:
        what = f"leaves a policy that cannot be read: {change.problem}"
        step = "" if all(one.deleted for one in documents) else _UNREAD
        yield _finding(first, what, "error", "unread", step)
    for one in change.broken:
        # A change of only the root may be what makes specguard read the nested authority.
        path = paths.get(one.origin.path)
        what = f"breaks a nested authority:{'' if path else f' {one.origin}'} {one.message}"
        line, key = one.origin.line or None if path else None, f"unread: {one.message}"
        yield _finding(path or first, what, "error", key, one.step, line=line, authority=one.above)
    # An approval of one document must not cover what another one says later.
    several = len(documents) > 1 or any(one.key == "documents" for one in change.differences)
    for difference in change.differences:
        origins = (difference.new_origin, difference.old_origin)
        origin = next((one for one in origins if one is not None and one.path in paths), None)
        path = paths[origin.path] if origin else first
        what = f"{_EFFECTS[difference.effect]}: {difference.key} {difference.summary}"
        severity: Severity = "warning" if difference.effect == "tightens" else "error"
        key = difference.key + (f" from {difference.old!r} to {difference.new!r}" if several else "")
        line = origin.line or None if origin and origin is difference.new_origin else None
        yield _finding(path, what, severity, key, line=line, authority=difference.old_origin)
    for entry in documents if not (change or policy.drafts) else ():
        # Most changes of a pyproject.toml are not about settings.
        if not entry.added and entry.path != _PROJECT:
            step = "See that its prose still says what the settings do."
            yield _finding(entry.path, "changes, and no setting with it", "info", "prose", step)


def _state_finding(entry: Entry, base: Base, policy: Policy) -> Finding:
    """Build the finding about a changed file of specguard's folder."""
    step = ""
    if policy.is_record(entry.path):
        from specguard_rules.finding_texts import put_back

        # APR001 reports it too, and no approval lifts that.
        step = f"{put_back(entry, base)}."
    return _finding(entry.path, "is part of what specguard goes by, and was changed", "error", "state", step)


def _baseline_finding(change: BaselineChange) -> Finding:
    """Build the finding about a change of the baseline."""
    if change.problem:
        what = f"cannot be compared with what it was: {change.problem}"
        return _finding(_BASELINE, what, "error", "baseline", _UNREAD)
    if not change.growths:
        return _finding(_BASELINE, "accepts no more findings than before", "warning", "baseline")
    named = ", ".join(text for text, _ in change.growths[:_MOST_NAMED])
    more = f" and {len(change.growths) - _MOST_NAMED} more" if len(change.growths) > _MOST_NAMED else ""
    what = f"accepts findings that were not accepted before: {named}{more}"
    return _finding(_BASELINE, what, "error", "baseline", line=change.growths[0][1])


def _runner_findings(
    entry: Entry, before: Documents, after: Documents, names: tuple[str, ...], jobs: set[str]
) -> Iterator[Finding]:
    """Yield the findings about a changed hook or CI file that concern specguard, by what names it."""
    path = entry.path
    old, new = _text(before, path), _text(after, path) if entry.is_file else ""
    other = None if entry.deleted else _preceded(path, before, after)
    moded = entry.old_mode != entry.new_mode and not path.endswith(_DATA)
    if other and path.startswith(_AGENTS) and switches_off(new) and not switches_off(old):
        what = f"switches off the hooks of {path_text(other)}, specguard's with them"
        yield _finding(path, what, "error", "switch")
    elif mentions(old, names) and not mentions(new, names):
        yield _finding(path, "no longer runs specguard", "error", "runner")
    elif other and not (entry.is_file and _overlay(path, before) == _overlay(path, after)):
        yield _finding(path, f"precedes {path_text(other)}, which runs specguard", "error", "switch")
    elif _overrides(path, jobs, before) != _overrides(path, jobs, after) or (
        mentions(old, names) and (moded or _run_by(path, before, names) != _run_by(path, after, names))
    ):
        yield _finding(path, "changes how specguard is run, which cannot be compared", "error", "runner")


def _run_by(path: bytes, documents: Documents, names: tuple[str, ...]) -> Any:
    """Return what decides how a file runs specguard: the parts of its data, or else its lines."""
    read = documents.data(path) if path.endswith(_DATA) else None
    if read is None or read.problem is not None:
        return _lines(_text(documents, path))
    if path.endswith(b".json") and isinstance(read.value, dict):
        # An agent's model and permissions run nothing, and stay the agent's.
        return {key: one for key, one in read.value.items() if key not in ("model", "permissions")}
    return run_parts(read.value, names)


def _gitlab_jobs(documents: Documents) -> set[str]:
    """Return the names of GitLab's jobs that run specguard, and of what these extend."""
    files = [one for one in documents.tree.paths() if one.startswith(b".gitlab")]
    parts = [run_parts(_table(one, documents))[1] for one in files if mentions(_text(documents, one))]
    return {_GITLAB_JOB, *(text.lower() for text in _texts(parts))} if parts else set()


def _overrides(path: bytes, jobs: set[str], documents: Documents) -> Any:
    """Return what a file of GitLab sets for some of its jobs."""
    table = _table(path, documents) if path.startswith(b".gitlab") else None
    return {key: one for key, one in (table or {}).items() if str(key).lower() in jobs}


def _is_only_called(path: bytes, documents: Documents) -> bool:
    """True if a workflow runs specguard where others call or include it, and on no pull request by itself."""
    if not path.startswith(_CALLED) or not mentions(_text(documents, path)):
        return False
    on = (_table(path, documents) or {}).get("on")
    triggers = str(list(on) if isinstance(on, dict) else on)
    return on is None or ("workflow_call" in triggers and "pull_request" not in triggers)


def _preceded(path: bytes, before: Documents, after: Documents) -> bytes | None:
    """Return a file that runs specguard and that a file precedes or is read with; None if none is left."""
    for own, others in _PRECEDENCE if path.endswith(_SETTINGS) else ():
        paths = [one for one in before.tree.paths() if one != path] if path.startswith(own) else ()
        known = [one for one in paths if one.startswith(others) and one.endswith(_SETTINGS)]
        known = [one for one in known if after.tree.find(one) is not None and mentions(_text(before, one))]
        # Once a folder of workflows precedes another, a further file in it changes nothing.
        if known and not (own[0].endswith(b"/") and any(one.startswith(own) for one in paths)):
            return known[0]
    return None


def _overlay(path: bytes, documents: Documents) -> Any:
    """Return what a file changes in one that it precedes or is read with; None if it changes nothing.

    Of agents' settings this is the environment, of a workflow that it exists, and of lefthook's settings all.
    """
    if b"/workflows/" in path:
        return documents.tree.find(path) is not None
    if path.startswith(_AGENTS):
        return (_table(path, documents) or {}).get("env")
    return documents.tree.read(path)


def _table(path: bytes, documents: Documents) -> dict[str, Any] | None:
    """Return the data of a file; None if it is not a table, or cannot be read."""
    read = documents.data(path)
    return read.value if read is not None and isinstance(read.value, dict) else None


def _text(documents: Documents, path: bytes) -> str:
    """Return the content of a file, or the target of a symbolic link."""
    return (documents.tree.read(path) or b"").decode("utf-8", "surrogateescape")


def _lines(text: str) -> list[str]:
    """Return the lines that are neither blank nor comments, without trailing white space.

    A line `#!` stays: it names the program that runs a hook. Around a backslash at a line's end all stays.
    """
    lines = text.removeprefix("\ufeff").split("\n")
    return [
        line if line.rstrip().endswith("\\") else line.rstrip()
        for before, line in zip(["", *lines], lines, strict=False)
        if before.endswith("\\") or line.startswith("#!") or (line.strip() and line.lstrip()[0] != "#")
    ]


def mentions(text: str, names: tuple[str, ...] = _NAMES) -> bool:
    """True if a file has one of these names outside its comment lines."""
    return any(name in line.lower() for line in _lines(text) for name in names)


def switches_off(text: str) -> bool:
    """True if settings in JSON or TOML disable an agent's hooks."""
    import json
    import tomllib

    try:
        # This normalizes how names are written, and leaves out comments.
        plain = json.dumps((json if text.lstrip()[:1] == "{" else tomllib).loads(text), default=str)
    except (ValueError, RecursionError):
        plain = text
    return re.search(_HOOKS_DISABLED, plain) is not None


def run_parts(value: Any, called: tuple[str, ...] = _NAMES) -> Any:
    """Return the parts of a CI file or of pre-commit's settings that decide whether and how specguard runs.

    These parts are the jobs, hooks or commands that name specguard. Jobs that one of these names, to wait for
    them or to extend them, are included. Everything outside of jobs counts too: triggers, stages, variables.
    """
    import json

    jobs: list[tuple[str, Any]] = []
    rest: dict[str, Any] = {}
    for key, one in value.items() if isinstance(value, dict) else [("", value)]:
        if key == "jobs" and isinstance(one, dict):
            jobs += one.items()
        elif key in ("jobs", "repos") and isinstance(one, list):
            # In Azure Pipelines, `jobs` is a list of tables that have their names.
            for each in [child for child in one if isinstance(child, dict)]:
                jobs += _split(str(each.get("job") or each.get("deployment") or ""), each, "hooks")
        elif isinstance(one, dict) and key not in _OTHER_TABLES and not _JOB_KEYS.isdisjoint(one):
            jobs += _split(key, one, "commands", "jobs")
        elif key not in _DESCRIPTIVE or isinstance(one, dict):
            rest[key] = one
    # In GitLab, a job overrides the included one of its name.
    include = rest.get("include")
    texts = [json.dumps(one).lower() for one in (include if isinstance(include, list) else [include])]
    included = " ".join(filter(mentions, texts))
    names = {_GITLAB_JOB, *re.findall(r'"job-name": "([^"]+)"', included)} if included else set()
    new = {at for at, job in enumerate(jobs) if job[0].lower() in names or mentions(json.dumps(job), called)}
    places: dict[str, list[int]] = {}
    for at, (name, _) in enumerate(jobs):
        places.setdefault(name.lower(), []).append(at)
    # In CircleCI, `workflows` lists the jobs that run, and their order.
    chosen, unread = set[int](), [rest.get("workflows")]
    while new:
        chosen |= new
        names = {text.lower() for text in _texts([*unread, *(jobs[at] for at in new)])} - {""}
        unread, new = [], {at for name in names for at in places.get(name, ())} - chosen
    return rest, [jobs[at] for at in sorted(chosen)]


def _split(name: str, job: dict[str, Any], *keys: str) -> list[tuple[str, dict[str, Any]]]:
    """Return a job for each hook of a repository of pre-commit, and for each command or job of lefthook.

    Args:
        name: the job's name.
        job: the job.
        keys: keys of which one can hold several parts.
    """
    key = next((key for key in keys if job.get(key)), "")
    parts: Any = job.get(key)
    parts = [{called: one} for called, one in parts.items()] if isinstance(parts, dict) else parts
    # Lines of a shell are no parts: each decides what the next ones do.
    several = isinstance(parts, list) and all(isinstance(one, dict) for one in parts)
    # No other job names a part, and parts of one job must not name each other.
    return [("", {**job, key: one, "": name}) for one in parts] if several else [(name, job)]


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts that may name jobs, without those that name a stage, an image or runners."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            if key not in ("stage", "image", "tags"):
                yield from _texts(one)


def _finding(path: bytes, what: str, severity: Severity, key: str, step: str = "", **more: Any) -> Finding:
    step = step or (_HELP if severity == "error" else "See that this is meant.")
    return Finding(f"{path_text(path)} {what}", step, path, key=key, severity=severity, **more)
