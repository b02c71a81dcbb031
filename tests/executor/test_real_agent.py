"""A run with a real agent, which calls a model and costs money: only where an environment variable names one.

See CONTRIBUTING.md.
"""

import json
import os
import shlex
import shutil
from pathlib import Path

import pytest

from specguard.runs.command_inspection import high_trust
from tests.executor.working import POLICY, Workshop

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


AGENTS = f"""[agents.real]
command = {json.dumps(WORDS)}
allow_flags = {json.dumps(high_trust(WORDS))}

[runs]
environment = {json.dumps(NAMES)}
"""


@pytest.mark.skipif(not WORDS, reason=f"{AGENT} names no agent's command line")
def test_a_real_agent_does_a_phase(tmp_path: Path) -> None:
    assert shutil.which(WORDS[0]), f"{WORDS[0]} is not on the path"
    policy = POLICY.replace("[runs]\n", AGENTS).replace(
        "! grep -rn BROKEN src", "grep -x hello src/greeting.txt"
    )
    workshop = Workshop(tmp_path, policy, {"docs/phases/phase-12.md": DOCUMENT})
    own = {name: os.environ[name] for name in ("HOME", *NAMES) if name in os.environ}
    words = ("run", "phase", "-C", str(workshop.user.path), "--agent", "real", "--timeout", "900")
    done = workshop.specguard(*words, environment=own)
    assert done.exit_code == 0, f"{done}\n{workshop.kept()}"
    # It did what the brief asks for, and nothing beside it: one commit of one file on the base.
    workshop.check_done()
    assert workshop.remote.git("diff", "--name-only", "main", "phase-12") == "src/greeting.txt"
