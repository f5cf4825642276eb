"""What the servers of a sandbox hold, looked up over plain HTTP and git: without any of the clients that released."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml

_TIMEOUT_SECONDS = 15
_PAGE = 100


@dataclass(frozen=True)
class Place:
    """One workspace: its address and the service principal that deploys there."""

    url: str
    client_id: str
    client_secret: str


class Witness:
    """Looks at GitHub as `login`, and at each workspace as its own service principal."""

    def __init__(self, folder: Path, environment: Mapping[str, str], repository: str, *, login: str) -> None:
        self.folder = folder
        self.repository = repository
        self._environment = environment
        self._login = login

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._github.close()

    def token_of(self, login: str) -> str:
        """The token of an account; it stays in this process."""
        tokens: dict[str, str] = json.loads((self.folder / "github" / "tokens.json").read_text("utf-8"))
        return tokens[login]

    def secrets(self) -> list[str]:
        """Every token and secret of the sandbox."""
        tokens = json.loads((self.folder / "github" / "tokens.json").read_text("utf-8"))
        ours = [v for k, v in self._environment.items() if k.endswith(("_TOKEN", "_SECRET"))]
        return [*tokens.values(), *ours]

    # ---- GitHub

    @cached_property
    def _github(self) -> httpx.Client:
        return httpx.Client(
            base_url=self._environment["DABFLOW_GITHUB_API_URL"],
            headers={
                "Authorization": f"Bearer {self.token_of(self._login)}",
                "X-GitHub-Api-Version": "2022-11-28",
            },
            timeout=_TIMEOUT_SECONDS,
        )

    def github(self, path: str, **query: str) -> Any:  # noqa: ANN401 - GitHub's JSON
        """What `/repos/OWNER/NAME/<path>` answers."""
        answer = self._github.get(f"/repos/{self.repository}/{path}", params={"per_page": _PAGE, **query})
        answer.raise_for_status()
        return answer.json()

    def approve(self, number: int, *, login: str, text: str) -> None:
        """Review a pull request as somebody, with that person's own token."""
        answer = self._github.post(
            f"/repos/{self.repository}/pulls/{number}/reviews",
            headers={"Authorization": f"Bearer {self.token_of(login)}"},
            json={"event": "APPROVE", "body": text},
        )
        answer.raise_for_status()

    def pull_request(self, head: str, base: str) -> dict[str, Any]:
        owner = self.repository.partition("/")[0]
        found = self.github("pulls", state="all", head=f"{owner}:{head}", base=base)
        pull: dict[str, Any] = self.github(f"pulls/{found[0]['number']}")
        return pull

    def tagged_commit(self, tag: str) -> str:
        found = self.github(f"git/ref/tags/{tag}")["object"]
        if found["type"] == "tag":
            found = self.github(f"git/tags/{found['sha']}")["object"]
        return str(found["sha"])

    def tree(self, commit: str) -> str:
        return str(self.github(f"git/commits/{commit}")["tree"]["sha"])

    def deployment_state(self, environment: str, sha: str) -> str:
        """The newest status of the newest deployment of a commit, "" when there is none."""
        for deployment in self.github("deployments", environment=environment, sha=sha):
            statuses = self.github(f"deployments/{deployment['id']}/statuses")
            return str(statuses[0]["state"]) if statuses else ""
        return ""

    def requests(self, after: float, caller: str) -> int:
        """How many API requests an account has sent since a moment (seconds since 1970)."""
        found = self._github.get("/_sandbox/requests").json()
        return sum(r["caller"] == caller and r["time"] >= after and ".git/" not in r["path"] for r in found)

    def files(self, commit: str, path: str) -> list[str]:
        """The texts of a commit's file, or of the files in its folder."""
        names = self._git("ls-tree", "-r", "--name-only", commit, "--", path).splitlines()
        return [self._git("show", f"{commit}:{name}") for name in names]

    def _git(self, *words: str) -> str:
        repository = self.folder / "github" / "repositories" / f"{self.repository}.git"
        done = subprocess.run(
            ["git", f"--git-dir={repository}", *words], capture_output=True, text=True, check=True
        )
        return done.stdout

    # ---- workspaces

    def place(self, target: str) -> Place:
        prefix = f"DABFLOW_TARGET_{target.upper()}"
        return Place(
            *(self._environment[f"{prefix}_{what}"] for what in ("HOST", "CLIENT_ID", "CLIENT_SECRET"))
        )

    def workspace(self, target: str, path: str, **query: str | int) -> httpx.Response:
        place = self.place(target)
        with httpx.Client(base_url=place.url, timeout=_TIMEOUT_SECONDS) as client:
            signed_in = client.post(
                "/oidc/v1/token",
                data={"grant_type": "client_credentials", "scope": "all-apis"},
                auth=(place.client_id, place.client_secret),
            )
            token = signed_in.raise_for_status().json()["access_token"]
            answer = client.get(path, params=query, headers={"Authorization": f"Bearer {token}"})
        return answer.raise_for_status()

    def deployed_commit(self, target: str, bundle: str) -> str:
        """The commit that the bundle's metadata in the workspace names."""
        home = f"/Workspace/Users/{self.place(target).client_id}/.bundle/{bundle}/{target}"
        file = f"/api/2.0/workspace-files{home}/state/metadata.json"
        found = self.workspace(target, file).json()
        return str(found["config"]["bundle"]["git"]["commit"])

    def running(self, target: str) -> str:
        """The commit that a workspace says it runs of our bundle."""
        bundle = yaml.safe_load(self.files("main", "databricks.yml")[0])["bundle"]["name"]
        return self.deployed_commit(target, bundle)

    def contains(self, branch: str, commit: str) -> bool:
        """Whether a branch has a commit."""
        return bool(self.github(f"compare/{commit}...{branch}")["behind_by"] == 0)

    def jobs(self, target: str) -> dict[str, int]:
        """The jobs of a workspace: their numbers by name."""
        found = self.workspace(target, "/api/2.2/jobs/list", limit=_PAGE).json().get("jobs", [])
        return {job["settings"]["name"]: int(job["job_id"]) for job in found}

    def last_result(self, target: str, job: int) -> str:
        """How the newest run of a job ended, "" when there is none."""
        runs = self.workspace(target, "/api/2.2/jobs/runs/list", job_id=job).json().get("runs", [])
        return str(runs[0]["state"].get("result_state", "")) if runs else ""
