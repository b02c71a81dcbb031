"""The pages are right: what they show is printed, what they name exists, what they link to is found.

`python tools/pages.py` brings the outputs that pages show up to date.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from markdown_it import MarkdownIt

import specguard
from specguard.authority.compile import compile_policy
from specguard.authority.load import AuthoritySource
from specguard.authority.policy import Policy
from specguard.cli.app import COMMANDS, app
from specguard.declaration.registry import FAMILIES
from specguard.engine.plugins import load_registry
from tools.pages import DOCS, PAGES, ROOT, WALKED_PAGES, Block, blocks, normalize, read, run_blocks

GENERATED = ("docs/commands.md", "docs/settings.md", "docs/errors.md")
HAND_WRITTEN = [page for page in PAGES if page not in GENERATED]
EXAMPLES = [path.relative_to(ROOT).as_posix() for path in sorted(DOCS.glob("examples/*.yml"))]
OTHERS = {"--no-verify", "--quick", "--docs", "--rows", "--keep", "--title", "--base main"}
"""Options of other programs that pages name by themselves."""


@pytest.mark.parametrize("page", WALKED_PAGES)
def test_what_a_page_shows_is_what_is_printed(page: str, tmp_path: Path) -> None:
    for block, expected, printed in run_blocks(blocks(read(page)), tmp_path.resolve()):
        assert normalize(printed) == normalize(expected or ""), f"{page}:{block.line}"


def test_the_readme_shows_what_the_first_page_shows() -> None:
    there = {normalize(block.text) for block in blocks(read("docs/start.md")) if block.info == "text"}
    shown = [block for block in blocks(read("README.md")) if block.info == "text"]
    assert len(shown) == 2
    for block in shown:
        assert normalize(block.text) in there, f"README.md:{block.line}"


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


def compiled(path: str, text: str) -> Policy:
    """The policy of a document, all of which is read; those that it names are not."""
    policy = compile_policy([AuthoritySource(path, "", text)], None, registry=load_registry)
    assert policy is not None
    assert not policy.unread
    return policy


def test_every_block_of_settings_compiles() -> None:
    for where, block in policies():
        if "project" not in tomllib.loads(block.text):
            assert compiled("specguard.toml", block.text), where


@pytest.mark.parametrize("preset", ["phase-runner", "track-runner", "planner-pipeline", "runbook"])
def test_a_page_about_a_way_to_work_names_every_rule_that_its_preset_adds(preset: str) -> None:
    text = read(f"docs/{preset}.md")
    for name in tomllib.loads(load_registry().presets[preset])["rules"]:
        assert f"rules/{name}.md" in text or f"`[rules.{name}]`" in text, name


@pytest.mark.parametrize(
    ("page", "codes"),
    [("phase-runner", "WRK|PRQ"), ("track-runner", "WRK|PRQ"), ("planner-pipeline", "PLN00")],
)
def test_a_page_about_items_or_plans_names_every_rule_about_them(page: str, codes: str) -> None:
    text = read(f"docs/{page}.md")
    for entry in load_registry().rules.values():
        if re.match(codes, entry.rule.code) and entry.rule.name != "pull-request-target":
            assert f"[{entry.rule.code}](rules/{entry.rule.name}.md)" in text, entry.rule.code


def test_the_page_about_plans_has_every_setting_that_its_preset_makes() -> None:
    text = read("docs/planner-pipeline.md")
    preset = load_registry().presets["planner-pipeline"]
    for table in re.findall(r"^\[+([a-z.-]+)\]+$", preset, re.MULTILINE):
        if not table.endswith(".aliases"):
            name = table.partition(".")[0] if table.startswith("wave") else table
            assert f"[{name}]" in text or table.startswith("artifacts.change-"), table


def test_the_sections_that_are_shown_are_read_as_it_is_said() -> None:
    shown = next(block for block in blocks(read("docs/authority.md")) if "## Locked zones" in block.text)
    guards = compiled("SPEC_AUTHORITY.md", f"# Authority\n\n{shown.text}").guards
    paths = (b"SPEC_AUTHORITY.md", b".github/workflows/x", b"docs/api/x")
    assert [guard.code for guard in map(guards.find, paths) if guard] == ["PTH002", "PTH002", "PTH001"]


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
