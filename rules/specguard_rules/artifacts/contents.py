"""Rules about artifacts: the aspects of their contracts, evidence of ticked items, and acceptance."""

from __future__ import annotations

from specguard.rules import Finding, Rule, Selecting, Settings, judge_each, path_text, setting, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import ClassVar

    from specguard.documents.list_items import Ticked
    from specguard.rules import Artifacts, Breakdowns, Claims, Documents, Entry, Fix, WorkKind
    from specguard.runs.proof import Claim
    from specguard.work.item_lists import Listed


class Checklists(Settings):
    """Documents with checklists, and what proves that a checked item was done."""

    files: Selecting = setting(Selecting(), "the documents with checklists", tightens="more")
    # A single pattern may be written without a list; compiled, it is a list too.
    evidence: Selecting | str = setting(
        Selecting(),
        "what proves a ticked item, such as `.runs/**/manifest.json`",
        check=lambda text: Selecting([text]),
    )

    def problem(self) -> str:
        """Return the problem with the table as a whole; empty if there is none."""
        bare = self.files and not self.evidence
        return "`files` needs `evidence`, which says what proves an item" if bare else ""


class _Aspect:
    """A rule that yields the findings of one aspect of the contracts in the judged artifacts."""

    name: ClassVar[str]

    def check(self, artifacts: Artifacts) -> Iterator[Finding]:
        """Yield the flaws of each judged artifact."""
        return judge_each(artifacts.judged, lambda artifact: artifact.flaws(self.name))


class MissingSection(_Aspect, Rule):
    r"""An artifact has a missing, double or forbidden section.

    `sections` and `forbidden_sections` of `[artifacts.<name>]` list headings, `aliases` other titles
    (`"Risks of *"`: any ending). Case, numbering, level, punctuation and emoji do not matter. Headings in
    comments, code, quotations, lists and hidden HTML do not count.

    Why is this bad? Readers find sections by their titles.

    How to fix it: add it with its content, or an honest "None" with a reason.

    See also: `empty-section`

    ```text
    error: AGENT_3_FINAL_AUTH.md:6: has no section 'Unresolved Questions'; line 6 has '## Unresolved
      Questions', which is in a comment
    ```

    ```toml fails
    policy = '''
    [artifacts.agent-final]
    path = "**/AGENT_{agent}_FINAL_{objective}.md"
    sections = ["Risks", "Unresolved Questions"]
    forbidden_sections = ["Rollback"]
    '''

    [[commits]]
    message = "docs: report"

    [commits.files]
    "AGENT_3_FINAL_AUTH.md" = '''
    ## 1. RISKS (open)

    The cache is cold.

    <!--
    ## Unresolved Questions

    None: all were answered.
    -->

    ## Rollback plan

    Revert.
    '''

    [[expect]]
    code = "ART002"
    path = "AGENT_3_FINAL_AUTH.md"
    message = "no section 'Unresolved Questions'"

    [[expect]]
    code = "ART002"
    path = "AGENT_3_FINAL_AUTH.md"
    line = 11
    message = "'Rollback plan', which it must not have"
    ```

    ```toml passes
    policy = '''
    [artifacts.agent-final]
    path = "**/AGENT_{agent}_FINAL_{objective}.md"
    sections = ["Risks", "Unresolved Questions"]
    aliases = {"Unresolved Questions" = ["Open questions"]}
    '''

    [[commits]]
    message = "docs: report"
    files = {"AGENT_3_FINAL_AUTH.md" = "# Report\n\n### Risks:\n\nNone yet.\n\nOpen questions\n---\n\nWhy?\n"}
    ```
    """

    code: ClassVar[str] = "ART002"
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.sections", "artifacts.*.forbidden_sections")
    condition: ClassVar[str] = "every artifact has its sections, once each, and none that is forbidden"
    fixes: ClassVar[str] = "adds the heading, with a gap for its content"

    def fix(self, finding: Finding, artifacts: Artifacts) -> Fix | None:
        """Return an edit that adds the heading, if nothing in the file may have been meant for it."""
        from specguard.rules import EditFile

        if finding.path is None or finding.line is not None:
            return None
        edits = (artifact.adding(finding.setting) for artifact in artifacts.contracted(finding.path))
        edit = next(filter(None, edits), None)
        return EditFile(finding.path, edit) if edit else None


class EmptySection(_Aspect, Rule):
    """A required section of an artifact says nothing.

    Comments, hidden text and placeholders are no content: `TODO`, `TBD`, `<...>`, `[fill in]`, empty labels,
    and `placeholders` of `[artifacts.<name>]`. `None` or `N/A` needs a reason:
    `None: every path is covered by tests`. Subsections count, unless required too.

    Why is this bad? Nobody can tell whether somebody looked.

    How to fix it: write what belongs there, or why there is nothing.

    See also: `missing-section`

    ```text
    error: AGENT_3_FINAL_AUTH.md:1: the section 'Assumptions' is empty to a reader: what is hidden or in
      a comment does not count
    ```

    ```toml fails
    policy = '''
    [artifacts.agent-final]
    path = "**/AGENT_{agent}_FINAL_{objective}.md"
    sections = ["Assumptions", "Risks", "Unresolved Questions"]
    '''

    [[commits]]
    message = "docs: report"

    [commits.files]
    "AGENT_3_FINAL_AUTH.md" = '''
    ## Assumptions

    <!-- what did you take for granted? -->

    ## Risks

    - TBD

    ## Unresolved Questions

    None
    '''

    [[expect]]
    code = "ART003"
    path = "AGENT_3_FINAL_AUTH.md"
    line = 1
    message = "'Assumptions' is empty"

    [[expect]]
    code = "ART003"
    path = "AGENT_3_FINAL_AUTH.md"
    line = 7
    message = "'Risks' only has a placeholder: 'TBD'"

    [[expect]]
    code = "ART003"
    path = "AGENT_3_FINAL_AUTH.md"
    line = 11
    message = "'Unresolved Questions' only says 'None'"
    ```

    ```toml passes
    policy = '''
    [artifacts.agent-final]
    path = "**/AGENT_{agent}_FINAL_{objective}.md"
    sections = ["Assumptions", "Unresolved Questions"]
    '''

    [[commits]]
    message = "docs: report"

    [commits.files]
    "AGENT_3_FINAL_AUTH.md" = '''
    ## Assumptions

    ### The cache

    It is warm.

    ## Unresolved Questions

    None: the owner answered both, see `NOTES.md`.
    '''
    ```
    """

    code: ClassVar[str] = "ART003"
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.sections",)
    condition: ClassVar[str] = "every section that an artifact must have says something"


class MissingEvidence(_Aspect, Rule):
    """An artifact cites no evidence, or in a refused form.

    `[artifacts.<name>.evidence]` says where and how it cites: in a `section`, with lines (`anchors`),
    absolute `paths`, in `every` list item and table row. Of each pattern in `inputs` it cites one file. Forms
    are `path:12`, `path:12-40`, `path#L12-L40` and links.

    Why is this bad? A claim that cites no line must be believed.

    How to fix it: put the file and line behind each claim.

    See also: `dangling-evidence`

    ```text
    error: AGENT_3_FINAL_AUTH.md cites no **/EXECUTION_PACKET.md, which is one of its inputs
    ```

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
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.evidence", "artifacts.*.inputs")
    condition: ClassVar[str] = "every artifact cites its evidence and its inputs as its contract asks"


class DanglingEvidence(_Aspect, Rule):
    r"""An artifact cites a file or line that does not exist.

    In the judged tree, relative paths start from the repository's root, then the artifact's folder. Absolute
    paths are below one of `roots` of `[artifacts.<name>.evidence]`. Others are warnings, or errors with
    `unresolvable = "error"`. Web addresses count only below `roots`. `resolve = false` turns this off.

    Why is this bad? A made-up line looks like any other.

    How to fix it: cite the current place, or take out the claim.

    See also: `missing-evidence`

    ```text
    error: docs/CACHE_REPORT.md:3: /home/me/worktrees/cache/src/a.py:2-5 does not exist: src/a.py has 3
      lines
    ```

    ```toml fails
    policy = '''
    [artifacts.report]
    path = "docs/*_REPORT.md"

    [artifacts.report.evidence]
    section = "Evidence"
    roots = ["/home/me/worktrees/*"]
    '''
    base = {files = {"src/a.py" = "1\n2\n3\n", "src/lib/b.py" = "1\n"}}

    [[commits]]
    message = "docs: report"

    [commits.files]
    "docs/CACHE_REPORT.md" = '''
    ## Evidence

    - `/home/me/worktrees/cache/src/a.py:2-5`
    - `lib/c.py:1`
    - `../../etc/passwd:1`
    '''

    [[expect]]
    code = "ART005"
    line = 3
    message = "does not exist: src/a.py has 3 lines"

    [[expect]]
    code = "ART005"
    line = 4
    message = "lib/c.py:1 does not exist: there is no lib/c.py"

    [[expect]]
    code = "ART005"
    line = 5
    message = "leads out of the repository"
    ```

    ```toml passes
    policy = '''
    [artifacts.report]
    path = "docs/*_REPORT.md"

    [artifacts.report.evidence]
    section = "Evidence"
    roots = ["/home/me/worktrees/*"]
    '''
    base = {files = {"src/a.py" = "1\n2\n3\n", "docs/PLAN.md" = "# Plan\n"}}

    [[commits]]
    message = "docs: report"

    [commits.files]
    "docs/CACHE_REPORT.md" = '''
    ## Evidence

    - `/home/me/worktrees/cache/src/a.py:2-3`
    - [the plan](PLAN.md#L1)
    '''
    ```
    """

    code: ClassVar[str] = "ART005"
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.evidence",)
    condition: ClassVar[str] = "every file and line that artifacts cite as evidence exists in the judged tree"


class UnrankedFinding(_Aspect, Rule):
    """A finding of a review lacks its severity or line.

    `[artifacts.<name>.findings]` names the `severities`, worst first, and what each finding cites: a `line`,
    a `path` or `none`. Findings are in `section`, or below a heading about findings or issues. Forms are
    headings (`### [HIGH] ...`), list items (`1. **High** - ...`), table rows, and a line `Severity: high`. A
    review without findings says so there: `No findings.`

    Why is this bad? Who fixes them must know where and which first.

    How to fix it: begin it with its severity, and cite its line.

    See also: `open-finding`

    ```text
    error: REVIEW_REPORT.md:7: the finding '2) The cache never expires' has no severity
    ```

    ```toml fails
    policy = '''
    [artifacts.review]
    path = "**/*REVIEW_REPORT*.md"
    findings = {severities = ["blocking", "high", "medium", "low"]}
    '''

    [[commits]]
    message = "docs: review"

    [commits.files]
    "REVIEW_REPORT.md" = '''
    ## Findings

    ### 1) HIGH - The lock is taken twice

    - Evidence: `src/lock.py:12-14`

    ### 2) The cache never expires

    - Evidence: `src/cache.py:3`

    ### 3) Severity: major

    The timeout is fixed.
    '''

    [[expect]]
    code = "ART007"
    line = 7
    message = "'2) The cache never expires' has no severity"

    [[expect]]
    code = "ART007"
    line = 11
    message = "has no severity"

    [[expect]]
    code = "ART007"
    line = 11
    message = "cites no line"
    ```

    ```toml passes
    policy = '''
    [artifacts.review]
    path = "**/*REVIEW_REPORT*.md"
    findings = {severities = ["blocking", "high", "medium", "low"]}
    aliases = {medium = ["major"]}
    '''

    [[commits]]
    message = "docs: review"

    [commits.files]
    "REVIEW_REPORT.md" = '''
    ## Findings (by severity)

    ### Blocking

    None.

    ### High

    1. **The lock is taken twice** (`src/lock.py:12-14`)
       - Impact: it waits for itself.

    ### Major and low

    | # | Severity | Place | Finding |
    | --- | --- | --- | --- |
    | 1 | Major | `src/cache.py:3` | The cache never expires |
    | 2 | low | `src/cache.py` L9 | A name says nothing |
    '''
    ```
    """

    code: ClassVar[str] = "ART007"
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.findings",)
    condition: ClassVar[str] = "every finding of a review has its severity and cites its place"


class OpenFinding(_Aspect, Rule):
    """A closed review has an open blocking finding.

    A finding of a severity in `must_close` of `[artifacts.<name>.findings]` says each word of `closed`:
    `Status: fixed, re-verified`. `not`, `failed`, `pending` or an unticked box takes it back. A review is
    open while its last *Disposition*, *Verdict*, *Status*, *Decision*, *Outcome* or *Conclusion* begins with
    one of `verdict_open`.

    Why is this bad? The approver did not read the review to its end.

    How to fix it: fix it, have it checked again, and write both down.

    See also: `unranked-finding`

    ```text
    error: REVIEW.md:5: the high finding 'High - the lock is taken twice, src/lock.py:12' is fixed, and
      not re-verified, in a review whose verdict is 'approve'
    ```

    ```toml fails
    policy = '''
    [artifacts.review]
    path = "**/*REVIEW*.md"
    findings = {severities = ["blocking", "high", "low"], must_close = ["blocking", "high"]}
    '''

    [[commits]]
    message = "docs: review"

    [commits.files]
    "REVIEW.md" = '''
    Disposition: approve

    ## Findings

    1. **High** - the lock is taken twice, `src/lock.py:12`
       - Status: fixed in 6b83860, not yet re-verified
    2. **Low** - a name says nothing, `src/lock.py:3`
    '''

    [[expect]]
    code = "ART008"
    line = 5
    message = "is fixed, and not re-verified, in a review whose verdict is 'approve'"
    ```

    ```toml passes
    policy = '''
    [artifacts.review]
    path = "**/*REVIEW*.md"
    findings = {severities = ["blocking", "high", "low"], must_close = ["blocking", "high"]}
    '''

    [[commits]]
    message = "docs: review"

    [commits.files]
    "FIRST_REVIEW.md" = '''
    Disposition: changes requested

    ## Findings

    - [HIGH] the lock is taken twice, `src/lock.py:12`
    '''
    "SECOND_REVIEW.md" = '''
    ## Findings

    - [HIGH] the lock is taken twice, `src/lock.py:12`
      - Status: fixed in 6b83860, re-verified by the steward

    ## Disposition

    `approve`
    '''
    ```
    """

    code: ClassVar[str] = "ART008"
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.findings.must_close",)
    condition: ClassVar[str] = "no closed review has a finding open that must be closed"


class InvalidStructure(_Aspect, Rule):
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
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.path",)
    condition: ClassVar[str] = "every artifact can be read, and fits the schema of its contract"


class InvalidField(_Aspect, Rule):
    r"""A field of an artifact is missing, unclear or not allowed.

    `fields` of `[artifacts.<name>]` maps each field to its values, or to `any`, `date`, `revisions` or
    `ticked`. Revisions must exist when it is written. `ticked` asks for a ticked item that begins with the
    name, and no `{{place}}` of a template anywhere. `none_when` says when a field must be `none`.
    `author_not` forbids an author, such as the slice's owner. The artifact names the object ids of files in
    `records`.

    Fields are in front matter, `Key: value` lines, lists, tables, data files, and sections of that name.
    Case, spaces, `-` and `_` do not matter. Placeholders are findings, as are two
    allowed values of one field.

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
    message = "Diffs has 'the-rest', not a commit or branch"
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
    tables: ClassVar[tuple[str, ...]] = (
        "artifacts.*.fields",
        "artifacts.*.none_when",
        "artifacts.*.author_not",
        "artifacts.*.records",
    )
    condition: ClassVar[str] = "every artifact states its fields, with values that are allowed"


class UnorderedTimestamps(_Aspect, Rule):
    r"""An artifact's entries have no times, or not in order.

    `timestamps` of `[artifacts.<name>]` asks for times, or for ascending ones. An entry is a heading, list
    item, line or table row with a time, such as `2026-01-31T12:00:05Z`. A bare `12:00` counts below a heading
    with the date. Ambiguous times are findings, and those more than 14 hours ahead.

    Why is this bad? A scratchpad written from memory is a story.

    How to fix it: write each entry as it happens, at the file's end.

    ```text
    error: AGENT_1_SCRATCHPAD.md has no entry with a time
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
    message = "has no entry with a time"

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
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.timestamps",)
    condition: ClassVar[str] = "entries of artifacts have times, in order and past, where asked for"


class MissingOption(_Aspect, Rule):
    """A document lacks an option that it must describe.

    `options` of `[artifacts.<name>]` lists them, such as `["A", "B", "C"]`. Each is a heading, list item or
    bold label of that name, with words of its own and no placeholder.

    Why is this bad? Whoever considers one way weighs nothing.

    How to fix it: describe the missing option.

    ```text
    error: .plans/x/preplan/PLAN_OPTIONS.md has no option C
    ```

    ```toml fails
    policy = '''
    [artifacts.plan-options]
    path = ".plans/{name}/preplan/PLAN_OPTIONS.md"
    options = ["A", "B", "C"]
    '''

    [[commits]]
    message = "docs: options"

    [commits.files]
    ".plans/x/preplan/PLAN_OPTIONS.md" = '''
    ## Option A: keep the queue

    It works, and is slow.

    ## Option B: a new queue

    - TBD
    '''

    [[expect]]
    code = "PLN007"
    line = 5
    message = "option B is named, and nothing is said of it"

    [[expect]]
    code = "PLN007"
    message = "has no option C"
    authority = "SPEC_AUTHORITY.md:6"
    ```

    ```toml passes
    policy = '''
    [artifacts.plan-options]
    path = ".plans/{name}/preplan/PLAN_OPTIONS.md"
    options = ["A", "B", "C"]
    '''

    [[commits]]
    message = "docs: options"

    [commits.files]
    ".plans/x/preplan/PLAN_OPTIONS.md" = '''
    ## 1. Option A: keep the queue

    It works, and is slow.

    **Alternative B** - a new queue, which nobody has run yet.

    ### C) No queue

    - calls are direct
    '''
    ```
    """

    code: ClassVar[str] = "PLN007"
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.options",)
    condition: ClassVar[str] = "every document of options describes those that it must"


class MissingArtifact(Rule):
    """An artifact lacks its companions, or a pass its members.

    `companions` of `[artifacts.<name>]` lists files beside such an artifact, `members` those in a folder that
    matches `root`. Placeholders take the values of the artifact's path: `AGENT_3_FINAL_AUTH.md` needs
    `AGENT_3_PLAN_VERBATIM.md`. Links, submodules, empty files and skeletons do not count. Files listed as
    removed (`agrees_with`) are not missed.

    Why is this bad? A report without its plan is based on nothing.

    How to fix it: fill in what `specguard new` writes.

    See also: `missing-section`

    ```text
    error: out/AGENT_3_FINAL_AUTH.md: AGENT_3_PLAN_VERBATIM.md is missing beside AGENT_3_FINAL_AUTH.md
    ```

    ```toml fails
    policy = '''
    [artifacts.agent-final]
    path = "**/AGENT_{agent}_FINAL_{objective}.md"
    companions = ["AGENT_{agent}_PLAN_VERBATIM.md", "AGENT_{agent}_SCRATCHPAD.md"]
    '''

    [[commits]]
    message = "docs: report"

    [commits.files]
    "out/AGENT_3_FINAL_AUTH.md" = "x"
    "out/AGENT_3_SCRATCHPAD.md" = "x"
    "out/AGENT_4_PLAN_VERBATIM.md" = "x"

    [[expect]]
    code = "ART001"
    path = "out/AGENT_3_FINAL_AUTH.md"
    message = "AGENT_3_PLAN_VERBATIM.md is missing"
    authority = "SPEC_AUTHORITY.md:6"
    ```

    ```toml fails
    policy = '''
    [artifacts.planning-pass]
    root = "**/_phase-{x}-planning-pass-{nn}-{date}/"
    members = ["ORCHESTRATOR_PLAN_VERBATIM.md", "PHASE_{X}_EXECUTION_PACKET.md"]
    '''

    [[commits]]
    message = "docs: plan"

    [commits.files]
    "docs/_phase-c-planning-pass-01-2026-01-31/ORCHESTRATOR_PLAN_VERBATIM.md" = "x"

    [[expect]]
    code = "ART001"
    path = "docs/_phase-c-planning-pass-01-2026-01-31"
    message = "PHASE_C_EXECUTION_PACKET.md is missing"
    ```

    ```toml passes
    policy = '''
    [artifacts.agent-final]
    path = "**/AGENT_{agent}_FINAL_{objective}.md"
    companions = ["AGENT_{agent}_PLAN_VERBATIM.md"]
    '''
    base = {files = {"out/AGENT_3_PLAN_VERBATIM.md" = "x", "out/AGENT_4_FINAL_DB.md" = "x"}}
    commits = [{message = "docs: report", files = {"out/AGENT_3_FINAL_AUTH.md" = "x"}}]
    ```
    """

    code: ClassVar[str] = "ART001"
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.companions", "artifacts.*.members")
    condition: ClassVar[str] = "every artifact has its companions, and every pass its members"

    def check(self, artifacts: Artifacts) -> Iterator[Finding]:
        """Yield the missing companions of artifacts, and the missing members of passes."""
        asked = [*artifacts.judged, *artifacts.orphans, *artifacts.judged_passes]
        return judge_each(asked, lambda artifact: artifact.flaws(self.name))


class UnlistedLeftover(Rule):
    r"""A cleaned-up folder holds a file that is not listed.

    `closure` of `[artifacts.<name>]` lists folders. Once such an artifact exists, they hold only it and the
    files that it lists. Lists are read as in ART011, but not below headings such as *Removed*.

    Why is this bad? Leftover drafts look like the truth.

    How to fix it: remove the file, or list it with its purpose.

    See also: `unlisted-removal`

    ```text
    error: docs/PHASE_C/draft.md is left in docs/PHASE_C/, and docs/PHASE_C/CLEANUP_MANIFEST.md does not
      list it
    ```

    ```toml fails
    policy = '''
    [artifacts.cleanup]
    path = "docs/PHASE_{x}/CLEANUP_MANIFEST.md"
    closure = ["docs/PHASE_{x}/"]
    '''
    base = {files = {"docs/PHASE_C/PACKET.md" = "a", "docs/PHASE_C/draft.md" = "b"}}

    [[commits]]
    message = "chore: clean up"

    [commits.files]
    "docs/PHASE_C/CLEANUP_MANIFEST.md" = '''
    ## Kept

    - `PACKET.md`: what was agreed
    '''

    [[expect]]
    code = "ART021"
    path = "docs/PHASE_C/draft.md"
    authority = "SPEC_AUTHORITY.md:6"
    ```

    ```toml passes
    policy = '''
    [artifacts.cleanup]
    path = "docs/PHASE_{x}/CLEANUP_MANIFEST.md"
    closure = ["docs/PHASE_{x}/"]
    '''
    base = {files = {"docs/PHASE_C/PACKET.md" = "a", "docs/PHASE_D/draft.md" = "b"}}

    [[commits]]
    message = "chore: clean up"
    files = {"docs/PHASE_C/CLEANUP_MANIFEST.md" = "- docs/PHASE_C/PACKET.md: what was agreed\n"}
    ```
    """

    code: ClassVar[str] = "ART021"
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.closure",)
    condition: ClassVar[str] = "folders that were cleaned up hold only what is listed"

    def check(self, artifacts: Artifacts) -> Iterator[Finding]:
        """Yield a finding for each leftover that a closure does not list."""
        present = {entry.path for entry in artifacts.entries if not entry.deleted}
        reported: set[bytes | None] = set()
        for name, contract in artifacts.contracts.items():
            for artifact in artifacts.named(name) if contract.closure else ():
                for finding in artifact.flaws(self.name):
                    judged = artifacts.change.whole or artifact.touched or finding.path in present
                    if judged and finding.path not in reported:
                        reported.add(finding.path)
                        yield finding


class UnlistedRemoval(Rule):
    """Removed paths and the manifest that lists them differ.

    With `agrees_with = "deletions"` in `[artifacts.<name>]`, it lists every removed path with a reason, and
    no other. A move removes the old path. List items and table cells of Markdown are read, but nothing under
    *Kept* or *Retained*. A folder covers all below it, except `**`. *removed*, *cleanup* and
    `TBD` are no reasons. Only a manifest that the change adds or edits is compared.

    Why is this bad? A cleanup of one file too many loses work.

    How to fix it: list the path with its reason, or restore the file.

    ```text
    error: C6_CLEANUP_MANIFEST.md:5: old is listed as removed, and old/b.md is still there
    ```

    ```toml fails
    policy = '''
    [artifacts.cleanup]
    path = "**/*_CLEANUP_MANIFEST.md"
    agrees_with = "deletions"
    '''
    base = {files = {"old/a.md" = "a", "old/b.md" = "b", "c.py" = "c", "d.py" = "d", "e.py" = "e"}}

    [[commits]]
    message = "chore: clean up"
    delete = ["old/a.md", "c.py", "d.py"]

    [commits.files]
    "C6_CLEANUP_MANIFEST.md" = '''
    # Cleanup

    ## Removed

    - `old/`: replaced by the new pages
    - `c.py`
    - `e.py`: nobody imports it

    ## Kept

    - `b.py`: still used
    '''

    [[expect]]
    code = "ART011"
    path = "C6_CLEANUP_MANIFEST.md"
    line = 5
    message = "old is listed as removed, and old/b.md is still there"

    [[expect]]
    code = "ART011"
    path = "C6_CLEANUP_MANIFEST.md"
    line = 6
    message = "c.py is listed without a reason"

    [[expect]]
    code = "ART011"
    path = "C6_CLEANUP_MANIFEST.md"
    line = 7
    message = "e.py is listed as removed, and e.py is still there"

    [[expect]]
    code = "ART011"
    path = "d.py"
    message = "d.py is removed, and C6_CLEANUP_MANIFEST.md does not say so"
    ```

    ```toml passes
    policy = '''
    [artifacts.cleanup]
    path = "**/*_CLEANUP_MANIFEST.md"
    agrees_with = "deletions"
    '''
    base = {files = {"old/a.md" = "a", "old/b.md" = "b", "c.py" = "c", "e.py" = "e"}}

    [[commits]]
    message = "chore: clean up"
    delete = ["old/a.md", "old/b.md", "c.py"]

    [commits.files]
    "C6_CLEANUP_MANIFEST.md" = '''
    | Path | Action | Reason |
    | --- | --- | --- |
    | `old/*.md` | removed | the new pages say all of it |
    | c.py | removed | nobody imports it |
    | e.py | kept | the tests import it |
    '''
    ```
    """

    code: ClassVar[str] = "ART011"
    tables: ClassVar[tuple[str, ...]] = ("artifacts.*.agrees_with",)
    condition: ClassVar[str] = "the manifests of the change and what it removes agree"

    def check(
        self, artifacts: Artifacts, entries: Sequence[Entry], start_documents: Documents
    ) -> Iterator[Finding]:
        """Compare the listed removals with the removed paths."""
        yield from artifacts.disagreements(entries, start_documents)


class UnmappedAcceptance(Rule):
    """An acceptance scenario maps to no gate or test.

    Scenarios are table rows with a column *Scenario*, *Acceptance* or *Criterion*, and items of `sections`.
    So are headings and items that begin with *Scenario*, or `AC-3` and a gate. Each names, in a code
    span or table, a gate, a file of `tests`, or a test (`tests/test_cart.py::test_kept`), not
    skipped. Each line of a slice's `acceptance` matches one by id or words.

    Why is this bad? What nobody can run, anybody can call accepted.

    How to fix it: add it, or name an existing test.

    See also: `missing-gate-run`

    ```text
    error: plan/PHASE_D_ACCEPTANCE_GATES.md:4: the scenario 'AC-2: the cart is emptied' names
      'tests/test_cart.py::test_emptied': neither a gate nor a test that runs
    ```

    ```toml fails
    policy = '''
    [work.slice]
    source = "plan/PHASE_*_WORKBREAKDOWN.yaml"
    branch = "phase-{phase}-{number}"

    [rules.unmapped-acceptance]
    documents = ["plan/PHASE_*_ACCEPTANCE_GATES.md"]
    '''

    [base.files]
    "tests/test_cart.py" = "def test_kept(): ..."

    [[commits]]
    message = "docs: plan"

    [commits.files]
    "plan/PHASE_D_WORKBREAKDOWN.yaml" = '''
    slices:
      - id: D1
        acceptance: [AC-1 the cart is kept, AC-3 the till opens]
    '''
    "plan/PHASE_D_ACCEPTANCE_GATES.md" = '''
    | Scenario | Shown by |
    | --- | --- |
    | AC-1: the cart is kept | `tests/test_cart.py::test_kept` |
    | AC-2: the cart is emptied | `tests/test_cart.py::test_emptied` |
    '''

    [[expect]]
    code = "ART020"
    path = "plan/PHASE_D_ACCEPTANCE_GATES.md"
    line = 4
    message = "neither a gate nor a test"

    [[expect]]
    code = "ART020"
    path = "plan/PHASE_D_WORKBREAKDOWN.yaml"
    line = 3
    message = "AC-3 the till opens"
    ```

    ```toml passes
    policy = '''
    [rules.unmapped-acceptance]
    documents = ["plan/ACCEPTANCE.md"]
    gates = ["make smoke"]
    '''
    base = {files = {"tests/test_cart.py" = "def test_kept(): ..."}}

    [[commits]]
    message = "docs: plan"

    [commits.files]
    "plan/ACCEPTANCE.md" = '''
    ## Scenario: the cart is kept

    Shown by `tests/test_cart.py::test_kept`.

    ## Scenario: the shop starts

    - `make smoke`
    '''
    ```
    """

    code: ClassVar[str] = "ART020"
    requires: ClassVar[tuple[str, ...]] = ("documents",)
    condition: ClassVar[str] = "every scenario and every line of acceptance maps to a gate or a test by name"

    documents: Selecting = setting(Selecting(), "the documents that map scenarios", tightens="more")
    sections: list[str] = setting(
        ["Scenarios", "Acceptance", "Acceptance scenarios", "Acceptance criteria"],
        "whose items are scenarios",
        tightens="more",
    )
    tests: Selecting = setting(Selecting.of(
        "tests/**", "test/**", "**/tests/**", "**/test/**", "**/__tests__/**", "**/*_test.*", "**/*.test.*",
        "**/*.spec.*", "**/test_*.*"
    ), "the test files", tightens="fewer")  # fmt: skip
    gates: list[str] = setting([], "more gates, by name or command", tightens="fewer")

    def check(self, breakdowns: Breakdowns, work_kinds: Mapping[str, WorkKind]) -> Iterator[Finding]:
        """Judge the documents and breakdowns that the change touches."""
        gates = [*self.gates, *_gate_names(work_kinds)]
        yield from breakdowns.unmapped(self.documents, titles=self.sections, tests=self.tests, gates=gates)

    def gates_of(
        self, item: Listed, breakdowns: Breakdowns, work_kinds: Mapping[str, WorkKind]
    ) -> Iterator[tuple[str, str]]:
        """Yield the gates that the scenarios of an item's acceptance name, by their names in runs.

        Each gate comes with its scenario. A gate of the setting `gates` has the same name in runs, unless a
        kind of work item declares it.

        Raises:
            MissingFact: a document cannot be read.
        """
        names = {**{gate: gate for gate in self.gates}, **_gate_names(work_kinds)}
        yield from breakdowns.gates_of(item, self.documents, titles=self.sections, gates=names)


def _gate_names(kinds: Mapping[str, WorkKind]) -> Mapping[str, str]:
    """Map the names and commands of gates to their names."""
    gates = [gate for kind in kinds.values() for gate in kind.gates]
    return {gate.run: gate.name for gate in gates} | {gate.name: gate.name for gate in gates}


class UnprovenCheckbox(Rule):
    r"""A ticked checklist item has no evidence that holds.

    It names an existing file that matches `evidence` of `[checklists]`, usually a run's manifest. The
    file's `status` is in `succeeded` of `[runs]`, no command's last result failed, and it belongs to no other
    item. `[x]`, emoji beside items, and `Status: Completed` are ticks. Judged are items that the change ticks
    or rewrites, or whose evidence it changes; with `--all`, all. The approvals of a spec are no ticks. With
    `[runs] keep = "local"`, the rule is indeterminate without the runs, as in CI.

    Why is this bad? Agents tick what they believe.

    How to fix it: run it and name the manifest, or take the tick away.

    See also: `uncovered-item`

    ```text
    error: tasks/tasks-7.md:1: 'Build' is ticked and names no file that matches .runs/**/manifest.json
    ```

    ```toml fails
    policy = '''
    [checklists]
    files = ["tasks/tasks-*.md"]
    evidence = ".runs/**/manifest.json"

    [runs]
    keep = "tree"
    '''

    [[commits]]
    message = "docs: tick"

    [commits.files]
    ".runs/7/a/manifest.json" = '{"status": "failed"}'
    "tasks/tasks-7.md" = '''
    - [x] Build
    - [x] Lint: `.runs/7/a/manifest.json`
    - [x] Test
      - Evidence: `.runs/7/b/manifest.json`
    - [ ] Ship
    '''

    [[expect]]
    code = "ART006"
    line = 1
    message = "'Build' is ticked and names no file that matches .runs/**/manifest.json"

    [[expect]]
    code = "ART006"
    line = 2
    message = "did not succeed: its status is 'failed'"

    [[expect]]
    code = "ART006"
    line = 3
    message = ".runs/7/b/manifest.json does not exist"
    ```

    ```toml passes
    policy = '''
    [checklists]
    files = ["tasks/tasks-*.md"]
    evidence = ".runs/**/manifest.json"

    [runs]
    keep = "tree"
    '''
    base = {files = {"tasks/tasks-7.md" = "- [x] Before specguard\n- [ ] Build\n"}}

    [[commits]]
    message = "docs: tick"

    [commits.files]
    ".runs/7/a/manifest.json" = '{"status": "succeeded"}'
    "tasks/tasks-7.md" = '''
    - [x] Before specguard
    - [x] Build

      | Evidence |
      | --- |
      | `.runs/7/a/manifest.json` |
    '''
    ```
    """

    code: ClassVar[str] = "ART006"
    judges_parts: ClassVar[bool] = True
    tables: ClassVar[tuple[str, ...]] = ("checklists.files",)
    condition: ClassVar[str] = "every item that is ticked names the run that proves it"

    def check(
        self, checklists: Checklists, claims: Claims, documents: Documents, entries: Sequence[Entry],
        whole: bool,
    ) -> Iterator[Finding]:  # fmt: skip
        """Look for the evidence of each ticked item."""
        present = documents.tree.paths() if whole else [entry.path for entry in entries if not entry.deleted]
        for path, problem in documents.unread(checklists.files, claims.among_counted(present)):
            message = f"the checklist {path_text(path)} cannot be read: {problem.message}"
            step = "Make it a Markdown file in UTF-8: until then nobody can tell what is ticked in it."
            yield Finding(message, step, path, problem.line, key="unread", setting="checklists.files")

        def unproven(one: tuple[Ticked, Claim]) -> Iterator[Finding]:
            item, claim = one
            flaw = claims.proof.judge(claim)
            # RUN007 reports evidence below the required grade.
            if flaw is None or flaw.unbound:
                return
            unnamed = f"names no file that matches {', '.join(claims.evidence.patterns)}"
            why = f"its evidence {flaw.run} {flaw.reason}" if flaw.run else unnamed
            kept = "; commit its folder, too" if claims.proof.records.in_tree else ""
            message = f"{shortened(item.words)!r} is ticked and {why}"
            step = (
                "Name in the item the manifest of a run of it that succeeded, by its path from the root "
                f"(`specguard run gates` makes one{kept}), or take the tick away."
            )
            yield Finding(message, step, claim.path, claim.line, key=claim.key, setting="checklists.evidence")

        yield from judge_each(list(claims.ticks), unproven)
