"""ART010: scratchpads whose entries have no times, or times out of order or in the future."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage


class UnorderedTimestamps(Rule):
    r"""An artifact's entries carry no times, or times that are out of order, unclear or in the future.

    A scratchpad that is written at the end from memory is a story. `timestamps` of `[artifacts.<name>]`
    asks that entries carry times (`"present"`), and that these ascend (`"ascending"`).

    **An entry** is a heading, a list item, a line of a paragraph or a table row that begins with a time, or
    has one behind a label such as `Time:`; a heading may also end with it. Accepted are
    `2026-01-31T12:00:05Z`, `2026-01-31 12:00`, `[2026-01-31 12:00 EST]`, an offset in any form, and a time
    alone (`12:00`) below a heading that has the date; `docs/documents.md` has all forms. A date alone is no
    time. In a list whose items begin with times, an item without one is a finding, and so is a time that
    could be two: the message says which form would settle it.

    **Order**: a time is out of order where it is surely earlier than one before it. Without seconds any
    moment of the minute may be meant. A time without an offset is compared with the others of its file that
    have none; next to one with an offset it may be anybody's clock, and only what no clock on earth allows
    is out of order. **Future** is what is more than 14 hours ahead; with `--today` the end of that day
    counts as now.

    How to put it right: write entries as they happen, each at the end, with the time of writing.

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
