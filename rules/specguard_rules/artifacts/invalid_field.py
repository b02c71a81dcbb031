"""ART009: fields of artifacts that are missing, or have a value that is not allowed."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage, Work


class InvalidField(Rule):
    r"""A field of an artifact is missing, unclear or not allowed.

    `fields` of `[artifacts.<name>]` maps each field to its values, or to `any`, `date`, `revisions` or
    `ticked`. Revisions must exist when it is written. `ticked` asks for a ticked item that begins with the
    name, and no `{{place}}` of a template anywhere. `none_when` says when a field must be `none`.
    `author_not` forbids an author, such as the slice's owner. The artifact names the object ids of files in
    `records`.

    Fields are in front matter, `Key: value` lines, lists, tables, data files, and sections of that name.
    Case, spaces, `-` and `_` do not matter. Placeholders and double fields are findings.

    Why is this bad? Without a clear value, everyone reads what they hope for.

    How to fix it: state the field as the finding says.

    ```text
    error: C7_PHASE_D_READINESS.md:3: Posture names several of its values: 'ready | not-ready'
    ```

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

    ```toml fails
    policy = '''
    [artifacts.sign-off]
    path = "runs/*/checklist.md"
    fields = {"Tests passed" = "ticked", "Logs kept" = "ticked"}
    '''

    [[commits]]
    message = "docs: sign off"

    [commits.files]
    "runs/1/checklist.md" = '''
    # Sign-off of {{run}}

    - [x] Tests passed (all of them)
    - [ ] Logs kept
    '''

    [[expect]]
    code = "ART009"
    line = 1
    message = "{{run}} is not filled in"

    [[expect]]
    code = "ART009"
    line = 4
    message = "has no ticked item 'Logs kept'"
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
