"""The modules that a check imports, and the cost of each: `python bench/imports.py --help`.

Modules that a bare start of the interpreter imports too are left out. Times are medians over several starts,
measured by `python -X importtime`, which adds to them. The times show the parts of the start-up, not how
long it is.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import place
import repositories

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

LINE = "import time:"


@dataclass
class Cost:
    """The time of importing a module, in microseconds, in each measured start.

    Attributes:
        own: the time without the modules that it imports.
        whole: the time with them.
        imported_by: the module that imported it; empty if the program itself did.
    """

    own: list[int] = field(default_factory=list)
    whole: list[int] = field(default_factory=list)
    imported_by: str = ""


def measure_imports(
    command: Sequence[str], directory: Path, starts: int, environment: Mapping[str, str]
) -> dict[str, Cost]:
    """Return the modules that a Python program imports; its exit code does not matter.

    Args:
        command: the interpreter, by its path, and everything after its own options.
        directory: the working directory.
        starts: the number of starts, after a first one that only fills caches.
        environment: all environment variables of the program.
    """
    found: dict[str, Cost] = {}
    for number in range(starts + 1):
        done = subprocess.run(
            [command[0], "-X", "importtime", *command[1:]],
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if number:
            _parse_times(done.stderr.splitlines(), found)
    return found


def _parse_times(lines: Iterable[str], found: dict[str, Cost]) -> None:
    """Add one start's output: a line a module, `import time: own | whole | indented name`, inner first."""
    waiting: list[tuple[int, str]] = []
    for line in lines:
        own, _, rest = line.removeprefix(LINE).partition("|")
        whole, _, name = rest.partition("|")
        if not line.startswith(LINE) or not own.strip().isdigit():
            continue
        depth = len(name) - len(name.lstrip())
        name = name.strip()
        cost = found.setdefault(name, Cost())
        cost.own.append(int(own))
        cost.whole.append(int(whole))
        # An import is reported when it is done, so it imported all waiting modules of a greater depth.
        while waiting and waiting[-1][0] > depth:
            found[waiting.pop()[1]].imported_by = name
        waiting.append((depth, name))


def table(found: Mapping[str, Cost], *, order: str) -> list[str]:
    """Return the modules as lines, the most expensive first by `own` or `whole` cost, and the sum."""
    medians = [
        (
            statistics.median(cost.own),
            statistics.median(cost.whole),
            f"{name}  (by {cost.imported_by or 'the program'})",
        )
        for name, cost in found.items()
    ]
    medians.sort(key=lambda median: median[0 if order == "own" else 1], reverse=True)
    lines = [f"{'own us':>8} {'whole us':>9}  module"]
    lines += [f"{own:8.0f} {whole:9.0f}  {name}" for own, whole, name in medians]
    lines.append(f"{sum(own for own, _, _ in medians):8.0f} {'':9}  {len(medians)} modules")
    return lines


def main() -> int:
    """Print the table for the given command line."""
    parser = argparse.ArgumentParser(description="List what a check imports, the dearest first.")
    parser.add_argument("--starts", type=int, default=15, help="how many starts are looked at (default: 15)")
    parser.add_argument("--order", choices=("own", "whole"), default="own", help="what is sorted by")
    parser.add_argument("--repository", choices=sorted(repositories.BUILDERS), default="hook")
    parser.add_argument("--compile", action="store_true", help="without a cache, as after a policy changed")
    parser.add_argument("--rebuild", action="store_true", help="build and install the wheel first")
    parser.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="specguard's arguments, behind `--` (default: check --staged)",
    )
    options = parser.parse_args()
    tools = place.install(keep=not options.rebuild)
    directory = repositories.build(options.repository)
    environment = place.environment()
    if options.compile:
        # A folder that nobody can create.
        environment["XDG_CACHE_HOME"] = f"{os.devnull}/cache"
    baseline = measure_imports((tools.python, "-c", "pass"), directory, 1, environment)
    words = options.words or ["check", "--staged"]
    found = measure_imports((tools.python, tools.specguard, *words), directory, options.starts, environment)
    own = {name: cost for name, cost in found.items() if name not in baseline}
    print("\n".join(table(own, order=options.order)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
