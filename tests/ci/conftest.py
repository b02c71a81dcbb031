"""A machine for jobs, installed once, and a remote that everybody pushes to."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from specguard.testing import Repository
from tests.ci.jobs import AUTHORITY, ROOT, Hosting, Machine
from tests.executor.places import program


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine whose Python gives a new virtual environment the packages of this one."""
    place = tmp_path_factory.mktemp("machine")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = place.glob("*.whl")
    programs = place / "programs"
    programs.mkdir()
    python = programs / "python"
    site = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    # Packages alone are added: a .pth file in that folder, and so an editable specguard, is not read. Each
    # environment is a copy of the first, whose pip is the one of this environment: to make one takes seconds.
    script = f"""set -e
for last; do :; done
first='{place}/first'
case " $* " in
*' -m venv '*) test -e "$first" || {{
    '{sys.executable}' -I -m venv --without-pip "$first"
    echo '{sysconfig.get_path("purelib")}' > "$first/{site}/dependencies.pth"
    cp '{place}/pip' "$first/bin/pip"
}}
rm -rf -- "$last"
mkdir -p -- "$(dirname -- "$last")"
cp -a -- "$first" "$last"
;;
*) exec '{sys.executable}' "$@" ;;
esac"""
    program(python, script)
    pip = place / "pip"
    program(pip, f'exec \'{sys.executable}\' -I -m pip --python "$(dirname -- "$0")/python" "$@"')
    (programs / "python3").symlink_to(python)
    (place / "temp").mkdir()
    return Machine(place, programs, wheel)


@pytest.fixture
def hosting(tmp_path: Path) -> Hosting:
    return host(tmp_path)


def host(place: Path) -> Hosting:
    """A remote in a folder, with its author's repository."""
    author = Repository(place / "author")
    author.commit(
        "docs: start",
        files={
            "SPEC_AUTHORITY.md": AUTHORITY,
            "configs/NEXT_PHASE.json": '{"plan_version": "v1", "next": 12}',
            "docs/plan/v1/phases/phase-12.md": "# Phase 12\n",
            "docs/api/x.yaml": "a\n",
            # What a job that runs in this folder must not import.
            **{f"{name}.py": "open('imported', 'w')\n" for name in ("click", "pip", "site", "re", "venv")},
            "specguard/__init__.py": "open('imported', 'w')\n",
        },
    )
    remote = author.clone(place / "remote.git", bare=True)
    remote.git("config", "uploadpack.allowAnySHA1InWant", "true")
    author.remote(f"file://{remote.path}")
    return Hosting(remote, author)
