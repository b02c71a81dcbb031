"""Rules about the policy: items not read, without effect, without a matching file, or without a rule."""

from __future__ import annotations

from itertools import groupby

from specguard.rules import Finding, Guarding, Origin, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, ClassVar, Final

    from specguard.authority.policy import Unread
    from specguard.rules import Covering, Entry, Policy, Severity, Stage, Tree


_SHOWN: Final = 3
"""The most items of unchanged documents, or sentences of edited ones, that are named; the rest is counted."""


class UnreadPolicyItem(Rule):
    """An item of the authority was not understood.

    A list under *Locked zones* is read item by item. One that begins with neither a code span nor a path
    locks nothing, and is a finding. So are lists of paths under unknown titles, such as *Protected files*,
    and an authority without rules. Other unknown titles are information.

    Why is this bad? Its author believes that it locks something.

    How to fix it: begin the item with the path in a code span, move explanations out of the list, or change
    the title. `specguard init --adopt` adds what it understands.

    ```text
    warning: SPEC_AUTHORITY.md:6: in the section 'Locked zones' 'everything that customers see' was not
      read: it does not begin with a path
    ```

    ```toml fails
    policy = '''
    # Authority

    ## Locked zones

    - `docs/api/`
    - everything that customers see
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    expect = [{code = "CFG001", path = "SPEC_AUTHORITY.md", line = 6}]
    ```

    ```toml passes
    policy = '''
    # Authority

    ## Locked zones

    Everything that customers see:

    - `docs/api/`
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    ```
    """

    code: ClassVar[str] = "CFG001"
    severity: ClassVar[Severity] = "warning"
    condition: ClassVar[str] = "every item in a known section of the authority was understood"

    def check(self, policy: Policy, entries: Sequence[Entry], whole: bool) -> Iterator[Finding]:
        """Name the items that were not read; in unchanged documents the first few, and count the rest."""
        touched = {entry.path for entry in entries}
        for document, found in groupby(policy.unread, lambda one: one.path):
            if not whole and policy.is_of_others(document, entries):
                continue
            items = list(found)
            path = document.encode("utf-8", "surrogateescape")
            if not whole and path not in touched:
                named = [item for item in items if _severity(item) == "warning"][:_SHOWN]
                rest = [item for item in items if item not in named and item.meaning != "list"]
                items = named
                if rest:
                    message = f"items that were not read: {len(rest)}{' more' if named else ''}"
                    level = min(map(_severity, rest), key=("warning", "info").index)
                    yield Finding(message, "List all: specguard policy", path, severity=level, key="more")
            yield from map(_finding, items)


def _severity(item: Unread) -> Severity:
    # An unread item of a guarding section may be missing in the policy; an item for people cannot.
    return "info" if item.meaning in ("normative", "order", "list", "prose") else "warning"


_TITLE_STEP: Final = (
    'Put it under the title "Locked zones" or "Forbidden paths", or give its title a meaning under '
    '[authority] sections: "locked-path", "forbidden-path" or "nothing".'
)
_STEPS: Final = {
    "nothing": "See what is understood, and add what enforces the rest: specguard init --adopt",
    "list": _TITLE_STEP,
    "title": _TITLE_STEP,
    "hidden": "Say it where the page shows it, or take it out.",
}


def _finding(item: Unread) -> Finding:
    step = "Begin an item or a row with the path in a code span, or move it out of the section."
    if not item.section:
        step = "Write TOML below a blank line and ```toml specguard, or begin an example with ```text."
        step = "Say it in the root's authority, or take it out." if item.meaning else step
    if item.meaning == "nothing":
        message = f"the authority guards nothing: {item.reason}"
    elif item.meaning in ("list", "title"):
        message = f"the list under {item.text!r} guards nothing: {item.reason}"
    else:
        where = f"in the section {item.section!r} " if item.section else ""
        message = f"{where}{item.text!r} was not read: {item.reason}"
    step = _STEPS.get(item.meaning, step)
    found = _line_finding(message, step, Origin(item.path, item.line), f"{item.section}: {item.text}")
    found.severity = _severity(item)
    return found


def _line_finding(message: str, step: str, place: Origin, key: str, field: str | None = None) -> Finding:
    """Build a finding about a line of the authority; it has no path in a preset, which is not a file."""
    found = Finding(message, step, field=field, key=key, authority=place)
    if place.is_file:
        found.path, found.line = place.path.encode("utf-8", "surrogateescape"), place.line or None
    return found


_SEPARATE_CHANGE: Final = "What you write there counts once it is on the base; make it a change of its own."


class DisregardedSetting(Rule):
    r"""Something in the authority does not count, as another authority stands above it.

    A nested authority, which `[authority] nested` allows, may only lock and forbid paths of its folder. If
    anything else is in it, or it cannot be read, nothing of it counts. That is an error for changes below its
    folder, else a warning for a change of that document, and with `--all`.

    A setting that loosens the floor of `--floor`, or cannot be compared with it, is a warning: the floor's
    holds. Those of presets are in `specguard policy`, with the floor in `SPECGUARD_FLOOR`.

    Why is this bad? Readers believe what does not hold.

    How to fix it: put the document right, or take the setting out.

    ```text
    error: packages/a/SPEC_AUTHORITY.md:4: the item '../b/' reaches beyond packages/a/; nothing of this
      document counts
    ```

    ```toml fails
    policy = '''
    [authority]
    nested = ["packages/*"]
    '''
    base = {files = {"packages/a/SPEC_AUTHORITY.md" = "# A\n\n## Locked zones\n- `../b/`\n"}}
    commits = [{message = "feat: x", files = {"packages/a/x.py" = "a"}}]

    [[expect]]
    code = "CFG004"
    path = "packages/a/SPEC_AUTHORITY.md"
    line = 4
    severity = "error"
    authority = "SPEC_AUTHORITY.md:5"
    ```

    ```toml passes
    policy = '''
    [authority]
    nested = ["packages/*"]
    '''
    base = {files = {"packages/a/x" = "a", "packages/a/SPEC_AUTHORITY.md" = "## Locked zones\n- `x`\n"}}
    commits = [{message = "feat: x", files = {"packages/a/x.py" = "a"}}]
    ```
    """

    code: ClassVar[str] = "CFG004"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("authority.nested",)
    condition: ClassVar[str] = "all that the authority says counts"

    def check(self, policy: Policy, entries: Sequence[Entry], whole: bool) -> Iterator[Finding]:
        """Name each setting that does not count, and the line that overrides it."""
        # What a preset says the repository cannot take out: `specguard policy` lists it.
        for one in (one for one in policy.disregarded if one.origin.is_file):
            if not one.key and not whole and policy.is_of_others(one.origin.path, entries):
                continue
            path = one.origin.path.encode("utf-8", "surrogateescape")
            folder = path.rpartition(b"/")[0] + b"/"
            # The document's own errors do not block a change that corrects it.
            below = any(entry.path.startswith(folder) and entry.path != path for entry in entries)
            altered = not one.key and any(entry.path == path for entry in entries)
            step = _SEPARATE_CHANGE if altered else one.step
            found = _line_finding(one.message, step, one.origin, f"{one.key}: {one.message}")
            found.severity = "error" if not one.key and below else "warning"
            found.field, found.authority = one.key or None, one.above
            yield found


class UnenforcedStatement(Rule):
    """No active rule enforces a command of the authority.

    Words such as *must*, *shall*, *never*, *required* or *only* make a command. It is enforced if it names an
    active rule, keeps guarded paths as they are, or asks for a setting in force.
    `specguard policy --coverage` lists all.

    Why is this bad? Readers believe that it is enforced.

    How to fix it: turn on the rule, name its code in the sentence, or leave it to people.
    `specguard init --adopt` adds settings.

    ```text
    info: SPEC_AUTHORITY.md:3: no active rule is bound to: Releases must be announced.
    ```

    ```toml fails
    policy = '''
    # Authority

    Releases must be announced.
    '''
    expect = [{code = "CFG003", path = "SPEC_AUTHORITY.md", line = 3}]
    ```

    ```toml passes
    policy = '''
    # Authority

    ## Locked zones

    These must not change:

    - `docs/api/`
    '''
    base = {files = {"docs/api/x.yaml" = "a"}}
    ```
    """

    code: ClassVar[str] = "CFG003"
    severity: ClassVar[Severity] = "info"
    stages: ClassVar[tuple[Stage, ...]] = ("push", "range", "pull-request", "run")
    condition: ClassVar[str] = "every sentence of the authority that commands is bound to an active rule"

    def check(self, policy: Policy, entries: Sequence[Entry], whole: bool) -> Iterator[Finding]:
        """Name or count the statements that no active rule enforces."""
        touched = {entry.path for entry in entries}
        for document, found in groupby(policy.statements, lambda one: one.path):
            statements = [one for one in found if not one.rules]
            path = document.encode("utf-8", "surrogateescape")
            # A single statement takes no more room than its count.
            count = len(statements) if whole or len(statements) == 1 else _SHOWN if path in touched else 0
            for statement in statements[:count]:
                message = f"no active rule is bound to: {statement.text}"
                step = "Name the code of the rule that holds it, or leave it to people."
                if statement.settings:
                    step = f"Write {' and '.join(statement.settings)} in the settings, or leave it to people."
                yield _line_finding(message, step, Origin(document, statement.line), statement.text)
            if (rest := len(statements) - count) > 0:
                message = f"commands to which no active rule is bound: {rest}{' more' if count else ''}"
                yield Finding(message, "List them: specguard policy --coverage", path, key="more")


_CODE_KEY: Final = "specs.code"


class UnmatchedSetting(Rule):
    """A pattern or exception in the policy matches no file.

    Path patterns, `exclude` too, are compared with the base's and change's files, except those of presets,
    floors and branches, and wildcards of `forbidden-path`. Settings that lack another one, and guards that
    are off or excluded, are told too.

    Why is this bad? A typo in a lock is an open door.

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

    ```toml fails
    policy = '''
    [rules.commit-message]
    types = ["feat"]
    '''
    expect = [{code = "CFG002", path = "SPEC_AUTHORITY.md", field = "rules.commit-message.types"}]
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
    severity: ClassVar[Severity] = "warning"
    stages: ClassVar[tuple[Stage, ...]] = ("push", "range", "pull-request", "run")
    condition: ClassVar[str] = "every path pattern of the policy's rules matches a file"

    def check(
        self, policy: Policy, entries: Sequence[Entry], head_files: Tree, base_files: Tree, whole: bool
    ) -> Iterator[Finding]:
        """Compare the patterns with the files before and after the change, and with those of the base."""
        yield from _idle_settings(policy)
        paths: Sequence[bytes] | None = None
        origins = policy.origins
        for key, patterns, exclude in _pattern_lists(policy):
            if paths is None:
                # A pattern for a file that the change deletes is not a typo; the policy itself may not be
                # committed yet.
                deleted = [one.path for one in entries if one.deleted]
                paths = [*head_files.paths(), *deleted, *policy.document_paths]
            used = patterns.used(paths)
            if len(used) < len(patterns.patterns):
                # A branch from before a file came to the base does not have it yet.
                used = {*used, *patterns.used(base_files.paths())}
            written = {patterns.patterns[index].replace(".yaml", ".yml") for index in used}
            places = [origins.get(f"{key}.{at}", origins.get(key)) for at in range(len(patterns.patterns))]
            if places and all(place and place.path.startswith("preset:") for place in places):
                # A preset is written for many repositories, so one matching pattern is enough.
                if not used and (isinstance(patterns, Guarding) or key == _CODE_KEY):
                    yield _unmatched_preset(key, patterns, policy)
                continue
            for index, (pattern, origin) in enumerate(zip(patterns.patterns, places, strict=True)):
                taken = exclude is not None and exclude.matches(pattern.strip("/").encode())
                # Other programs take a `**` before a name for any depth.
                shallow = "**/" not in pattern and pattern.rpartition("/")[2].rstrip("*")[:2] == "**"
                # Who lists both endings of YAML means whichever a file has.
                told = taken or shallow or pattern.replace(".yaml", ".yml") not in written
                # A default has no origin, and a floor is for many repositories, which cannot correct it.
                if not told or not origin or not origin.is_file:
                    continue
                if not whole and policy.is_of_others(origin.path, entries):
                    continue
                deep = pattern.replace("**", "**/*", 1) if shallow else f"**/{pattern}"
                found = "/" not in pattern.removesuffix("/") and patterns.of(deep).used(paths)
                deeper = not taken and (shallow or found)
                # What forbids or excepts a form of files needs none to exist.
                form = key.startswith("rules.forbidden-path.") and {*"*?["} & {*pattern.removesuffix("/**")}
                if taken or deeper or not form:
                    place = policy.origin(key.replace(".paths", ".exclude"))
                    why = "matches names of one folder only" if shallow else "matches no file"
                    why = f"guards nothing: `exclude` ({place}) covers it" if taken else why
                    message = f"the pattern {pattern!r} of {key.removeprefix('rules.')} {why}"
                    step = f"For any depth write {deep!r}." if deeper else "Correct it, or take it out."
                    yield _line_finding(message, step, origin, f"{key} {pattern}", f"{key}.{index}")


_FORM_RULES: Final = ("commit-message", "pull-request-title")
_FORM_SETTINGS: Final = ("types", "type_case", "scope", "scopes", "description_case")
"""The settings of these rules that only `conventional` uses."""


def _idle_settings(policy: Policy) -> Iterator[Finding]:
    """Yield the settings of rules that lack another setting, and the guards of rules that are off."""
    for rule in policy.rules:
        unformed = rule.name in _FORM_RULES and not rule.settings.get("conventional")
        for name, value in rule.settings.items() if rule.idle or unformed else ():
            why = rule.idle or ("`conventional` is not true" if name in _FORM_SETTINGS else "")
            key = f"rules.{rule.name}.{name}"
            origin = policy.origin(key)
            told = rule.severity != "off" or (isinstance(value, Guarding) and value)
            if why and told and origin and origin.is_file:
                message = f"{key.removeprefix('rules.')} counts for nothing: {why}"
                yield _line_finding(message, "Put that right, or take it out.", origin, key, key)


def _pattern_lists(policy: Policy) -> Iterator[tuple[str, Any, Covering | None]]:
    """Yield each list of path patterns of the active rules, with its key; of guards also the exceptions."""
    for rule in policy.rules:
        if rule.active and rule.configured:
            for key, patterns in rule.patterns:
                if key == f"rules.{rule.name}.exclude" or rule.code[:3] not in ("BRN", "PRQ"):
                    yield key, patterns, rule.exclude if isinstance(patterns, Guarding) else None
    if policy.active_rule("SPC007"):
        yield _CODE_KEY, policy.declared("spec_settings").code, None


def _unmatched_preset(key: str, patterns: Any, policy: Policy) -> Finding:
    place = policy.origin("extends") or Origin(policy.documents[0][0], 0)
    where = f"{key.removeprefix('rules.')} ({', '.join(patterns.patterns)})"
    message = f"the preset's {where} matches no file, so it holds nothing"
    return _line_finding(message, f"Say where that is here: `{key} = [...]`.", place, key, key)
