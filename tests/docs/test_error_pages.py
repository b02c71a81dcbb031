"""Every error has its name, every name its page, and every limit its line: held against the source itself."""

import ast
import functools
import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

import specguard
from specguard.cli.docs import TARGET, error_kinds, errors_text, limit_text, limit_value
from specguard.executor.run import ENDS
from specguard.testing import run_here
from tests.rows import rows

pytestmark = pytest.mark.xdist_group("sources")  # so that they are read once
SOURCE = Path(specguard.__file__).parent
KINDS = error_kinds()
RAISED = {"SpecguardError", "MissingFact", "RunEnded"}
MADE = {
    "item_taken": "item-taken", "unready": "item-unready", "incomplete": "incomplete-policy",
    "usage": "usage", "Reported": "unwritable-file",
}  # fmt: skip
"""What makes an error of one kind, unless it is given another; its message begins with the first argument."""

_NEAR = 6
"""The lines in front of a call in which its message may get a name."""


class Site(NamedTuple):
    """A place that makes an error.

    Attributes:
        where: its file and line.
        cls: the class of the error.
        names: the names that it may have; empty where its class says it, or an error that it hands on.
        message: an expression that its messages match; None where it is handed on.
    """

    where: str
    cls: str
    names: list[str]
    message: str | None


@functools.cache
def nodes() -> Sequence[tuple[Path, ast.AST]]:
    """Each class of the source, each call that makes an error, and each annotated name of a module."""
    return list(_nodes())


def _nodes() -> Iterator[tuple[Path, ast.AST]]:
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield from ((path, node) for node in tree.body if isinstance(node, ast.AnnAssign))
        named = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
        for node in ast.walk(tree):
            name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            if isinstance(node, ast.Call) and name in {*RAISED, *MADE}:
                # A text that gets a name in front of the call is as one in the call.
                near = [one for one in named if 0 < node.lineno - one.lineno < _NEAR]
                texts = {ast.unparse(one.targets[0]): one.value for one in near}
                node.args[:1] = [texts.get(ast.unparse(one), one) for one in node.args[:1]]
                for word in (one for one in node.keywords if one.arg == "code"):
                    word.value = texts.get(ast.unparse(word.value), word.value)
            if name in RAISED or name in MADE or isinstance(node, ast.ClassDef):
                yield path, node


@functools.cache
def sites() -> Sequence[Site]:
    """Every place of the source that makes an error."""
    return list(_sites())


def _sites() -> Iterator[Site]:
    for path, node in nodes():
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        cls, where = node.func.id, f"{path.relative_to(SOURCE)}:{node.lineno}"
        said = template(node.args[0]) if node.args else None
        names = _texts(next((word.value for word in node.keywords if word.arg == "code"), None))
        if cls in RAISED or node.args:
            names = names or ([MADE[cls]] if cls in MADE else [])
            yield Site(where, cls, names, f"{said}: .*" if cls == "Reported" else said)


def _texts(given: ast.expr | None) -> list[str]:
    """The names that an expression can be, as far as it is written out."""
    if isinstance(given, ast.IfExp):
        return [*_texts(given.body), *_texts(given.orelse)]
    return [str(given.value)] if isinstance(given, ast.Constant) and given.value else []


def template(said: ast.expr | None) -> str | None:
    """An expression for what a literal text, filled in or not, can be."""
    if isinstance(said, ast.Constant):
        return re.escape(str(said.value))
    if isinstance(said, ast.JoinedStr):
        return "".join(template(one) or ".*" for one in said.values)
    if isinstance(said, ast.BinOp):
        return f"{template(said.left) or '.*'}(?:{template(said.right) or '.*'})"
    if isinstance(said, ast.IfExp):
        return f"(?:{template(said.body) or '.*'}|{template(said.orelse) or '.*'})"
    return None


@functools.cache
def of_classes() -> Sequence[tuple[str, str]]:
    """Each class of errors that names its kind, and the name."""
    classes = [node for _, node in nodes() if isinstance(node, ast.ClassDef) and _is_error(node)]
    return [(node.name, name) for node in classes for line in node.body for name in _code(line)]


def _code(line: ast.stmt) -> Iterator[str]:
    """What a line of a class says of its kind."""
    if isinstance(line, (ast.Assign, ast.AnnAssign)):
        target = line.targets[0] if isinstance(line, ast.Assign) else line.target
        if isinstance(target, ast.Name) and target.id == "code" and isinstance(line.value, ast.Constant):
            yield str(line.value.value)


def _is_error(node: ast.ClassDef) -> bool:
    bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
    return bool(bases & {"SpecguardError", "MissingFact"}) or node.name in RAISED


def test_every_name_in_the_source_is_known() -> None:
    used = {name for site in sites() for name in site.names}
    used |= {name for _, name in of_classes()} | {error for _, error in ENDS.values()}
    assert used == set(KINDS)


def test_few_places_leave_their_name_to_the_class() -> None:
    """A new one is named, unless nobody could look it up under a name of its own."""
    unnamed = [site for site in sites() if not site.names and site.message is not None]
    assert len(unnamed) <= 30, "\n".join(f"{site.where}: {site.message}" for site in unnamed)


def test_an_example_is_a_message_of_its_kind() -> None:
    for name, kind in KINDS.items():
        defaults = {cls for cls, own in of_classes() if own == name}
        if name in {error for _, error in ENDS.values()}:
            defaults.add("RunEnded")
        templates = [
            site.message
            for site in sites()
            if site.message is not None and (name in site.names or (not site.names and site.cls in defaults))
        ]
        if templates and not defaults - RAISED:
            assert any(re.fullmatch(one, kind["example"], re.DOTALL) for one in templates), (name, templates)


def test_every_kind_has_an_entry_that_the_command_shows(tmp_path: Path) -> None:
    assert re.findall(r"(?m)^### (.+)$", errors_text()) == list(KINDS)
    listed = run_here("error", directory=tmp_path).stdout
    for name, kind in KINDS.items():
        assert f"\n{name} " in f"\n{listed}"
        assert kind["remedy"].endswith((".", "`"))
    shown_page = run_here("error", "[no-base]", directory=tmp_path).stdout
    assert shown_page.startswith("# no-base\n\n**There is no base to compare with.** ")
    assert shown_page.removeprefix("# no-base\n") in errors_text()
    assert json.loads(run_here("error", "no-base", "--output-format", "json", directory=tmp_path).stdout) == [
        KINDS["no-base"]
    ]


def test_an_error_that_is_none(tmp_path: Path) -> None:
    outcome = run_here("error", "no-bas", directory=tmp_path)
    assert outcome.exit_code == 2
    assert outcome.stderr == (
        "specguard: error: there is no error 'no-bas' [unknown-name]\n  next: did you mean 'no-base'?\n"
    )


LIMITS = TARGET.findall((SOURCE / "texts" / "limits.md").read_text("utf-8"))
"""Each number of the page of limits, with its unit or an empty text."""
NOT_MET = tomllib.loads(Path(__file__).with_name("not_met.toml").read_text("utf-8"))
"""Limits that nobody can meet, and why."""


def test_every_limit_of_the_source_has_its_line() -> None:
    """A constant that is called a limit is on the page, or is known to be none that anybody meets."""
    named = re.compile(r"_?(?:[A-Z_]*LIMIT|LARGEST[A-Z_]*|[A-Z_]*TIMEOUT|MAX_[A-Z]+)")
    found = set()
    for path, node in nodes():
        target = node.target if isinstance(node, ast.AnnAssign) else None
        if isinstance(target, ast.Name) and named.fullmatch(target.id):
            module = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
            name = f"{module.removesuffix('.__init__')}:{target.id}"
            found |= {name} if isinstance(value_of_or_none(name), (int, float)) else set()
    assert found - dict(LIMITS).keys() - set(NOT_MET) == set()


def value_of_or_none(target: str) -> float | str | None:
    try:
        return limit_value(target)
    except TypeError:
        return None


def test_a_limit_shows_its_number_with_its_unit() -> None:
    for target, unit in LIMITS:
        assert re.fullmatch(r"[0-9][0-9,.]*( [A-Za-z]+)?", limit_text(target, unit)), target
    for target, unit, said in rows(__file__, "limits"):
        assert limit_text(f"specguard.{target}", unit) == said
