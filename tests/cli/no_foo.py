"""A plugin with one rule, which finds names with foo, as something that is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MODULE = '''\
from specguard.rules import Finding, Rule
specguard_api = 2
class NoFoo(Rule):
    """Names with foo are wrong.

    ```toml fails
    commits = {files = {foo = 'b'}}
    ```

    ```toml passes
    commits = {files = {bar = 'b'}}
    ```
    """
    code = "ACM001"
    name = "no-foo"
    severity = "error"
    stages = ("staged", "range")
    condition = "no foo"
    def check(self, entries):
        for entry in entries:
            if SEEN:
                yield Finding("foo", path=entry.path, help="rename it")
NoFoo.check.__annotations__ = {"entries": "Sequence[Entry]", "return": "Iterator[Finding]"}
def specguard_register(registry):
    registry.add_rule(NoFoo)
'''


def install_no_foo(folder: Path, seen: str = 'b"foo" in entry.path') -> None:
    """Put the plugin `acme` in a folder of modules; `seen` is when its rule finds something."""
    install_plugin(folder, _MODULE.replace("SEEN", seen))


def install_plugin(folder: Path, module: str) -> None:
    """Put a plugin `acme` of this text in a folder of modules."""
    (folder / "acme_rules.py").write_text(module)
    info = folder / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[specguard]\nacme = acme_rules\n")
