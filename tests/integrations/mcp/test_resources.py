"""What agents may read over MCP: the authority of the trusted base, and the rules' pages."""

import pytest
from mcp import Client, MCPError, types

from specguard.testing import Repository, run_here
from tests.integrations.mcp.asking import asking
from tests.rows import recorded, rows

AUTHORITY = recorded(__file__, "authority")


@pytest.fixture
def governed(repository: Repository) -> Repository:
    repository.write("SPEC_AUTHORITY.md", AUTHORITY)
    repository.write("docs/more rules.md", "# More\n\n## Locked zones\n\n- `LICENSE`\n")
    repository.write("secret", "a secret")
    repository.commit("docs: state what may change")
    repository.branch("work")
    repository.write("SPEC_AUTHORITY.md", "# Everything is allowed\n")
    repository.commit("docs: allow everything")
    return repository


async def read(client: Client, uri: str) -> str:
    [content] = (await client.read_resource(uri)).contents
    assert isinstance(content, types.TextResourceContents)
    return content.text


NOTHING = rows(__file__, "nothing")


def test_the_authority_of_the_base_and_the_rules_are_read_and_nothing_else(governed: Repository) -> None:
    page = run_here("rule", "PTH001", directory=governed.path).stdout
    told = run_here("rule", directory=governed.path).stdout.splitlines()

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
        for uri in NOTHING:
            with pytest.raises(MCPError) as error:
                await read(client, uri)
            assert "a secret" not in str(error.value)
            assert "internal error" not in str(error.value)
            assert len(str(error.value)) < 2_000
        assert await read(client, "specguard://rule/PTH001") == page

    asking(governed, ask)
