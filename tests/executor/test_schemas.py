import json
from typing import Any

import jsonschema
import pytest

from specguard.runs.manifests import run_schemas
from tools.pages import DOCS


@pytest.mark.parametrize("name", sorted(run_schemas()))
def test_each_schema_is_published_and_is_one(name: str) -> None:
    published: dict[str, Any] = json.loads((DOCS / "schemas" / f"{name}.schema.json").read_text())
    assert published == run_schemas()[name]
    jsonschema.Draft202012Validator.check_schema(published)


def test_every_property_is_described() -> None:
    for name, schema in run_schemas().items():
        for part in (schema, *schema.get("$defs", {}).values()):
            for key, value in part.get("properties", {}).items():
                if key != "schema":
                    assert value.get("description"), f"{name}: {key}"


def test_a_property_called_title_is_kept() -> None:
    assert "title" in run_schemas()["run"]["$defs"]["PullRequest"]["properties"]
