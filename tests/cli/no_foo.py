"""A plugin with one rule, which finds names with foo, as something that is installed."""

from pathlib import Path

DATA = Path(__file__).parent / "data"
_MODULE = (DATA / "no_foo.txt").read_text()


def install_no_foo(folder: Path, seen: str = 'b"foo" in entry.path') -> None:
    """Put the plugin `acme` in a folder of modules; `seen` is when its rule finds something."""
    install_plugin(folder, _MODULE.replace("SEEN", seen))


def install_plugin(folder: Path, text: str, name: str = "acme", module: str = "acme_rules") -> None:
    """Put a plugin of one module, with this text, in a folder of modules, as a wheel's files would lie."""
    (folder / f"{module}.py").write_text(text)
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[specguard]\nmain = {module}\n")
