"""The tree that a run commits, and its one commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specguard.change.worktree import hash_work_tree
from specguard.errors import MissingFact
from specguard.executor.contents import check_contents
from specguard.executor.ending import RunEnded
from specguard.executor.hooks import hook_commands
from specguard.executor.identity import identity
from specguard.executor.inspecting import check_survey, inspect
from specguard.executor.place import place_of
from specguard.executor.scope import note_commit
from specguard.executor.seen_files import Survey
from specguard.runs.model import Response
from specguard.work.templates import FREE, Template, Unrendered

if TYPE_CHECKING:
    from typing import Final

    from specguard.change.git import Git
    from specguard.executor.run import Run
    from specguard.runs.model import Command

PATCH: Final = "diff.patch"


def hash_tree(run: Run) -> str:
    """Hash the files of the run's place as a commit of all of them has them.

    Every file is read anew: nothing is taken from an index that the agent could write. What `.gitignore`
    leaves out is left out; submodules stay as they are in the base. The objects are kept in specguard's own
    store for the place.

    Args:
        run: the run; every process that works in its place must have ended.

    Returns:
        The tree's object id.

    Raises:
        RunEnded: a file cannot be read, a repository was made within the place, a link leads out of it, or
            what LFS keeps is no pointer.
    """
    place = place_of(run)
    check_survey(place, Survey(place.path))
    try:
        tree = hash_work_tree(place.git, place.base).tree
        check_contents(place, tree)
    except MissingFact as missing:
        full = "No space left" in missing.reason
        help_text = f"make room on the disk of {place.path}" if full else missing.command
        raise RunEnded("failed", missing.reason, help=help_text, error=missing.code) from missing
    return tree


def message_of(run: Run) -> str:
    """The message of the run's commit: its item's template, and the trailer that names the run.

    Once a `commit-msg` hook has altered it, what the hook made of it.

    Raises:
        RunEnded: the item has no template for it, or a value is missing.
    """
    return run.message or _own_message(run)


def _own_message(run: Run) -> str:
    """The message as no hook has seen it yet.

    Raises:
        RunEnded: the item has no template for it, or a value is missing.
    """
    item = run.item
    if item is None:
        raise RunEnded("failed", "a run of gates commits nothing", code=2)
    try:
        subject = next(iter(item.commit_messages), "")
        if FREE in Template(item.settings.commit).names:
            title = item.listed.title if item.listed is not None else ""
            subject = item.worded("commit", title or f"implement {item}")
    except Unrendered as error:
        raise RunEnded(
            "failed",
            f"the commit's message cannot be made: nothing gives {{{error.name}}}",
            help=f"give it in the pointer, or leave it out of work.{item.kind}.commit",
            code=2,
            error="incomplete-policy",
        ) from error
    if not subject:
        raise RunEnded(
            "failed",
            f"the policy does not say what a {item.kind}'s commit is called",
            help=f"set work.{item.kind}.commit",
            code=2,
            error="incomplete-policy",
        )
    trailer = run.policy.declared("run_settings").trailer
    told = run.manifest.item
    return f"{subject}\n\n{trailer}: {told.kind}-{told.id}/{run.folder.run_id}\n"


def make_commit(run: Run, tree: str) -> str:
    """Make the commit of a tree on the pinned base, in specguard's own store for the place.

    The time is that of the run's start, so the same tree and message always give the same commit.

    Args:
        run: the run.
        tree: one that `hash_tree` gave.

    Returns:
        Its object id; nothing refers to it.

    Raises:
        RunEnded: it cannot be made.
    """
    place = place_of(run)
    message = message_of(run).encode("utf-8", "surrogateescape")
    author, committer = identity(run.git.repository, run.manifest.started_at)
    header = f"tree {tree}\nparent {place.base}\nauthor {author}\ncommitter {committer}\n\n"
    given = header.encode("utf-8", "surrogateescape") + message
    said = place.git.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=given)
    return said.decode("ascii").strip()


def commit(run: Run) -> bool:
    """Make the run's commit of the tree that was judged, once the repository's `commit-msg` hooks agree.

    Args:
        run: its `manifest.tree` is the judged tree; `manifest.commit` is set, and `diff.patch` is written.

    Returns:
        Whether it was made. False: a hook altered the files or the message, and both have to be judged
        again.

    Raises:
        RunEnded: a hook refuses the message, or the commit cannot be made.
    """
    tree = run.manifest.tree
    if tree is None:
        raise RunEnded("failed", "no tree of the run was judged", code=2)
    if not _hooks_agree(run, tree):
        return False
    oid = make_commit(run, tree)
    place = place_of(run)
    made = place.git.commit(oid)
    if (made.tree, list(made.parents)) != (tree, [place.base]):
        raise RunEnded("failed", "the commit is not the one that was asked for", help="git --version", code=2)
    run.folder.write(PATCH, patch(place.git, place.base, tree, binary=True))
    run.manifest.commit = oid
    run.manifest.highlights = [run.redactor.words(message_of(run).partition("\n")[0])]
    note_commit(run, tree)
    run.save()
    return True


def keep_patch(run: Run) -> None:
    """Write `diff.patch` of what there is in the place of a run that is not committed, without secrets.

    Raises:
        RunEnded: a file cannot be read, or is none that a commit may have.
    """
    if run.place is None or run.manifest.commit is not None:
        return
    base, tree = run.place.base, hash_tree(run)
    if tree != run.place.git.commit(base).tree:
        made = patch(run.place.git, base, tree, binary=True)
        run.folder.write(PATCH, run.redactor.text(made))


def patch(git: Git, base: str, tree: str, *, without: str = "", binary: bool = False) -> bytes:
    """What a tree changes against a commit, as `git apply` takes it.

    Args:
        git: reads both.
        base: the commit.
        tree: the tree.
        without: a folder that is left out; empty: none.
        binary: whether it has the content of binary files, too.

    Raises:
        MissingFact: something of them is not there.
    """
    words = ["-r", "-p", "--full-index", "--no-renames", "--no-ext-diff", "--no-textconv"]
    words += ["--binary"] if binary else []
    words += [base, tree, "--", *([f":(exclude,literal){without}"] if without else [])]
    return git.read(git.start("diff-tree", *words, literal=False), "the change")


def _hooks_agree(run: Run, tree: str) -> bool:
    """Run the `commit-msg` hooks; whether files and message are as they were."""
    message = message_of(run)
    said, done = _run_hooks(run, tree, message)
    if done is None:
        return True
    if run.message and said != _clean(message):
        # With git they see a message once: one that adds to whatever it sees agrees with what it made of it.
        again, last = _run_hooks(run, tree, _own_message(run))
        if last is not None and again == _clean(message):
            said, done = again, last
    if said != _clean(message):
        if not said:
            raise RunEnded(
                "failed",
                "the commit-msg hook left an empty message",
                command=done.number,
                error="hook-refused",
            )
        run.message = said
        return False
    if hash_tree(run) != tree:
        return False
    if done.exit_code != 0 or done.problem:
        raise RunEnded(
            "failed",
            "the repository's commit-msg hooks refuse the message of the run's commit",
            help=f"see {done.log}; the message comes from work.{run.manifest.item.kind}.commit",
            tail=_tail(run, done),
            command=done.number,
            error="hook-refused",
        )
    return True


def _run_hooks(run: Run, tree: str, message: str) -> tuple[str, Command | None]:
    """What the `commit-msg` hooks make of a message, and the last one that ran; None where there is none."""
    from specguard.executor.processes import run_command

    place = place_of(run)
    path = place.write("message", message.encode("utf-8", "surrogateescape"))
    done = None
    for words in hook_commands(run, "commit-msg", path):
        place.stage(tree)
        done = run_command(run, "commit-msg", words, kind="hook", source="policy", cwd=place.path, tree=tree)
        inspect(run, "a commit-msg hook")
        if not done.succeeded:
            break
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return _clean(file.read()), done


def _tail(run: Run, done: Command) -> str:
    with open(run.folder.file(done.response), "rb") as file:
        return Response.model_validate_json(file.read()).tail


def _clean(message: str) -> str:
    """A message as git keeps it: no space at the ends of lines, and one newline at its end."""
    lines = [line.rstrip() for line in message.replace("\r\n", "\n").split("\n")]
    text = "\n".join(lines).strip("\n")
    return f"{text}\n" if text else ""
