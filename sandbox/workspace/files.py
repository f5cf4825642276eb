"""REST routes of files and folders: `/api/2.0/workspace/...` and `/api/2.0/workspace-files/...`."""

import base64
import binascii

from starlette.responses import Response
from starlette.routing import Route

from sandbox.workspace.access import Access
from sandbox.workspace.call import ApiError, Call, Identify, invalid, not_found, route
from sandbox.workspace.notebooks import source_of
from sandbox.workspace.shelf import Json
from sandbox.workspace.tree import MOUNT, Tree

IMPORT_FILE = "/api/2.0/workspace-files/import-file"


class Files:
    def __init__(self, tree: Tree, access: Access) -> None:
        self.tree = tree
        self.access = access

    def routes(self, identify: Identify) -> list[Route]:
        table = [
            ("GET", "/api/2.0/workspace/get-status", self.status),
            ("GET", "/api/2.0/workspace/list", self.list),
            ("POST", "/api/2.0/workspace/mkdirs", self.mkdirs),
            ("POST", "/api/2.0/workspace/delete", self.delete),
            ("GET", "/api/2.0/workspace/export", self.export),
            ("POST", "/api/2.0/workspace/import", self.import_object),
            ("POST", IMPORT_FILE + "/{path:path}", self.import_file),
            ("GET", "/api/2.0/workspace-files/{path:path}", self.read),
        ]
        return [route(method, path, handler, identify) for method, path, handler in table]

    def status(self, call: Call) -> Json:
        path = call.query("path")
        record = self._readable(call, path)
        return _shown(record, path, export_info=call.flag("return_export_info"))

    def list(self, call: Call) -> Json:
        path = call.query("path")
        self._readable(call, path)
        objects = [_shown(record, path) for record in self.tree.children(path)]
        return {"objects": objects} if objects else {}

    def mkdirs(self, call: Call) -> Json:
        path = _text(call.body, "path")
        self.access.to_write(call.person, path)
        self.tree.make_folders(path)
        return {}

    def delete(self, call: Call) -> Json:
        path = _text(call.body, "path")
        self.tree.get(path)
        self.access.to_write(call.person, path)
        self.tree.delete(path, recursive=bool(call.body.get("recursive")))
        return {}

    def export(self, call: Call) -> Json | Response:
        path = call.query("path")
        record = self._readable(call, path)
        if record["object_type"] == "DIRECTORY":
            raise invalid(f"({path}) is a folder; the sandbox exports files and notebooks only.")
        content = self._exported(record, call.query("format", "SOURCE"))
        if call.flag("direct_download"):
            return Response(content, media_type="application/octet-stream")
        suffix = record.get("suffix") or "." + path.rpartition(".")[2]
        return {"content": base64.b64encode(content).decode(), "file_type": suffix.removeprefix(".")}

    def _exported(self, record: Json, form: str) -> bytes:
        content = self.tree.content(record)
        if record["object_type"] == "FILE" or form in {"AUTO", "RAW"}:
            return content
        if form == "SOURCE":
            return source_of(content).encode()
        if form == "JUPYTER" and record["suffix"] == ".ipynb":
            return content
        raise ApiError(501, "NOT_IMPLEMENTED", f"The sandbox does not export a notebook as {form}.")

    def import_object(self, call: Call) -> Json:
        """A notebook or file, as JSON (base64 content) or as a multipart form (raw content)."""
        if "multipart/form-data" in call.request.headers.get("content-type", ""):
            form = call.form()
            content = form.get("content", b"")
            fields: Json = {name: value.decode() for name, value in form.items() if name != "content"}
            fields["overwrite"] = fields.get("overwrite", "").lower() == "true"
        else:
            fields = call.body
            content = _decoded(fields.get("content", ""))
        path = _text(fields, "path")
        self.access.to_write(call.person, path)
        record = self._imported(fields, path, content)
        return {"object_id": record["object_id"]}

    def _imported(self, fields: Json, path: str, content: bytes) -> Json:
        overwrite = bool(fields.get("overwrite"))
        match str(fields.get("format") or "SOURCE"), str(fields.get("language") or "PYTHON"):
            case (("AUTO" | "RAW"), _):
                return self.tree.put(path, content, overwrite=overwrite)
            case "SOURCE", "PYTHON":
                return self.tree.put_notebook(path, content, ".py", overwrite=overwrite)
            case "JUPYTER", _:
                return self.tree.put_notebook(path, content, ".ipynb", overwrite=overwrite)
            case form, language:
                raise ApiError(501, "NOT_IMPLEMENTED", f"The sandbox does not import {language} as {form}.")

    def import_file(self, call: Call) -> Json:
        path = "/" + call.path["path"].lstrip("/")
        self.access.to_write(call.person, path)
        self.tree.put(path, call.raw, overwrite=call.flag("overwrite"))
        return {}

    def read(self, call: Call) -> Response:
        path = "/" + call.path["path"].lstrip("/")
        record = self._readable(call, path)
        if record["object_type"] == "DIRECTORY":
            raise not_found(f"({path}) is a folder, not a file.")
        return Response(self.tree.content(record), media_type="application/octet-stream")

    def _readable(self, call: Call, path: str) -> Json:
        record = self.tree.get(path)
        self.access.to_read(call.person, path)
        return record


def _shown(record: Json, asked: str, *, export_info: bool = False) -> Json:
    """A record as the API shows it: in the spelling of paths that was asked for."""
    mount = MOUNT if asked.startswith(f"{MOUNT}/") or asked == MOUNT else ""
    hidden = {"digest", "suffix", "path"}
    shown = {name: value for name, value in record.items() if name not in hidden}
    shown["path"] = (mount + record["path"]).rstrip("/") or "/"
    shown["resource_id"] = str(record["object_id"])
    if export_info and record["object_type"] == "NOTEBOOK":
        shown["repos_export_format"] = "JUPYTER" if record["suffix"] == ".ipynb" else "SOURCE"
    return shown


def _text(fields: Json, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise invalid(f"Missing required field: {name}")
    return value


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except binascii.Error as error:
        raise invalid("The content is not valid base64.") from error
