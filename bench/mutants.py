"""Mutates the code that decides, and checks that a test fails for each mutant: `make mutants`.

This works in a clone of the last commit below `.bench/mutants/`, with an environment of its own.
`docs/mutation.md` describes the method; the outcome of each mutant goes to `.bench/mutants/outcomes.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mutations import Mutant

ROOT = Path(__file__).resolve().parent.parent
MODULES = (
    *(
        f"specguard/engine/{name}.py"
        for name in ("baseline", "check", "facts", "rule_runner", "trusted_policy")
    ),
    "specguard/approvals/*.py",
    "specguard/change/base.py",
    *(f"specguard/authority/{name}.py" for name in ("difference", "floor")),
    *(f"specguard/work/{name}.py" for name in ("item", "named_items")),
    "rules/specguard_rules/paths/*.py",
)
"""The modules that decide: the engine, trust, approvals, work items, and the rules about paths."""

TESTS = (
    *(f"tests/{name}" for name in ("engine", "authority", "approvals", "change", "specs", "work")),
    *(f"tests/rules/{name}" for name in ("approvals", "paths")),
    *(f"tests/{name}" for name in ("test_cases.py", "test_rule_examples.py", "test_same_verdict.py")),
    *(f"tests/{name}" for name in ("reporters", "threats", "cli")),
)
"""The tests that are run against mutants."""

TOOLS = ("coverage==7.17.3", "mutmut==3.8.1")


def main() -> int:
    """Run the chosen mutants, and print a table; return 1 if tests fail without any mutant."""
    options = _options()
    place = ROOT.parent
    if (place.parent.name, place.name) != (".bench", "mutants"):
        return _run_in_clone(sys.argv[1:])
    if options.cover or not (place / "tests.json").exists():
        _record_coverage(place)

    from covering import Covering
    from mutations import mutants
    from trying import DEEP, QUICK, Trier

    covering = Covering(str(place))
    trier = Trier(str(ROOT), covering.seconds, DEEP if options.again else QUICK)
    log = place / "outcomes.jsonl"
    known = {(one["path"], one["number"], one["code"]): one["outcome"] for one in _outcomes(log)}
    for path in options.modules or _modules():
        source = (ROOT / path).read_text("utf-8")
        tests = covering.tests(path)
        # A module without a statement has no tests.
        if tests and not trier.passes(tests):
            print(f"{path}: tests fail without a mutant", file=sys.stderr)
            return 1
        for mutant in mutants(path, source):
            before = known.get((path, mutant.number, mutant.digest))
            if options.again:
                wanted = before in {"survived", "untested"}
            else:
                wanted = before is None and (mutant.number - 1) % options.every == 0
            if wanted:
                lines = () if mutant.on_import else (mutant.line, mutant.last)
                _append_outcome(log, mutant, *trier.outcome(mutant, covering.tests(path, *lines)))
    print("\n".join(_table(_outcomes(log))))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run mutants of the code that decides.")
    parser.add_argument("modules", nargs="*", help="modules, from the root (default: all that decide)")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each Nth mutant of a module")
    parser.add_argument("--again", action="store_true", help="only those that survived, with more tests")
    parser.add_argument("--cover", action="store_true", help="measure anew which test runs which line")
    return parser.parse_args()


def _run_in_clone(arguments: Sequence[str]) -> int:
    """Restart this program in a clone of the last commit, in which nobody else works."""
    place = ROOT / ".bench" / "mutants"
    tree, python = str(place / "tree"), str(place / "venv" / "bin" / "python")
    place.mkdir(parents=True, exist_ok=True)
    if os.path.exists(tree):
        _run("git", "-C", tree, "fetch", "-q", "origin", "HEAD")
        _run("git", "-C", tree, "reset", "-q", "--hard", "FETCH_HEAD")
    else:
        _run("git", "clone", "-q", str(ROOT), tree)
    if not os.path.exists(python):
        _run(sys.executable, "-m", "venv", str(place / "venv"))
    _run(python, "-m", "pip", "install", "-q", "-e", f"{tree}[dev]", *TOOLS)
    return subprocess.run([python, f"{tree}/bench/mutants.py", *arguments], check=False).returncode


def _record_coverage(place: Path) -> None:
    """Run the tests once, and record the lines that each runs."""
    from covering import OUTPUT

    variables = {**os.environ, OUTPUT: str(place), "PYTHONPATH": str(ROOT / "bench"), "CI": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "covering", *TESTS]
    # Through a pipe: a test that limits the size of files would also limit a file of pytest's output.
    with subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE) as running:
        for line in running.stdout or ():
            sys.stderr.buffer.write(line)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, cwd=ROOT)


def _modules() -> list[str]:
    return [path.relative_to(ROOT).as_posix() for pattern in MODULES for path in sorted(ROOT.glob(pattern))]


def _append_outcome(log: Path, mutant: Mutant, outcome: str, test: str) -> None:
    one = {"path": mutant.path, "number": mutant.number, "line": mutant.line, "code": mutant.digest}
    one |= {"before": mutant.before, "after": mutant.after, "outcome": outcome, "test": test}
    with open(log, "a", encoding="utf-8") as file:
        file.write(json.dumps(one) + "\n")


def _outcomes(log: Path) -> list[dict[str, Any]]:
    """Return the last outcome of each mutant."""
    lines = log.read_text("utf-8").splitlines() if log.exists() else ()
    return list({(one["path"], one["number"]): one for one in map(json.loads, lines)}.values())


def _table(outcomes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the figures of each module, and the mutants that no test detected."""
    lines = ["| module | mutants | killed | timed out | survived |", "| --- | --- | --- | --- | --- |"]
    for path in dict.fromkeys(one["path"] for one in outcomes):
        count = Counter(one["outcome"] for one in outcomes if one["path"] == path)
        survived = count["survived"] + count["untested"]
        lines.append(f"| `{path}` | {count.total()} | {count['killed']} | {count['timeout']} | {survived} |")
    lines.append("")
    lines += (
        f"{one['path']}:{one['line']}: {one['before']} -> {one['after']} ({one['outcome']})"
        for one in outcomes
        if one["outcome"] in {"survived", "untested"}
    )
    return lines


if __name__ == "__main__":
    sys.exit(main())
