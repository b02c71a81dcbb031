"""ART009: fields that name revisions, and fields that must say that there is none."""

from pathlib import Path

from specguard.testing import Step
from tests.rows import recorded, rows
from tests.rules.artifacts.setting import messages_of, said
from tests.rules.items import judge

POLICY = recorded(__file__, "policy")


def text(head: str = "main", posture: str = "ready", blockers: str = "none") -> dict[str, str]:
    stated = f"Posture: {posture}\nBlockers: {blockers}\n"
    section = head.startswith("\n")
    return {"CHECK.md": f"# Check\n\n{stated}\n## Head{head}" if section else f"{stated}Head: {head}\n"}


def test_revisions_and_statements_that_there_is_none(tmp_path: Path) -> None:
    stated = [
        *((text(head=head), messages) for head, messages in rows(__file__, "heads")),
        *((text(blockers=blockers), messages) for blockers, messages in rows(__file__, "blockers")),
        *((text(blockers=blockers, posture="not-ready"), []) for blockers in ("B1 is open", "nonesuch")),
    ]
    files, messages = zip(*stated, strict=True)
    slices = {"slices.yaml": "slices: [{id: d1}]\n"}
    found = messages_of("ART009", tmp_path, files, POLICY, shared=slices)
    said(found, messages)


def test_what_the_base_has_was_judged_when_it_came(tmp_path: Path) -> None:
    base, commits = [Step(files=text(head="gone-by-now"))], [Step("docs: x", files={"x.md": "x"})]
    judge("ART009", tmp_path, policy=POLICY, base=base, commits=commits, args=["--all"])
