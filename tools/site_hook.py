"""The site of `docs/`: settings for MkDocs besides `mkdocs.yml`, so that pages look as on the platform.

This is a hook of MkDocs (https://www.mkdocs.org/user-guide/configuration/#hooks), which loads it by its path.
The pages are written in CommonMark, for GitHub's view of files. MkDocs reads Markdown by Python-Markdown,
which differs in the names of anchors and the indentation of a list's content. The words that may follow a
fence differ too, and so does a `|` in a cell of a table.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

_CSP_TAG: Final = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'self' file: data: 'unsafe-inline'\">"
)
"""A tag in every page: a browser then requests nothing elsewhere, whatever the theme's scripts try."""

_PARSER: Final = MarkdownIt("commonmark").enable("table")
_HEADING: Final = re.compile(r"^## (?:(?P<code>[A-Z]{3}): )?(?P<title>.+)$")
_ROW: Final = re.compile(r"^- [^\[]*\[[^\]]*\]\((?P<page>[\w-]+\.md)\)")
_CODE: Final = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")
"""Code in a cell, where GitHub needs `|` to be escaped and Python-Markdown would show the backslash."""

_UPWARD: Final = re.compile(r"\]\(((?:\.\./)+[^)\s#]+)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Name anchors as the platform does, and list the pages of generated folders."""
    config.mdx_configs.setdefault("toc", {})["slugify"] = anchor
    config.nav = [_expand(entry, Path(config.docs_dir)) for entry in config.nav or []]
    return config


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite a page for the dialect of MkDocs; links out of `docs/` lead to the repository."""
    lines = markdown.split("\n")
    code: set[int] = set()
    for token in _PARSER.parse(markdown):
        if token.type == "fence" and token.map:
            code.update(range(*token.map))
            lines[token.map[0]] = _fence(lines[token.map[0]], token)
        elif token.type == "table_open" and token.map:
            for at in range(*token.map):
                lines[at] = _CODE.sub(lambda found: found[0].replace("\\|", "|"), lines[at])
    _indent(lines, markdown)
    base = posixpath.dirname(page.file.src_uri)

    def relink(found: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(base, found[1]))
        if not path.startswith("../"):
            return found[0]
        return f"]({config.extra['repository']}/{path.removeprefix('../')}{found[2] or ''})"

    return "\n".join(line if at in code else _UPWARD.sub(relink, line) for at, line in enumerate(lines))


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Forbid the page to request anything outside of the site."""
    return output.replace("<head>", f"<head>{_CSP_TAG}", 1)


def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:
    """Forbid the "not found" page to request anything outside of the site."""
    return output_content.replace("<head>", f"<head>{_CSP_TAG}", 1)


def on_post_build(config: MkDocsConfig) -> None:
    """Redirect the former page of each error to its anchor."""
    folder = Path(config.site_dir, "errors")
    folder.mkdir(exist_ok=True)
    page = Path(config.docs_dir, "errors.md")
    names = re.findall(r"(?m)^### ([\w-]+)$", page.read_text(encoding="utf-8")) if page.exists() else []
    for name in ("index", *names):
        to = "../errors.html" if name == "index" else f"../errors.html#{name}"
        text = f'<!doctype html>\n<head>{_CSP_TAG}<meta http-equiv="refresh" content="0; url={to}"></head>\n'
        (folder / f"{name}.html").write_text(f'{text}<a href="{to}">{name}</a>\n', encoding="utf-8")


def anchor(title: str, separator: str) -> str:
    """Return the anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", separator)


def _expand(entry: object, docs: Path) -> object:
    """Expand an entry of the navigation: an index of a folder also gets the pages that it lists."""
    if not isinstance(entry, dict):
        return entry
    return {
        title: [_expand(one, docs) for one in below] if isinstance(below, list) else _index_entry(below, docs)
        for title, below in entry.items()
    }


def _index_entry(page: str, docs: Path) -> str | list[object]:
    folder, name = posixpath.split(page)
    if not folder or name != "index.md":
        return page
    index = (docs / page).read_text(encoding="utf-8")
    return [page, *_sections(index, folder)]


def _sections(index: str, folder: str) -> Iterator[dict[str, list[str]]]:
    """Yield the pages that an index lists, grouped by its headings."""
    pages: list[str] = []
    for line in index.split("\n"):
        if heading := _HEADING.match(line):
            # A heading without a code does not list pages of its own.
            pages = []
            if heading["code"]:
                yield {f"{heading['title'].capitalize()} ({heading['code']})": pages}
        elif row := _ROW.match(line):
            pages.append(f"{folder}/{row['page']}")


def _fence(line: str, token: Token) -> str:
    """Return the first line of a block with only the language: Python-Markdown rejects `toml specguard`."""
    start = line[: line.index(token.markup)]
    language = token.info.split()[0] if token.info.split() else ""
    return f"{start}{token.markup}{language}"


def _indent(lines: list[str], markdown: str) -> None:
    """Indent the content of list items by four for each list around it, as Python-Markdown requires."""
    depth = 0
    shifts = [0] * len(lines)
    for token in _PARSER.parse(markdown):
        if token.type in ("bullet_list_open", "ordered_list_open"):
            depth += 1
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            depth -= 1
        elif token.type == "list_item_open" and token.map:
            first, end = token.map
            marker = re.match(r"\s*(?:[-*+]|\d+[.)])\s+", lines[first])
            width = len(marker[0]) if marker else 0
            for at in range(first + 1, end):
                if width and lines[at].startswith(" " * width):
                    shifts[at] = 4 * depth - width
    for at, shift in enumerate(shifts):
        if lines[at].strip():
            lines[at] = " " * shift + lines[at] if shift >= 0 else lines[at][-shift:]
