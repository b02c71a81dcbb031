"""A stand-in for `gh`, and for `glab` if it is called so: it takes what they take, and keeps a state.

The state is in the file that FAKE_PLATFORM names; what it is called with is added to its `calls`.
"""

import json
import os
import re
import subprocess
import sys
from typing import Any, NoReturn

USAGE: dict[tuple[str, str], set[str]] = {
    ("gh", "auth status"): {"--hostname"},
    ("gh", "pr list"): {"--repo", "--head", "--state", "--limit", "--json"},
    ("gh", "pr create"): {"--repo", "--title", "--body-file", "--base", "--head"},
    ("gh", "pr edit"): {"--repo", "--title", "--body-file", "--base"},
    ("glab", "auth status"): {"--hostname"},
    ("glab", "mr list"): {"--repo", "--source-branch", "--all", "--output"},
    ("glab", "mr create"): {
        "--repo", "--source-branch", "--target-branch", "--title", "--description", "--yes",
    },
    ("glab", "mr update"): {"--repo", "--title", "--description", "--yes", "--target-branch"},
}  # fmt: skip
SWITCHES = {"--all", "--yes"}
FIELDS = {"number", "url", "state", "baseRefName", "headRefOid", "isCrossRepository", "body", "title"}
LOST = {"gh": "error connecting to api.github.com", "glab": "dial tcp: lookup gitlab.com: no such host"}
PROGRAM = os.path.basename(sys.argv[0])


def fail(text: str) -> NoReturn:
    print(text, file=sys.stderr)
    sys.exit(1)


def parsed(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """The options of a command, and its other words."""
    known = USAGE.get((PROGRAM, " ".join(words[:2])))
    if known is None:
        fail(f"unknown command {words[:2]} for {PROGRAM}")
    flags: dict[str, str] = {}
    rest: list[str] = []
    waiting = words[2:]
    while waiting:
        word = waiting.pop(0)
        if not word.startswith("-"):
            rest.append(word)
        elif word not in known:
            fail(f"unknown flag: {word}")
        else:
            flags[word] = "" if word in SWITCHES else waiting.pop(0)
    return flags, rest


def main() -> None:
    with open(os.environ["FAKE_PLATFORM"], encoding="utf-8") as file:
        state: dict[str, Any] = json.load(file)
    words = sys.argv[1:]
    flags, rest = parsed(words)
    if PROGRAM == "gh" and (os.environ.get("GH_PROMPT_DISABLED") != "1" or "GH_REPO" in os.environ):
        fail("this would ask, or go elsewhere")
    state["calls"].append(words)
    verb = words[1]
    broken = state.get("broken", {}).get(verb)
    try:
        if broken == "before":
            fail(LOST[PROGRAM])
        if verb == "status":
            if flags["--hostname"] not in state["signed_in"]:
                fail(f"You are not logged into any accounts on {flags['--hostname']}")
        elif PROGRAM == "gh":
            github(verb, flags, rest, state["requests"])
        else:
            gitlab(verb, flags, rest, state["requests"])
        if broken == "after":
            fail(LOST[PROGRAM])
    finally:
        with open(os.environ["FAKE_PLATFORM"], "w", encoding="utf-8") as file:
            json.dump(state, file, indent=1)


def github(verb: str, flags: dict[str, str], rest: list[str], requests: list[Any]) -> None:
    if not re.fullmatch(r"(?:[\w.-]+/)?[\w.-]+/[\w.-]+", flags["--repo"]):
        fail(f'expected the "[HOST/]OWNER/REPO" format, got "{flags["--repo"]}"')
    if verb == "list":
        wanted = flags["--json"].split(",")
        if not set(wanted) <= FIELDS or flags["--state"] != "all":
            fail("unknown JSON field, or state")
        found = [one for one in requests if one["headRefName"] == flags["--head"]]
        print(json.dumps([{name: one[name] for name in wanted} for one in found]))
        return
    with open(flags["--body-file"], encoding="utf-8") as file:
        body = file.read()
    if verb == "edit":
        one = requests[int(rest[0]) - 1]
        one |= {"title": flags["--title"], "body": body}
        print(one["url"])
        return
    head, base = flags["--head"], flags["--base"]
    asked = ["git", f"--git-dir={os.environ['FAKE_REMOTE']}", "rev-parse", "--verify", f"refs/heads/{head}"]
    oid = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    if not oid:
        fail("pull request create failed: GraphQL: Head sha can't be blank, Head ref must be a branch")
    for one in requests:
        is_open = one["state"] == "OPEN" and not one["isCrossRepository"]
        if is_open and (one["headRefName"], one["baseRefName"]) == (head, base):
            fail(f'a pull request for branch "{head}" into branch "{base}" already exists:\n{one["url"]}')
    number = len(requests) + 1
    made = {
        "number": number, "url": f"https://github.com/team/project/pull/{number}", "state": "OPEN",
        "baseRefName": base, "headRefName": head, "headRefOid": oid, "isCrossRepository": False,
        "title": flags["--title"], "body": body,
    }  # fmt: skip
    requests.append(made)
    print(f"\nCreating pull request for {head} into {base} in team/project\n", file=sys.stderr)
    print(made["url"])


def gitlab(verb: str, flags: dict[str, str], rest: list[str], requests: list[Any]) -> None:
    if verb == "list":
        if flags["--output"] != "json" or not flags["--repo"].startswith("https://"):
            fail("text is for people")
        print(json.dumps([one for one in requests if one["source_branch"] == flags["--source-branch"]]))
    elif verb == "create":
        number = len(requests) + 1
        url = f"{flags['--repo']}/-/merge_requests/{number}"
        made = {
            "iid": number, "web_url": url, "state": "opened", "sha": None, "source_project_id": 5,
            "target_project_id": 5, "source_branch": flags["--source-branch"],
            "target_branch": flags["--target-branch"], "title": flags["--title"],
            "description": flags["--description"],
        }  # fmt: skip
        requests.append(made)
        print(f"!{number} {flags['--title']}\n {url}\n")
    else:
        requests[int(rest[0]) - 1] |= {"title": flags["--title"], "description": flags["--description"]}


main()
