"""CNT002: CI steps that call services on the host itself."""

from __future__ import annotations

from specguard.rules import Finding, Rule, Selecting, setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import ClassVar, Final

    from specguard.rules import Entry, Stage, Tree

SHELL: Final = (b".sh", b".bash", b".zsh", b".ksh")
CODE: Final = (
    b".py", b".js", b".mjs", b".cjs", b".ts", b".mts", b".cts", b".rb", b".pl", b".php", b".lua", b".ps1",
)  # fmt: skip
"""How the names of scripts end."""


class HostNetworkCall(Rule):
    r"""A CI step calls a service on the CI host.

    That is localhost, 127.0.0.1, [::1] or 0.0.0.0. The rule reads GitHub workflows, composite actions, GitLab
    files and scripts that they run. It looks for clients such as `curl`, and programs with a URL or host and
    port. Jobs with `container:` or `image:`, `docker compose exec`, `docker run`, comments and health checks
    are fine. What it cannot follow, such as `make` targets, is information.

    Why is this bad? Such a job breaks where ports, proxies or names differ.

    How to fix it: call within the container network (`docker compose exec web curl http://api:8080`), or give
    the job a container.

    ```text
    error: .github/workflows/ci.yml:8: job 'smoke' calls http://localhost:8080 from the CI host
    ```

    ```toml fails
    policy = '''
    [rules.host-network-call]
    files = [".github/workflows/*.yml", ".gitlab-ci.yml"]
    '''
    base = {files = {"ci/smoke.sh" = "URLS=\"http://127.0.0.1:8080/a http://[::1]:8080/b\"\nfor u in $URLS; do\n  curl -f $u\ndone\n"}}

    [[commits]]
    message = "ci: smoke"

    [commits.files]
    ".github/workflows/ci.yml" = '''
    on: push
    jobs:
      smoke:
        runs-on: ubuntu-latest
        steps:
          - run: |
              docker compose up -d
              curl -f http://localhost:8080/health
          - run: bash ci/smoke.sh
    '''

    [[expect]]
    code = "CNT002"
    path = ".github/workflows/ci.yml"
    line = 8

    [[expect]]
    code = "CNT002"
    path = "ci/smoke.sh"
    line = 3
    ```

    ```toml passes
    policy = '''
    [rules.host-network-call]
    files = [".github/workflows/*.yml", ".gitlab-ci.yml"]
    '''

    [[commits]]
    message = "ci: smoke"

    [commits.files]
    ".github/workflows/ci.yml" = '''
    on: push
    jobs:
      smoke:
        runs-on: ubuntu-latest
        services:
          db:
            image: postgres
            options: --health-cmd "pg_isready -h localhost"
        steps:
          - run: |
              # curl http://localhost:8080 would test the host
              docker compose exec -T web curl -f http://localhost:8080/health
              echo "see http://localhost:8080"
      inside:
        container: golang:1.23
        steps:
          - run: curl -f http://localhost:8080/health
    '''
    ```
    """  # noqa: E501 (an example's inline table is one line)

    code: ClassVar[str] = "CNT002"
    name: ClassVar[str] = "host-network-call"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    judges_parts: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("files",)
    condition: ClassVar[str] = "no step of {files} that the change touches calls the CI host itself"

    files: Selecting = setting(
        Selecting(), "the CI files, such as `.github/workflows/*.yml` and `.gitlab-ci.yml`", tightens="more"
    )

    def check(self, entries: Sequence[Entry], head_files: Tree, whole: bool) -> Iterator[Finding]:
        """Judge the CI files and the called scripts that the change touches, or all of them."""
        present = {entry.path for entry in entries if entry.is_file and entry.old != entry.new}
        judged = head_files.paths() if whole else sorted(present)
        touched = [judged[position] for position, _ in self.files.find_each(judged)]
        # A script is judged with the files that run it, and these are all there already.
        others = () if whole else present.difference(touched)
        scripts = {one for one in others if one.endswith(SHELL + CODE) or b"." not in one.rpartition(b"/")[2]}
        if not touched and not scripts:
            return
        # The readers of YAML and shell are imported only where there is something to read.
        from specguard_rules.content._host_calls import judge, mentions_host

        for path in touched:
            yield from judge(path, head_files, None, f"files.{self.files.find(path)}")
        scripts = {path for path in scripts if mentions_host(path, head_files)}
        if not scripts:
            return
        paths = head_files.paths()
        for position, index in self.files.find_each(paths):
            path = paths[position]
            if path not in present:
                text = head_files.read(path) or b""
                wanted = {script for script in scripts if script.rpartition(b"/")[2] in text}
                if wanted:
                    yield from judge(path, head_files, wanted, f"files.{index}")
