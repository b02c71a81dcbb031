"""The authority in a working tree: its text, its policy, and how a change of it is written and committed."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, Final

from specguard.approvals.people import key_problem
from specguard.authority.layers import BLOCK_INFO
from specguard.authority.load import AUTHORITY, decode, load_policy
from specguard.authority.policy import Policy
from specguard.change.check_request import read_regular
from specguard.change.git import Git
from specguard.change.object_store import DOCUMENT_LIMIT
from specguard.change.process import CommandError
from specguard.change.repository import Repository, short_name
from specguard.change.worktree import FolderTree, check_lists
from specguard.cli.options import at_root, usage
from specguard.documents.blocks import Fence, fences
from specguard.documents.document import Document
from specguard.documents.toml import toml_value
from specguard.engine.plugins import load_registry
from specguard.errors import SpecguardError
from specguard.model import Record
from specguard.reporters.file_writing import path_in_tree, replace_file, writing

_APPROVERS: Final = "[[approvals.approver]]"
_APPROVER: Final = re.compile(r"(?P<name>[^<>=]+?)\s*(<(?P<email>[^<>=\s]+)>)?=(?P<file>.+)")
_LARGEST_KEY: Final = 1 << 16


class ProposedSetting(Record):
    """A setting that differs from its default.

    Attributes:
        toml: its TOML: a dotted key with its value, or a table.
        why: the reason for it; empty if it needs none.
    """

    toml: str
    why: str = ""

    @classmethod
    def of_approver(cls, text: str) -> ProposedSetting:
        """Return the table of an approver, from `NAME=KEYFILE` or `NAME <ADDRESS>=KEYFILE`.

        Raises:
            SpecguardError: the text has neither form, or the file does not hold a public key.
        """
        match = _APPROVER.fullmatch(text.strip())
        if match is None:
            help = "write it as --approver alice=alice.pub, or as 'alice <alice@example.org>=alice.pub'"
            raise usage(f"{text!r} names no approver", help)
        file = os.path.expanduser(match["file"])
        content = read_regular(file, _LARGEST_KEY, "the approver's key").decode("utf-8", "replace").strip()
        problem = "it is a private key" if content.startswith("-----BEGIN") else key_problem(content)
        if problem:
            help = "name the .pub file that ssh-keygen wrote beside it"
            raise SpecguardError(problem, path=file, help=help, code="usage")
        table: Mapping[str, Any] = {
            "name": match["name"].strip(),
            "emails": [match["email"]] if match["email"] else None,
            # A change that names the first approver may not have comments, so the key must not have a `#`.
            "key": content.replace("#", ""),
            "may": ["PTH002", "PTH004"],
        }
        lines = [f"{key} = {toml_value(value)}" for key, value in table.items() if value]
        return cls("\n".join([_APPROVERS, *lines]))


class AuthorityFile:
    """The authority in the working tree of a repository, which may not be written yet.

    Args:
        repository: the repository.

    Attributes:
        repository: the repository.
        top: the root of its working tree.
        file: the absolute path of the authority.
    """

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.top = repository.work_tree()
        self.file = os.path.join(self.top, AUTHORITY)

    @property
    def exists(self) -> bool:
        """True if there is a file, folder or link of its name."""
        return os.path.lexists(self.file)

    @cached_property
    def tracked(self) -> Sequence[bytes]:
        """The files of the repository that git tracks or would add, relative to its root."""
        with Git(self.repository) as git:
            known = git.ask("the index", "ls-files", "-z", index=self.repository.index)
        words = ("ls-files", "-z", "--full-name", "--others", "--exclude-standard", "--", self.top)
        new = self.repository.spawn(*words, user=True)
        new.watch(partial(check_lists, os.fsencode(self.top)))
        # If git cannot read the ignore rules, untracked files are left out.
        with contextlib.suppress(CommandError):
            known += new.read()
        return [path for path in known.split(b"\0") if path]

    def read(self) -> str:
        """Return the text of the file.

        Raises:
            SpecguardError: it cannot be read.
        """
        return decode(read_regular(self.file, DOCUMENT_LIMIT, "the authority"), AUTHORITY)

    def compile(self) -> Policy | None:
        """Compile the policy of the working tree; None if it has no authority.

        Raises:
            SpecguardError: the policy has an error.
        """
        return load_policy(FolderTree(self.top), registry=load_registry)

    def compile_text(self, text: str) -> Policy:
        """Compile the policy that the working tree would have with another text of the authority.

        Raises:
            SpecguardError: the policy has an error; of the text, which is not written yet, no line is named.
        """
        try:
            policy = load_policy(FolderTree(self.top, {AUTHORITY: text}), registry=load_registry)
        except SpecguardError as error:
            if any(one.path != AUTHORITY for one in error.errors()):
                raise
            problems = "; ".join(one.message for one in error.errors())
            what = f"what is to be added does not fit {AUTHORITY} (nothing was written): {problems}"
            step = "add it by hand" if f"{AUTHORITY}:" in error.help else error.help
            raise SpecguardError(what, help=step, code=error.code) from None
        assert policy is not None  # noqa: S101 - a document of this name is always an authority
        return policy

    def change(self, change: Callable[[str], str], *, write: bool = True) -> Policy:
        """Change the text of the authority by an atomic rename; new lines end as the others do.

        Args:
            change: returns the new text for the old one.
            write: False to check only that the new text compiles.

        Returns:
            The policy of the new text.

        Raises:
            SpecguardError: the new text does not compile, or the file is a link or cannot be read or written.
        """
        path_in_tree(self.top, AUTHORITY, "put a regular file in its place")
        old = self.read() if self.exists else "# Authority"
        new = change(old)
        if 0 < old.count("\r\n") == old.count("\n"):
            new = new.replace("\r\n", "\n").replace("\n", "\r\n")
        policy = self.compile_text(new)
        if write:
            help = "with --print, or without --write, what is added is printed"
            replace_file(self.file, new, writing(AUTHORITY, help))
        return policy

    def commit_step(self, policy: Policy | None, files: Sequence[str], subject: str) -> str:
        """Return the command that commits files, in the way that the policy asks for."""
        signs, protects, form = (policy and policy.active_rule(one) for one in ("CMT006", "BRN004", "CMT002"))
        kind, _, description = subject.partition(": ")
        if form and (types := form.settings.get("types")):
            kind = next(one for one in (kind, "chore", "docs", *types) if one in types)
        if form and form.settings.get("scope") == "required":
            kind += f"({(form.settings.get('scopes') or ['authority'])[0]})"
        if form and form.settings.get("description_case") == "upper":
            description = description.capitalize()
        repository, current = self.repository, self.repository.branch or ""
        names = [os.fsencode(name) for name in (current, short_name(current))]
        # The first commit makes the branch that judges; nothing protects it before.
        branch = repository.head and protects and protects.settings["branches"].used(names)
        switch = f"git switch -c {description.lower().replace(' ', '-')} && " if branch else ""
        message = shlex.quote(f"{kind}: {description}")
        paths = shlex.join(f"{at_root()}{file}" for file in files)
        force = "-f " if any(map(repository.ignores, files)) else ""
        return f"  {switch}git add {force}{paths} && git commit {'--signoff ' * bool(signs)}-m {message}"

    def commit_advice(self, policy: Policy | None) -> str:
        """Return how to commit a change of the authority, as a clause; the policy is the one before it."""
        advice = "commit it as a change of its own"
        guarded = policy and policy.guards.find(AUTHORITY.encode())
        named = policy and policy.declared("approval_settings").approver
        if guarded and not named and not self.repository.spawn("cat-file", "-e", f"HEAD:{AUTHORITY}").wait():
            step = "specguard init --approver NAME=KEYFILE"
            advice += f", once one has landed that names who may approve ({step})"
        return advice


def settings_block(settings: Iterable[ProposedSetting]) -> list[str]:
    """Return the lines of a block of settings, each below its reason; `base` is last before the tables."""
    lines: list[str] = []
    for one in sorted(settings, key=lambda one: (one.toml.startswith("["), one.toml.startswith("base = "))):
        table = one.toml.startswith("[")
        lines += [*([""] if table and lines else []), *([f"# {one.why}"] if one.why else []), one.toml]
    return ["```toml specguard", *"\n".join(lines).split("\n"), "```"]


def with_settings(text: str, settings: Sequence[ProposedSetting]) -> str:
    """Return an authority's text with more settings.

    Approvers go into the block that has some, all other settings to the end.
    """
    approvers = [one.toml for one in settings if one.toml.startswith(_APPROVERS)]
    block = next((one for one in _own_blocks(text) if _APPROVERS in one.content), None)
    rest = [one for one in settings if block is None or one.toml not in approvers]
    if rest:
        added = "\n".join(["" if text.endswith("\n") else "\n", *settings_block(rest), ""])
        text = append_block(text, added)
    if block is not None and approvers:
        lines = text.split("\n")
        end = block.first + block.content.rstrip("\n").count("\n")
        margin = lines[block.first - 1].rstrip().removesuffix(block.content.partition("\n")[0].rstrip())
        lines[end:end] = [f"{margin}{line}" for table in approvers for line in ("", *table.split("\n"))]
        text = "\n".join(lines)
    return text


def append_block(text: str, added: str) -> str:
    """Return an authority's text with a text after it that ends with a block of settings.

    Raises:
        SpecguardError: the last block of the authority is not closed, so that it would take in the text.
    """
    if len(_own_blocks(text + added)) == len(_own_blocks(text)):
        document = Document(text)
        line = max((one.line or 1 for one in (*document.blocks, *document.hidden_parts)), default=1)
        what = "a block begins here that is not closed, and would hide what is to be added"
        step = "close it, then run this again"
        raise SpecguardError(what, path=AUTHORITY, line=line, help=step, code="broken-authority")
    return text + added


def _own_blocks(text: str) -> list[Fence]:
    """Return the blocks of settings of an authority's text."""
    return [one for one in fences(Document(text).blocks) if tuple(one.info.split()) == BLOCK_INFO]
