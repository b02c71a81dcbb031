"""ART004: artifacts that cite no evidence, or not as the policy asks for it."""

from __future__ import annotations

from specguard.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar

    from specguard.rules import Artifacts, Finding, Stage


class MissingEvidence(Rule):
    """An artifact's evidence cites no file, no line of it, or another kind of path than the policy's.

    A claim that cites a line can be checked; one that does not has to be believed.
    `[artifacts.<name>.evidence]` says where an artifact cites (`section`; absent: anywhere in it) and how:
    with `anchors = "line"` a path counts with a line of it, with `paths = "absolute"` one that begins with
    `/`, `~/`, a drive letter or `file:///`. At least one such place must be there, and none may be of the
    other kind. With `every` each list item and table row cites one of its own; what stands below an item
    that does belongs to it.

    Cited is a span of code, a link or a bare word: `path:12`, `path:12-40`, `path#L12`, `path#L12-L40`,
    `[text](path#L12)`, a path with its line beside it, and in a block of code a line that begins with one.
    `docs/documents.md` has all forms. What a reader does not see is not cited: comments, hidden HTML; nor
    is what stands in a quotation.

    **Inputs**: of each pattern of `inputs` an artifact cites one file, anywhere in it, as what it was made
    from: a review its packet and its diffs. A file may be named by its path or, where that can be no other
    one, by the end of it. An artifact is not its own input.

    How to put it right: write behind each claim the file and the line that show it.

    ```toml fails
    policy = '''
    [artifacts.agent-final]
    path = "**/AGENT_{agent}_FINAL_{objective}.md"
    inputs = ["**/EXECUTION_PACKET.md"]

    [artifacts.agent-final.evidence]
    section = "Evidence Map"
    paths = "absolute"
    '''
    base = {files = {"src/a.py" = "1", "plan/EXECUTION_PACKET.md" = "# Packet"}}

    [[commits]]
    message = "docs: report"

    [commits.files]
    "AGENT_3_FINAL_AUTH.md" = '''
    ## Evidence Map

    - The cache is read first: `src/a.py:1`
    '''
    "AGENT_4_FINAL_AUTH.md" = '''
    Read: [packet](plan/EXECUTION_PACKET.md)

    ## Evidence Map

    - The cache is read first: `/home/me/project/src/a.py`
    '''

    [[expect]]
    code = "ART004"
    path = "AGENT_3_FINAL_AUTH.md"
    message = "cites no **/EXECUTION_PACKET.md, which is one of its inputs"

    [[expect]]
    code = "ART004"
    path = "AGENT_3_FINAL_AUTH.md"
    line = 3
    message = "src/a.py:1 is a relative path, where evidence is cited by absolute paths"

    [[expect]]
    code = "ART004"
    path = "AGENT_4_FINAL_AUTH.md"
    line = 5
    message = "cites /home/me/project/src/a.py without a line of it"
    ```

    ```toml passes
    policy = '''
    [artifacts.agent-final]
    path = "**/AGENT_{agent}_FINAL_{objective}.md"
    inputs = ["**/EXECUTION_PACKET.md"]

    [artifacts.agent-final.evidence]
    section = "Evidence Map"
    every = true
    '''
    base = {files = {"src/a.py" = "1", "plan/EXECUTION_PACKET.md" = "# Packet"}}

    [[commits]]
    message = "docs: report"

    [commits.files]
    "AGENT_3_FINAL_AUTH.md" = '''
    ## 4) Evidence map (paths and lines)

    | Claim | Evidence |
    | --- | --- |
    | The cache is read first | `src/a.py` (line 1) |
    | as planned | plan/EXECUTION_PACKET.md:1 |
    '''
    ```
    """

    code: ClassVar[str] = "ART004"
    name: ClassVar[str] = "missing-evidence"
    stages: ClassVar[tuple[Stage, ...]] = ("staged", "push", "range", "pull-request", "run")
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.evidence", "artifacts.*.inputs")
    condition: ClassVar[str] = "every artifact cites its evidence and its inputs as its contract asks"

    def check(self, artifacts: Artifacts) -> Iterator[Finding]:
        """Look for what is cited."""
        for artifact in artifacts.judged:
            yield from artifact.flaws(self.name)
