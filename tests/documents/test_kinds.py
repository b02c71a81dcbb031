from __future__ import annotations

from specguard.documents.data import data_kind, is_markdown


def test_structured_data_is_told_by_a_name() -> None:
    kinds = {"plan.json": "json", "a/b.YAML": "yaml", "a.yml": "yaml", "x.TOML": "toml", ".json": "json"}
    others = dict.fromkeys(("json", "a.json/b", "a.jsonl", "a.json.md"))
    for path, kind in {**kinds, **others}.items():
        assert data_kind(path) == data_kind(path.encode()) == kind
    assert data_kind(b"\xff.json") == "json"


def test_markdown_is_told_by_a_name() -> None:
    for name in ("a.md", "A.MD", "b.markdown", "c.mdx", "rules.mdc"):
        assert is_markdown(name)
        assert is_markdown(name.encode())
        assert not is_markdown(f"{name}.txt")
    assert not is_markdown("md")
