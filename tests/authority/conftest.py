import hashlib
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import pytest

from specguard.authority.load import load_policy
from specguard.authority.policy import Policy
from specguard.change.tree import TreeEntry
from specguard.declaration.registry import Registry
from specguard.engine.plugins import load_registry


class Files:
    """The files of a tree, as `specguard.change.tree.Tree` gives them."""

    def __init__(self, files: Mapping[str, str | bytes], modes: Mapping[str, int] | None = None) -> None:
        self.files = {
            path.encode(): text.encode() if isinstance(text, str) else text for path, text in files.items()
        }
        self.modes = {path.encode(): mode for path, mode in (modes or {}).items()}
        self.reads: list[bytes] = []

    def find(self, path: bytes) -> TreeEntry | None:
        if path not in self.files:
            return None
        oid = hashlib.sha1(self.files[path]).hexdigest()
        return TreeEntry(self.modes.get(path, 0o100644), oid)

    def names(self, directory: bytes) -> dict[bytes, TreeEntry]:
        self.reads.append(directory)
        below = [
            path.removeprefix(directory + b"/") for path in self.files if path.startswith(directory + b"/")
        ]
        within = below if directory else self.files
        return {path.partition(b"/")[0]: TreeEntry(0o040000, "") for path in within if b"/" in path}

    def read(self, path: bytes) -> bytes | None:
        self.reads.append(path)
        return self.files.get(path)


ONE = """\
merge = "merge"
[rules.locked-path]
paths = ["one/"]
"""

TWO = """\
merge = "squash"
[rules.locked-path]
paths = ["one/", "two/"]
[work.phase]
branch = "p-{number}"
"""


@pytest.fixture(scope="session")
def registry() -> Registry:
    # What is loaded is one for all tests of this process.
    registry = copy(load_registry())
    registry.presets = {"one": ONE, "two": TWO, "broken": "a = \n", "greedy": 'plugins = ["x"]\n'}
    return registry


class Load:
    """Compiles policies of texts."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def __call__(self, text: str = "", **options: Any) -> Policy:
        """The policy of an authority's text, and of further files given as `files={path: text}`."""
        files = dict(options.pop("files", {}))
        if text:
            files["SPEC_AUTHORITY.md"] = text
        policy = self.maybe(files, **options)
        assert policy is not None
        return policy

    def maybe(self, files: Mapping[str, str | bytes], **options: Any) -> Policy | None:
        def registry(plugins: Sequence[str]) -> Registry:
            return self._registry

        tree: Any = Files(files, options.pop("modes", None))
        return load_policy(tree, registry=registry, **options)

    def toml(self, settings: str, **options: Any) -> Policy:
        """The policy of settings in a block, whose first line is line 4."""
        return self(f"# Authority\n\n```toml specguard\n{settings}\n```\n", **options)


@pytest.fixture
def load(registry: Registry) -> Load:
    return Load(registry)
