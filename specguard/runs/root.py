"""Where runs are kept: the folder of all runs, and in it that of an item's."""

from __future__ import annotations

import os
import re

from specguard.errors import SpecguardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from specguard.runs.settings import RunSettings

_VARIABLE: Final = re.compile(
    r"\$(?:(?P<plain>[A-Za-z_][A-Za-z0-9_]*)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<behind>:-|\}))"
)
_PLAIN: Final = re.compile(r"[^A-Za-z0-9._-]")


def run_root(
    settings: RunSettings, environment: Mapping[str, str], *, work_tree: str, given: str = ""
) -> str:
    """The absolute path of the folder of all runs.

    Args:
        settings: `root`, from the work tree's root where it is relative; without it `path`.
        environment: what `~` and variables are expanded from.
        work_tree: the root of the user's working tree.
        given: `--run-root`, which goes before; from the working directory where it is relative.

    Raises:
        SpecguardError: a variable has no value, or a link leads `path` out of the working tree.
    """
    if given:
        return os.path.abspath(expanded(given, environment))
    if settings.root:
        return os.path.normpath(os.path.join(work_tree, expanded(settings.root, environment)))
    root = os.path.normpath(os.path.join(work_tree, settings.path))
    inside = os.path.realpath(work_tree)
    if os.path.commonpath([inside, os.path.realpath(root)]) != inside:
        raise SpecguardError(
            "the folder of runs is a link out of the repository, and is not written to",
            path=root,
            help="remove the link, or name a folder outside with [runs] root or --run-root",
            code="outside-repository",
        )
    return root


def about_run(verb: str, run_id: str, root: str) -> list[str]:
    """The words of a command about a run.

    Args:
        verb: what it does, such as `resume`.
        run_id: the run's id; empty: none is named.
        root: the folder of all runs, where it has to be named; empty: the policy's.
    """
    named = [run_id] if run_id else []
    return ["specguard", "run", verb, *named, *(["--run-root", root] if root else [])]


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """A path with `~`, `$VAR`, `${VAR}` and `${VAR:-default}` filled in, as a shell does.

    Raises:
        SpecguardError: a variable has no value and no default, or there is anything else that a shell reads.
    """
    filled = _filled(text, environment, text)
    if filled == "~" or filled.startswith("~/"):
        home = environment.get("HOME", "")
        if not home:
            raise SpecguardError(
                f"{text!r} begins with ~, and HOME is not set", help="set HOME", code="broken-authority"
            )
        return home + filled[1:]
    if filled.startswith("~"):
        raise SpecguardError(
            f"{text!r} begins with the home of somebody else",
            help="write ~/ for your own, ./~ for a folder of that name, or the whole path",
            code="broken-authority",
        )
    return filled


def _filled(text: str, environment: Mapping[str, str], whole: str) -> str:
    done, rest = "", text
    while found := re.search(r"[$`\\\"']", rest):
        done, rest = done + rest[: found.start()], rest[found.start() :]
        match = _VARIABLE.match(rest)
        end = _closing(rest) if match and match["behind"] == ":-" else match.end() if match else 0
        if match is None or not end:
            raise SpecguardError(
                f"{whole!r} has something else than a variable at {rest[:20]!r}",
                help="write it as ${VAR} or ${VAR:-default}",
                code="broken-authority",
            )
        name = match["plain"] or match["name"]
        value = environment.get(name, "")
        if not value and match["behind"] != ":-":
            raise SpecguardError(
                f"{whole!r} names the variable {name}, which is not set",
                help=f"set it, or write ${{{name}:-default}}",
                code="broken-authority",
            )
        done += value or _filled(rest[match.end() : end - 1], environment, whole)
        rest = rest[end:]
    return done + rest


def _closing(text: str) -> int:
    """Behind the brace that closes the one with which a text begins; 0 where none does."""
    depth = 0
    for brace in re.finditer(r"\$\{|\}", text):
        depth += 1 if brace[0] == "${" else -1
        if not depth:
            return brace.end()
    return 0


def item_folder(kind: str, item_id: str) -> str:
    """The name of the folder of an item's runs; what a file name may not hold is written as `%2F`."""
    return folder_name(f"{kind}-{item_id}")


def folder_name(text: str) -> str:
    """A text as the name of a folder; what a file name may not hold is written as `%2F`."""
    return _PLAIN.sub(
        lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogateescape")), text
    )
