"""Real agents' programs run the hooks that `specguard init` writes, and obey them."""

import json
import os
import shlex
from pathlib import Path

import pytest

from specguard.integrations.hooks.settings import HOSTS, ask_codex, trust_of
from tests.integrations.agents.driving import Driven

EACH = pytest.mark.parametrize("agent", ["claude", "codex", "gemini"])

KEEP = os.environ.get("SPECGUARD_KEEP_EVENTS", "")
"""A folder into which the events that the programs send are written, to become test data."""


@EACH
def test_what_is_guarded_is_not_written_and_all_else_is(agent: str, tmp_path: Path) -> None:
    driven = Driven(agent, tmp_path)
    events = tmp_path / "events"
    driven.record(events)
    model = driven.work(
        driven.writing("docs/api/new.yaml", "x\n"),
        driven.running("sed -i s/a/b/ docs/api/x.yaml"),
        driven.writing("src/new.py", "y = 1\n"),
    )
    assert not (driven.root / "docs/api/new.yaml").exists()
    assert (driven.root / "docs/api/x.yaml").read_text() == "a\n"
    assert (driven.root / "src/new.py").read_text() == "y = 1\n"
    heard = model.heard
    assert "specguard refuses this edit" in heard
    assert "specguard refuses this command" in heard
    assert "docs/api/ is forbidden" in heard
    # At the start of the session.
    assert "specguard guards this repository" in heard
    host = HOSTS[agent]  # type: ignore[index]  # one of the names
    assert f"({host.stop[0]})" in driven.doctor()[f"hooks of {agent}"]["said"]
    names = {json.loads(line)["hook_event_name"] for line in events.read_text().splitlines() if line}
    assert {host.start, host.before, host.stop[0]} <= names
    if KEEP:
        Path(KEEP, f"{agent}.jsonl").write_text(events.read_text())


@EACH
def test_what_could_not_be_told_is_told_afterwards_and_holds_up_the_end(agent: str, tmp_path: Path) -> None:
    driven = Driven(agent, tmp_path)
    script = "import pathlib; pathlib.Path('docs/' + 'api/x.yaml').write_text('z')"
    model = driven.work(driven.running(f"python3 -c {shlex.quote(script)}"))
    assert (driven.root / "docs/api/x.yaml").read_text() == "z"
    heard = model.heard
    assert "After this command specguard has 1 new finding" in heard
    assert "specguard has checked the working tree; 1 finding left" in heard
    assert "said 3 of 3 times" in heard
    assert len(model.requests) < 12


@EACH
def test_without_specguard_nothing_is_written(agent: str, tmp_path: Path) -> None:
    driven = Driven(agent, tmp_path)
    driven.work(driven.writing("src/new.py", "y = 1\n"), found=False)
    assert not (driven.root / "src/new.py").exists()


@pytest.mark.parametrize("agent", ["codex", "gemini"])
def test_hooks_that_are_not_trusted_do_not_run_and_doctor_says_so(agent: str, tmp_path: Path) -> None:
    driven = Driven(agent, tmp_path)
    driven.work(driven.writing("docs/api/new.yaml", "x\n"), trusting=False)
    assert (driven.root / "docs/api/new.yaml").exists()
    said = driven.doctor()
    assert "no event of an agent has come" in said[f"hooks of {agent}"]["said"]
    assert said[f"trust of {agent}"]["status"] == "note"
    assert said[f"trust of {agent}"]["help"]


def test_hooks_that_codex_trusts_run_and_doctor_says_so(tmp_path: Path) -> None:
    driven = Driven("codex", tmp_path)
    driven.configure_codex()
    (said,) = ask_codex(driven.program, str(driven.root), driven.environment())["data"]
    listed = said["hooks"]
    assert (said["warnings"], said["errors"], len(listed)) == ([], [], 5)
    trusted = "".join(
        f'[hooks.state."{one["key"]}"]\ntrusted_hash = "{one["currentHash"]}"\n' for one in listed
    )
    driven.configure_codex(more=trusted)
    driven.work(driven.writing("docs/api/new.yaml", "x\n"), trusting=False)
    assert not (driven.root / "docs/api/new.yaml").exists()
    assert driven.doctor()["trust of codex"]["status"] == "ok"
    # Whoever changes a hook has to have it trusted anew.
    place = driven.root / ".codex/hooks.json"
    place.write_text(place.read_text().replace('"timeout": 30', '"timeout": 31'))
    trust = trust_of(HOSTS["codex"], driven.program, str(driven.root), driven.environment())
    assert trust.trusted is False
    assert "modified" in trust.said
