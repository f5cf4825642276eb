"""What prefect.yaml says of each deployment, as plain values."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from prefect.utilities.callables import parameter_schema

FOLDER = Path(__file__).resolve().parents[2]
FILE = FOLDER / "prefect.yaml"


@dataclass(frozen=True)
class Repeats:
    """A schedule, by its slug."""

    slug: str
    every: timedelta
    timezone: str


@dataclass(frozen=True)
class Described:
    """One deployment; `given` is what the file says, `pull` what it says for all."""

    given: Mapping[str, Any]
    pull: list[dict[str, Any]]

    @property
    def name(self) -> str:
        """As Prefect writes it: flow/name."""
        return f"{self.flow.name}/{self.given['name']}"

    @cached_property
    def flow(self) -> Any:  # noqa: ANN401 - a flow, whatever its parameters
        path, _, name = self.given["entrypoint"].partition(":")
        module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
        return getattr(module, name)

    @property
    def fields(self) -> dict[str, Any]:
        """By the names that Prefect's API has for them."""
        return {
            "description": self.given["description"],
            "entrypoint": self.given["entrypoint"],
            "pull_steps": self.pull,
            "enforce_parameter_schema": self.given["enforce_parameter_schema"],
            "parameter_openapi_schema": parameter_schema(self.flow).model_dump_for_openapi(),
            "work_pool_name": self.pool,
            "work_queue_name": self.queue,
        }

    @property
    def pool(self) -> str:
        return str(self.given["work_pool"]["name"])

    @property
    def queue(self) -> str:
        return str(self.given["work_pool"]["work_queue_name"])

    @property
    def tags(self) -> list[str]:
        return list(self.given["tags"])

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self.given.get("parameters") or {})

    @property
    def job_variables(self) -> dict[str, Any]:
        return dict(self.given["work_pool"]["job_variables"])

    @property
    def limit(self) -> tuple[int, str]:
        """How many runs at a time, and what happens to one more."""
        found = self.given["concurrency_limit"]
        return found["limit"], found["collision_strategy"]

    @property
    def schedules(self) -> list[Repeats]:
        return [
            Repeats(one["slug"], timedelta(seconds=one["interval"]), one["timezone"])
            for one in self.given.get("schedules") or []
        ]


def described(file: Path = FILE) -> list[Described]:
    """All deployments of the file, in its order."""
    found = yaml.safe_load(file.read_text(encoding="utf-8"))
    return [Described(given, found["pull"]) for given in found["deployments"]]
