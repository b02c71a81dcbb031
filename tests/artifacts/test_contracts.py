"""Contracts: which contradict themselves, and what belongs to an artifact by one."""

import pytest

from specguard.artifacts.contracts import Contract
from specguard.artifacts.files import missing_files
from specguard.errors import SpecguardError
from tests.artifacts.conftest import Make
from tests.fuzz.policies import load
from tests.rows import rows


@pytest.mark.parametrize("row", rows(__file__, "contradictions"))
def test_a_table_that_contradicts_itself_is_refused(row: dict[str, str]) -> None:
    with pytest.raises(SpecguardError) as error:
        load({"specguard.toml": f"[artifacts.x]\n{row['table']}"})
    assert row["problem"] in "; ".join(one.message for one in error.value.errors())


def test_aliases_are_found_however_they_are_written() -> None:
    contract = Contract(path="a.md", aliases={"Unresolved Questions": ["Open"], "last_review": ["reviewed"]})
    assert contract.aliases_of("unresolved questions") == ["Open"]
    assert contract.aliases_of("Last review") == ["reviewed"]
    assert contract.aliases_of("Risks") == []


FINAL = Contract(
    path="**/AGENT_{agent}_FINAL_{objective}.md",
    companions=["AGENT_{agent}_PLAN_VERBATIM.md", "AGENT_{agent}_SCRATCHPAD.md"],
)
PLAN = Contract(path="**/AGENT_{agent}_PLAN_VERBATIM.md")
PASS = Contract(
    root="**/_phase-{x}-planning-pass-{nn}-{date}/",
    members=[
        "ORCHESTRATOR_PLAN_VERBATIM.md",
        "PHASE_{X}_EXECUTION_PACKET.md",
        "{X}7_PHASE_{NEXT}_READINESS.md",
    ],
)
PACKET = Contract(path="**/PHASE_{X}_EXECUTION_PACKET.md", fields={"status": ["ready"]})
REVIEW = Contract(path="**/PHASE_{X}_REVIEW.md")
ROOT = "docs/_phase-c-planning-pass-01-2026-01-02"


def some(*paths: str) -> dict[str, str]:
    """Files, whatever is in them."""
    return dict.fromkeys(paths, "x")


def test_what_the_change_touches_is_judged(artifacts: Make) -> None:
    gone = "a/AGENT_5_PLAN_VERBATIM.md"
    found = artifacts(
        {"final": FINAL, "plan": PLAN},
        some("a/AGENT_3_FINAL_AUTH.md", "a/b.md"),
        base=some("a/AGENT_3_PLAN_VERBATIM.md", "AGENT_4_FINAL_DB.md", gone),
        delete=[gone],
    )
    paths = [b"AGENT_4_FINAL_DB.md", b"a/AGENT_3_FINAL_AUTH.md", b"a/AGENT_3_PLAN_VERBATIM.md"]
    assert [one.path for one in found.all] == paths
    [judged] = found.judged
    assert (judged.name, judged.path, judged.touched) == ("final", b"a/AGENT_3_FINAL_AUTH.md", True)
    assert judged.fields == {"agent": "3", "objective": "AUTH"}
    assert judged.setting("sections") == "artifacts.final.sections"
    assert [one.path for one in found.named("plan")] == [b"a/AGENT_3_PLAN_VERBATIM.md"]
    assert found.at(b"a/b.md") is None
    assert found.at(b"a/AGENT_3_FINAL_AUTH.md") is judged


def test_the_whole_tree_is_judged_where_it_is_asked_for(artifacts: Make) -> None:
    base = some("AGENT_4_FINAL_B.md")
    found = artifacts({"final": FINAL}, some("AGENT_3_FINAL_A.md"), base=base, whole=True)
    assert [one.touched for one in found.judged] == [True, False]


def test_companions_belong_to_the_same_agent_and_folder(artifacts: Make) -> None:
    others = some("a/AGENT_4_PLAN_VERBATIM.md", "b/AGENT_3_PLAN_VERBATIM.md", "a/agent_3_scratchpad.md")
    found = artifacts({"final": FINAL}, {**some("a/AGENT_3_FINAL_AUTH.md"), **others})
    [plan, pad] = missing_files(found.judged[0])
    assert plan.message == "AGENT_3_PLAN_VERBATIM.md is missing beside AGENT_3_FINAL_AUTH.md"
    assert plan.setting == "artifacts.final.companions.0"
    assert pad.help == "Add AGENT_3_SCRATCHPAD.md."
    assert (pad.path, pad.key) == (b"a/AGENT_3_FINAL_AUTH.md", "AGENT_3_SCRATCHPAD.md")


def test_neither_a_link_nor_an_empty_file_is_a_companion(artifacts: Make) -> None:
    found = artifacts(
        {"final": FINAL, "pad": Contract(path="**/*_SCRATCHPAD.md")},
        {"AGENT_3_FINAL_AUTH.md": "x", "AGENT_3_PLAN_VERBATIM.md": " \n", "x.md": "x"},
        symlinks={"AGENT_3_SCRATCHPAD.md": "x.md"},
    )
    messages = [one.message for one in missing_files(found.judged[0])]
    assert messages == [
        "AGENT_3_PLAN_VERBATIM.md is empty, and must be an artifact beside AGENT_3_FINAL_AUTH.md",
        "AGENT_3_SCRATCHPAD.md is not a regular file, and must be an artifact beside AGENT_3_FINAL_AUTH.md",
    ]
    [pad] = found.named("pad")
    assert (pad.is_file, pad.document.problem is None, list(pad.values)) == (False, False, [])


def test_a_companion_taken_away_is_missed(artifacts: Make) -> None:
    names = ("FINAL_A", "PLAN_VERBATIM", "SCRATCHPAD")
    files = some(*(f"{folder}/AGENT_3_{name}.md" for folder in "ab" for name in names))
    found = artifacts({"final": FINAL}, {}, base=files, delete=["a/AGENT_3_SCRATCHPAD.md"])
    assert found.judged == []
    assert [one.path for one in found.orphans] == [b"a/AGENT_3_FINAL_A.md"]


def test_of_a_list_within_the_list_one_companion_is_enough(artifacts: Make) -> None:
    contract = Contract(path="A.md", companions=[["LICENSE*", "COPYING*"], ["docs/B.md", "B.md"]])
    found = artifacts({"final": contract}, {"A.md": "x", "docs/B.md": "x", "B.md": ""})
    [finding] = missing_files(found.judged[0])
    assert finding.message == "LICENSE* or COPYING* is missing beside A.md"
    assert (finding.help, finding.setting) == ("Add LICENSE*.", "artifacts.final.companions.0")


def test_one_of_several_that_is_taken_away_is_asked_for(artifacts: Make) -> None:
    contract = Contract(path="A.md", companions=[["docs/B.md", "B.md"]])
    base = {"A.md": "x", "docs/B.md": "x", "B.md": ""}
    found = artifacts({"final": contract}, {}, base=base, delete=["docs/B.md"])
    assert [one.path for one in found.orphans] == [b"A.md"]
    [finding] = missing_files(found.all[0])
    assert finding.message == "B.md is empty, and must be an artifact beside A.md"


@pytest.mark.parametrize("name", ["a\n[b", "a*", " a", "#a ", "\udcff", "{x}"])
def test_names_may_hold_anything(artifacts: Make, name: str) -> None:
    contract = Contract(path="**/A_{agent}_Z.md", companions=["A_{agent}_P.md", "A_{agent}_*.txt"])
    files = {f"{name}/A_{name}_Z.md": "x", f"{name}/A_{name}_P.md": "x", f"{name}/A_x_y.txt": "x"}
    found = artifacts({"final": contract}, {path.encode("utf-8", "surrogateescape"): "x" for path in files})
    [finding] = missing_files(found.judged[0])
    assert finding.setting == "artifacts.final.companions.1"


def test_what_a_manifest_lists_is_not_missed(artifacts: Make) -> None:
    manifest = Contract(path="**/CLEANUP_MANIFEST.md", agrees_with="deletions")
    files = {
        "a/AGENT_3_FINAL_AUTH.md": "x",
        "a/AGENT_4_FINAL_AUTH.md": "x",
        "a/CLEANUP_MANIFEST.md": "## Deleted\n\n- `AGENT_3_*.md`: old\n- AGENT_4_SCRATCHPAD.md: old\n",
    }
    found = artifacts({"final": FINAL, "cleanup": manifest}, files)
    missing = [finding.key for one in found.judged for finding in missing_files(one)]
    assert missing == ["AGENT_4_PLAN_VERBATIM.md"]


def test_a_pass_has_its_members(artifacts: Make) -> None:
    files = {
        f"{ROOT}/ORCHESTRATOR_PLAN_VERBATIM.md": "Status: draft",
        f"{ROOT}/sub/PHASE_C_EXECUTION_PACKET.md": "x",
    }
    base = {f"{ROOT}/C7_PHASE_D_READINESS.md": "Posture: ready", **some(f"{ROOT.replace('-c-', '-d-')}/x")}
    found = artifacts({"pass": PASS, "packet": PACKET}, files, base=base)
    [one] = found.judged_passes
    assert one.fields == {"x": "c", "nn": "01", "date": "2026-01-02"}
    assert one.touched
    assert len(found.passes) == 2
    [finding] = missing_files(one)
    assert finding.message == f"PHASE_C_EXECUTION_PACKET.md is missing in {ROOT.rpartition('/')[2]}/"
    assert finding.path == ROOT.encode()
    assert [(field.name, field.value) for field in one.values] == [("Posture", "ready"), ("Status", "draft")]


def test_a_pass_is_judged_where_a_member_is_taken_away(artifacts: Make) -> None:
    base = some(f"{ROOT}/ORCHESTRATOR_PLAN_VERBATIM.md", f"{ROOT}/C7_PHASE_D_READINESS.md")
    gone = some(f"{ROOT.replace('-c-', '-e-')}/ORCHESTRATOR_PLAN_VERBATIM.md")
    delete = [f"{ROOT}/C7_PHASE_D_READINESS.md", *gone]
    [one] = artifacts({"pass": PASS}, {}, base={**base, **gone}, delete=delete).judged_passes
    missing = [finding.key for finding in missing_files(one)]
    assert missing == ["PHASE_C_EXECUTION_PACKET.md", "C7_PHASE_*_READINESS.md"]


def test_what_belongs_together_is_found(artifacts: Make) -> None:
    other = ROOT.replace("-c-", "-d-")
    files = some(
        f"{ROOT}/PHASE_C_EXECUTION_PACKET.md",
        f"{other}/PHASE_D_EXECUTION_PACKET.md",
        f"{ROOT}/reviews/PHASE_C_REVIEW.md",
        "reviews/PHASE_D_REVIEW.md",
    )
    found = artifacts({"pass": PASS, "execution-packet": PACKET, "review": REVIEW}, files)
    [near] = found.related(found.named("review")[0], "execution-packet")
    assert near.path == f"{ROOT}/PHASE_C_EXECUTION_PACKET.md".encode()
    [far] = found.related(found.named("review")[1], "execution-packet")
    assert far.path == f"{other}/PHASE_D_EXECUTION_PACKET.md".encode()


def test_of_what_stands_beside_each_other_the_same_values_belong_together(artifacts: Make) -> None:
    files = some("PHASE_C_EXECUTION_PACKET.md", "PHASE_D_EXECUTION_PACKET.md", "PHASE_D_REVIEW.md")
    found = artifacts({"execution-packet": PACKET, "review": REVIEW}, files)
    [packet] = found.related(found.named("review")[0], "execution-packet")
    assert packet.path == b"PHASE_D_EXECUTION_PACKET.md"
