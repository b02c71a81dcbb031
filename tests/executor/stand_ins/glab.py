"""A stand-in for `glab`: the few commands that are used, with the flags that the real one takes."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, NoReturn

USAGE: dict[tuple[str, str], set[str]] = {
    ("auth", "status"): {"--hostname"},
    ("mr", "list"): {"--repo", "--source-branch", "--all", "--output"},
    ("mr", "create"): {"--repo", "--source-branch", "--target-branch", "--title", "--description", "--yes"},
    ("mr", "update"): {"--repo", "--title", "--description", "--yes", "--target-branch"},
}
SWITCHES = {"--all", "--yes"}


def fail(text: str) -> NoReturn:
    print(text, file=sys.stderr)
    sys.exit(1)


def main() -> None:
    with open(os.environ["FAKE_PLATFORM"], encoding="utf-8") as file:
        state: dict[str, Any] = json.load(file)
    command = (sys.argv[1], sys.argv[2])
    if command not in USAGE:
        fail(f"unknown command {command}")
    flags: dict[str, str] = {}
    rest: list[str] = []
    waiting = sys.argv[3:]
    while waiting:
        word = waiting.pop(0)
        if word.startswith("--"):
            if word not in USAGE[command]:
                fail(f"unknown flag: {word}")
            flags[word] = "" if word in SWITCHES else waiting.pop(0)
        else:
            rest.append(word)
    state["calls"].append(sys.argv[1:])
    requests = state["requests"]
    broken = state.get("broken", {}).get(command[1])
    if broken == "before":
        fail("dial tcp: lookup gitlab.com: no such host")
    if command == ("auth", "status"):
        if flags["--hostname"] not in state["signed_in"]:
            fail("not signed in")
    elif command == ("mr", "list"):
        if flags["--output"] != "json" or not flags["--repo"].startswith("https://"):
            fail("text is for people")
        print(json.dumps([one for one in requests if one["source_branch"] == flags["--source-branch"]]))
    elif command == ("mr", "create"):
        number = len(requests) + 1
        url = f"{flags['--repo']}/-/merge_requests/{number}"
        requests.append(
            {
                "iid": number, "web_url": url, "state": "opened", "sha": None, "source_project_id": 5,
                "target_project_id": 5, "source_branch": flags["--source-branch"],
                "target_branch": flags["--target-branch"], "title": flags["--title"],
                "description": flags["--description"],
            }
        )  # fmt: skip
        print(f"!{number} {flags['--title']}\n {url}\n")
    else:
        one = requests[int(rest[0]) - 1]
        one["title"], one["description"] = flags["--title"], flags["--description"]
    with open(os.environ["FAKE_PLATFORM"], "w", encoding="utf-8") as file:
        json.dump(state, file)
    if broken == "after":
        fail("dial tcp: lookup gitlab.com: no such host")


main()
