"""The workspace's files, notebooks and folders.

Paths begin at `/`; `/Workspace/Users/x` and `/Users/x` are the same place, and an answer repeats the form
that was asked for. A notebook is stored without the extension it was imported with.

Imitates: Databricks REST API, "Workspace"; errors as the `databricks` command expects them.
"""

from pathlib import PurePosixPath

from sandbox.workspace.call import ApiError, invalid, not_found
from sandbox.workspace.notebooks import is_notebook
from sandbox.workspace.shelf import Json
from sandbox.workspace.state import State, now_ms

MOUNT = "/Workspace"


def canonical(path: str) -> str:
    """The one spelling under which a path is stored; raises ApiError (400) for a relative one."""
    if not path.startswith("/"):
        raise invalid(f"Path ({path}) must be absolute.")
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise invalid(f"Path ({path}) must not contain '..'.")
    if parts[:1] == ["Workspace"]:
        parts = parts[1:]
    return "/" + "/".join(parts)


def parent_of(path: str) -> str:
    return str(PurePosixPath(path).parent)


class Tree:
    def __init__(self, state: State) -> None:
        self.state = state

    def find(self, path: str) -> Json | None:
        """The record stored at `path` (canonical or not), or None."""
        key = self.state.paths.get(canonical(path))
        return None if key is None else self.state.objects[key]

    def get(self, path: str) -> Json:
        """The record stored at `path`; raises ApiError (404) when there is none."""
        record = self.find(path)
        if record is None:
            raise not_found(f"Path ({path}) doesn't exist.")
        return record

    def content(self, record: Json) -> bytes:
        return self.state.contents.get(record["digest"])

    def children(self, path: str) -> list[Json]:
        """What lies directly in the folder `path`, by name; the thing itself when it is no folder."""
        record = self.get(path)
        if record["object_type"] != "DIRECTORY":
            return [record]
        inside = record["path"]
        return [r for p, r in self._sorted() if p != "/" and parent_of(p) == inside]

    def below(self, path: str) -> list[Json]:
        """Everything below the folder `path`, at any depth."""
        prefix = canonical(path).rstrip("/") + "/"
        return [r for p, r in self._sorted() if p.startswith(prefix) and p != "/"]

    def make_folders(self, path: str) -> None:
        """Make `path` and every folder above it exist; raises ApiError (400) where a file is in the way."""
        steps = canonical(path).split("/")
        for length in range(1, len(steps) + 1):
            step = "/".join(steps[:length]) or "/"
            found = self.find(step)
            if found is None:
                self._store({"object_type": "DIRECTORY", "path": step})
            elif found["object_type"] != "DIRECTORY":
                message = f"Cannot create directory {path}: {step} is not a directory."
                raise ApiError(400, "RESOURCE_ALREADY_EXISTS", message)

    def put(self, path: str, content: bytes, *, overwrite: bool) -> Json:
        """Store a file, or a notebook when name and content say so (then without its extension).

        Raises:
            ApiError: 404 the folder is missing, 409 the file exists, 400 the notebook exists or the thing
                there is of another kind.
        """
        if is_notebook(path, content):
            stored = str(PurePosixPath(canonical(path)).with_suffix(""))
            language = {"language": "PYTHON", "suffix": PurePosixPath(path).suffix}
            record = {"object_type": "NOTEBOOK", "path": stored, **language}
        else:
            record = {"object_type": "FILE", "path": canonical(path)}
        return self._put(path, record, content, overwrite=overwrite)

    def put_notebook(self, path: str, content: bytes, suffix: str, *, overwrite: bool) -> Json:
        """Store a notebook under exactly this path; errors as for `put`."""
        language = {"language": "PYTHON", "suffix": suffix}
        record = {"object_type": "NOTEBOOK", "path": canonical(path), **language}
        return self._put(path, record, content, overwrite=overwrite)

    def delete(self, path: str, *, recursive: bool) -> None:
        """Take `path` away; raises ApiError: 404 nothing there, 400 a folder that is not empty."""
        record = self.get(path)
        if record["path"] in {"/", "/Users", "/Shared"}:
            raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Folder ({path}) is protected.")
        inside = self.below(path)
        if inside and not recursive:
            raise ApiError(400, "DIRECTORY_NOT_EMPTY", f"Folder ({path}) is not empty")
        for gone in [*inside, record]:
            key = self.state.paths.pop(gone["path"])
            del self.state.objects[key]

    def _put(self, asked: str, record: Json, content: bytes, *, overwrite: bool) -> Json:
        if self.find(parent_of(asked)) is None:
            raise not_found(f"The parent folder ({parent_of(asked)}) does not exist.")
        found = self.find(record["path"])
        if found is not None:
            _must_give_way(asked, found["object_type"], record["object_type"], overwrite=overwrite)
        return self._store({**record, "digest": self.state.contents.put(content), "size": len(content)})

    def _store(self, record: Json) -> Json:
        """Keep a record under its path; what was there keeps its id and time of birth."""
        old = self.find(record["path"])
        born = {
            "object_id": old["object_id"] if old else self.state.ids.next(),
            "created_at": old["created_at"] if old else now_ms(),
        }
        stored = {**record, **born, "modified_at": now_ms()}
        key = str(stored["object_id"])
        self.state.objects[key] = stored
        self.state.paths[stored["path"]] = key
        return stored

    def _sorted(self) -> list[tuple[str, Json]]:
        return [(path, self.state.objects[key]) for path, key in sorted(self.state.paths.items())]


def _must_give_way(path: str, there: str, asked: str, *, overwrite: bool) -> None:
    """Raise ApiError unless a thing of kind `there` may be replaced by one of kind `asked`."""
    if not overwrite and "NOTEBOOK" in {there, asked}:
        raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"Path ({path}) already exists.")
    if not overwrite:
        raise ApiError(409, "RESOURCE_ALREADY_EXISTS", f"File already exists at ({path}).")
    if there != asked:
        raise invalid(
            f"Cannot overwrite the asset at {path} due to type mismatch (asked: {asked}, actual: {there})."
        )
