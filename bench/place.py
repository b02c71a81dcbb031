"""The measured programs and their peers, each installed in its own place below `.bench/`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".bench"
PEERS = ("gitlint", "unidiff")
NODE_PEERS = ("@commitlint/cli", "@commitlint/config-conventional")
COMMITLINT_CONFIG = "export default {extends: ['@commitlint/config-conventional']};\n"


class Missing(Exception):
    """Something that a row needs is not on this machine; the text names it."""


@dataclass(frozen=True)
class Tools:
    """Absolute paths of the programs that take part.

    Attributes:
        python: the interpreter of the environment that holds only the wheel of specguard.
        specguard: the command as the wheel's installation created it.
        git: git.
        peers_python: the interpreter of the environment with the peers written in Python.
        gitlint: the command.
        commitlint: the command with the option that names its configuration; empty if npm is missing.
        why_no_commitlint: the reason in that case.
    """

    python: str
    specguard: str
    git: str
    peers_python: str
    gitlint: str
    commitlint: tuple[str, ...]
    why_no_commitlint: str


def install(*, keep: bool) -> Tools:
    """Build and install the wheel, and the peers that are missing.

    Args:
        keep: True to measure the wheel that is already installed, if there is one.

    Raises:
        Missing: git is not installed.
        subprocess.CalledProcessError: a build or an installation failed; its output has been printed.
    """
    git = shutil.which("git")
    if git is None:
        raise Missing("git is not installed")
    PLACE.mkdir(exist_ok=True)
    own = PLACE / "venv"
    if not (keep and (own / "bin" / "specguard").exists()):
        _install_wheel(own)
    peers = PLACE / "peers"
    if not (peers / "bin" / "gitlint").exists():
        _environment(peers)
        _pip(peers, "install", *PEERS)
    commitlint: tuple[str, ...] = ()
    why = ""
    try:
        commitlint = _install_commitlint(PLACE / "node")
    except Missing as missing:
        why = str(missing)
    return Tools(
        python=str(own / "bin" / "python"),
        specguard=str(own / "bin" / "specguard"),
        git=git,
        peers_python=str(peers / "bin" / "python"),
        gitlint=str(peers / "bin" / "gitlint"),
        commitlint=commitlint,
        why_no_commitlint=why,
    )


def environment() -> dict[str, str]:
    """Return the environment of every timed process: no user configuration, and a separate cache."""
    for folder in ("home", "cache"):
        (PLACE / folder).mkdir(exist_ok=True, mode=0o700)
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(PLACE / "home"),
        "XDG_CACHE_HOME": str(PLACE / "cache"),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }


def versions(tools: Tools) -> dict[str, str]:
    """Return the versions of the programs that take part, by name."""
    found = {
        "python": sys.version.split()[0],
        "git": _output_of(tools.git, "--version").removeprefix("git version "),
        "specguard": _output_of(tools.specguard, "--version").rpartition(" ")[2],
        "gitlint": _output_of(tools.gitlint, "--version").rpartition(" ")[2],
        "unidiff": _output_of(tools.peers_python, "-c", "import unidiff; print(unidiff.VERSION)"),
    }
    if tools.commitlint:
        found["commitlint"] = _output_of(tools.commitlint[0], "--version").rpartition("@")[2]
    return found


def _install_wheel(own: Path) -> None:
    wheels = PLACE / "wheel"
    shutil.rmtree(wheels, ignore_errors=True)
    _run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(wheels), str(ROOT))
    (wheel,) = wheels.glob("specguard-*.whl")
    if not (own / "bin" / "python").exists():
        _environment(own)
    # The same version is built repeatedly, so the old one is uninstalled; its dependencies stay.
    if (own / "bin" / "specguard").exists():
        _pip(own, "uninstall", "-y", "specguard")
    _pip(own, "install", "--compile", str(wheel))


def _environment(folder: Path) -> None:
    # Without pip and setuptools, whose `.pth` file would slow down every start of this interpreter.
    _run(sys.executable, "-m", "venv", "--without-pip", "--clear", str(folder))


def _pip(folder: Path, *arguments: str) -> None:
    _run(sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "-q", *arguments)


def _install_commitlint(folder: Path) -> tuple[str, ...]:
    program = folder / "node_modules" / ".bin" / "commitlint"
    if not program.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise Missing("peer not installed: there is no npm")
        folder.mkdir(exist_ok=True)
        try:
            _run(npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), *NODE_PEERS)
        except subprocess.CalledProcessError:
            raise Missing("peer not installed: npm failed") from None
    config = folder / "commitlint.config.mjs"
    config.write_text(COMMITLINT_CONFIG, "utf-8")
    return str(program), "--config", str(config)


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        print(done.stdout, file=sys.stderr)
        raise subprocess.CalledProcessError(done.returncode, command)


def _output_of(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
