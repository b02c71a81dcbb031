"""ART009: fields that name revisions, and fields that must say that there is none."""

from pathlib import Path

from specguard.testing import Step
from tests.rules.artifacts.setting import messages_of, said
from tests.rules.items import judge

POLICY = """
[artifacts.check]
path = "**/CHECK.md"
fields = {posture = ["ready", "not-ready"], blockers = "any", head = "revisions"}
none_when = {blockers = "posture.ready"}

[work.slice]
source = "slices.yaml"
branch = "wave-{id}"

[artifacts.packet]
path = "PACKET.md"

[wave]
stages = [{name = "planning", leaves = ["packet"], branch = "plan-*"}]
"""
HEADS = {
    **dict.fromkeys(
        ["main", "`main`, work", "main..work", "main...work and main", "wave-d1 (merged)", "plan-it; main",
         "refs/heads/main", "work^, origin/main", "work~1^0"],
        "",
    ),
    "3f1c2d4": "Head has '3f1c2d4', which is no commit or branch",
    "main, nowhere": "'nowhere'",
    "main..wave-d9": "'wave-d9'",
    "main~99..main": "'main~99', which is no commit or branch",
    "nowhere^": "'nowhere^'",
    "main..": "a range without both its ends",
    "TBD": "has no value",
    # As a section
    "\n\n- main\n- work\n": "",
    "\n\n- main\n- gone\n": "Head has 'gone'",
    "\n\nmain, gone\n": "Head has 'gone'",
    "\n\n- `main`\n\nSee there.\n": "",
}  # fmt: skip
BLOCKERS = {
    **dict.fromkeys(["none", "None: all are closed", "nothing", "None (see the review)"], ""),
    **dict.fromkeys(
        ["B1 is open", "the cache, the queue", "nonesuch"], "Posture is 'ready', and Blockers says"
    ),
    "none\nBlockers: B1 is open": "Blockers says 'B1 is open'",
}


def text(head: str = "main", posture: str = "ready", blockers: str = "none") -> dict[str, str]:
    stated = f"Posture: {posture}\nBlockers: {blockers}\n"
    section = head.startswith("\n")
    return {"CHECK.md": f"# Check\n\n{stated}\n## Head{head}" if section else f"{stated}Head: {head}\n"}


def test_revisions_and_statements_that_there_is_none(tmp_path: Path) -> None:
    rows = [
        *((text(head=head), message) for head, message in HEADS.items()),
        *((text(blockers=blockers), message) for blockers, message in BLOCKERS.items()),
        *((text(blockers=blockers, posture="not-ready"), "") for blockers in ("B1 is open", "nonesuch")),
    ]
    files, messages = zip(*rows, strict=True)
    slices = {"slices.yaml": "slices: [{id: d1}]\n"}
    found = messages_of("ART009", tmp_path, files, POLICY, shared=slices)
    said(found, [[message] if message else [] for message in messages])


def test_what_the_base_has_was_judged_when_it_came(tmp_path: Path) -> None:
    base, commits = [Step(files=text(head="gone-by-now"))], [Step("docs: x", files={"x.md": "x"})]
    judge("ART009", tmp_path, policy=POLICY, base=base, commits=commits, args=["--all"])
