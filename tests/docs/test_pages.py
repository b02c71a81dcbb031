"""The pages are right: what they show is printed, what they name exists, what they link to is found.

`python tests/docs/pages.py` brings the outputs that pages show up to date.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING

import click
import pytest
import yaml
from markdown_it import MarkdownIt

import specguard
from specguard.authority.compile import compile_policy
from specguard.authority.load import AuthoritySource
from specguard.cli.app import COMMANDS, app
from specguard.declaration.registry import FAMILIES
from specguard.engine.plugins import load_registry
from specguard.testing import Case, Step, run_case
from tests.docs.pages import DOCS, PAGES, ROOT, WALKED, Block, blocks, normal, read, walk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GENERATED = ("docs/commands.md", "docs/settings.md", "docs/errors.md")
HAND_WRITTEN = [page for page in PAGES if page not in GENERATED]
EXAMPLES = [path.relative_to(ROOT).as_posix() for path in sorted(DOCS.glob("examples/*.yml"))]
OTHERS = {"--no-verify", "--quick", "--docs", "--rows", "--keep", "--title", "--base main"}
"""Options of other programs that pages name by themselves."""


@pytest.mark.parametrize("page", WALKED)
def test_what_a_page_shows_is_what_is_printed(page: str, tmp_path: Path) -> None:
    for block, expected, printed in walk(blocks(read(page)), tmp_path.resolve()):
        assert normal(printed) == normal(expected or ""), f"{page}:{block.line}"


def test_the_readme_shows_what_the_first_page_shows() -> None:
    there = {normal(block.text) for block in blocks(read("docs/start.md")) if block.info == "text"}
    shown = [block for block in blocks(read("README.md")) if block.info == "text"]
    assert len(shown) == 2
    for block in shown:
        assert normal(block.text) in there, f"README.md:{block.line}"


# Commands and options


def code_of(page: str) -> Iterator[str]:
    """The inline code of a page, and the lines of its blocks of commands and YAML."""
    for token in MarkdownIt("commonmark").enable("table").parse(read(page)):
        for child in token.children or ():
            if child.type == "code_inline":
                yield child.content
    for block in blocks(read(page)):
        if block.info in ("sh", "console", "yaml"):
            yield from block.text.split("\n")


def options_of(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts} | {"--help", "-h"}


def command_named(name: str, *rest: str) -> click.Command:
    """The command of this name; of a group the one that is named behind it, or else its list."""
    found = app.get_command(click.Context(app), name)
    assert found is not None
    if isinstance(found, click.Group):
        inner = rest[0] if rest and not rest[0].startswith("-") else "list"
        known = commands_of(found)
        # What is run may be a kind of work item.
        inner = "item" if name == "run" and inner not in known else inner
        assert inner in known, f"{name} {inner}"
        return known[inner]
    return found


def commands_of(group: click.Group) -> dict[str, click.Command]:
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def every_option() -> Iterator[str]:
    yield from options_of(app)
    for name in COMMANDS:
        found = app.get_command(click.Context(app), name)
        inner = commands_of(found).values() if isinstance(found, click.Group) else [command_named(name)]
        for command in inner:
            yield from options_of(command)


EVERY_OPTION = set(every_option())


@pytest.mark.parametrize("page", HAND_WRITTEN)
def test_every_command_and_option_that_is_named_exists(page: str) -> None:
    for line in code_of(page):
        for words in re.findall(r"\bspecguard((?: +[^\s|&;#\"]+)+)", line.partition("# ")[0]):
            name, *rest = words.split()
            if name.startswith("-"):
                assert name in options_of(app), line
                continue
            assert name in COMMANDS or name == "COMMAND", line
            options = EVERY_OPTION if name == "COMMAND" else options_of(command_named(name, *rest))
            # What stands behind `--` is another program's.
            for word in rest[: rest.index("--")] if "--" in rest else rest:
                if word.startswith("-"):
                    assert word.partition("=")[0] in options, line
        if re.match("--[a-z]", line) and line not in OTHERS:
            assert line.split()[0].partition("=")[0] in EVERY_OPTION, line


def test_every_source_of_a_change_is_on_the_page_about_it() -> None:
    table = read("docs/checking.md").partition("## The base")[0]
    for option in ("base", "head", "range", "pr-event", "pr-title", "pr-body-file", "push", "pre-receive",
                   "staged", "worktree", "patch", "commit-msg-file", "root"):  # fmt: skip
        assert f"`--{option}" in table


@pytest.mark.parametrize("page", [*HAND_WRITTEN, *EXAMPLES])
def test_jobs_and_hooks_that_are_shown_are_of_this_version(page: str) -> None:
    text = read(page)
    known = {hook["id"] for hook in yaml.safe_load(read(".pre-commit-hooks.yaml"))}
    assert set(re.findall(r"- id: ([\w-]+)", text)) <= known
    for version in re.findall(r"(?:rev: v|specguard==|specguard@v)(\d[\w.]*)", text):
        assert version == specguard.__version__


# Rules and settings


@pytest.mark.parametrize("page", HAND_WRITTEN)
def test_every_rule_that_is_named_exists(page: str) -> None:
    text = read(page)
    rules = {entry.rule.code: entry.rule.name for entry in load_registry().rules.values()}
    for code in re.findall(rf"\b((?:{'|'.join(FAMILIES)})\d{{3}})\b", text):
        assert code in rules, code
    for code, name in re.findall(r"\[([A-Z]{3}\d{3})\]\((?:docs/)?rules/([\w-]+)\.md", text):
        assert rules[code] == name
    for name in re.findall(r"`\[rules\.([a-z-]+)\]`", text):
        assert name in rules.values(), name


def policies() -> Iterator[tuple[str, Block]]:
    """Every block of settings on a page, also within a document that is shown whole."""
    for page in HAND_WRITTEN:
        for block in blocks(read(page)):
            inner = blocks(block.text) if block.info in ("markdown", "text") else []
            for one in (block, *inner):
                if one.info in ("toml", "toml specguard"):
                    yield f"{page}:{block.line}", one


@pytest.mark.parametrize("block", [pytest.param(block, id=where) for where, block in policies()])
def test_every_block_of_settings_compiles(block: Block) -> None:
    data = tomllib.loads(block.text)
    if "project" in data:
        return
    source = AuthoritySource("specguard.toml", "", block.text)
    policy = compile_policy(
        [source],
        registry=load_registry,
        read=lambda path, _: AuthoritySource(path, "", "# Another document\n"),
    )
    assert policy is not None
    assert not policy.unread


@pytest.mark.parametrize("preset", ["phase-runner", "track-runner", "planner-pipeline", "runbook"])
def test_a_page_about_a_way_to_work_names_every_rule_that_its_preset_adds(preset: str) -> None:
    text = read(f"docs/{preset}.md")
    for name in tomllib.loads(load_registry().presets[preset])["rules"]:
        assert f"rules/{name}.md" in text or f"`[rules.{name}]`" in text, name


@pytest.mark.parametrize("page", ["docs/phase-runner.md", "docs/track-runner.md"])
def test_a_page_about_items_one_by_one_names_every_rule_about_them(page: str) -> None:
    text = read(page)
    for entry in load_registry().rules.values():
        if entry.rule.family() in ("WRK", "PRQ") and entry.rule.name != "pull-request-target":
            assert entry.rule.code in text, entry.rule.code


def test_the_sections_that_are_shown_are_read_as_it_is_said() -> None:
    shown = next(block for block in blocks(read("docs/authority.md")) if "## Locked zones" in block.text)
    source = AuthoritySource("SPEC_AUTHORITY.md", "", "# Authority\n\n" + shown.text)
    policy = compile_policy(
        [source], registry=load_registry, read=lambda path, _: AuthoritySource(path, "", "# A\n")
    )
    assert policy is not None
    assert not policy.unread
    guards = [
        policy.guards.find(path) for path in (b"SPEC_AUTHORITY.md", b".github/workflows/x", b"docs/api/x")
    ]
    assert [guard.code for guard in guards if guard] == ["PTH002", "PTH002", "PTH001"]


def test_every_preset_is_on_the_page_about_authorities() -> None:
    table = read("docs/authority.md").partition("## Presets")[2]
    assert set(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)) == set(load_registry().presets)


# Links


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    tokens = MarkdownIt("commonmark").parse(text)
    titles = [tokens[i + 1].content for i, token in enumerate(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    "page", [*PAGES, *sorted(f"docs/rules/{page.name}" for page in DOCS.glob("rules/*"))]
)
def test_every_relative_link_resolves(page: str) -> None:
    for token in MarkdownIt("commonmark").enable("table").parse(read(page)):
        for child in token.children or ():
            target = str(child.attrs.get("href", "")) if child.type == "link_open" else ""
            if not target or "://" in target:
                continue
            name, _, anchor = target.partition("#")
            place = (ROOT / page).parent / name if name else ROOT / page
            assert place.is_file(), f"{page} links to {target}"
            if anchor:
                assert anchor in anchors(place.read_text()), f"{page} links to {target}"


# The settings that teams are shown for names of their own


def own(page: str) -> str:
    """The block of settings below the heading *Make it your own*."""
    return next(
        block.text for block in blocks(read(page).partition("## Make it your own")[2]) if "toml" in block.info
    )


def test_phases_under_other_names_are_judged_by_those() -> None:
    files = {
        "plan/current.json": '{"plan": "v1", "phase": {"number": 7}}',
        "plan/v1/07-cart.md": "# Phase 7\n",
        "plan/v1/08-till.md": "# Phase 8\n",
    }
    case = Case(
        policy=own("docs/phase-runner.md"),
        base=[Step(files=files, id="base")],
        commits=[Step("wip", files={"src/a": "1"}), Step("more", files={"tests/a": "1"})],
        branch="feature/phase-07",
        refs={"refs/remotes/origin/develop": "base"},
        title="feat: phase 07",
        body="Implements plan/v1/07-cart.md.",
        states={"WRK001": "passed", "WRK002": "passed", "BRN001": "passed", "PRQ001": "passed",
                "PTH003": "passed", "CMT001": "not-applicable", "CNT002": "off"},
        expect=(),
    )  # fmt: skip
    run_case(case)
    wrong = replace(case.commits[0], files={"lib/a": "1", "plan/v1/08-till.md": "# Easier\n"})
    run_case(
        replace(
            case,
            commits=[wrong],
            states={},
            expect=[
                {"code": "PTH003", "path": "lib/a"},
                {"code": "PTH003", "path": "plan/v1/08-till.md"},
                {"code": "WRK005", "path": "plan/v1/08-till.md"},
            ],
            exit_code=1,
        )
    )


def test_tracks_under_other_names_are_judged_by_those() -> None:
    files = {
        "plan/state.json": '{"track": {"current": 5}, "titles": {"5": "add-cache"}}',
        "plan/tracks/5-add-cache.md": "# Track 5\n\n## Touches\n\n- `src/`\n",
        "plan/tracks/6-more.md": "# Track 6\n",
    }
    case = Case(
        policy=own("docs/track-runner.md"),
        base=[Step(files=files)],
        commits=[Step("track 5: add-cache", files={"src/a": "1"})],
        branch="track/5-add-cache",
        title="Track 5: add-cache",
        body="Implements plan/tracks/5-add-cache.md.",
        states=dict.fromkeys(("WRK001", "WRK002", "BRN001", "CMT002", "PRQ001", "PTH003"), "passed"),
    )
    run_case(case)
    wrong = replace(case.commits[0], files={"lib/a": "1", "plan/tracks/6-more.md": "# Easier\n"})
    expect = [
        {"code": "PTH003", "path": "lib/a"},
        {"code": "PTH003", "path": "plan/tracks/6-more.md"},
        {"code": "WRK005", "path": "plan/tracks/6-more.md"},
    ]
    run_case(replace(case, commits=[wrong], states={}, expect=expect, exit_code=1))
