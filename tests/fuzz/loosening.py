"""Policies with a change that breaks them, and what its author could add to be let through."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from specguard.testing import Step
from tests.fuzz.damage import DRAWN


@dataclass(frozen=True)
class Breach:
    """A rule of a policy, and a change that breaks it.

    Attributes:
        code: the rule's code.
        rule: its settings, as TOML.
        base: files of the base.
        step: what the change does.
        commits: how many commits more the change has.
    """

    code: str
    rule: str
    base: Mapping[str, str] = field(default_factory=dict)
    step: Step = field(default_factory=Step)
    commits: int = 0


@st.composite
def guarding(draw: st.DrawFn) -> Breach:
    """A rule that forbids or locks a path, and a change to it."""
    pattern, path = draw(st.sampled_from(DRAWN["guarded"]))
    code, name = draw(st.sampled_from([("PTH001", "forbidden-path"), ("PTH002", "locked-path")]))
    rule = f"[rules.{name}]\npaths = [{json.dumps(pattern)}]\n"
    if draw(st.booleans()):
        rule += 'exclude = ["excluded/"]\n'
    there = draw(st.booleans())
    new = Step(files={path: "changed\n"}), Step(symlinks={path: "../elsewhere"})
    steps = [*new, Step(submodules={path: "1" * 40})]
    if there:
        steps += [Step(delete=[path]), Step(rename={path: "free/moved"}), Step(executable=[path])]
    return Breach(code, rule, {path: "first\n"} if there else {}, draw(st.sampled_from(steps)))


OTHERS: Sequence[Breach] = [
    Breach(**{**row, "step": Step(**row.get("step", {}))}) for row in DRAWN["breaches"]
]


@dataclass(frozen=True)
class Situation:
    """A base with its policy, and a change that breaks it.

    Attributes:
        settings: the policy as TOML.
        base: the base's commit.
        change: the commits of the change.
    """

    settings: str
    base: Step
    change: Sequence[Step]


@st.composite
def situations(draw: st.DrawFn, approvals: str) -> Situation:
    """A policy of one to three rules and a change that breaks some of them.

    Args:
        draw: hypothesis's.
        approvals: the settings by which approvals are given.
    """
    found = draw(
        st.lists(guarding() | st.sampled_from(OTHERS), min_size=1, max_size=3, unique_by=lambda one: one.code)
    )
    broken = found[: draw(st.integers(1, len(found)))]
    top = f"base = 'main'\nmerge = '{draw(st.sampled_from(['rebase', 'merge']))}'\n"
    if draw(st.booleans()):
        top += "extends = ['runbook']\n"
    settings = top + "".join(breach.rule for breach in found) + (approvals if draw(st.booleans()) else "")
    files: dict[str, str] = {"src/a": "a\n", "docs/readme.md": "# Read me\n"}
    for breach in found:
        files.update(breach.base)
    kind = draw(st.sampled_from(["block", "settings", "project", "both"]))
    files.update(authority(kind, settings))
    step = Step("feat: x", files={"src/a": "b\n"})
    for breach in broken:
        step = together(step, breach.step)
    more = max(breach.commits for breach in broken)
    change = [step, *(Step("feat: x", files={"src/more": f"{number}\n"}) for number in range(more))]
    return Situation(settings, Step("chore: base", files=files), change)


def authority(kind: str, settings: str) -> dict[str, str]:
    """Settings in one of the forms that they may have."""
    block = f"# Authority\n\n## Locked zones\n\n- `ci/`\n\n```toml specguard\n{settings}```\n"
    if kind == "block":
        return {"SPEC_AUTHORITY.md": block}
    if kind == "both":
        return {
            "SPEC_AUTHORITY.md": "# Authority\n\n## Forbidden paths\n\n- `never/`\n",
            "specguard.toml": settings,
        }
    if kind == "settings":
        return {"specguard.toml": settings}
    inner = re.sub(r"^(\[+)", r"\1tool.specguard.", settings, flags=re.MULTILINE)
    return {"pyproject.toml": f"[project]\nname = 'x'\n\n[tool.specguard]\n{inner}"}


def together(one: Step, other: Step) -> Step:
    """Both steps as one commit, with the message of the second where it has one of its own."""
    both: dict[str, Any] = {
        name: {**getattr(one, name), **getattr(other, name)}
        for name in ("files", "symlinks", "submodules", "rename")
    }
    both |= {name: [*getattr(one, name), *getattr(other, name)] for name in ("delete", "executable")}
    return replace(one, message=one.message if other.message == Step().message else other.message, **both)


OFF = "".join(f"[rules.{name}]\nseverity = 'off'\n" for name in DRAWN["rules"])
EXCLUDED = OFF.replace("severity = 'off'", "exclude = ['**']")
LATER = OFF.replace("severity = 'off'", "stages = ['edit']")
BASELINE = json.dumps({
    code: dict.fromkeys(("src/left.py", "src/a", "locked/p", ""), 9999)
    for code in ("CNT001", "PTH001", "PTH002", "PTH007", "CMT001", "CMT002", "BRN001")
})  # fmt: skip


def authorities(settings: str) -> Sequence[Step]:
    """What a head may make of the authority."""
    texts = [
        "", "# Nothing\n", "base = 'work'\n",
        "merge = 'squash'\n" + settings, OFF, EXCLUDED, LATER, settings + "[broken",
        settings.split("[rules.", 1)[0], "extends = ['conventional-commits']\n",
        "documents = ['docs/readme.md']\n",
        "plugins = ['evil']\n" + OFF, "remote = 'https://evil.example/x.git'\n",
        "[approvals]\nlog = 'src/'\n", "\0", "\udcff",
    ]  # fmt: skip
    steps = []
    for text in texts:
        project = "[tool.specguard]\n" + text.replace("[rules.", "[tool.specguard.rules.")
        for name, content in (
            ("SPEC_AUTHORITY.md", text),
            ("SPEC_AUTHORITY.md", f"# Authority\n\n```toml specguard\n{text}\n```\n"),
            ("specguard.toml", text),
            ("pyproject.toml", project),
        ):
            steps.append(Step(files={name: content}))
    for path in ("SPEC_AUTHORITY.md", "specguard.toml", "pyproject.toml"):
        steps += [
            Step(delete=[path]), Step(symlinks={path: "docs/readme.md"}),
            Step(symlinks={path: "/etc/passwd"}),
            Step(submodules={path: "2" * 40}), Step(executable=[path]),
            Step(rename={path: "free/authority.md"}),
            Step(delete=[path], files={f"{path}/x": "a folder\n"}),
        ]  # fmt: skip
    return steps


ELSEWHERE: Sequence[Step] = (
    *(Step(files={name: OFF}) for name in DRAWN["settings_elsewhere"]),
    *(Step(**step) for step in DRAWN["elsewhere"]),
    Step(files={".specguard/baseline.json": BASELINE}),
)
ENVIRONMENT: Sequence[Mapping[str, str]] = DRAWN["environment"]
HARMLESS: Sequence[Sequence[str]] = DRAWN["harmless"]
