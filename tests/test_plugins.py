"""Plugins as their users have them: installed distributions that a policy names, or does not.

specguard's wheel and the plugin of `tests/plugin/` are installed into an environment of their own.
"""

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from specguard import rules
from specguard.testing import Case, Outcome, run
from specguard.testing.repository import clean_environment
from tests.cli.no_foo import install_plugin
from tests.rows import rows

ROOT = Path(__file__).parent.parent
PLUGIN = ROOT / "tests" / "plugin"

pytestmark = pytest.mark.xdist_group("plugins")  # so that the environment is made once

CHANGE = 'commits = [{files = {"docs/SHOUT.md" = "", "locked.md" = ""}}]'


class Environment:
    """A virtual environment with specguard's wheel; its dependencies are those of this environment."""

    def __init__(self, place: Path, wheels: list[Path]) -> None:
        venv.create(place, with_pip=False, symlinks=True)
        self.programs = place / "bin"
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        self.packages = place / "lib" / version / "site-packages"
        # Packages alone are added: a .pth file in that folder, and so an editable specguard, is not read.
        (self.packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
        pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", self.programs / "python", "install"]
        call([*pip, "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", *wheels])

    def check(self, directory: Path, *plugins: str, rest: str = "", form: str = "json") -> Outcome:
        """Judge a small change by a policy that names plugins, and report in a format."""
        names = ", ".join(f'"{name}"' for name in plugins)
        policy = f"plugins = [{names}]\n{rest}" if plugins else rest or 'base = "main"\n'
        repository = Case.from_toml(f"policy = '''\n{policy}'''\n{CHANGE}").build(directory / "repository")
        return run(
            "check",
            f"--output-format={form}",
            directory=repository.path,
            env={"XDG_CACHE_HOME": str(directory / "cache")},
            program=str(self.programs / "specguard"),
        )


def call(command: list[str | Path], directory: Path = ROOT) -> None:
    """Run a program that must succeed."""
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The wheels of specguard and of the example plugin."""
    place = tmp_path_factory.mktemp("wheels")
    for source in (ROOT, PLUGIN):
        call([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", place], source)
    return sorted(place.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with both, and with plugins that nobody should name."""
    environment = Environment(tmp_path_factory.mktemp("environment"), wheels)
    for plugin in rows(__file__, "plugins"):
        install_plugin(environment.packages, plugin["code"], plugin["name"], plugin["name"].replace("-", "_"))
    return environment


def test_the_wheel_has_the_rules_the_presets_and_the_types(wheels: list[Path]) -> None:
    [wheel] = [path for path in wheels if path.name.startswith("specguard-")]
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = [
        path.relative_to(base).as_posix()
        for base, package in ((ROOT, "specguard"), (ROOT / "rules", "specguard_rules"))
        for path in (base / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert set(tracked) <= names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"specguard", "specguard_rules"}


@pytest.mark.parametrize(
    ("name", "said"),
    [("rows", "Document.rows"), ("Spec", "own module"), ("nothing", "no attribute"), ("Tree", "checker")],
)
def test_what_is_no_longer_public_names_its_successor(name: str, said: str) -> None:
    with pytest.raises((ImportError, AttributeError), match=said):
        getattr(rules, name)
    assert len(rules.__all__) <= 70


def test_a_plugin_that_the_policy_names_is_used(environment: Environment, tmp_path: Path) -> None:
    outcome = environment.check(tmp_path, "specguard-acme")
    assert outcome.exit_code == 0, outcome
    assert outcome.codes == ["ACM001"]
    assert outcome.state("shouted-path") == "warned"
    again = environment.check(
        tmp_path / "again", "specguard-acme", rest="[rules.shouted-path]\nallowed = ['SHOUT']\n"
    )
    assert again.state("ACM001") == "passed", again


def test_a_format_of_a_plugin(environment: Environment, tmp_path: Path) -> None:
    outcome = environment.check(tmp_path, "specguard-acme", form="acme-table")
    assert outcome.exit_code == 0, outcome
    assert outcome.stdout == ("ACM001\topen\tdocs/SHOUT.md\tthe name SHOUT is in capital letters\n")
    unnamed = environment.check(tmp_path / "again", form="acme-table")
    assert unnamed.exit_code == 2
    assert "there is no format 'acme-table'" in unnamed.stderr
    for kind, said in (("crash", "SystemExit: 0"), ("none", "it returned a NoneType")):
        made = environment.check(tmp_path / kind, "specguard-odd", form=kind)
        assert (made.exit_code, made.stdout) == (2, "")
        assert f"the format '{kind}' of plugin 'specguard-odd' cannot be made: {said}" in made.stderr


def test_a_plugin_that_nobody_names_is_not_imported(environment: Environment, tmp_path: Path) -> None:
    outcome = environment.check(tmp_path)
    assert outcome.exit_code == 0, outcome
    assert outcome.state("ACM001") is None
    done = subprocess.run(
        [environment.programs / "python", "-X", "importtime", environment.programs / "specguard", "check"],
        cwd=tmp_path / "repository",
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "specguard_rules" in done.stderr
    assert "specguard_acme" not in done.stderr
    # Its settings are those of no rule.
    set_up = environment.check(tmp_path / "set", rest="[rules.shouted-path]\nallowed = ['SHOUT']\n")
    assert set_up.exit_code == 2
    assert "shouted-path" in set_up.report["errors"][0]["message"]


BROKEN = [(plugin["name"], plugin["said"]) for plugin in rows(__file__, "plugins") if "said" in plugin]


@pytest.mark.parametrize(("name", "said"), [*BROKEN, ("specguard-missing", "not installed")])
def test_a_broken_plugin_is_named_and_gives_no_verdict(
    environment: Environment, tmp_path: Path, name: str, said: str
) -> None:
    outcome = environment.check(tmp_path, "specguard-acme", name)
    assert (outcome.exit_code, outcome.report["verdict"]) == (2, "error")
    message = outcome.report["errors"][0]["message"]
    assert (name in message, said in message, "specguard-acme" in message) == (True, True, False)
    assert "Traceback" not in str(outcome)


def test_the_authors_own_test_passes_where_the_plugin_is_installed(environment: Environment) -> None:
    call(
        [environment.programs / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_acme.py"],
        PLUGIN,
    )
