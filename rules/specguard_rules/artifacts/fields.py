"""Artifacts that cannot be read, or whose fields and times are not as their contract asks."""

from __future__ import annotations

from specguard.rules import Rule, judge_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage, Work


class InvalidStructure(Rule):
    r"""An artifact is unreadable, or does not fit its schema.

    JSON, YAML and TOML must mean the same to every reader: no duplicate keys, YAML anchors, aliases, tags,
    second documents, or more than 50 levels. Markdown must be UTF-8 with valid front matter. `schema` of
    `[artifacts.<name>]`, a JSON Schema in the trusted base, is for data files and front matter. If it is
    missing or broken, the rule is indeterminate.

    Why is this bad? Two programs could read it in two ways.

    How to fix it: correct the place in the finding.

    ```text
    error: PHASE_1_WORKBREAKDOWN.yaml:4: slices.1.owner: 'c' is not one of ['a', 'b']
    ```

    ```toml fails
    policy = '''
    [artifacts.work-breakdown]
    path = "**/PHASE_*_WORKBREAKDOWN.yaml"
    schema = "schemas/breakdown.json"
    '''

    [base.files]
    "schemas/breakdown.json" = '''
    {
      "required": ["slices"],
      "properties": {
        "slices": {"items": {"required": ["id"], "properties": {"owner": {"enum": ["a", "b"]}}}}
      }
    }
    '''

    [[commits]]
    message = "docs: breakdown"

    [commits.files]
    "PHASE_1_WORKBREAKDOWN.yaml" = "slices:\n  - id: 1\n    owner: a\n  - owner: c\n"
    "PHASE_2_WORKBREAKDOWN.yaml" = "slices: []\nslices: []\n"

    [[expect]]
    code = "ART013"
    path = "PHASE_1_WORKBREAKDOWN.yaml"
    line = 4
    message = "slices.1: 'id' is a required property"

    [[expect]]
    code = "ART013"
    path = "PHASE_1_WORKBREAKDOWN.yaml"
    line = 4
    message = "slices.1.owner: 'c' is not one of ['a', 'b']"

    [[expect]]
    code = "ART013"
    path = "PHASE_2_WORKBREAKDOWN.yaml"
    line = 2
    message = "it has the key 'slices' twice"
    ```

    ```toml passes
    policy = '''
    [artifacts.work-breakdown]
    path = "**/PHASE_*_WORKBREAKDOWN.yaml"
    schema = "schemas/breakdown.yaml"
    '''
    base = {files = {"schemas/breakdown.yaml" = "required: [slices]\n"}}

    [[commits]]
    message = "docs: breakdown"
    files = {"PHASE_1_WORKBREAKDOWN.yaml" = "slices:\n  - id: 010\n    due: 2026-01-31\n"}
    ```
    """

    code: ClassVar[str] = "ART013"
    name: ClassVar[str] = "invalid-structure"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.path",)
    condition: ClassVar[str] = "every artifact can be read, and fits the schema of its contract"

    def check(self, artifacts: Artifacts) -> Iterator[Finding]:
        """Read the artifacts."""
        return judge_each(artifacts.judged, lambda artifact: artifact.flaws(self.name))


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


class UnorderedTimestamps(Rule):
    r"""An artifact's entries have no times, or not in order.

    `timestamps` of `[artifacts.<name>]` asks for times, or for ascending ones. An entry is a heading, list
    item, line or table row with a time, such as `2026-01-31T12:00:05Z`. A bare `12:00` counts below a heading
    with the date. Ambiguous times are findings, and those more than 14 hours ahead.

    Why is this bad? A scratchpad written from memory is a story.

    How to fix it: write each entry as it happens, at the file's end.

    ```text
    error: AGENT_1_SCRATCHPAD.md:3: has no entry with a time: 2026-01-31 is a day
    ```

    ```toml fails
    policy = '''
    [artifacts.agent-scratchpad]
    path = "**/AGENT_{agent}_SCRATCHPAD.md"
    timestamps = "ascending"
    '''

    [[commits]]
    message = "docs: notes"

    [commits.files]
    "AGENT_1_SCRATCHPAD.md" = "# Notes\n\n- 2026-01-31: looked around\n"
    "AGENT_2_SCRATCHPAD.md" = '''
    - 2026-01-31T11:19:05Z Read the plan.
    - 2026-01-31T11:18:36Z Read the packet.
    - Wrote the report.
    - 2999-01-01T00:00:00Z Done.
    '''

    [[expect]]
    code = "ART010"
    path = "AGENT_1_SCRATCHPAD.md"
    line = 3
    message = "2026-01-31 is a day"

    [[expect]]
    code = "ART010"
    path = "AGENT_2_SCRATCHPAD.md"
    line = 2
    message = "is earlier"

    [[expect]]
    code = "ART010"
    path = "AGENT_2_SCRATCHPAD.md"
    line = 3
    message = "an entry has no time"

    [[expect]]
    code = "ART010"
    path = "AGENT_2_SCRATCHPAD.md"
    line = 4
    message = "is in the future"
    ```

    ```toml passes
    policy = '''
    [artifacts.agent-scratchpad]
    path = "**/AGENT_{agent}_SCRATCHPAD.md"
    timestamps = "ascending"
    '''

    [[commits]]
    message = "docs: notes"

    [commits.files]
    "AGENT_1_SCRATCHPAD.md" = '''
    ## 2026-01-31T11:18:36Z

    Read the plan.

    ## 2026-02-01

    - 09:00 Read the packet.
    - [09:30] Wrote the report.
    '''
    ```
    """

    code: ClassVar[str] = "ART010"
    name: ClassVar[str] = "unordered-timestamps"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.timestamps",)
    condition: ClassVar[str] = (
        "the entries of artifacts carry times, in order and past, where their contract asks"
    )

    def check(self, artifacts: Artifacts) -> Iterator[Finding]:
        """Read the times."""
        for artifact in artifacts.judged:
            yield from artifact.flaws(self.name)
