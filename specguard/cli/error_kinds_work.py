"""The kinds of errors of approvals, plans and runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.cli.error_kinds import ErrorKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

APPROVALS: Final[Sequence[ErrorKind]] = (
    ErrorKind(
        "not-approvable",
        "This cannot be approved, or not by this person",
        "The finding, the person, the reason or the day is not what the policy lets be approved, or nothing "
        "is there to approve.",
        "An approval that does not count would only be noticed when the change is judged.",
        "`specguard approve` without words shows what could be approved, and by whom; see "
        "[approvals](../approvals.md).",
        "an approval needs a reason",
    ),
    ErrorKind(
        "signing-failed",
        "A signature cannot be made or verified",
        "`ssh-keygen` does not sign: the key is not there, is not the one that the policy names, or its "
        "passphrase was not given.",
        "Where the policy asks for signatures, an approval without one is none.",
        "Name the key with `--key`, and see that the policy has its public half.",
        "there is no key /home/ada/.ssh/id_ed25519",
    ),
    ErrorKind(
        "no-identity",
        "Git does not know who this is",
        "No name or address is configured for who writes or approves, or a commit has none.",
        "Nobody approves their own change, and that takes two names.",
        "`git config user.name NAME` and `git config user.email ADDRESS`.",
        "git knows no name or address for the commit",
    ),
)

PLANS: Final[Sequence[ErrorKind]] = (
    ErrorKind(
        "plan-unready",
        "No plan can be made of this yet",
        "A proposal has placeholders, lacks a part, or an earlier stage is not complete.",
        "A plan of it would tell an agent to do what nobody has decided.",
        "`specguard plan validate SLUG` lists all that is left, with lines.",
        "it describes no option 'b'",
    ),
    ErrorKind(
        "unfilled-template",
        "Something that a template needs is not given",
        "A path or text is made of a template, and a value for one of its placeholders is missing or wrong.",
        "A file under a wrong name satisfies no contract.",
        "Give the value, as the message and `specguard new --help` say.",
        "'9' is no value of a placeholder",
    ),
    ErrorKind(
        "broken-case",
        "A case or sample is not what it has to be",
        "A key of a case, of `[[should-fail]]` or `[[should-pass]]`, or of a list of samples is wrong.",
        "A case that tests something else than was meant proves nothing.",
        "Put right what the message names, at its line; see [testing](../testing.md).",
        "`should-fail` has no key 'expekt'",
    ),
)

RUNS: Final[Sequence[ErrorKind]] = (
    ErrorKind(
        "no-agent",
        "It is not said which agent works",
        "Neither `--agent` nor a command behind `--` names one, both do, or the policy does not know it.",
        "A run starts a program with your rights; which one is never guessed.",
        "Name one of `[agents]` of the policy with `--agent`, or write its command behind `--`.",
        "no agent is named",
    ),
    ErrorKind(
        "agent-version",
        "The agent's program has another version",
        "`[agents.<name>] version` pins the versions of an agent's tool, and the one that is installed is "
        "another one, or does not say.",
        "Another version may read its flags and hooks differently, and the guard with them.",
        "Install a version that fits, or change `version` in the policy once you know that the new one "
        "works; "
        "`specguard doctor` shows both.",
        "codex is 0.51.0, and the policy asks for >=0.40,<0.50",
    ),
    ErrorKind(
        "forbidden-agent",
        "The policy does not allow the agent to run like this",
        "The command has a word of high trust, a model or an approval policy that the policy does not allow.",
        "These words are how an agent gets past what guards it.",
        "Leave the word out, or have it allowed with `allow_flags`, `[models]` or `approval_policies`.",
        "the agent's command names no model, and the policy says which may be used",
    ),
    ErrorKind(
        "item-unready",
        "The item cannot be worked on yet",
        "It cannot be told which item is meant, it is done, waits for another one, or its document is not in "
        "the base.",
        "An agent would work on something that nobody has decided, or twice.",
        "Name the item, merge its document, or finish what it waits for; `specguard status` shows where the "
        "work stands.",
        "no phase is open and ready; tried: phases/",
    ),
    ErrorKind(
        "item-taken",
        "Somebody works on the item already",
        "There is a branch, a pull request or a run of this item, or one that may touch the same files.",
        "Two changes of one item would undo each other.",
        "Wait, go on with the run that there is (`specguard run resume`), or end it (`specguard run stop`).",
        "another run works on phase 1",
    ),
    ErrorKind(
        "remote-unsuitable",
        "The remote is not the canonical repository",
        "The remote is missing, is another repository than the policy names, or has no branch to begin from.",
        "The work would go to the wrong place.",
        "Set the remote's address (`git remote set-url origin URL`), or name another remote with `--remote`.",
        "there is no remote 'origin'; tried: remote.origin.url of the configuration",
    ),
    ErrorKind(
        "remote-unreachable",
        "The remote cannot be reached",
        "Git or the platform's program got no answer: no network, no rights, or no credentials.",
        "What is there already is not known, and a run must not begin or push blindly.",
        "See that `git ls-remote` works from here, and `gh auth status` or `glab auth status`.",
        "https://example.org/team/app cannot be reached: Could not resolve host",
    ),
    ErrorKind(
        "run-record",
        "The record of a run is gone, changed, or of another state",
        "The folder of a run does not have what this machine has left there, or the run is over or not "
        "begun.",
        "What a run was asked to do is believed only where nobody else can have written it.",
        "Start a new run; `specguard run list` shows those that there are.",
        "the run has no manifest: No such file or directory",
    ),
    ErrorKind(
        "run-lost",
        "Another process has taken the run over",
        "The process was taken for dead, and another one goes on with its run.",
        "Two that write one record would spoil it.",
        "Nothing: follow the run with `specguard run status`.",
        "the run was taken over by another process",
    ),
    ErrorKind(
        "git-failed",
        "A git command failed",
        "Git refused something that a run needs; the message has its own words.",
        "What follows would be done on something else than what was meant.",
        "Mend what git names, and resume the run.",
        "git commit-tree in the run's place failed: unable to write",
    ),
)

ENDINGS: Final[Sequence[ErrorKind]] = (
    ErrorKind(
        "agent-failed",
        "The agent ended badly",
        "Its program could not be started, ended with another code than 0 or by a signal, or left processes "
        "running.",
        "What it left may be half done.",
        "Read the log that the message names; then `specguard run resume`.",
        "codex failed with exit code 1",
    ),
    ErrorKind(
        "agent-stopped",
        "The agent asks a person",
        "It wrote `SPECGUARD_STOP.md`, or handed over that it is blocked, and says there what it needs.",
        "It was told to stop rather than to guess.",
        "Read what it asks, decide, and resume the run.",
        "codex stopped: the schema is locked",
    ),
    ErrorKind(
        "no-progress",
        "The agent makes no progress",
        "A round left the same findings or the same files as the one before it, or the agent ended well and "
        "changed nothing.",
        "The next round would be the same, and cost as much.",
        "`specguard run report` shows what is left; the item may need a person, or a clearer document.",
        "the agent ended well and changed nothing",
    ),
    ErrorKind(
        "budget-spent",
        "The rounds or the output of the run are spent",
        "The agent worked as many rounds as `max_attempts` allows, or a command wrote more than "
        "`output_limit`.",
        "A run has an end, whatever the agent does.",
        "`specguard run report` shows what is left; more rounds are given with `--max-attempts`. "
        "[Limits](../limits.md) has all of them.",
        "the rules were not kept after 3 attempts",
    ),
    ErrorKind(
        "gate-failed",
        "A gate failed",
        "A gate, or a command that verifies a task, ended badly or did not run.",
        "What fails its gates is not done.",
        "Read `gates.json` and the command's log in the run's folder.",
        "what failed: tests",
    ),
    ErrorKind(
        "rules-failed",
        "The change breaks the rules",
        "What was, or would be, committed does not keep to the policy.",
        "It could not be merged.",
        "`specguard run report` has the findings.",
        "what was committed does not keep to the rules any more",
    ),
    ErrorKind(
        "no-verdict",
        "The check of the run gives no verdict",
        "A rule could not be judged; the message says which, and what it lacks.",
        "What was not judged has not passed.",
        "Supply what is missing, and resume the run.",
        "the check gives no verdict: COM001 could not be judged: HEAD is detached",
    ),
    ErrorKind(
        "hook-refused",
        "The repository's hooks refuse the change",
        "A `pre-commit` or `commit-msg` hook of the repository refuses the commit, or changes it every time.",
        "A commit that your own hooks refuse is not yours.",
        "Read the hook's log in the run's folder. A hook has to leave alone what it has changed once.",
        "the commit-msg hook left an empty message",
    ),
    ErrorKind(
        "guard-silent",
        "The guard does not fire",
        "An edit of a guarded path was tried in the run's place, and was let through.",
        "No agent works where the guard is not shown to work.",
        "`specguard doctor` tells what is wrong with the guard.",
        "the guard does not fire: an edit of SPEC_AUTHORITY.md, which the policy guards, was let through",
    ),
    ErrorKind(
        "place-spoiled",
        "Something else than files was changed in the run's place",
        "The agent, or a gate, touched git's own files, your checkout, or specguard's notes, or left "
        "something that git cannot keep.",
        "Files are the agent's to edit, and all else decides what becomes of them.",
        "Look at what the message names. Undo what was not you; then start or resume the run.",
        "the run's place is gone",
    ),
    ErrorKind(
        "remote-moved",
        "Somebody pushed meanwhile",
        "The branch or the remote is not what it was when the run began.",
        "Nobody's commits are ever overwritten.",
        "Start the item again; what the agent made is in `diff.patch` of the run's folder.",
        "https://example.org/team/app has no branch work any more, which the run goes on from",
    ),
    ErrorKind(
        "push-refused",
        "The branch or the pull request was not taken",
        "The remote refuses the branch, or the platform the pull request.",
        "The work is done and kept; only its last step is open.",
        "Mend what the remote says, and `specguard run resume`.",
        "https://example.org/team/app refuses the branch work: protected branch",
    ),
    ErrorKind(
        "killed",
        "The run was ended",
        "Somebody, or the system, ended specguard with a signal.",
        "What it was doing is cut off.",
        "`specguard run resume` goes on from the last step that is done.",
        "specguard was ended by SIGTERM",
    ),
    ErrorKind(
        "step-reached",
        "The run was to go no further",
        "`--until` named this step; nothing is wrong.",
        "It was asked for.",
        "`specguard run resume` goes on.",
        "it was to go on until check and no further",
    ),
    ErrorKind(
        "system-failed",
        "The system failed",
        "A file or process could not be had: no room, no rights, too many open files.",
        "What follows would be built on something that is not there.",
        "Mend what the message names, and resume the run.",
        "No space left on device: /tmp/x",
    ),
    ErrorKind(
        "run-failed",
        "A step of the run failed",
        "A step could not be done, and the message says why.",
        "Each step builds on the one before it.",
        "Take the step after `next:`; `specguard run report` has more.",
        "the run has no commit to push",
    ),
)
