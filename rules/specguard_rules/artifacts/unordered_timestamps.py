"""ART010: scratchpads whose entries have no times, or times out of order or in the future."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage


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
