"""Policies in any state: refused with a reason, or every guard that a plain reader sees in them."""

import marshal
import re
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from specguard.authority.difference import compare
from specguard.authority.policy import Policy
from specguard.documents.blocks import List
from specguard.documents.document import Document
from specguard.documents.list_items import leading_paths
from specguard.errors import SpecguardError
from specguard.testing import Step
from specguard.testing.case import fill
from tests.fuzz.damage import DRAWN, damaged, few
from tests.fuzz.loosening import Situation
from tests.fuzz.policies import SEEDS, altered, cases, load, registry, seeds, settings_of, toml
from tests.fuzz.verdicts import build, checked, judged
from tests.outcomes import sound, there

MARKDOWN = (
    "# Authority\n\nSome words.\n\n```toml specguard\n{}\n```\n\n## Locked zones\n\n- `configs/`: pinned\n"
)


def guards(policy: Policy) -> set[str]:
    return {guard.pattern for guard in policy.guards.all}


def stated(settings: Mapping[str, Any]) -> set[str]:
    """The guarded patterns that settings state, by a plain reading of them."""
    rules = settings.get("rules", {})
    return {
        path
        for name in ("locked-path", "forbidden-path")
        if rules.get(name, {}).get("severity") != "off"
        for path in rules.get(name, {}).get("paths", [])
    }


def loaded(files: Mapping[str, str | bytes], *modes: Mapping[str, int]) -> Policy | None:
    """The policy of some files; None where it is refused with a reason."""
    try:
        return there(load(files, *modes))
    except SpecguardError as error:
        for one in error.errors():
            assert one.message
        return None


def refused_or_complete(
    files: Mapping[str, str | bytes], settings: Mapping[str, Any] | None
) -> Policy | None:
    """Load a policy, which is only one where its settings can be read, and then has all their guards."""
    policy = loaded(files)
    assert policy is None or stated(there(settings)) <= guards(policy)
    return policy


def read(content: bytes) -> Mapping[str, Any] | None:
    """What Python's own reader makes of settings; None where it refuses them."""
    try:
        return tomllib.loads(content.decode().removeprefix("\ufeff"))
    except ValueError:
        return None


def test_the_seeds_are_policies() -> None:
    assert len(seeds()) > 100
    for seed in seeds():
        assert refused_or_complete({"specguard.toml": seed}, tomllib.loads(seed)) is not None


@few(120)
@given(damaged(SEEDS.map(str.encode)))
def test_damaged_settings_are_refused_or_complete(content: bytes) -> None:
    refused_or_complete({"specguard.toml": content}, read(content))
    # What ends the block or hides it is another test's.
    content = content.replace(b"`", b"'").replace(b"\r", b"").replace(b"\0", b"")
    page = MARKDOWN.encode().replace(b"{}", content)
    policy = refused_or_complete({"SPEC_AUTHORITY.md": page}, read(content))
    assert policy is None or "configs/" in guards(policy) or there(policy.rule("PTH002")).severity == "off"


@few(250)
@given(altered())
def test_odd_values_are_refused_or_taken_as_they_are(data: dict[str, Any]) -> None:
    text = toml(data)
    policy = refused_or_complete({"specguard.toml": text}, tomllib.loads(text))
    if policy is not None:
        again = Policy(marshal.loads(marshal.dumps({**policy.data})))
        assert guards(again) == guards(policy)
        assert not compare(policy, again)
        for rule in again.rules:
            assert rule.load() is not None
        assert set(again.tables) == set(registry().declarations)


@few(80)
@given(altered(), altered())
def test_any_two_policies_are_compared_and_a_lost_guard_loosens(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    old, new = loaded({"specguard.toml": toml(one)}), loaded({"specguard.toml": toml(other)})
    if old is None or new is None:
        return
    change = compare(old, new)
    assert bool(change) == (old.policy_id != new.policy_id)
    if guards(old) - guards(new):
        assert any(difference.effect != "tightens" for difference in change)


@few(120)
@given(damaged(SEEDS.map(lambda text: MARKDOWN.replace("{}", text).encode())))
def test_every_block_that_a_page_shows_is_read(content: bytes) -> None:
    policy = loaded({"SPEC_AUTHORITY.md": content})
    if policy is None:
        return
    text = content.decode()
    if text.startswith(("---", "+++", "\ufeff")) or any(one.meaning == "hidden" for one in policy.unread):
        # Front matter is no part of the page, and what is hidden is said to be.
        return
    for token in MarkdownIt("commonmark").parse(text.replace("\r\n", "\n").replace("\r", " ")):
        if token.type == "fence" and not token.level and token.info.split() == ["toml", "specguard"]:
            assert stated(tomllib.loads(token.content)) <= guards(policy)


FENCES = st.sampled_from(
    ["```\n", "~~~\n", "```text\n", "````\n", "~~~~ x\n", "    ```\n", "- ```\n", "> ```\n", "``\n", "text\n"]
)


@few(80)
@given(st.lists(FENCES, max_size=3).map("".join), st.lists(FENCES, max_size=3).map("".join))
def test_settings_that_another_block_swallows_are_said_to_be_unread(before: str, after: str) -> None:
    settings = "```toml specguard\n[rules.locked-path]\npaths = ['locked/']\n"
    policy = loaded({"SPEC_AUTHORITY.md": f"# Authority\n\n{before}{settings}```\n{after}"})
    if policy is None:
        return
    example = re.search(r"^(`{4,}|~{3,}).*\n(?s:.*)^\1", f"{before}{settings}```\n{after}", re.MULTILINE)
    assert "locked/" in guards(policy) or policy.unread or example


PROSE = st.just(DRAWN["authorities"]["prose"].encode())


@few(200)
@given(damaged(PROSE))
def test_nothing_in_a_section_about_paths_is_lost_without_a_word(content: bytes) -> None:
    policy = loaded({"SPEC_AUTHORITY.md": content})
    if policy is None:
        return
    told = {one.line for one in policy.unread}
    told |= {origin.line for guard in policy.guards.all if (origin := policy.origin(guard.key))}
    for section in Document.of(content).sections:
        if section.heading.text.plain.strip().casefold() not in {"locked zones", "forbidden paths"}:
            continue
        for item in (item for block in section.own if isinstance(block, List) for item in block.items):
            lines = range(item.text.line, item.text.line + item.text.raw.count("\n") + 1)
            # A path that is named twice is guarded by its first line.
            named = leading_paths(item.text.raw).paths
            known = bool(named) and set(named) <= guards(policy)
            assert item.rest or not item.text.raw.strip() or known or told.intersection(lines)


@few(60)
@given(damaged(PROSE), st.sampled_from([0o100644, 0o120000, 0o160000, 0o40000]))
def test_an_authority_is_never_nothing(content: bytes, mode: int) -> None:
    assert loaded({"SPEC_AUTHORITY.md": content}, {"SPEC_AUTHORITY.md": mode}) is None or mode == 0o100644


SETTINGS = b'base = "main"\n\n[rules.locked-path]\npaths = ["locked/", "docs/api/"]\n'


@few(40)
@given(content=damaged(st.just(SETTINGS)))
def test_a_check_by_a_damaged_policy_is_no_pass(folder: Path, content: bytes) -> None:
    files: dict[str, str | bytes] = {"specguard.toml": content, "locked/p": "1\n"}
    base, head = Step("chore: base", files=files), Step("feat: x", files={"locked/p": "2\n"})
    repository = build(folder, Situation("", base, [head]))
    outcome = judged(repository)
    sound(outcome)
    if outcome.exit_code != 2:
        assert (outcome.exit_code == 1) >= ("locked/" in stated(there(read(content))))
        assert outcome.exit_code in {0, 1}


@few(60)
@given(data=st.data())
def test_no_odd_settings_make_a_rule_crash(folder: Path, data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(cases()))
    settings = toml(data.draw(altered(st.just(settings_of(case)))))
    shutil.rmtree(folder.parent, ignore_errors=True)
    folder.parent.mkdir()
    changed = replace(case, policy=f"# Authority\n\n```toml specguard\n{settings}```\n", approvals=())
    repository = changed.build(folder)
    words = [word for word in changed.arguments(folder.parent, repository.names) if "--select" not in word]
    checked(repository, *words, env=dict(changed.env), stdin=fill(changed.stdin, repository.names))
