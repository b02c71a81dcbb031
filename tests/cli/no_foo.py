"""A plugin with one rule, which finds names with foo, as something that is installed."""

from pathlib import Path

DATA = Path(__file__).parent / "data"
_MODULE = (DATA / "no_foo.txt").read_text()


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
