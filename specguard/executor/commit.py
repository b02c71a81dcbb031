"""The tree that a run commits, and its one commit.

Two kinds of hooks run: those of pre-commit's configuration, and scripts that the repository keeps in a
folder. The folder is the one that `core.hooksPath` names, if it is in the working tree, else `.husky` or
`.githooks`. The base's versions run, from a copy that is made anew each time. The change's own hooks do not
run: a reviewer judges them. Hooks in `.git/hooks`, or elsewhere outside of the tree, are personal and do not
run in a place.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from typing import Final

from specguard.authority.policy import Policy
from specguard.change.entries import EXECUTABLE, Entry
from specguard.change.git import Git
from specguard.change.repository import Repository, find_program
from specguard.change.tree import Tree
from specguard.change.worktree import LFS_POINTER, hash_work_tree
from specguard.declaration.patterns import Covering
from specguard.errors import MissingFact, if_applicable
from specguard.executor.item_choice import task_of
from specguard.executor.place import Place, identity
from specguard.executor.process import response_of, run_command
from specguard.executor.remote import read_settings
from specguard.executor.run import Run, RunEnded
from specguard.executor.side_effects import inspect
from specguard.model import Origin, Record, folders_of, listed, path_text, plain_path
from specguard.plans.papers import PaperItem
from specguard.runs.manifests import Command
from specguard.work.item import WorkItem

PATCH_FILE: Final = "diff.patch"


def hash_tree(run: Run) -> str:
    """Hash the files of the run's place as a commit of all of them contains them.

    Every file is read again: nothing comes from an index that the agent could write. Files that `.gitignore`
    excludes are excluded; submodules stay as they are in the base while their folders exist. The objects are
    kept in specguard's own store for the place.

    Args:
        run: the run; every process that works in its place must have ended.

    Returns:
        The tree's object id.

    Raises:
        RunEnded: a file cannot be read, the place contains another repository, a link leads out of it, or an
            LFS file is not a pointer.
    """
    place = run.place
    try:
        found = hash_work_tree(place.git)
        check_contents(place, found.tree)
    except MissingFact as missing:
        help = missing.command or f"see that {place.path} can be read, and that its disk has room"
        raise RunEnded(missing.reason, help=help, code=missing.code) from missing
    if nested := listed([path_text(one.path) for one in found.nested]):
        message = f"there is a repository within the run's place, at {nested}"
        help = f"remove it in {place.path}, or have .gitignore leave its folder out"
        raise RunEnded(message, help=help, code="place-spoiled")
    return found.tree


def message_of(run: Run) -> str:
    """Return the message of the run's commit: its item's template, and the trailer that names the run.

    Once the `commit-msg` hooks have seen the message, their version is returned.
    """
    entry, trailer = run.manifest.item, run.settings.trailer
    name = run.item.named_by("commit")
    return run.message or f"{name}\n\n{trailer}: {entry.kind}-{entry.id}/{run.folder.run_id}\n"


def make_commit(run: Run, tree: str) -> str:
    """Make the commit of a tree on the pinned base, in specguard's own store for the place.

    The time is that of the run's start, so the same tree and message always give the same commit.

    Args:
        run: the run.
        tree: a tree that `hash_tree` returned.

    Returns:
        The commit's object id; no ref points to it.

    Raises:
        RunEnded: the commit cannot be made.
    """
    place = run.place
    author, committer = identity(run.git.repository, run.manifest.started_at)
    header = f"tree {tree}\nparent {place.base}\nauthor {author}\ncommitter {committer}\n"
    content = f"{header}\n{message_of(run)}".encode("utf-8", "surrogateescape")
    output = place.git.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=content)
    return output.decode("ascii").strip()


def commit(run: Run) -> bool:
    """Make the run's commit of the judged tree, once the repository's `commit-msg` hooks agree.

    Args:
        run: the run; its `manifest.tree` is the judged tree. `manifest.commit` is set, and `diff.patch` is
            written.

    Returns:
        True if the commit was made. False: a hook altered the files or the message, and both must be judged
        again.

    Raises:
        RunEnded: a hook refuses the message, or the commit cannot be made.
    """
    place, tree = run.place, run.manifest.tree or ""
    if not _hooks_accept(run, tree):
        return False
    run.manifest.commit = make_commit(run, tree)
    run.folder.write(PATCH_FILE, patch(place.git, place.base, tree))
    run.manifest.highlights = [run.redactor.redact(message_of(run).partition("\n")[0])]
    note_commit(run, tree)
    run.save()
    return True


def write_patch(run: Run) -> None:
    """Write `diff.patch` with the uncommitted changes in a run's place, without secrets.

    Raises:
        RunEnded: a file cannot be read, or cannot be part of a commit.
    """
    if run.made_place is None or run.manifest.commit is not None:
        return
    base, tree = run.place.base, hash_tree(run)
    if tree != run.place.git.commit(base).tree:
        run.folder.write(PATCH_FILE, run.redactor.redact_bytes(patch(run.place.git, base, tree)))


def patch(git: Git, base: str, tree: str, *, exclude: str = "") -> bytes:
    """Return the difference of a tree from a commit, as a patch for `git apply`.

    Args:
        git: reads both.
        base: the commit.
        tree: the tree.
        exclude: a folder to leave out; empty: none.

    Raises:
        MissingFact: an object is missing.
    """
    words = ["-r", "-p", "--full-index", "--binary", "--no-renames", "--no-ext-diff", "--no-textconv"]
    words += [base, tree, "--", *([f":(exclude,literal){exclude}"] if exclude else [])]
    return git.ask("the change", "--no-literal-pathspecs", "diff-tree", *words)


def _hooks_accept(run: Run, tree: str) -> bool:
    """Run the `commit-msg` hooks once, and return True if the files and the message are as they were."""
    if run.message:
        return True
    before = message_of(run)
    message, last = _run_hooks(run, tree, before)
    if last is None:
        return True
    if not message or not last.succeeded:
        what = "the repository's commit-msg hooks refuse the message of the run's commit, or leave none"
        help = f"see {run.folder.file(last.log)}; the message comes from work.{run.manifest.item.kind}.commit"
        raise _refused(run, last, what, help)
    run.message = message
    return message == _clean_message(before) and hash_tree(run) == tree


def _refused(run: Run, hook: Command, what: str, help: str) -> RunEnded:
    """Return the end of a run that hooks do not let commit, with the end of their output."""
    tail = response_of(run.folder, hook).tail
    return RunEnded(what, help=help, tail=tail, command=hook.number, code="hook-refused")


def _run_hooks(run: Run, tree: str, message: str) -> tuple[str, Command | None]:
    """Return the message after the `commit-msg` hooks, and the last hook that ran; None without hooks."""
    path = run.place.write("message", message.encode("utf-8", "surrogateescape"))
    last = None
    for words in hook_commands(run, "commit-msg", path):
        last = run_hook(run, "commit-msg", words, tree)
        if not last.succeeded:
            break
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return _clean_message(file.read()), last


def run_hook(run: Run, stage: str, words: Sequence[str], tree: str) -> Command:
    """Stage a tree, and run one hook of the repository on it.

    Raises:
        RunEnded: the hook did something else in the place than changing files, or pre-commit failed itself.
    """
    run.place.stage(tree)
    record = run_command(run, stage, words, kind="hook", cwd=run.place.path, tree=tree)
    inspect(run, f"a {stage} hook")
    # Of a configuration that is wrong, pre-commit says only this, with the exit code of a hook that refuses.
    is_wrong = run.folder.read(record.log).startswith(b"An error has occurred: ")
    if (is_wrong or record.exit_code == _UNEXPECTED) and words[1:2] == ["run"]:
        help = f"see what stopped it in {run.folder.file(record.log)}, then: {run.folder.command('resume')}"
        help += "; if the base's hooks are wrong, correct them there and start another run"
        raise _refused(run, record, "pre-commit could not run the repository's hooks", help)
    return record


def _clean_message(message: str) -> str:
    """Return a message as git cleans it: without spaces at line ends, and with one newline at its end."""
    text = "\n".join(map(str.rstrip, message.replace("\r\n", "\n").split("\n"))).strip("\n")
    return f"{text}\n" if text else ""


CONFIGURATION: Final = b".pre-commit-config.yaml"
"""The configuration file of pre-commit, which defines a repository's hooks."""

STAGES: Final = ("pre-commit", "commit-msg")
"""The git hooks that a run executes, by git's names."""

_UNEXPECTED: Final = 3
"""The exit code of pre-commit if it fails itself, for example without a network; a refusing hook gives 1."""

_HUSKY: Final = b".husky"
_FOLDERS: Final = (_HUSKY, b".githooks")
_COPY: Final = "tree-hooks"
_HUSKY_SHELL: Final = 'PATH="$PWD/node_modules/.bin:$PATH"; export PATH; exec sh -e "$0" "$@"'
"""How husky runs a hook: it need not be executable, and finds the project's installed programs."""


def hooks_of(repository: Repository, tree: Tree) -> Sequence[str]:
    """Return the kinds of hooks in a tree, for a person: `pre-commit`, and the folder of scripts.

    Args:
        repository: the user's repository, whose `core.hooksPath` counts.
        tree: the base's tree.

    Raises:
        SpecguardError: the configuration cannot be read.
        MissingFact: the tree cannot be read.
    """
    found = ["pre-commit"] if tree.find(CONFIGURATION) is not None else []
    folder = _hooks_folder(repository, tree)
    return [*found, *([os.fsdecode(folder)] if any(_has_script(tree, folder, one) for one in STAGES) else [])]


def hook_commands(run: Run, stage: str, message: str = "") -> Iterator[Sequence[str]]:
    """Yield the commands of the base's hooks, in the order in which they run.

    Args:
        run: the run.
        stage: one of `STAGES`.
        message: the file with the message, for `commit-msg`; empty: none.

    Raises:
        RunEnded: the hooks cannot be read, or their copies next to the place cannot be written.
    """
    place = run.place
    tree = place.git.tree_at(place.base)
    text = tree.read(CONFIGURATION)
    program = find_program("pre-commit", run.options.environment)
    if text is not None and program is not None:
        configuration = place.write("pre-commit.yaml", text)
        more = ["--commit-msg-filename", message] if message else []
        yield [program, "run", "--hook-stage", stage, *more, "--config", configuration, "--color", "never"]
    folder = _hooks_folder(run.git.repository, tree)
    if _has_script(tree, folder, stage):
        script = os.path.join(_copy_hooks(run, tree, folder), stage)
        prefix = ["sh", "-c", _HUSKY_SHELL] if folder == _HUSKY else []
        yield [*prefix, script, *([message] if message else [])]


def _hooks_folder(repository: Repository, tree: Tree) -> bytes:
    """Return the folder of hook scripts in the tree; empty without one."""
    folders: Sequence[bytes] = _FOLDERS
    paths = [one.value or "" for one in read_settings(repository) if one.key == "core.hookspath"]
    if paths and paths[-1]:
        top = os.path.realpath(repository.work_tree())
        relative = os.path.relpath(os.path.join(top, os.path.expanduser(paths[-1])), top)
        if relative == os.curdir or relative.startswith(os.pardir):
            return b""
        # husky sets `core.hooksPath` to its folder `_`, which contains only shims and is not in a tree.
        folders = [os.fsencode(relative).removesuffix(b"/_")]
    return next((one for one in folders if tree.names(one)), b"")


def _has_script(tree: Tree, folder: bytes, stage: str) -> bool:
    """True if the tree has a hook that git, or husky, would run."""
    found = tree.find(folder + b"/" + stage.encode()) if folder else None
    return found is not None and (found.mode == 0o100755 or (folder == _HUSKY and found.is_file))


def _copy_hooks(run: Run, tree: Tree, folder: bytes) -> str:
    """Copy the base's folder of scripts out of the agent's reach, and return the copy's absolute path."""
    place = run.place
    copy = os.path.join(place.own_folder, _COPY)
    shutil.rmtree(copy, ignore_errors=True)
    os.mkdir(copy, 0o700)
    entries = ((path, tree.find(path)) for path in tree.paths() if path.startswith(folder + b"/"))
    place.check_out(place.base, [path for path, found in entries if found and found.is_file], copy)
    target = os.path.join(copy, os.fsdecode(folder))
    if folder == _HUSKY and not os.path.lexists(os.path.join(target, "_")):
        # Hooks of earlier versions of husky source this file. husky generates it, and nobody commits it.
        os.mkdir(os.path.join(target, "_"))
        place.write(os.path.join(_COPY, _HUSKY.decode(), "_", "husky.sh"), b"")
    return target


_MOST_NAMED: Final = 20
_UNSCOPED_NOTE: Final = "Nothing says which paths "
_NEW_FILES_NOTE: Final = "New files that are binary or executable: "


class CommitScope(Record):
    """The paths that an item may change.

    Attributes:
        patterns: the patterns of the paths, as they are written.
        paths: one matcher for all patterns.
        where: the source of the patterns, for a person.
    """

    patterns: Sequence[str]
    paths: Covering
    where: str


def scope_of(policy: Policy, item: WorkItem) -> CommitScope | None:
    """Return the paths that an item may change; None if nothing states them.

    Raises:
        MissingFact: the trusted base cannot be read.
    """
    task, entry = task_of(policy, item), item.listed
    if task is not None and task.expected_files:
        return CommitScope(task.expected_files, task.expected_paths, str(task.origin("expected_files")))
    if entry is not None and entry.files:
        where = str(Origin(path_text(entry.source.path), entry.files[0].line or 0))
        return CommitScope([file.text for file in entry.files], entry.scope, where)
    scope = if_applicable(lambda: item.scope, None)
    if scope is None or not scope.paths.patterns:
        return None
    key = item.setting("scope")
    place = scope.origin or policy.origin(key) or key
    return CommitScope(list(scope.paths.patterns), scope.paths, str(place))


def note_commit(run: Run, tree: str) -> None:
    """Note new binary and executable files outside of the scope; without a scope, note all committed files.

    Args:
        run: the run; its place is made.
        tree: the tree that is committed.

    Raises:
        MissingFact: the trusted base cannot be read.
    """
    place, item = run.place, run.item
    if isinstance(item, PaperItem):
        return
    entries = place.git.diff_trees(place.base, tree)
    binary = place.git.binary_files(place.base, tree)
    scope = scope_of(run.policy, item)
    paths = scope.paths if scope is not None else Covering()
    unnamed = (one for one in entries if one.added and not paths.matches(one.path))
    new_files = [path_text(one.path) for one in unnamed if one.path in binary or one.new_mode == EXECUTABLE]
    if new_files:
        run.note(f"{_NEW_FILES_NOTE}{listed(new_files, _MOST_NAMED)}.", instead_of=_NEW_FILES_NOTE)
    if scope is None:
        files = listed([path_text(one.path) for one in entries], _MOST_NAMED)
        run.note(f"{_UNSCOPED_NOTE}{item} may change. It commits {files}.", instead_of=_UNSCOPED_NOTE)


_POINTER_LIMIT: Final = 1024
"""Larger files are not pointers: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md."""


def check_contents(place: Place, tree: str) -> None:
    """Check that no new link leads out of a tree, and that files under LFS are pointers.

    Args:
        place: the place in which the tree was hashed.
        tree: the tree's object id.

    Raises:
        RunEnded: a file is wrong; the reason names it.
        MissingFact: an object cannot be read, or was forged.
    """
    entries = [entry for entry in place.git.diff_trees(place.base, tree) if not entry.deleted]
    links = [entry for entry in entries if entry.is_symlink]
    for entry, (_, target) in zip(links, place.git.blobs([entry.new for entry in links]), strict=True):
        # A file of the target's: a link may lead to the root itself, which is no plain path.
        inside = entry.path.rpartition(b"/")[0] + b"/" + (target or b"") + b"/file"
        if target is None or target.startswith(b"/") or plain_path(inside) is None:
            where = path_text(target or b"...")
            message = f"{path_text(entry.path)} is a link that leads out of the run's place, to {where}"
            help = f"in {place.path}, have .gitignore leave it out, or give it a relative path to a file"
            raise RunEnded(message, help=help, code="outside-repository")
    files = [entry for entry in entries if entry.is_file]
    _check_pointers(place, tree, files)
    # Git does not rewrite an existing object: a forged one would replace the file. Reading the blobs checks
    # them.
    for _ in place.git.blobs([entry.new for entry in files]):
        pass


def _check_pointers(place: Place, tree: str, entries: Sequence[Entry]) -> None:
    # Where no list of attributes applies to a file, nothing is under LFS.
    names, folders = Tree(place.git, tree).names, {one for entry in entries for one in folders_of(entry.path)}
    if not any(b".gitattributes" in names(folder) for folder in (b"", *folders)):
        return
    index = os.path.join(place.git.folder, "attributes-index")
    place.git.run("read-tree", tree, index=index)
    words = ("check-attr", "--cached", "-z", "--stdin", "filter")
    output = place.git.run(*words, stdin=b"".join(entry.path + b"\0" for entry in entries), index=index)
    fields = output.split(b"\0")
    lfs_paths = {path for path, value in zip(fields[::3], fields[2::3], strict=False) if value == b"lfs"}
    pointers = [entry for entry in entries if entry.path in lfs_paths]
    blobs = place.git.blobs([entry.new for entry in pointers], limit=_POINTER_LIMIT)
    for entry, (_, content) in zip(pointers, blobs, strict=True):
        # LFS keeps an empty file as it is.
        if content is None or (content and not content.startswith(LFS_POINTER)):
            message = f"{path_text(entry.path)} is kept by LFS, and what was left there is no pointer to it"
            help = "commit it by hand with git lfs; a run commits files as they are"
            raise RunEnded(message, help=help, code="outside-repository")
