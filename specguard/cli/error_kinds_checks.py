"""The kinds of errors that a check can end with: those of words, files, repositories and policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.cli.error_kinds import ErrorKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

WORDS: Final[Sequence[ErrorKind]] = (
    ErrorKind(
        "usage",
        "The words of the command do not go together",
        "An option is not there, a value has another form, or two options ask for different things.",
        "Whatever the words were meant to be, another reading of them could let something through.",
        "Write what the message names; `specguard COMMAND --help` lists the options.",
        "--staged and --worktree ask for different changes",
    ),
    ErrorKind(
        "unknown-name",
        "Nothing has this name",
        "A rule, preset, format, run, plan or record is asked for by a name that none has, or that several "
        "begin with.",
        "A misspelt name that is passed over would leave out what was asked for.",
        "Take the name that the message suggests, or list what there is: `specguard rule`, "
        "`specguard run list`, `specguard plan status`, `specguard approvals list`.",
        "there is no rule 'PTH999'",
    ),
    ErrorKind(
        "not-possible",
        "What is asked for cannot be done here",
        "Everything can be read, and what stands there does not allow it; the message says what it is.",
        "Half of what was asked for could be taken for all of it.",
        "Take the step after `next:`, or ask for something else.",
        "specguard writes plans only as JSON",
    ),
    ErrorKind(
        "unreadable-file",
        "A file cannot be read",
        "It is not there, may not be read, is no regular file, or is not what it has to be: UTF-8, JSON or "
        "TOML of its form.",
        "What cannot be read cannot be judged, and is never taken for empty.",
        "See that the file is there and that you may read it; the line that the message names is where it "
        "stops making sense.",
        "it is not UTF-8",
    ),
    ErrorKind(
        "unwritable-file",
        "A file or the output cannot be written",
        "The disk is full, the folder may not be written to, or nobody reads the output any more.",
        "A report or record that is written in part says something else than the whole.",
        "Make room, or name a place that you may write to. What was there before is as it was.",
        "the report cannot be written: Permission denied",
    ),
    ErrorKind(
        "never-overwritten",
        "Something is there already",
        "A file stands where one was to be written, or was changed while it was being written.",
        "What a person has written is never replaced without their knowing.",
        "Write it under another name, or take the file away yourself if it is not wanted.",
        "it is there already, and is never overwritten",
    ),
    ErrorKind(
        "outside-repository",
        "A path leads out of the repository",
        "A path, or a link in the repository, leads to a place outside of it.",
        "A change can bring such a link; to follow it would let the change reach any file of yours.",
        "Name a path within the repository, or replace the link by what it leads to.",
        "its folder is a link that leads out of the repository",
    ),
    ErrorKind(
        "size-limit",
        "Something is larger than what is read",
        "A file, line, event, patch or push is beyond a limit; [limits](../limits.md) has all of them, "
        "with what "
        "changes them.",
        "Everything in a change is somebody else's: without limits one file could use up memory or hours.",
        "Make it smaller. A file that no rule has to read is left out with `exclude` of that rule.",
        "the patch is larger than 256 MiB",
    ),
    ErrorKind(
        "time-limit",
        "Something took too long",
        "A run, a command, an agent's hook or a signature took longer than it may; [limits](../limits.md) "
        "has all "
        "limits, with what changes them.",
        "What never ends would keep a commit, a session or a runner for ever.",
        "Find out what takes so long (`specguard run report`, `specguard doctor`), or give it more time.",
        "specguard-key did not sign within 300 seconds",
    ),
    ErrorKind(
        "program-missing",
        "A program is missing",
        "Git, `ssh-keygen`, an agent, or a program that a gate needs is not on `PATH`, cannot be run, or is "
        "too old.",
        "What it would have said is not known, and a gate that does not run has not passed.",
        "Install it, or see that `PATH` has it where specguard runs; `specguard doctor` names what is "
        "missing.",
        "git is not installed, or not on the path",
    ),
    ErrorKind(
        "extra-missing",
        "An optional part is not installed",
        "The command needs Python packages that are installed only where they are asked for.",
        "The command cannot work without them; all others do.",
        "Install the extra that the message names: `pip install 'specguard[mcp]'`.",
        "this needs what is in the extra 'mcp', and the package mcp is missing or too old",
    ),
    ErrorKind(
        "plugin-failed",
        "A plugin cannot be used",
        "A plugin cannot be imported, registers something wrong, or one of its rules or formats crashes.",
        "A rule that is not there finds nothing: without it the verdict would be another one.",
        "Repair, update or remove the plugin that the message names, or take its name out of `plugins`.",
        "the format 'lines' of plugin 'acme' cannot be made: KeyError: 'x'",
    ),
    ErrorKind(
        "internal-error",
        "specguard itself has failed",
        "Something happened that nobody thought of. It is not your fault.",
        "A verdict after such an error could be wrong.",
        "Run it again with `--traceback` as the first word, and report what it prints.",
        "internal error: KeyError: 'x'",
    ),
)

REPOSITORY: Final[Sequence[ErrorKind]] = (
    ErrorKind(
        "no-repository",
        "There is no repository here, or none that will do",
        "The folder is in no git repository, has no working tree (it is bare), or is not there at all.",
        "Everything trusted is read from the repository.",
        "Go to the repository, or name it with `-C DIR`.",
        "/srv/app is not in a git repository",
    ),
    ErrorKind(
        "broken-repository",
        "The repository cannot be read",
        "Git cannot read its configuration, refs or worktrees, or does not trust a folder that another user "
        "owns.",
        "A repository that is read in part could hide what a rule looks for.",
        "Mend what the message names. Where the folder is another user's and you trust it: "
        "`git config --global --add safe.directory DIR`.",
        "the ref refs/heads/main is broken",
    ),
    ErrorKind(
        "no-commit",
        "There is no commit yet",
        "The repository has no commit, or `HEAD` points to nothing, and what is asked for needs one.",
        "There is nothing to compare with.",
        "Commit first; a first commit is judged with `specguard check --staged` or `--root`.",
        "HEAD has no commit yet",
    ),
    ErrorKind(
        "no-base",
        "There is no base to compare with",
        "A change is judged against a base: the branch that it goes into. None was named, and neither the "
        "policy, the platform nor the remote names one that is there.",
        "Policy and approvals are read from the base. Without it the change would judge itself.",
        "Fetch the branch that the message names (`git fetch origin main`), name it with `--base REF`, or "
        "set "
        "`base` in the policy. In continuous integration check out with `fetch-depth: 0`; see "
        "[continuous integration](../ci.md).",
        "there is no base to compare with: tried refs/remotes/origin/HEAD",
    ),
    ErrorKind(
        "unknown-revision",
        "No commit has this name",
        "A name is no branch, tag or commit here, or stands for several.",
        "Another commit than the one that was meant would be judged.",
        "See that it is spelt as in `git branch --all`, and fetched. A full name such as `refs/heads/x` or a "
        "whole object id is never ambiguous.",
        "there is no branch, tag or commit 'nowhere'",
    ),
    ErrorKind(
        "shallow-clone",
        "The clone does not have the commits that are needed",
        "The clone was made with a depth, as continuous integration does, and a commit or file of the "
        "history "
        "is not in it.",
        "What is not there cannot be judged; it may be the part that breaks a rule.",
        "`git fetch --unshallow origin`, or check out with `fetch-depth: 0` (GitHub) or `GIT_DEPTH: 0` "
        "(GitLab).",
        "the commit 1f0c2d that the platform names was not fetched",
    ),
    ErrorKind(
        "missing-object",
        "An object of the repository is missing or broken",
        "Git has no content for a file or commit: a partial clone, a broken disk, or an object that is not "
        "what its name says.",
        "What is not there cannot be judged.",
        "`git fetch --refetch --no-filter origin`; `git fsck` tells what else is broken.",
        "object 1f0c2d is forged or broken: its content has another hash",
    ),
    ErrorKind(
        "no-common-ancestor",
        "Base and head have no common ancestor, or several",
        "The change begins where its branch left the base. Here there is no such commit, or several whose "
        "files differ.",
        "What belongs to the change could not be told from what others did.",
        "Rebase the branch onto the base, or merge the base into it. In a shallow clone fetch the rest "
        "first: "
        "`git fetch --unshallow origin`.",
        "origin/main and the head have no common ancestor",
    ),
    ErrorKind(
        "detached-head",
        "No branch is known",
        "`HEAD` is no branch, as in continuous integration, and a rule is about the branch's name.",
        "A name that is not known is never taken for a good one.",
        "Give it with `--branch NAME`; on the platforms that are known it is read from their variables.",
        "HEAD is detached, so no branch is known",
    ),
    ErrorKind(
        "unmerged-file",
        "A merge is under way",
        "A file has conflicts that are not resolved, so it has no single content.",
        "Neither side is what will be committed.",
        "Resolve the conflict and `git add` the file.",
        "src/app.py is not merged",
    ),
    ErrorKind(
        "unusable-patch",
        "The patch does not apply",
        "What `--patch` names is no patch of `HEAD`.",
        "The tree that results is judged, and there is none.",
        "Make it anew with `git diff --binary`, against the commit that is checked out.",
        "the patch does not apply to HEAD: patch failed: a.txt:1",
    ),
    ErrorKind(
        "unreadable-event",
        "What a platform or git tells cannot be understood",
        "The event file, the list of reviews, or what git gives a hook on standard input has another form.",
        "A field that is read wrongly could stand for a title or an approval that nobody gave.",
        "Give the file as the platform wrote it, such as `$GITHUB_EVENT_PATH`; [continuous "
        "integration](../ci.md) says which events there are.",
        "the event file is not JSON",
    ),
    ErrorKind(
        "not-told",
        "Nobody says what a rule has to know",
        "A rule needs something that is not in the repository, such as a pull request's title, and nothing "
        "that was given tells it.",
        "What is not known is never taken for good.",
        "Give it: `--pr-title`, `--pr-body-file`, `--pr-event FILE`, `--pr-reviews FILE`; git's own words on "
        'standard input for `--push`. Runs that are kept with `keep = "local"` are seen only where they ran.',
        "the pull request's title is not known",
    ),
    ErrorKind(
        "untrusted-file",
        "A file that has to be trusted is in the judged tree",
        "Something that decides what is allowed, such as the platform's event or a list of reviews, lies "
        "where "
        "the change could have written it.",
        "The change would write its own approval.",
        "Write it outside of the checkout, as to `$RUNNER_TEMP`, and name it there.",
        "the event file is in the judged tree, as event.json, so the change could have written it",
    ),
    ErrorKind(
        "missing-fact",
        "Something that a rule has to know is not to be had",
        "A fact is missing, and the message says which.",
        "A rule that cannot look has not passed: its state is `indeterminate`.",
        "Take the step after `next`.",
        "a run of gates compares no policies",
    ),
    ErrorKind(
        "clock-unset",
        "The clock is wrong",
        "The machine's clock shows a day long past, so that it was never set.",
        "Approvals end on a day, and would never end.",
        "Set the clock, or give the day with `--today`.",
        "the clock says 1970-01-01, so it was never set",
    ),
)

POLICY: Final[Sequence[ErrorKind]] = (
    ErrorKind(
        "no-authority",
        "There is no authority",
        "Neither `SPEC_AUTHORITY.md` nor any other settings of specguard are where they are looked for: in "
        "the base, or for a first adoption in the change itself.",
        "Nothing is allowed by a policy that is not there.",
        "`specguard init` writes one. Where only the base lacks it, merge the authority first, or adopt with "
        "`--bootstrap`.",
        "there is no authority: main has neither SPEC_AUTHORITY.md nor other settings of specguard",
    ),
    ErrorKind(
        "broken-authority",
        "The authority cannot be understood",
        "A setting is not known or has a wrong value, a document is missing, empty or no text, or a variable "
        "that a setting names is not set.",
        "A misspelt setting that is passed over would guard nothing. So all of it has to be right.",
        "Put right what the message names, at its line; `specguard policy` shows what was understood, and "
        "[settings](../settings.md) has every key.",
        "the authority is empty, which is never taken for a policy that allows everything",
    ),
    ErrorKind(
        "incomplete-policy",
        "The policy does not say what is needed here",
        "What is asked for needs a setting that the policy does not have, such as the name of an item's "
        "branch or commit, or one that can be read in two ways.",
        "A name that is made up would break the rules of the policy itself.",
        "Set what the message names; [settings](../settings.md) has every key.",
        "the policy describes no plans",
    ),
    ErrorKind(
        "unusable-schema",
        "A schema of the policy cannot be used",
        "An artifact has to fit a JSON Schema that is not there, or is none.",
        "An artifact that is held to no schema would pass.",
        "Put the schema where `schema` of `[artifacts.<name>]` says, in the base.",
        "there is no schema schemas/final.json beside the policy",
    ),
    ErrorKind(
        "broken-baseline",
        "The baseline cannot be used",
        "The file of findings that were there already is no such file, or git ignores it.",
        "Without it old findings would look new, and with a wrong one new findings would look old.",
        "`specguard baseline` writes it anew; see [checking](../checking.md).",
        "the baseline is ignored by git, so it would never count",
    ),
    ErrorKind(
        "contradiction",
        "Two documents contradict each other",
        "A document of a work item says something else than one that goes before it, or asks for a path that "
        "the policy guards.",
        "Whoever did what one of them says would break the other.",
        "Decide which of them holds, and change the other; `order` of the authority says which goes first.",
        "phases/1.md:3 asks for an edit: docs/api/x.yaml, and SPEC_AUTHORITY.md:9 guards it with 'docs/api/' "
        "(PTH001)",
    ),
)
