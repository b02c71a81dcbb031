"""PTH006: where new links and submodules lead, and what they stand in the place of."""

from __future__ import annotations

from functools import partial

import pytest

from specguard.testing import Step
from tests.rules.paths.setting import findings

POLICY = "[rules.locked-path]\npaths = ['kept/', 'docs/api/', 'src/deep/file', '/Case/']\n"
BASE = Step(
    files={"kept/a": "a\n", "docs/api/x": "x\n", "src/deep/file": "f\n", "Case/a": "a\n", "free/a": "a\n"}
)
COMMIT = "1" * 40
judge = partial(findings, "PTH006", policy=POLICY, base=BASE)


@pytest.mark.parametrize(
    ("path", "target", "said"),
    [
        ("l", "kept", "leads to kept; kept/ is guarded"),
        ("l", "kept/a", "leads to kept/a; kept/ is guarded"),
        ("l", "KEPT/a", "leads to KEPT/a; kept/ is guarded"),
        ("l", "kept/new", "leads to kept/new; kept/ is guarded"),
        ("free/l", "../kept", "leads to kept; kept/ is guarded"),
        ("free/l", "./.././kept//a", "leads to kept/a; kept/ is guarded"),
        ("l", "src", "leads to src, which holds src/deep/file; src/deep/file is guarded"),
        ("l", "SRC/Deep", "leads to SRC/Deep, which holds src/deep/file; src/deep/file is guarded"),
        ("l", "docs", "leads to docs, which holds docs/api/x; docs/api/ is guarded"),
        ("l", ".", "leads to the root, which holds "),
        ("l", "free/..", "leads to the root, which holds "),
        ("l", "../x", "leads above the repository's root: ../x"),
        ("free/l", "../../x", "leads above the repository's root: ../../x"),
        ("l", "/etc/passwd", "leads to an absolute path: /etc/passwd"),
        ("l", "c:\\x", "leads to an absolute path: "),
        ("l", ".git/config", "leads into git's own folder: .git/config"),
        ("l", "free", ""),
        ("l", "free/a", ""),
        ("l", "nowhere", ""),
        # A circle leads nowhere, and one within what a pattern guards gives nothing away.
        ("l", "l", ""),
        ("kept/l", "a", ""),
        ("kept/l", "../docs/api/x", "leads to docs/api/x; docs/api/ is guarded"),
    ],
)
def test_where_a_new_link_leads(path: str, target: str, said: str) -> None:
    found = judge(Step(symlinks={path: target}))
    if not said:
        assert not found
        return
    assert found[0]["message"].startswith(f"{path} {said}")
    assert found[0]["authority"] is None
    assert len(found) == 1


@pytest.mark.parametrize("target", ["kept/a", "../x", "src"])
def test_a_file_that_becomes_a_link_to_what_it_says(target: str) -> None:
    base = Step(files={"kept/a": "a\n", "src/deep/file": "f\n", "l": target})
    [found] = judge(Step(delete=["l"], symlinks={"l": target}), base=base)
    assert found["message"].startswith("l leads ")


def test_a_link_leads_through_other_links_of_the_change() -> None:
    found = judge(Step(symlinks={"one": "two", "two": "free/three", "free/three": "../kept/a"}))
    assert [one["location"]["path"] for one in found] == ["free/three", "one", "two"]
    assert {one["message"].partition(" leads ")[2] for one in found} == {"to kept/a; kept/ is guarded"}


def test_a_link_that_only_changes_its_place_in_a_folder_is_not_judged_again() -> None:
    base = Step(files={"kept/a": "a\n"}, symlinks={"l": "kept/a"})
    assert not judge(Step(files={"x": "x"}), base=base)
    assert len(judge(Step(symlinks={"l": "kept"}), base=base)) == 1
    assert not judge(Step(symlinks={"l": "x"}), base=base)


@pytest.mark.parametrize(
    ("change", "kind"),
    [(Step(symlinks={"api": "free"}), "symbolic link"), (Step(submodules={"api": COMMIT}), "submodule")],
)
def test_what_stands_in_the_place_of_a_folder_with_guarded_paths(change: Step, kind: str) -> None:
    policy = "[rules.locked-path]\npaths = ['api/v1/']\n[rules.link-into-guarded-path]\nsubmodules = 'any'\n"
    [found] = judge(change, policy=policy, base=Step(files={"free/a": "a"}))
    assert found["message"] == (
        f"api is a {kind} in the place of a folder; api/v1/ is guarded and would lie elsewhere"
    )
    # One that was there before the change is no news.
    again = Step(symlinks={"api": "other"}) if change.symlinks else Step(submodules={"api": "2" * 40})
    assert not judge(again, policy=policy, base=change)


@pytest.mark.parametrize(
    ("allowed", "new", "moved"),
    [("none", "is a new submodule, ", "is a submodule that is set to another commit, "),
     ("existing", "is a new submodule, ", ""), ("any", "", "")],
)  # fmt: skip
def test_which_submodules_a_change_may_touch(allowed: str, new: str, moved: str) -> None:
    policy = f"{POLICY}[rules.link-into-guarded-path]\nsubmodules = '{allowed}'\n"
    base = Step(files={"kept/a": "a\n"}, submodules={"sub": COMMIT})
    for change, said in (
        (Step(submodules={"new": COMMIT}), new),
        (Step(submodules={"sub": "2" * 40}), moved),
    ):
        found = judge(change, policy=policy, base=base)
        assert len(found) == bool(said)
        for one in found:
            assert f" {said}" in one["message"]
            # The setting that decides is cited, and its line is the policy's seventh.
            assert one["authority"]["line"] == 7
    [under] = judge(Step(submodules={"kept/s": COMMIT}), policy=policy, base=base)
    assert "is a submodule under kept/, which is guarded" in under["message"]


def test_what_one_commit_links_and_another_takes_back_lands_with_both() -> None:
    changes = (Step(files={"x": "x"}), Step(symlinks={"l": "kept"}), Step(delete=["l"]))
    [found] = judge(*changes)
    assert found["message"].endswith(f" (in commit {found['location']['commit'][:12]}, and taken back later)")
    assert found["help"].startswith("Take it out of that commit with `")
    assert not judge(*changes, policy=f"merge = 'squash'\n{POLICY}")
