"""Hooks that a repository keeps in its tree run in the place, as the base has them."""

from tests.executor.places import program
from tests.executor.working import GOOD, Workshop

SIGNED = '#!/bin/sh\ngrep -q Seen "$1" || printf \'Seen: yes\\n\' >> "$1"\n'
REFUSES = "#!/bin/sh\n! git diff --cached | grep -n UGLY\n"


def bring(workshop: Workshop, path: str, text: str, *, executable: bool = True, used: str = "") -> None:
    """Have the base keep a hook, and the user's configuration name a folder of hooks."""
    workshop.maker.write(path, text)
    workshop.maker.executable(path, executable)
    workshop.base = workshop.move_on({}, "chore: hooks")
    if used:
        workshop.user.git("config", "core.hooksPath", used)
    workshop.before = workshop.users()


def message(workshop: Workshop) -> str:
    return workshop.remote.git("log", "-1", "--format=%B", "phase-12").rstrip()


def test_a_commit_msg_hook_of_the_base_is_asked_once_as_git_would(workshop: Workshop) -> None:
    """It adds to whatever it sees, and what a change makes of it does not run."""
    adds = "#!/bin/sh\nprintf 'Seen: yes\\n' >> \"$1\"\n"
    bring(workshop, ".tools/hooks/commit-msg", adds, used=".tools/hooks")
    workshop.work(f"{GOOD}; printf '#!/bin/sh\\ntouch $HOME/ran\\n' > .tools/hooks/commit-msg", ends=0)
    assert message(workshop).endswith("Seen: yes")
    assert message(workshop).count("Seen: yes") == 1
    names = [step.name for step in workshop.manifest.steps]
    assert names[names.index("commit") :][:4] == ["commit", "gates", "check", "commit"], "judged again"
    assert not (workshop.home / "ran").exists()
    workshop.check_done()


def test_those_of_husky_need_not_be_executable_and_may_read_its_shim(workshop: Workshop) -> None:
    shim = '. "$(dirname -- "$0")/_/husky.sh"\n'
    hook = SIGNED.replace("\n", f"\n{shim}", 1)
    bring(workshop, ".husky/commit-msg", hook, executable=False, used=".husky/_")
    workshop.work(ends=0)
    assert message(workshop).endswith("Seen: yes")


def test_a_pre_commit_hook_that_refuses_is_told_to_the_agent(workshop: Workshop) -> None:
    bring(workshop, ".githooks/pre-commit", REFUSES)
    workshop.work(f"if [ $ROUND = 1 ]; then echo UGLY > locked/a; else rm locked/a; {GOOD}; fi", ends=0)
    assert "the hooks of `.githooks`, and the rules judge the change" in workshop.told[0]
    assert [one in workshop.told[1] for one in ("+UGLY", "PTH002")] == [True, True], "the rules are asked too"
    workshop.check_done()


def test_hooks_that_do_not_run(workshop: Workshop) -> None:
    """Git runs no hook that is not executable, but for husky's, nor do those that are not in the tree."""
    bring(workshop, ".githooks/commit-msg", "#!/bin/sh\nexit 1\n", executable=False)
    program(workshop.user.path / ".git" / "hooks" / "commit-msg", "exit 1")
    workshop.before = workshop.users()
    workshop.work(ends=0)
