"""CNT002: CI steps that call services on the host itself."""

from __future__ import annotations

from specguard.rules import Finding, Rule, Selecting
from specguard_rules.content._scripts import may_be_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Annotated, ClassVar

    from pydantic import Field

    from specguard.rules import Entry, Stage, Tree


class HostNetworkCall(Rule):
    r"""A CI step calls a service on localhost, 127.0.0.1, [::1] or 0.0.0.0 from the CI host.

    Services are tested inside the container network. A job that calls `http://localhost:8080` tests what the
    host can reach through published ports, and breaks or lies where ports, proxies or names differ.

    **What is read.** GitHub workflows (`jobs`), composite actions (`runs`) and GitLab's `.gitlab-ci.yml`, told
    apart by their structure, each as a whole where the change touches it; and the scripts of the repository
    that their steps run (`./smoke.sh`, `bash ci/x.sh`, `python ci/smoke.py`), one level deep, where the change
    touches the script or the CI file; with `--all` every one. In shells a command counts that calls: `curl`, `wget`, `nc`,
    `pg_isready` and other clients with the bare name too, any other program with a URL or a host and port,
    among its words or set before it (`E2E_URL=http://localhost:8080 go test`).
    Variables, lists and `env` are put in. In other languages every URL, or host and port, that is written in
    the code counts.

    **What is no call.** A job with `container:` (in GitLab: with an `image:`, its own, its default or what it
    extends; localhost is then the container itself); a command within `docker compose exec` or `run`,
    `docker exec` or `run`, unless in the host's network; comments; `echo` and what is only printed; addresses
    that a server listens on; the `services` of a job with their health checks. A composite action is judged as
    if from a job without a container, since any job may use it.

    **What is not followed** is said in one information: scripts that scripts run, targets of `make` or
    `npm run`, names in variables, actions that are given such a URL. Where a GitLab file includes others, which
    may set an image, a finding is a warning.

    How to put it right: run the call in the container network (`docker compose exec web curl http://api:8080`),
    or give the job a container.

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

    files: Annotated[
        Selecting,
        Field(
            description="the CI files, such as `.github/workflows/*.yml`, `.github/workflows/*.yaml`, "
            "`action.yml` and `.gitlab-ci.yml`"
        ),
    ] = Selecting()

    def check(self, entries: Sequence[Entry], head_files: Tree, whole: bool) -> Iterator[Finding]:
        """Judge the CI files and the called scripts that the change touches, or all of them."""
        present = {entry.path for entry in entries if entry.is_file and entry.old != entry.new}
        judged = head_files.paths() if whole else sorted(present)
        touched = [judged[position] for position, _ in self.files.find_each(judged)]
        # A script is judged with the files that run it, and these are all there already.
        scripts = set() if whole else {path for path in present.difference(touched) if may_be_script(path)}
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
