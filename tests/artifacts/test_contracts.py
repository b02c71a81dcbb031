from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from specguard.artifacts.contracts import Contract
from specguard.authority.compile import compile_policy
from specguard.authority.load import AUTHORITY, Source
from specguard.engine.plugins import load_registry
from specguard.errors import SpecguardError

if TYPE_CHECKING:
    from specguard.authority.policy import Policy
    from specguard.model import Origin

DOCUMENTED = """
[artifacts.agent-final]
path = "**/AGENT_{agent}_FINAL_{objective}.md"
sections = ["Skills Introspected", "Evidence Map", "Assumptions", "Risks", "Unresolved Questions"]
companions = ["AGENT_{agent}_PLAN_VERBATIM.md", "AGENT_{agent}_SCRATCHPAD.md"]

[artifacts.agent-final.evidence]
section = "Evidence Map"
anchors = "line"            # a path with a line: path:12, path:12-40, path#L12, path#L12-L40, [text](path#L12), `path`:12, L12 beside a path
paths = "absolute"          # or relative, or any
roots = ["/home/me/project"]  # prefixes that stand for the repository's root, so that a cited file and line can be looked up
resolve = true

[specs]
files = ["tasks/specs/*.md", "tasks/[0-9]*-prd-*.md", "tasks/tasks-*.md"]
index = "tasks/index.json"
entries = ["items", "specs"]           # lists in the index that hold specs
review = "last_review"                 # front matter, a `last_review:` line anywhere, a `Last review:` line or bullet, or the index
max_age_days = 30
warn_days = 7
statuses = ["planned", "in-progress", "done"]
terminal = ["done", "archived", "cancelled", "completed", "closed", "superseded"]
code = ["src/**", "packages/**"]       # a change here needs a change to a spec (SPC007)
spec_paths = ["tasks/specs/**", "tasks/index.json"]   # what counts as one
binding = "date"                       # or "content": the review records the governed files' object ids
transitions = {planned = ["in-progress", "done"], in-progress = ["done"]}
approvals = "approvals"                # field, front matter key or section
approval_needed = ["in-progress", "done"]
approval_fields = {who = ["reviewer", "approver", "by"], when = ["date", "approved_on"]}

[specs.governs]                        # which spec governs which paths, for what blocks and what only warns
"src/orchestrator/**" = ["tasks/specs/0002-*.md"]

[artifacts.agent-scratchpad]
path = "**/AGENT_{agent}_SCRATCHPAD.md"
timestamps = "ascending"               # or "present"; the accepted forms are documented

[artifacts.readiness]
path = "**/*_READINESS.md"
fields = {posture = ["ready", "not-ready"], blockers = "any", owners = "any", order = "any"}

[artifacts.review]
path = "**/*REVIEW_REPORT*.md"
findings = {severities = ["blocking", "high", "medium", "low"], anchors = "line", closed = ["fixed", "re-verified"], must_close = ["blocking", "high"]}
inputs = ["**/PHASE_*_EXECUTION_PACKET.md"]
author_not = "slice.owner"

[artifacts.cleanup]
path = "**/*_CLEANUP_MANIFEST.md"
agrees_with = "deletions"              # every removed path with a reason, no reason without a removal

[artifacts.work-breakdown]
path = "**/PHASE_*_WORKBREAKDOWN.yaml"
schema = "schemas/workbreakdown.json"

[artifacts.planning-pass]
root = "**/_phase-{x}-planning-pass-{nn}-{date}/"
members = ["ORCHESTRATOR_PLAN_VERBATIM.md", "PHASE_{X}_EXECUTION_PACKET.md"]

[[wave.stages]]
name = "planning"

[[wave.stages]]
name = "implementation"
opens_after = ["planning"]
requires = ["planning-pass", "drift-check"]
fields = {status = "ready"}
branch = "*-runtime-implementation"

[work.slice]
source = "**/PHASE_*_WORKBREAKDOWN.yaml"   # instead of a pointer: owner, files, depends_on, acceptance, conditional
branch = "codex/phase-{phase}-{number}-{slug}"
submit = "gt submit --ai"

[grounding]
all = ["docs/ARCHITECTURE.md"]
by_agent = {P1 = ["prompts/spec-to-milestone.md"]}
equivalents = {"prompts/spec-to-milestone.md" = ["prompts/spec-2-milestone.md"]}

[authority]
order = ["ARCHITECTURE.md", "DECISIONS.md", "**/PHASE_*_EXECUTION_PACKET.md", "**/AGENT_*"]
keys = [{name = "canonical_root", form = "Key: value"}]   # or "front matter", or a pattern with one group

[[invariants]]
paths = ["src/routes.ts"]
pattern = "/api/orpc/"                 # must keep matching, unchanged in number

[checklists]
files = ["tasks/tasks-*.md", "docs/TASKS.md"]
evidence = ".runs/**/manifest.json"    # anywhere within the list item; succeeded: status in succeeded, success, passed

[assets]
paths = ["patterns/**"]
index = "patterns/index.json"
"""  # noqa: E501 - as it is documented


def compiled(settings: str) -> Policy:
    def read(path: str, named_by: Origin) -> Source:
        raise AssertionError(f"{named_by} names {path}")

    text = f"# Authority\n\n```toml specguard\n{settings}\n```\n"
    policy = compile_policy([Source(AUTHORITY, "", text)], registry=load_registry, read=read)
    assert policy is not None
    return policy


def test_the_documented_tables_are_a_policy() -> None:
    policy = compiled(DOCUMENTED)
    assert policy.unread == []
    contracts = policy.declared("contracts")
    assert contracts["agent-final"].evidence.roots == ["/home/me/project"]
    assert contracts["planning-pass"].members[1] == "PHASE_{X}_EXECUTION_PACKET.md"
    unset = {rule.code for rule in policy.rules if rule.unset and rule.code[:3] in {"SPC", "ART"}}
    assert unset <= {"ART015", "ART018", "ART020", "ART021"}


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("", "an artifact has a `path` or a `root`, one of the two"),
        ('path = "a.md"\nroot = "b/"', "one of the two"),
        ('path = "a.md"\nmembers = ["b.md"]', "`members` are the files of a `root`"),
        ('root = "a/"', "a `root` needs `members`"),
        ('root = "a/"\nmembers = ["b.md"]\nsections = ["X"]', "a `root` has only `members`; `sections`"),
        ('path = "a.yaml"\nsections = ["X"]', "a.yaml is structured, and has no `sections`"),
        ('path = "a.md"\nauthor_not = "packet"', "`author_not` is the name of a kind or of an artifact"),
        ('path = "a.md"\nfields = {posture = []}', "the field 'posture' has no value that it may have"),
        ('path = "a.md"\nsections = ["Risks"]\naliases = {Risk = ["Hazards"]}', "`aliases` has 'Risk'"),
        ('path = "a/{x}.md"\nclosure = ["b/{y}/"]', "`closure` has {y}, which `path` does not have"),
        ('path = "a/{x"', "has a '{' that starts or ends no placeholder"),
        ('path = "a/../b.md"', "has the segment '..'"),
        ('path = "a.md"\ncompanions = ["../b.md"]', "has the segment '..'"),
        ('path = "a.md"\nclosure = ["a/../b/"]', "has the segment '..'"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(table: str, problem: str) -> None:
    with pytest.raises(SpecguardError) as error:
        compiled(f"[artifacts.x]\n{table}")
    assert problem in "; ".join(one.message for one in error.value.each())


def test_aliases_are_found_however_they_are_written() -> None:
    contract = Contract(path="a.md", aliases={"Unresolved Questions": ["Open"], "last_review": ["reviewed"]})
    assert contract.aliases_of("unresolved questions") == ["Open"]
    assert contract.aliases_of("Last review") == ["reviewed"]
    assert contract.aliases_of("Risks") == []
