"""A stand-in for `gh`: it takes what the real one takes, and keeps its state in a file.

The file is named by FAKE_PLATFORM; what it is called with is added to the file's `calls`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any, NoReturn

VALUE, SWITCH = True, False
REPO = {"--repo": VALUE, "-R": VALUE}
USAGE: dict[tuple[str, str], dict[str, bool]] = {
    ("auth", "status"): {"--hostname": VALUE, "-h": VALUE, "--show-token": SWITCH, "--active": SWITCH},
    ("pr", "list"): {
        **REPO, "--head": VALUE, "-H": VALUE, "--base": VALUE, "-B": VALUE, "--state": VALUE, "-s": VALUE,
        "--limit": VALUE, "-L": VALUE, "--json": VALUE, "--jq": VALUE, "--author": VALUE, "--search": VALUE,
    },
    ("pr", "create"): {
        **REPO, "--title": VALUE, "-t": VALUE, "--body": VALUE, "-b": VALUE, "--body-file": VALUE,
        "-F": VALUE, "--base": VALUE, "-B": VALUE, "--head": VALUE, "-H": VALUE, "--draft": SWITCH,
        "--fill": SWITCH, "--label": VALUE, "--reviewer": VALUE, "--dry-run": SWITCH,
    },
    ("pr", "edit"): {
        **REPO, "--title": VALUE, "-t": VALUE, "--body": VALUE, "-b": VALUE, "--body-file": VALUE,
        "-F": VALUE, "--base": VALUE, "-B": VALUE, "--add-label": VALUE,
    },
}  # fmt: skip
FIELDS = {
    "number", "title", "body", "url", "state", "isDraft", "author", "labels", "baseRefName", "headRefName",
    "headRefOid", "isCrossRepository", "headRepositoryOwner", "createdAt", "updatedAt",
}  # fmt: skip


def fail(text: str, code: int = 1) -> NoReturn:
    print(text, file=sys.stderr)
    sys.exit(code)


def parsed(words: list[str]) -> tuple[tuple[str, str], dict[str, str], list[str]]:
    if len(words) < 2 or (words[0], words[1]) not in USAGE:
        fail(f'unknown command "{" ".join(words[:2])}" for "gh"')
    command = (words[0], words[1])
    flags: dict[str, str] = {}
    rest: list[str] = []
    waiting = words[2:]
    while waiting:
        word = waiting.pop(0)
        if not word.startswith("-"):
            rest.append(word)
            continue
        name, equals, value = word.partition("=")
        if name not in USAGE[command]:
            fail(f"unknown flag: {name}")
        if USAGE[command][name] is VALUE and not equals:
            if not waiting:
                fail(f"flag needs an argument: {name}")
            value = waiting.pop(0)
        flags[name] = value
    return command, flags, rest


def text_of(flags: dict[str, str]) -> str | None:
    if "--body" in flags and "--body-file" in flags:
        fail("specify only one of `--body` or `--body-file`")
    if "--body-file" in flags:
        with open(flags["--body-file"], encoding="utf-8") as file:
            return file.read()
    return flags.get("--body")


def head_of(branch: str) -> str:
    done = subprocess.run(
        ["git", f"--git-dir={os.environ['FAKE_REMOTE']}", "rev-parse", "--verify", f"refs/heads/{branch}"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def main() -> None:
    place = os.environ["FAKE_PLATFORM"]
    with open(place, encoding="utf-8") as file:
        state: dict[str, Any] = json.load(file)
    command, flags, rest = parsed(sys.argv[1:])
    if os.environ.get("GH_PROMPT_DISABLED") != "1" or "GH_REPO" in os.environ:
        fail("this would ask, or go elsewhere")
    state["calls"].append(sys.argv[1:])
    code = 0
    try:
        if command == ("auth", "status"):
            host = flags.get("--hostname", "github.com")
            if host not in state["signed_in"]:
                fail(f"You are not logged into any accounts on {host}")
            return
        if not re.fullmatch(r"(?:[\w.-]+/)?[\w.-]+/[\w.-]+", flags.get("--repo", "")):
            fail(f'expected the "[HOST/]OWNER/REPO" format, got "{flags.get("--repo")}"')
        broken = state.get("broken", {}).get(command[1])
        if broken == "before":
            fail("error connecting to api.github.com")
        code = pull_request(command[1], flags, rest, state)
        if broken == "after":
            fail("error connecting to api.github.com")
    finally:
        with open(place, "w", encoding="utf-8") as file:
            json.dump(state, file, indent=1)
    sys.exit(code)


def list_requests(flags: dict[str, str], requests: list[Any]) -> None:
    wanted = flags.get("--json", "").split(",")
    if unknown := set(wanted) - FIELDS:
        fail(f'Unknown JSON field: "{unknown.pop()}"')
    kind = flags.get("--state", "open")
    if kind not in ("open", "closed", "merged", "all"):
        fail(f'invalid argument "{kind}" for "-s, --state" flag: open, closed, merged or all')
    if ":" in flags.get("--head", ""):
        found = []
    else:
        found = [
            one for one in requests
            if one["headRefName"] == flags.get("--head", one["headRefName"])
            and kind in ("all", one["state"].lower())
        ]  # fmt: skip
    print(json.dumps([{name: one[name] for name in wanted} for one in found]))


def pull_request(verb: str, flags: dict[str, str], rest: list[str], state: dict[str, Any]) -> int:
    requests = state["requests"]
    if verb == "list":
        list_requests(flags, requests)
        return 0
    body = text_of(flags)
    if verb == "create":
        if rest:
            fail(f"unknown argument {rest[0]!r}")
        if "--title" not in flags or body is None:
            fail("must provide `--title` and `--body` (or `--fill`) when not running interactively")
        head, base = flags["--head"], flags.get("--base", "main")
        oid = head_of(head)
        if not oid:
            fail("pull request create failed: GraphQL: Head sha can't be blank, Head ref must be a branch")
        for one in requests:
            if one["isCrossRepository"]:
                continue
            if one["state"] == "OPEN" and (one["headRefName"], one["baseRefName"]) == (head, base):
                print(
                    f'a pull request for branch "{head}" into branch "{base}" already exists:\n{one["url"]}',
                    file=sys.stderr,
                )
                return 1
        number = len(requests) + 1
        made = {
            "number": number, "url": f"https://github.com/team/project/pull/{number}", "state": "OPEN",
            "baseRefName": base, "headRefName": head, "headRefOid": oid, "isCrossRepository": False,
            "title": flags["--title"], "body": body,
        }  # fmt: skip
        requests.append(made)
        print(f"\nCreating pull request for {head} into {base} in team/project\n", file=sys.stderr)
        print(made["url"])
        return 0
    [wanted_number] = rest
    one = next((one for one in requests if str(one["number"]) == wanted_number), None)
    if one is None:
        fail(f"GraphQL: Could not resolve to a PullRequest with the number of {wanted_number}.")
    one["title"] = flags.get("--title", one["title"])
    one["body"] = body if body is not None else one["body"]
    print(one["url"])
    return 0


main()
