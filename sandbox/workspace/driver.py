"""Runs one task: `python -I driver.py SPEC`, in a process of its own.

SPEC is a JSON file: `kind` (file, notebook, wheel), `target` (path), `paths` (put first on sys.path),
`argv`, `widgets`, `package` and `entry_point` (wheel), `values` (task values set so far), `result` (file to
write). The result holds `error` and `error_trace` of a failure, a notebook's `exit` value, and task `values`.

Needs nothing but the standard library, so that what a task can import is the task's own affair.
"""

import builtins
import importlib
import importlib.metadata
import json
import os
import runpy
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

HERE = str(Path(__file__))


class NotebookExit(BaseException):
    """`dbutils.notebook.exit` was called."""


class Refused(Exception):
    """The sandbox does not do what the task asks for."""


class Widgets:
    """`dbutils.widgets`: parameters of a notebook; a declared default counts when none was given."""

    def __init__(self, given: dict[str, str]) -> None:
        self.values = dict(given)

    def get(self, name: str) -> str:
        if name not in self.values:
            raise ValueError(f"InputWidgetNotDefined: No input widget named {name} is defined")
        return self.values[name]

    def getAll(self) -> dict[str, str]:  # noqa: N802 - Databricks' name
        return dict(self.values)

    def text(self, name: str, defaultValue: str = "", label: str = "") -> None:  # noqa: ARG002, N803 - Databricks' names
        self.values.setdefault(name, defaultValue)

    def dropdown(self, name: str, defaultValue: str, choices: list[str], label: str = "") -> None:  # noqa: ARG002, N803
        self.values.setdefault(name, defaultValue)

    combobox = multiselect = dropdown

    def remove(self, name: str) -> None:
        self.values.pop(name, None)

    def removeAll(self) -> None:  # noqa: N802 - Databricks' name
        self.values.clear()


class TaskValues:
    """`dbutils.jobs.taskValues`: what one task leaves for the tasks after it."""

    def __init__(self, earlier: dict[str, dict[str, Any]]) -> None:
        self.earlier = earlier
        self.mine: dict[str, Any] = {}

    def set(self, key: str, value: object) -> None:
        self.mine[key] = json.loads(json.dumps(value))

    def get(self, taskKey: str, key: str, default: object = None, debugValue: object = None) -> object:  # noqa: ARG002, N803 - Databricks' names
        values = self.earlier.get(taskKey, {})
        if key not in values and default is None:
            raise ValueError(f"No task value named {key} was set by task {taskKey}")
        return values.get(key, default)


class NotebookTools:
    """`dbutils.notebook`."""

    def exit(self, value: object = "") -> None:
        raise NotebookExit(str(value))

    def run(self, path: str, *_: object, **__: object) -> None:
        raise Refused(f"the sandbox does not run notebooks from notebooks: dbutils.notebook.run('{path}')")


class JobTools:
    """`dbutils.jobs`."""

    def __init__(self, values: TaskValues) -> None:
        self.taskValues = values


class DbUtils:
    """The small part of `dbutils` that tasks of a bundle commonly use."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.widgets = Widgets(spec["widgets"])
        self.notebook = NotebookTools()
        self.jobs = JobTools(TaskValues(spec["values"]))

    def __getattr__(self, name: str) -> object:
        raise Refused(f"the sandbox has no dbutils.{name}")


class NoSpark:
    """Stands where a workspace has a Spark session, and says that there is none here."""

    def __getattr__(self, name: str) -> object:
        raise Refused(f"the sandbox has no Spark: spark.{name} works only in a real workspace")


def run_notebook(spec: dict[str, Any], names: dict[str, Any]) -> None:
    """Run the notebook's Python cells in one namespace; `%md` is passed over, other magics are refused."""
    path = spec["target"]
    names.update(__name__="__main__", __file__=path)
    for cell in spec["cells"]:
        if cell["magic"] in {"md", "md-sandbox"}:
            continue
        if cell["magic"]:
            raise Refused(
                f"the sandbox runs only Python cells, not %{cell['magic']} ({path}, line {cell['line']})"
            )
        # Empty lines before the cell make line numbers in a trace those of the file.
        code = compile("\n" * (cell["line"] - 1) + cell["source"], path, "exec")
        exec(code, names)  # noqa: S102 - the task's own code is what this process is for


def run_wheel(spec: dict[str, Any]) -> None:
    """Call the package's entry point, or the function of that name in the package."""
    package, name = spec["package"], spec["entry_point"]
    try:
        entry_points = importlib.metadata.distribution(package).entry_points
    except importlib.metadata.PackageNotFoundError:
        raise Refused(
            f"no wheel among the task's dependencies contains the package '{package}': "
            f"{', '.join(Path(path).name for path in spec['paths']) or 'there are none'}"
        ) from None
    for entry_point in entry_points:
        if entry_point.name == name:
            entry_point.load()()
            return
    getattr(importlib.import_module(package.replace("-", "_")), name)()


def run_target(spec: dict[str, Any]) -> None:
    """Do what the task says. The names a notebook finds are there for files and wheels, too."""
    dbutils = DbUtils(spec)
    names = {"dbutils": dbutils, "spark": NoSpark(), "display": print}
    try:
        match spec["kind"]:
            case "notebook":
                run_notebook(spec, names)
            case "wheel":
                run_wheel(spec)
            case _:
                vars(builtins).update(names)
                runpy.run_path(spec["target"], run_name="__main__")
    finally:
        spec["done"] = {"values": dbutils.jobs.taskValues.mine}


def failure(error: BaseException, here: str) -> dict[str, str]:
    """Error and trace as a workspace shows them: without the frames of this file, with workspace paths."""
    if isinstance(error, Refused):
        return {"error": str(error), "error_trace": str(error)}
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not _ours(f.filename)]
    error_line = traceback.format_exception_only(error)[-1].strip()
    head = ["Traceback (most recent call last):\n"] if frames else []
    trace = "".join([*head, *traceback.format_list(frames), *traceback.format_exception_only(error)])
    return {"error": error_line, "error_trace": trace.rstrip().replace(here, "/Workspace")}


def _ours(filename: str) -> bool:
    return filename == HERE or filename.startswith(("<frozen runpy", "<frozen importlib"))


def watch_parent() -> None:
    """End this process when the server that started it is gone."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def outcome(spec: dict[str, Any]) -> dict[str, Any]:
    """Run the task and say how it went: an empty result is a success."""
    try:
        run_target(spec)
    except NotebookExit as end:
        return {"exit": str(end)}
    except SystemExit as end:
        return {} if end.code in {None, 0} else {"error": f"SystemExit: {end.code}", "error_trace": ""}
    except BaseException as error:  # noqa: BLE001 - whatever ends the task is its result
        sys.stdout.flush()
        described = failure(error, str(Path(spec["result"]).parent))
        print(described["error_trace"], file=sys.stderr)  # noqa: T201 - the task's own output
        return described
    return {}


def main() -> int:
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    threading.Thread(target=watch_parent, daemon=True).start()
    sys.path[:0] = spec["paths"]
    sys.argv = spec["argv"]
    spec["done"] = {}
    result = outcome(spec) | spec["done"]
    sys.stdout.flush()
    sys.stderr.flush()
    Path(spec["result"]).write_text(json.dumps(result), encoding="utf-8")
    return 1 if "error" in result else 0


if __name__ == "__main__":
    sys.exit(main())
