"""Policies with a change that breaks them, and what its author could add to be let through."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from specguard.testing import Step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WORD = "DO NOT COMMIT"


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


GUARDED: Sequence[tuple[str, str]] = (
    ("locked/", "locked/p"), ("docs/api/", "DOCS/api/x.yaml"), ("*.lock", "poetry.lock"), ("**/secret.txt",
    "a/b/secret.txt"),
    ("configs/**", "configs/deep/er/c.toml"), ("with space/", "with space/f"), ("\u00e9/", "e\u0301/f"),
    ("Makefile", "Makefile"),
    ("src/[ab]/", "src/a/x.py"), ("x?z", "xyz"), ("**", "src/anything"), ("/root.txt", "root.txt"), ("link",
    "link"),
)  # fmt: skip


@st.composite
def guarding(draw: st.DrawFn) -> Breach:
    """A rule that forbids or locks a path, and a change to it."""
    pattern, path = draw(st.sampled_from(GUARDED))
    code, name = draw(st.sampled_from([("PTH001", "forbidden-path"), ("PTH002", "locked-path")]))
    rule = f"[rules.{name}]\npaths = [{json.dumps(pattern)}]\n"
    if draw(st.booleans()):
        rule += 'exclude = ["excluded/"]\n'
    there = draw(st.booleans())
    steps = [
        Step(files={path: "changed\n"}),
        Step(symlinks={path: "../elsewhere"}),
        Step(submodules={path: "1" * 40}),
    ]
    if there:
        steps += [Step(delete=[path]), Step(rename={path: "free/moved"}), Step(executable=[path])]
    return Breach(code, rule, {path: "first\n"} if there else {}, draw(st.sampled_from(steps)))


OTHERS: Sequence[Breach] = (
    Breach("CMT002", "[rules.commit-message]\nconventional = true\n", step=Step("what I did")),
    Breach("CMT002", "[rules.commit-message]\npattern = '^A-[0-9]+: '\n", step=Step("feat: x")),
    Breach("CMT001", "[rules.commit-count]\nexactly = 1\n", commits=1),
    Breach("CMT001", "[rules.commit-count]\nat_most = 2\n", commits=2),
    Breach("CMT003", "[rules.commit-form]\nsubject_max = 20\n",
    step=Step("feat: a subject that is far too long")),
    Breach("CMT006", "[[rules.missing-trailer.require]]\nkey = 'Work-Item'\nvalue = '^A-[0-9]+$'\n",
    step=Step("feat: x")),
    Breach("BRN001", "[rules.branch-name]\npattern = '^phase-[0-9]+$'\n"),
    Breach(
        "CNT001",
        f"[[rules.forbidden-content.forbid]]\npattern = '{WORD}'\npaths = ['**']\nmessage = 'left over'\n",
        step=Step(files={"src/left.py": f"a\n{WORD}\n"}),
    ),
    Breach("PTH008", "[rules.oversized-change]\nlines = 5\n", step=Step(files={"src/long.py": "x\n" * 50})),
    Breach(
        "PTH007",
        "[[rules.missing-companion.companions]]\nwhen = ['src/core.py']\nrequire = ['core.md']\n",
        step=Step(files={"src/core.py": "x\n"}),
    ),
    Breach("PTH005", "", step=Step(files={"src/\u202egnp.py": "x\n"})),
)  # fmt: skip


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
    return replace(
        one,
        message=one.message if other.message == Step().message else other.message,
        files=_both(one.files, other.files),
        symlinks=_both(one.symlinks, other.symlinks),
        submodules=_both(one.submodules, other.submodules),
        delete=[*one.delete, *other.delete],
        rename=_both(one.rename, other.rename),
        executable=[*one.executable, *other.executable],
    )


def _both(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> dict[Any, Any]:
    return {**one, **other}


OFF = "".join(f"[rules.{name}]\nseverity = 'off'\n" for name in (
    "forbidden-path", "locked-path", "commit-message", "commit-count", "commit-form", "missing-trailer",
    "branch-name",
    "forbidden-content", "oversized-change", "missing-companion", "deceptive-path", "policy-change",
))  # fmt: skip
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
        steps += [
            Step(files={"SPEC_AUTHORITY.md": text}),
            Step(files={"SPEC_AUTHORITY.md": f"# Authority\n\n```toml specguard\n{text}\n```\n"}),
            Step(files={"specguard.toml": text}),
            Step(
                files={
                    "pyproject.toml": "[tool.specguard]\n" + text.replace("[rules.", "[tool.specguard.rules.")
                }
            ),
        ]
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
    *(Step(files={f"{folder}/{name}": OFF}) for folder in ("src", "locked", "docs/api", ".specguard",
    ".github", "DOCS/api")
      for name in ("specguard.toml", "SPEC_AUTHORITY.md", "pyproject.toml")),
    *(Step(files={name: OFF}) for name in (
        ".specguard.toml", "specguard.local.toml", "Specguard.toml", "spec_authority.md",
        "SPEC_AUTHORITY.md.local", "setup.cfg",
        "presets/runbook.toml", ".specguard/presets/runbook.toml",
        "rules/specguard_rules/presets/runbook.toml",
    )),
    Step(files={".pre-commit-config.yaml": "repos: []\n"}),
    Step(files={".github/workflows/specguard.yml": "on: push\njobs: {x: {steps: [{run: 'true'}]}}\n"}),
    Step(files={".gitlab-ci.yml": "check: {script: 'true'}\n", ".ci/check": "#!/bin/sh\nexit 0\n"}),
    Step(files={".gitattributes": "* -diff -text binary\n** export-ignore\n* filter=lie diff=lie\n"}),
    Step(files={".gitignore": "*\n", ".git-blame-ignore-revs": "*\n"}),
    Step(files={".mailmap": "alice <alice@example.org> <ann@example.org>\n"}),
    Step(files={".gitmodules": '[submodule "s"]\n\tpath = locked\n\turl = ../x\n\tignore = all\n'}),
    Step(files={".specguard/baseline.json": BASELINE}), Step(symlinks={".specguard": "docs"}),
    Step(files={".specguard/allowed_signers": "alice@example.org ssh-ed25519 AAAA\n"}),
    Step(files={"CODEOWNERS": "* @ann\n", ".github/CODEOWNERS": "* @ann\n"}),
    Step(files={"specguard/__init__.py": "raise SystemExit(0)\n", "sitecustomize.py": "exit(0)\n"}),
    Step(files={"evil-1.dist-info/entry_points.txt": "[specguard]\nevil = evil\n", "evil.py": "exit(0)\n"}),
    Step("chore: x\n\nApproved-by: alice <alice@example.org>\nSpecguard-Ignore: PTH\n[skip ci]"),
)  # fmt: skip
ENVIRONMENT: Sequence[Mapping[str, str]] = (
    {}, {"SPECGUARD_CONFIG": "free.toml"}, {"SPECGUARD_AUTHORITY": "free.toml"}, {"SPECGUARD_IGNORE": "ALL"},
    {"SPECGUARD_CHECK_IGNORE": "PTH", "SPECGUARD_CHECK_SELECT": "CFG"}, {"SPECGUARD_CHECK_EXIT_ZERO": "1"},
    {"SPECGUARD_CHECK_ENFORCE": "0", "SPECGUARD_ENFORCE": "0", "SPECGUARD_OVERRIDE": "PTH002",
    "SPECGUARD_SKIP": "1"},
    {"_SPECGUARD_COMPLETE": "bash_source"}, {"_SPECGUARD_COMPLETE": "zsh_complete", "COMP_WORDS": "x",
    "COMP_CWORD": "1"},
    {"GIT_DIR": ".git"}, {"GIT_DIR": "/nonexistent"}, {"GIT_WORK_TREE": "/"},
    {"GIT_COMMON_DIR": "/nonexistent"},
    {"GIT_OBJECT_DIRECTORY": "/nonexistent"}, {"GIT_ALTERNATE_OBJECT_DIRECTORIES": "/nonexistent:/"},
    {"GIT_NAMESPACE": "x"},
    {"GIT_INDEX_FILE": "/nonexistent"}, {"GIT_CEILING_DIRECTORIES": "/"},
    {"GIT_DISCOVERY_ACROSS_FILESYSTEM": "0"},
    {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "diff.ignoreSubmodules", "GIT_CONFIG_VALUE_0": "all"},
    {"GIT_CONFIG_PARAMETERS": "'core.usereplacerefs'='true'"}, {"GIT_EXTERNAL_DIFF": "true"},
    {"GIT_DIFF_OPTS": "-u0"},
    {"GIT_REPLACE_REF_BASE": "refs/heads/"}, {"GIT_GRAFT_FILE": "/dev/null"},
    {"GIT_SHALLOW_FILE": "/dev/null"},
    {"GIT_ICASE_PATHSPECS": "1", "GIT_NOGLOB_PATHSPECS": "1"}, {"GIT_DEFAULT_HASH": "sha256"},
    {"GIT_TRACE": "1"},
    {"GIT_ATTR_SOURCE": "HEAD"}, {"GIT_CONFIG_GLOBAL": "/nonexistent"}, {"GIT_EXEC_PATH": "/nonexistent"},
    {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "workflow_dispatch",
    "GITHUB_REF": "refs/heads/main"},
    {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "schedule",
    "GITHUB_SHA": "0" * 40, "GITHUB_ACTOR": "alice"},
    {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": "/dev/null"},
    {"PRE_COMMIT": "1", "PRE_COMMIT_FROM_REF": "HEAD", "PRE_COMMIT_TO_REF": "HEAD"}, {"SKIP": "specguard"},
    {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}, {"TZ": "Pacific/Kiritimati"},
    {"PYTHONIOENCODING": "ascii"},
    {"HOME": "/"}, {"XDG_CACHE_HOME": "."}, {"XDG_CONFIG_HOME": "."}, {"NO_COLOR": "1", "TERM": "dumb",
    "COLUMNS": "1"},
    {"SSH_AUTH_SOCK": "/nonexistent"}, {"SOURCE_DATE_EPOCH": "0"}, {"TMPDIR": "/nonexistent"},
    {"PYTHONOPTIMIZE": "2"},
)  # fmt: skip
HARMLESS: Sequence[Sequence[str]] = (
    (), ("--strict",), ("--explain",), ("--statistics",), ("--bootstrap",), ("--extend-select=PTH002",),
    ("--all",),
    ("--pr-title=feat: x",), ("--output=text=/dev/null",),
)  # fmt: skip
LOOSENING: Sequence[Sequence[str]] = (
    ("--authority=free.toml",), ("--authority", "/dev/null"), ("--select=CFG",),
    ("--ignore=PTH,CMT,BRN,CNT",), ("--ignore", "x"),
    ("--exit-zero",), ("--dry-run",), ("--today=2999-01-01",), ("--today", "2000-01-01"),
    ("--override=PTH002", "--approved-by=alice", "--reason=the vendor's file is wrong"),
    ("--override=PTH001",),
)  # fmt: skip
