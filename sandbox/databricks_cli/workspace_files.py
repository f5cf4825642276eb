"""Files in the workspace under one folder, with the errors that the real command makes of the API's answers."""

import posixpath
import urllib.parse

from sandbox.databricks_cli.client import ApiError, Client
from sandbox.databricks_cli.diagnostics import Failed
from sandbox.databricks_cli.values import Json


class NoFile(Failed):
    def __init__(self, path: str) -> None:
        super().__init__(f"file does not exist: {path}")


class NoFolder(Failed):
    def __init__(self, path: str) -> None:
        super().__init__(f"no such directory: {path}")


class FileExists(Failed):
    def __init__(self, path: str) -> None:
        super().__init__(f"file already exists: {path}")


class NotAllowed(Failed):
    def __init__(self, path: str) -> None:
        super().__init__(f"access denied: {path}")


class Folder:
    """One folder of the workspace."""

    def __init__(self, client: Client, root: str) -> None:
        self.client = client
        self.root = root

    def path(self, name: str) -> str:
        return posixpath.normpath(posixpath.join(self.root, name))

    def write(self, name: str, content: bytes, *, overwrite: bool, make_folder: bool = True) -> None:
        """Put a file there; a missing folder is made once if `make_folder`.

        Raises:
            FileExists: it is there already and may not be overwritten.
            NoFolder: its folder is missing, even after making it.
            NotAllowed: the API said 403.
            ApiError, NoAnswer: anything else.
        """
        path = self.path(name)
        escaped = urllib.parse.quote(path.lstrip("/"), safe="$&+:=@")
        target = f"/api/2.0/workspace-files/import-file/{escaped}"
        try:
            self.client.send("POST", target, query={"overwrite": str(overwrite).lower()}, body=content)
        except ApiError as error:
            match error.status:
                case 404 if make_folder:
                    self._make_for(path)
                    self.write(name, content, overwrite=overwrite, make_folder=False)
                case 404:
                    raise NoFolder(posixpath.dirname(path)) from error
                case 409:
                    raise FileExists(path) from error
                case 400 if "already exists." in error.message:
                    raise FileExists(path) from error
                case 403:
                    raise NotAllowed(path) from error
                case _:
                    raise

    def _make_for(self, path: str) -> None:
        try:
            make_folder(self.client, posixpath.dirname(path))
        except ApiError as error:
            if error.status == 403:  # noqa: PLR2004 - HTTP
                raise NotAllowed(path) from error
            raise Failed(f"unable to mkdir to write file {path}: {error.message}", error.detail) from error

    def status(self, name: str) -> dict[str, Json]:
        """What the workspace knows of a file. Raises `NoFile` when there is none."""
        path = self.path(name)
        query = {"path": path, "return_export_info": "true"}
        try:
            found: dict[str, Json] = self.client.json("GET", "/api/2.0/workspace/get-status", query=query)
        except ApiError as error:
            if error.missing:
                raise NoFile(path) from error
            raise
        return found

    def read(self, name: str) -> bytes:
        """The content of a file: looked up first, then exported. Raises `NoFile` when there is none."""
        self.status(name)
        query = {"direct_download": "true", "path": self.path(name)}
        return self.client.send("GET", "/api/2.0/workspace/export", query=query).body

    def delete(self, name: str, *, recursive: bool = False) -> None:
        """Delete a file or folder. Raises `NoFile` when there is none."""
        path = self.path(name)
        try:
            delete(self.client, path, recursive=recursive)
        except ApiError as error:
            if error.missing:
                raise NoFile(path) from error
            raise


def make_folder(client: Client, path: str) -> None:
    client.json("POST", "/api/2.0/workspace/mkdirs", body={"path": path})


def delete(client: Client, path: str, *, recursive: bool = False) -> None:
    body: dict[str, Json] = {"path": path}
    if recursive:
        body["recursive"] = True
    client.json("POST", "/api/2.0/workspace/delete", body=body)


def object_status(client: Client, path: str) -> dict[str, Json]:
    """What the workspace knows of a path. Raises `ApiError`, a missing path included."""
    found: dict[str, Json] = client.json("GET", "/api/2.0/workspace/get-status", query={"path": path})
    return found


def ensure_usable(client: Client, path: str) -> None:
    """Make the folder if it is missing, then look again, as the real command does before it uploads."""
    try:
        object_status(client, path)
    except ApiError as error:
        if not error.missing:
            raise
        make_folder(client, path)
        object_status(client, path)
