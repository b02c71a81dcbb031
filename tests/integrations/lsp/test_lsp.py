"""What an editor is told, through pygls' own client and the installed command."""

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.lsp.client import LanguageClient

from specguard.errors import SpecguardError
from specguard.integrations import lsp
from specguard.integrations.lsp import DocumentFlaw, flaws_of
from specguard.testing import Repository
from specguard.testing.repository import clean_environment
from tests.integrations.mcp.asking import COMMAND
from tests.rows import recorded, rows

AUTHORITY = recorded(__file__, "authority")
LONGEST = 60


class Editor:
    """An editor with a server.

    Attributes:
        client: it.
        told: the diagnostics of each file, in the order in which they came.
    """

    def __init__(self) -> None:
        self.client = LanguageClient("editor", "0")
        self.told: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()

        @self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)  # type: ignore[untyped-decorator]  # pygls'
        def tell(given: types.PublishDiagnosticsParams) -> None:
            self.told.put_nowait(given)

    def open(self, path: Path) -> None:
        self.open_address(path.as_uri(), path.read_text())

    def open_address(self, uri: str, text: str = "# A\n") -> None:
        item = types.TextDocumentItem(uri, "markdown", 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def save(self, path: Path) -> None:
        self.client.text_document_did_save(
            types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(path.as_uri()))
        )

    async def flaws(self, path: Path) -> list[tuple[int, str, str]]:
        """Line (from 1), code and message of what is told next, which is about this file."""
        told = await asyncio.wait_for(self.told.get(), LONGEST)
        assert told.uri == path.as_uri()
        return [(one.range.start.line + 1, str(one.code or ""), one.message) for one in told.diagnostics]


def editing(repository: Repository, edit: Callable[[Editor], Awaitable[None]], *words: str) -> None:
    """Edit files of a repository with a server that runs there."""

    async def session() -> None:
        editor = Editor()
        environment = {**clean_environment(), "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"]}
        await editor.client.start_io(COMMAND, "lsp", *words, env=environment, cwd=str(repository.path))
        await editor.client.initialize_async(
            types.InitializeParams(types.ClientCapabilities(), root_uri=repository.path.as_uri())
        )
        editor.client.initialized(types.InitializedParams())
        try:
            await edit(editor)
        finally:
            await editor.client.shutdown_async(None)
            editor.client.exit(None)
            await editor.client.stop()  # type: ignore[no-untyped-call]  # pygls leaves it untyped

    asyncio.run(asyncio.wait_for(session(), 2 * LONGEST))


def own_flaws(file: Path) -> list[DocumentFlaw]:
    """Return what is wrong with a document of the authority by itself, without the findings of rules."""
    return [flaw for flaw in flaws_of(str(file)) if not flaw.code]


@pytest.fixture
def governed(repository: Repository) -> Repository:
    repository.write("SPEC_AUTHORITY.md", AUTHORITY)
    repository.write("plans/one ü.md", "# One\n\n## Aim\n\nSomething.\n")
    repository.commit("docs: state what may change")
    repository.branch("work")
    return repository


@pytest.mark.parametrize(
    ("name", "said", "line"), rows(__file__, "a_document_that_is_no_file_of_the_repository_is_not_read")
)
def test_a_document_that_is_no_file_of_the_repository_is_not_read(
    governed: Repository, tmp_path: Path, name: str, said: str, line: int
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "inner.toml").write_text('base = "other"\n')
    os.mkfifo(governed.path / "pipe.toml")
    (governed.path / "link.toml").symlink_to("/dev/zero")
    (governed.path / "folder").symlink_to(outside)
    text = f'# Authority\n\n```toml specguard\nbase = "main"\ndocuments = ["{name}"]\n```\n'
    governed.write("SPEC_AUTHORITY.md", text)
    [flaw] = own_flaws(governed.path / "SPEC_AUTHORITY.md")
    assert flaw.message.startswith(said)
    assert (flaw.line, flaw.severity) == (line, "error")


def test_what_is_wrong_with_no_document_is_told_for_itself(
    governed: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def known_rules(_: str) -> None:
        raise SpecguardError("the plugin 'gone' cannot be imported")

    monkeypatch.setattr(lsp, "known_rules", known_rules)
    [flaw] = own_flaws(governed.path / "SPEC_AUTHORITY.md")
    assert flaw.message == "the plugin 'gone' cannot be imported"


def test_why_nothing_can_be_judged_is_noted(governed: Repository, caplog: pytest.LogCaptureFixture) -> None:
    governed.checkout("main")
    governed.commit("docs: break it", files={"SPEC_AUTHORITY.md": AUTHORITY.replace("base =", "bse =")})
    assert flaws_of(str(governed.path / "plans/one ü.md")) == []
    assert caplog.messages


def test_an_authority_is_read_as_it_is_saved(governed: Repository) -> None:
    file = governed.path / "SPEC_AUTHORITY.md"
    [flaw] = own_flaws(file)
    assert flaw.line == 6
    assert flaw.message.startswith("not understood: ")
    wrong = AUTHORITY.replace("- whatever is important\n", "").replace("[rules.forbidden-path]", "[rules.no]")
    file.write_text(wrong)
    [flaw] = own_flaws(file)
    assert flaw.line == wrong.split("\n").index("[rules.no]") + 1
    assert "`rules.no` is not known" in flaw.message
    # A plugin that the text names is not imported.
    file.write_text('# A\n\n```toml specguard\nplugins = ["pytest"]\nrules.commit-form = {}\n```\n')
    assert own_flaws(file) == []


def test_a_file_is_judged_when_it_is_saved_and_nothing_elsewhere(
    governed: Repository, tmp_path: Path
) -> None:
    file = governed.path / "plans" / "one ü.md"
    (tmp_path / "x").mkdir()
    elsewhere = (tmp_path / "x" / "plan.md", governed.path / "a.py")
    for other in elsewhere:
        other.write_text("# Plan\n")
    odd = rows(__file__, "odd_addresses")
    for path, code in (("docs/api/x.md", "PTH001"), ("LICENSE", "PTH002"), ("SPEC_AUTHORITY.md", "PTH002")):
        governed.write(path, "None.\n")
        assert [one.code for one in flaws_of(str(governed.path / path))][-1:] == [code]

    async def edit(editor: Editor) -> None:
        for other in elsewhere:
            editor.open(other)
            assert await editor.flaws(other) == []
        # An address that is not a file ends no server.
        for uri in odd:
            editor.open_address(uri)
        editor.open(file)
        told: types.PublishDiagnosticsParams | None = None
        while told is None or told.uri != file.as_uri():
            told = await asyncio.wait_for(editor.told.get(), LONGEST)
        [flaw] = told.diagnostics
        assert flaw.code == "ART002"
        assert "Goal" in flaw.message
        assert "SPEC_AUTHORITY.md:" in flaw.message
        file.write_text("# One\n\n## Goal\n\nSomething.\n")
        editor.save(file)
        assert await editor.flaws(file) == []
        # What is found after a file was closed is not told.
        file.write_text("# One\n")
        editor.save(file)
        editor.client.text_document_did_close(
            types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(file.as_uri()))
        )
        editor.open(governed.path / "SPEC_AUTHORITY.md")
        assert await editor.flaws(file) == []
        assert await editor.flaws(governed.path / "SPEC_AUTHORITY.md")

    editing(governed, edit, "--stdio")


@pytest.mark.parametrize(
    "sent", [b"", b"no header\r\n\r\n", b"Content-Length: 3\r\n\r\n[[[", b"Content-Length: x\r\n\r\n{}"]
)
def test_what_is_no_message_ends_with_the_input(repository: Repository, sent: bytes) -> None:
    done = subprocess.run(
        [COMMAND, "lsp"], cwd=repository.path, env=clean_environment(), input=sent, capture_output=True,
        timeout=60,
    )  # fmt: skip
    assert done.returncode in (0, 1, 2), done.stderr
