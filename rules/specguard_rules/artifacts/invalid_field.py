"""ART009: fields of artifacts that are missing, or have a value that is not allowed."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage, Work


class InvalidField(Rule):
    r"""A field of an artifact is missing, still owed, stated twice, or not one of its values.

    A readiness document that does not say `ready` or `not-ready` lets everyone read what they hope for.
    `fields` of `[artifacts.<name>]` says which fields there must be, each with the values it may have, or
    with `any` (something that is no placeholder: `none` is an honest value), with `date` or with `revisions`.

    **Revisions** are commits, branches and ranges of them (`main..work`), with commas between and remarks in
    brackets. Each must be there where the artifact is written: a commit by its id, a branch in the repository
    or as the policy calls one (the base, a stage's, that of an item). Later they may be gone.

    **What excludes each other**: `none_when = {blockers = "posture.ready"}` says that `blockers` is `none`,
    with a reason or without, where `posture` is `ready`.

    **Where it is read**: front matter, `Key: value` lines, bullets, bold labels (`**Key:** value`), rows of a
    table with two columns, the keys of a JSON, YAML or TOML file; where none of these has it, a section with
    the field's name. Names and values are compared without case, spaces, `-` and `_`; `aliases` are other
    names, and of sections other titles, in which `*` stands for any words: `"Owners for *"`. A remark may
    stand behind a value: `ready (all gates passed)`, `not ready: two are open`; a text that names several of
    the values, as an unchanged template does, is none of them. What stands in a comment, in code or in a
    quotation states nothing; but a comment behind a value of front matter must not name another one.

    **Who wrote it**: `author_not = "slice.owner"` says that its author (the fields in `author`) must not be
    the owner of the slice it is about, which is told by its path, by a line `slice: ...` or by the change;
    `packet.author`, that it must not be the author of the packet beside it. Who is not told is a finding.

    **What it has read**: `records` are files whose object ids it must name, in full or with at least seven
    digits, so that a review of other words than the present ones is told from one of these. A name alone is
    a file beside it, a path is read from the root.

    How to put it right: state the field as the message says.

    ```toml fails
    policy = '''
    [artifacts.readiness]
    path = "**/*_READINESS.md"
    fields = {posture = ["ready", "not-ready"], blockers = "any", owners = "any"}
    '''

    [[commits]]
    message = "docs: readiness"

    [commits.files]
    "C7_PHASE_D_READINESS.md" = '''
    # Readiness

    - **Posture:** ready | not-ready
    - Blockers: none
    - Owners: TBD
    '''

    [[expect]]
    code = "ART009"
    line = 3
    message = "names several of its values"
    authority = "SPEC_AUTHORITY.md:6"

    [[expect]]
    code = "ART009"
    line = 5
    message = "Owners has no value, only 'TBD'"
    ```

    ```toml fails
    policy = '''
    [artifacts.packet]
    path = "**/PACKET.md"

    [artifacts.drift-check]
    path = "**/DRIFT_CHECK.md"
    author_not = "packet.author"
    records = ["PACKET.md"]
    '''
    base = {files = {"plan/PACKET.md" = "Author: Agent 2\n"}}

    [[commits]]
    message = "docs: drift check"
    files = {"plan/DRIFT_CHECK.md" = "Steward: @agent-2\n\nPacket: 1234567\n"}

    [[expect]]
    code = "ART009"
    line = 1
    message = "is the author of plan/PACKET.md"

    [[expect]]
    code = "ART009"
    message = "another object id than that of plan/PACKET.md"
    ```

    ```toml fails
    policy = '''
    [artifacts.readiness]
    path = "**/*_READINESS.md"
    fields = {posture = ["ready", "not-ready"], blockers = "any", diffs = "revisions"}
    none_when = {blockers = "posture.ready"}
    '''

    [[commits]]
    message = "docs: readiness"

    [commits.files]
    "D_READINESS.md" = '''
    Posture: ready
    Blockers: the cache
    Diffs: main..work (all of it), main..the-rest
    '''

    [[expect]]
    code = "ART009"
    line = 2
    message = "Posture is 'ready', and Blockers says 'the cache'"

    [[expect]]
    code = "ART009"
    line = 3
    message = "Diffs has 'the-rest', which is no commit or branch"
    ```

    ```toml passes
    policy = '''
    [artifacts.readiness]
    path = "**/*_READINESS.md"
    fields = {posture = ["ready", "not-ready"], blockers = "any", decided = "date"}
    '''

    [[commits]]
    message = "docs: readiness"

    [commits.files]
    "C7_PHASE_D_READINESS.md" = '''
    ---
    posture: Not ready (two are open)
    decided: 2026-01-31
    ---

    ## Blockers

    1. the cache
    2. the queue
    '''
    ```
    """

    code: ClassVar[str] = "ART009"
    name: ClassVar[str] = "invalid-field"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = (
        "artifacts.*.fields",
        "artifacts.*.none_when",
        "artifacts.*.author_not",
        "artifacts.*.records",
    )
    condition: ClassVar[str] = "every artifact states its fields, with values that are allowed"

    def check(self, artifacts: Artifacts, work: Work | None = None) -> Iterator[Finding]:
        """Read the fields."""
        for artifact in artifacts.judged:
            yield from artifact.flaws(self.name)
            yield from artifact.shared_author(work)
