from __future__ import annotations

import pytest

from specguard.documents.data import data_kind, is_markdown


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (b"plan.json", "json"),
        (b"a/b.YAML", "yaml"),
        (b"a.yml", "yaml"),
        (b"pyproject.toml", "toml"),
        (b".json", "json"),
        ("configs/x.TOML", "toml"),
        (b"json", None),
        (b"a.json/b", None),
        (b"a.jsonl", None),
        (b"a.json.md", None),
        (b"\xff.json", "json"),
    ],
)
def test_structured_data_is_told_by_a_name(path: bytes | str, kind: str | None) -> None:
    assert data_kind(path) == kind


@pytest.mark.parametrize("name", ["a.md", "A.MD", "b.markdown", "c.mdx", "rules.mdc"])
def test_markdown_is_told_by_a_name(name: str) -> None:
    assert is_markdown(name)
    assert is_markdown(name.encode())
    assert not is_markdown(f"{name}.txt")
    assert not is_markdown("md")
