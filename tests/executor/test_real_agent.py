"""A run with a real agent, which calls a model and costs money: only where an environment variable names one.

See CONTRIBUTING.md.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from typing import TYPE_CHECKING

import pytest

from specguard.runs.proof import high_trust
from tests.cli.running import Project

if TYPE_CHECKING:
    from pathlib import Path

AGENT = "SPECGUARD_TEST_AGENT"
"""The agent's command line, which reads the brief from standard input or has `{brief}` among its words."""

VARIABLES = "SPECGUARD_TEST_AGENT_VARIABLES"
"""The names of the variables that it needs to sign in, with spaces between them."""

WORDS = shlex.split(os.environ.get(AGENT, ""))
NAMES = os.environ.get(VARIABLES, "").split()

DOCUMENT = """# Phase 12

Add the file `src/greeting.txt`. It has one line, and that is: hello

## Scope

- `src/`
"""


def policy() -> str:
    return f"""# Authority

```toml specguard
base = "main"

[runs]
environment = {json.dumps(NAMES)}

[agents.real]
command = {json.dumps(WORDS)}
allow_flags = {json.dumps(high_trust(WORDS))}

[work.phase]
pointer = ["NEXT_PHASE.json"]
number = "next"
document = ["docs/phase-{{number}}.md"]
branch = "phase-{{number}}"
commit = "feat(phase{{number}}): implement phase {{number}}"
pull_request = "Phase {{number}}"

[[work.phase.gates]]
name = "greeting"
run = "test hello = \\"$(cat src/greeting.txt)\\""
```
"""


@pytest.mark.skipif(not WORDS, reason=f"{AGENT} names no agent's command line")
def test_a_real_agent_does_a_phase(tmp_path: Path) -> None:
    assert shutil.which(WORDS[0]), f"{WORDS[0]} is not on the path"
    project = Project(tmp_path, policy(), {"docs/phase-12.md": DOCUMENT})
    project.user.git("config", "user.name", "Uma")
    project.user.git("config", "user.email", "uma@example.org")
    own = {name: os.environ[name] for name in ("HOME", "PATH", *NAMES) if name in os.environ}
    words = ("run", "phase", "--agent", "real", "--timeout", "900")
    outcome = project.specguard(*words, directory=None, installed=True, **own)
    log = "\n".join(one.read_text() for one in project.runs.glob("*/*/commands/*.log"))
    assert outcome.exit_code == 0, f"{outcome}\n{log}"
    [manifest] = project.manifests()
    assert manifest["state"] == "succeeded"
    # It did what the brief asks for, and nothing beside it: one commit of one file on the base.
    shown = project.user.git(
        "--git-dir", str(project.remote.path), "show", "--format=%s", "--name-only", "phase-12"
    )
    assert shown.split("\n") == ["feat(phase12): implement phase 12", "", "src/greeting.txt"]
    assert manifest["repository"]["base_oid"] == project.user.git("rev-parse", "main")
