"""What agents may ask and read over MCP, through the SDK's client and the installed command."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError, types

from specguard.testing import Repository, run_here
from tests.executor.places import program
from tests.integrations.mcp.asking import asking, call, connected, refused, text_of
from tests.rows import recorded, rows

AUTHORITY = recorded(__file__, "authority")
TOOLS = {"check", "why", "policy", "brief", "status", "rule", "run_status"}


@pytest.fixture
def governed(repository: Repository) -> Repository:
    """A repository whose remote has an authority, and whose branch changes what that forbids."""
    repository.write("SPEC_AUTHORITY.md", AUTHORITY)
    repository.write("docs/more rules.md", "# More\n\n## Locked zones\n\n- `LICENSE`\n")
    repository.write("LICENSE", "all rights\n")
    repository.write("NEXT_PHASE.json", '{"next": 3}')
    repository.commit("docs: state what may change")
    repository.remote()
    repository.publish("main")
    repository.branch("work")
    repository.write("docs/api/x.yaml", "a: 1\n")
    repository.commit("feat: add an interface")
    return repository


def told_by(command: str, *words: str, repository: Repository) -> Any:
    return json.loads(run_here(command, *words, "--output-format", "json", directory=repository.path).stdout)


HOSTILE: list[tuple[str, dict[str, Any], str]] = [
    *rows(__file__, "hostile"),
    ("check", {"commit_message": "a" * 1_000_000}, "characters"),
]


def test_every_tool_is_described_and_only_reads(governed: Repository) -> None:
    governed.write("docs/api/new.yaml", "x")

    def state() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in governed.path.rglob("*") if path.is_file()}

    before = state()

    async def ask(client: Client) -> None:
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == TOOLS
        told = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
        assert len(json.dumps(told, separators=(",", ":"))) < 3_000, (
            "all of it is in an agent's context all the time"
        )
        for tool in tools:
            assert tool.description
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint
            assert tool.input_schema["additionalProperties"] is False
            named = tool.input_schema["properties"]
            assert all(one.get("description") for one in named.values()), tool.name
            loosening = {"override", "authority", "ignore", "today", "dry_run", "bootstrap", "base", "key"}
            assert not loosening & set(named)
            await client.call_tool(tool.name, {"path": "a"} if tool.name == "why" else {})
        await client.list_resources()
        for name, arguments, said in HOSTILE:
            text = await refused(client, name, **arguments)
            assert said in text, (name, arguments, text)
            assert "internal error" not in text, text
            assert len(text) < 5_000
        assert (await call(client, "check", what="branch"))["verdict"] == "failed"

    asking(governed, ask)
    assert state() == before


def test_tools_give_what_their_commands_give(governed: Repository) -> None:
    folder = governed.path / ".runs" / "phase-3" / "20260101T000000Z-abcd"
    report = told_by("check", repository=governed)
    assert report["verdict"] == "failed"
    failed = [rule for rule in report["rules"] if rule["state"] == "failed"]
    why = told_by("why", "docs/api/x.yaml", repository=governed)
    policy = told_by("policy", repository=governed)
    policy["rules"] = [rule for rule in policy["rules"] if rule["active"]]
    status = told_by("status", repository=governed)
    rules = told_by("rule", repository=governed)
    page = run_here("rule", "PTH001", directory=governed.path).stdout
    brief = run_here("brief", directory=governed.path).stdout
    assert "phase-3" in brief

    async def ask(client: Client) -> None:
        assert await call(client, "check", what="branch") == {**report, "rules": failed}
        governing = await call(client, "why", path=f"{governed.path}/docs/api/x.yaml")
        assert governing == {"path": "docs/api/x.yaml", "governing": why}
        assert await call(client, "policy") == policy
        assert await call(client, "status") == status
        assert (await call(client, "rule"))["rules"] == rules
        result = await client.call_tool("rule", {"rule": "pth001"})
        assert isinstance(result, types.CallToolResult)
        assert text_of(result) == page == result.structured_content["page"]
        assert (await call(client, "brief"))["page"] == brief
        assert "the policy describes no nope" in await refused(client, "brief", kind="nope")
        assert "there are no runs" in await refused(client, "run_status")
        # A run is told without its log.
        folder.mkdir(parents=True)
        secret = governed.path / "secret"
        secret.write_text("a secret")
        meta = {"task": "3", "status": "running", "log": str(secret)}
        (folder / "meta.json").write_text(json.dumps(meta))
        found = await call(client, "run_status", run="20260101")
        assert [one["run_id"] for one in found["runs"]] == [folder.name]
        assert "a secret" not in json.dumps(found)

    asking(governed, ask)


def test_each_thing_that_can_be_checked(governed: Repository) -> None:
    governed.write("docs/api/y.yaml", "b")
    governed.write("docs/api/z.yaml", "c")
    governed.stage("docs/api/z.yaml")

    async def ask(client: Client) -> None:
        def paths(data: dict[str, Any]) -> list[str]:
            return [one["location"]["path"] for one in data["findings"] if one["code"] == "PTH001"]

        every = ["docs/api/x.yaml", "docs/api/y.yaml", "docs/api/z.yaml"]
        assert paths(await call(client, "check")) == every[1:]
        assert paths(await call(client, "check", what="staged")) == every[2:]
        assert paths(await call(client, "check", what="branch")) == every[:1]
        wrong = await call(client, "check", commit_message="feat: add things.")
        assert [one["code"] for one in wrong["findings"]] == ["CMT003"]
        right = await call(client, "check", commit_message="fix: mend things\n\nA body.\n")
        assert right["verdict"] == "passed"
        titled = await call(client, "check", what="branch", title="Phase 3", body="What it does.\n")
        assert titled["change"]["stage"] == "pull-request"
        # A name that is not a text is told, and an answer is bounded.
        governed.write(b"docs/api/\xff\xe2\x80\xae.yaml", "x")
        assert paths(await call(client, "check"))[-1].startswith("docs/api/\\xff")
        for number in range(500):
            governed.write(f"docs/api/{number:04}-{'long' * 20}.yaml", "x")
        result = await client.call_tool("check", {})
        assert isinstance(result, types.CallToolResult)
        assert len(text_of(result)) <= 60_000
        found = result.structured_content
        assert found["verdict"] == "failed"
        assert len(found["findings"]) + found["left_out"]["findings"] == 504
        assert found["findings"]

    asking(governed, ask)


SLOW_GIT = """\
case " $* " in *" diff-index "*) while [ -e {hold} ]; do sleep 0.05; done ;; esac
exec {git} "$@"
"""


def test_a_long_check_does_not_hold_up_the_others(governed: Repository, tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    slow = SLOW_GIT.format(hold=hold, git=shutil.which("git"))
    programs = program(tmp_path / "programs/git", slow).parent

    async def session() -> None:
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        async with connected(governed.path, PATH=path) as client:
            done: list[str] = []

            async def check() -> None:
                await call(client, "check", what="staged")
                done.append("check")

            async with anyio.create_task_group() as group:
                for _ in range(2):
                    group.start_soon(check)
                await call(client, "why", path="a")
                assert done == []
                hold.unlink()
            assert done == ["check", "check"]

    anyio.run(session)


def test_a_server_elsewhere_says_what_is_missing(governed: Repository, tmp_path: Path) -> None:
    """In a repository without an authority, in none, and in another one that is named."""
    bare = Repository(tmp_path / "bare")
    bare.commit("feat: add a", files={"a": "a"})

    async def session() -> None:
        async with connected(bare.path) as client:
            text = await refused(client, "policy")
            assert "there is no authority" in text
            assert "next: `specguard init` writes one" in text
            assert (await call(client, "rule", rule="PTH001"))["page"].startswith("# forbidden-path")
        async with connected(tmp_path) as client:
            assert "repository" in await refused(client, "check")
            assert (await call(client, "rule"))["rules"]
        async with connected(tmp_path, "-C", str(governed.path)) as client:
            assert (await call(client, "check", what="branch"))["verdict"] == "failed"

    anyio.run(session)


async def read(client: Client, uri: str) -> str:
    [content] = (await client.read_resource(uri)).contents
    assert isinstance(content, types.TextResourceContents)
    return content.text


def test_the_authority_of_the_base_and_the_rules_are_read_and_nothing_else(governed: Repository) -> None:
    page = run_here("rule", "PTH001", directory=governed.path).stdout
    told = run_here("rule", directory=governed.path).stdout.splitlines()
    # What the branch says of itself, and what is no document of the authority, is not read.
    files = {"SPEC_AUTHORITY.md": "# Everything is allowed\n", "secret": "a secret"}
    governed.commit("docs: allow everything", files=files)

    async def ask(client: Client) -> None:
        listed = {one.uri: one for one in (await client.list_resources()).resources}
        documents = [uri for uri in listed if uri.startswith("specguard://authority/")]
        assert documents == [
            "specguard://authority/SPEC_AUTHORITY.md",
            "specguard://authority/docs/more%20rules.md",
        ]
        assert listed[documents[0]].mime_type == "text/markdown"
        assert await read(client, documents[0]) == AUTHORITY
        assert "## Locked zones" in await read(client, documents[1])
        assert len([uri for uri in listed if "//rule/" in uri]) == len(told)
        assert await read(client, "specguard://rule/forbidden-path") == page
        for uri in rows(__file__, "nothing"):
            with pytest.raises(MCPError) as error:
                await read(client, uri)
            assert "a secret" not in str(error.value)
            assert "internal error" not in str(error.value)
            assert len(str(error.value)) < 2_000
        assert await read(client, "specguard://rule/PTH001") == page

    asking(governed, ask)
