"""What a run commits that nobody may have meant to is told."""

from pathlib import Path

import pytest

from tests.executor.working import GOOD, POLICY, Workshop

_MADE = (
    "printf 'a\\0b' > core.1234; mkdir -p build src/more; printf 'o\\0' > build/out.o;"
    " printf 'i\\0' > src/more/i.png; echo x > tool; chmod +x tool; echo text > notes.txt"
)
_SCOPED = {"docs/phases/phase-12.md": "# Phase 12\n\n## Scope\n\n- `src/`\n"}


def told(workshop: Workshop, note: str, said: str) -> bool:
    [request] = workshop.state["requests"]
    texts = [said, workshop.kept()["report.md"].decode(), request["body"]]
    assert len({note in text for text in texts}) == 1
    return note in said


@pytest.mark.parametrize("scoped", [False, True])
def test_new_binary_and_executable_files_outside_of_the_scope_are_told(tmp_path: Path, scoped: bool) -> None:
    policy = POLICY.replace("[runs]", '[rules.out-of-scope-path]\nseverity = "warning"\n\n[runs]')
    workshop = Workshop(tmp_path, policy, _SCOPED if scoped else None)
    done = workshop.work(f"{GOOD}; {_MADE}", ends=0)
    files = "build/out.o, core.1234, tool" if scoped else "build/out.o, core.1234, src/more/i.png, tool"
    assert told(workshop, f"New files that are binary or executable: {files}.", done.stdout)
    all_of_it = "build/out.o, core.1234, notes.txt, src/more/i.png, src/new.py, tool"
    unscoped = f"Nothing says which paths phase 12 may change. It commits {all_of_it}."
    assert told(workshop, unscoped, done.stdout) is not scoped
