"""The page about plugins: its rule, made into the distribution that it describes, works as it says."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from specguard.engine.plugins import load_registry
from specguard.testing import Case, run
from specguard.testing.repository import clean_environment
from tests.outcomes import ended
from tools.pages import blocks, read

PAGE = "docs/plugins.md"


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """The files of the page, each under the name in its first line, installed as a distribution would be."""
    for block in blocks(read(PAGE)):
        name, _, text = block.text.removeprefix("# ").partition("\n")
        if block.info in ("python", "toml") and name.endswith((".py", ".toml")):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
    (tmp_path / "acme_rules" / "__init__.py").write_text("")
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]
    info = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    named = f"Name: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\n{named}")
    points = [f"{name} = {target}\n" for name, target in project["entry-points"]["specguard"].items()]
    (info / "entry_points.txt").write_text("[specguard]\n" + "".join(points))
    return tmp_path


def test_the_rule_s_examples_hold_in_the_test_that_is_shown(plugin: Path) -> None:
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_deep_path.py"]
    env = {**clean_environment(), "PYTHONPATH": str(plugin)}
    done = subprocess.run(words, cwd=plugin, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


CASE = """
policy = '''
plugins = ["specguard-acme"]
[rules.deep-path]
depth = 2
'''
commits = [{message = "feat: x", files = {"a/b/c/d" = "x"}}]
"""


def test_a_policy_that_names_the_plugin_has_its_rule_and_its_format(plugin: Path) -> None:
    call = 'registry.add_format("acme-table", "acme_rules.table:render")'
    assert f"`{call}`" in read(PAGE)
    with (plugin / "acme_rules" / "plugin.py").open("a") as file:
        file.write(f"    {call}\n")
    place = Case.from_toml(CASE).build(plugin / "repository").path
    env = {"PYTHONPATH": str(plugin), "XDG_CACHE_HOME": os.fspath(plugin / "cache")}
    outcome = ended(run("check", directory=place, env=env), 1)
    assert "ACM001 deep-path" in outcome.stdout
    assert "it is 3 folders deep, and 2 are enough" in outcome.stdout
    for words in (["rule"], ["rule", "--plugin", "specguard-acme"]):
        page = run(*words, "ACM001", directory=place, env=env)
        assert page.stdout.startswith("# deep-path (ACM001)\n\nA file that is added deeper ")
    outcome = ended(run("check", "--output-format", "acme-table", directory=place, env=env), 1)
    assert outcome.stdout == "ACM001\topen\tit is 3 folders deep, and 2 are enough\n"


def test_every_fact_is_on_the_page_with_its_type() -> None:
    table = read(PAGE).partition("## The facts")[2].partition("\n## ")[0]
    found: dict[str, str] = {}
    for row in table.splitlines():
        if row.startswith("| `"):
            names, types, _ = (cell.strip() for cell in row.strip("|").split(" | "))
            kinds = [kind.strip("`") for kind in types.split("`, `")]
            parts = [name.strip("`") for name in names.split(", ")]
            found.update(zip(parts, kinds * len(parts) if len(kinds) == 1 else kinds, strict=False))
    assert found == load_registry()._facts
