"""Files, notebooks and folders, as the `databricks` command and databricks-sdk use them."""

import base64
import json

import httpx
import pytest
from workspace_site import HOME, ROOT, Site

STATUS = "/api/2.0/workspace/get-status"
NOTEBOOK = "# Databricks notebook source\nprint(1)\n"


def import_file(site: Site, path: str, content: str = "x", *, overwrite: bool = True) -> httpx.Response:
    query = {"overwrite": str(overwrite).lower()}
    return site.api.post(f"/api/2.0/workspace-files/import-file{path}", params=query, content=content)


def mkdirs(site: Site, path: str) -> None:
    site.post("/api/2.0/workspace/mkdirs", {"path": path})


def status(site: Site, path: str) -> httpx.Response:
    return site.api.get(STATUS, params={"path": path})


def test_a_file_needs_its_folder(site: Site) -> None:
    """The command's lock depends on this 404: it then makes the folder and tries again."""
    answer = import_file(site, f"{ROOT}/state/deploy.lock", overwrite=False)

    assert answer.status_code == 404
    assert answer.json()["message"] == f"The parent folder ({ROOT}/state) does not exist."


def test_an_existing_file_is_kept_unless_overwritten(site: Site) -> None:
    """The command's lock depends on this 409, too."""
    mkdirs(site, f"{ROOT}/state")
    lock = f"{ROOT}/state/deploy.lock"

    first = import_file(site, lock, "mine", overwrite=False)
    second = import_file(site, lock, "theirs", overwrite=False)
    kept = site.api.get("/api/2.0/workspace/export", params={"path": lock, "direct_download": "true"})
    third = import_file(site, lock, "forced")

    assert [first.status_code, second.status_code, third.status_code] == [200, 409, 200]
    assert kept.text == "mine"
    assert second.json() == {
        "error_code": "RESOURCE_ALREADY_EXISTS",
        "message": f"File already exists at ({lock}).",
    }


def test_a_path_may_come_escaped(site: Site) -> None:
    mkdirs(site, HOME)
    coded = f"{HOME}/a b.txt".lstrip("/").replace("/", "%2F").replace(" ", "%20")

    site.api.post(f"/api/2.0/workspace-files/import-file/{coded}?overwrite=true", content="x")

    assert status(site, f"{HOME}/a b.txt").json()["object_type"] == "FILE"


def test_a_missing_path_is_404(site: Site) -> None:
    answer = status(site, f"{ROOT}/state/resources.json")

    assert answer.status_code == 404
    assert answer.json() == {
        "error_code": "RESOURCE_DOES_NOT_EXIST",
        "message": f"Path ({ROOT}/state/resources.json) doesn't exist.",
    }


def test_status_tells_size_and_times_and_the_id_stays(site: Site) -> None:
    site.put_file(f"{HOME}/a.txt", "abc")
    first = status(site, f"{HOME}/a.txt").json()
    site.put_file(f"{HOME}/a.txt", "abcd")
    second = status(site, f"{HOME}/a.txt").json()

    assert (first["size"], second["size"]) == (3, 4)
    assert first["object_id"] == second["object_id"]
    assert first["created_at"] == second["created_at"] <= second["modified_at"]
    assert first["path"] == f"{HOME}/a.txt"


def test_the_mount_is_optional_and_comes_back_as_asked(site: Site) -> None:
    site.put_file(f"{HOME}/a.txt", "abc")
    bare = HOME.removeprefix("/Workspace")

    assert status(site, f"{bare}/a.txt").json()["path"] == f"{bare}/a.txt"
    assert status(site, f"{HOME}//a.txt").json()["path"] == f"{HOME}/a.txt"


@pytest.mark.parametrize("path", ["relative", "/a/../b"])
def test_odd_paths_are_refused(site: Site, path: str) -> None:
    assert status(site, path).status_code == 400


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        pytest.param("nb.py", NOTEBOOK, "SOURCE", id="python"),
        pytest.param("nb.ipynb", '{"cells": [], "nbformat": 4}', "JUPYTER", id="jupyter"),
    ],
)
def test_a_notebook_loses_its_extension(site: Site, name: str, content: str, form: str) -> None:
    site.put_file(f"{HOME}/{name}", content)
    shown = site.get(STATUS, path=f"{HOME}/nb", return_export_info=True)

    assert (shown["object_type"], shown["language"]) == ("NOTEBOOK", "PYTHON")
    assert shown["repos_export_format"] == form
    assert status(site, f"{HOME}/{name}").status_code == 404


def test_an_existing_notebook_is_400_not_409(site: Site) -> None:
    site.put_file(f"{HOME}/nb.py", NOTEBOOK)

    answer = import_file(site, f"{HOME}/nb.py", NOTEBOOK, overwrite=False)

    assert answer.status_code == 400
    assert answer.json()["message"].endswith("already exists.")


def test_a_file_is_not_overwritten_by_a_notebook(site: Site) -> None:
    site.put_file(f"{HOME}/nb", "a file")

    answer = import_file(site, f"{HOME}/nb.py", NOTEBOOK)

    assert answer.status_code == 400
    assert "type mismatch (asked: NOTEBOOK, actual: FILE)" in answer.json()["message"]


def test_a_folder_is_listed_by_name(site: Site) -> None:
    for name in ("b.txt", "a/x.txt"):
        site.put_file(f"{HOME}/{name}", "x")

    objects = site.get("/api/2.0/workspace/list", path=HOME)["objects"]

    assert [(o["path"], o["object_type"]) for o in objects] == [
        (f"{HOME}/a", "DIRECTORY"),
        (f"{HOME}/b.txt", "FILE"),
    ]
    assert site.get("/api/2.0/workspace/list", path=f"{HOME}/b.txt")["objects"][0]["path"] == f"{HOME}/b.txt"
    assert site.api.get("/api/2.0/workspace/list", params={"path": "/nowhere"}).status_code == 404


def test_a_folder_cannot_be_made_where_a_file_is(site: Site) -> None:
    site.put_file(f"{HOME}/a", "x")

    answer = site.api.post("/api/2.0/workspace/mkdirs", json={"path": f"{HOME}/a/b"})

    assert (answer.status_code, answer.json()["error_code"]) == (400, "RESOURCE_ALREADY_EXISTS")


def test_delete_takes_a_full_folder_only_when_told_to(site: Site) -> None:
    site.put_file(f"{ROOT}/files/a.txt", "x")
    site.put_file(f"{ROOT}-other/a.txt", "x")
    delete = "/api/2.0/workspace/delete"

    full = site.api.post(delete, json={"path": ROOT})
    gone = site.api.post(delete, json={"path": ROOT, "recursive": True})
    again = site.api.post(delete, json={"path": ROOT, "recursive": True})

    assert (full.status_code, full.json()["error_code"]) == (400, "DIRECTORY_NOT_EMPTY")
    assert (gone.status_code, again.status_code) == (200, 404)
    assert status(site, f"{ROOT}/files/a.txt").status_code == 404
    assert status(site, f"{ROOT}-other/a.txt").status_code == 200


@pytest.mark.parametrize("path", ["/", "/Users", "/Workspace/Users", "/Shared"])
def test_what_the_workspace_stands_on_is_not_deleted(site: Site, path: str) -> None:
    answer = site.api.post("/api/2.0/workspace/delete", json={"path": path, "recursive": True})

    assert answer.status_code == 400


def test_export_gives_raw_bytes_or_json(site: Site) -> None:
    content = bytes(range(256))
    site.put_file(f"{HOME}/a.bin", content)
    export = "/api/2.0/workspace/export"

    raw = site.api.get(export, params={"path": f"{HOME}/a.bin", "direct_download": "true"})
    coded = site.get(export, path=f"{HOME}/a.bin")
    read = site.api.get(f"/api/2.0/workspace-files{HOME}/a.bin")

    assert raw.content == base64.b64decode(coded["content"]) == read.content == content
    assert coded["file_type"] == "bin"
    assert site.api.get(export, params={"path": HOME}).status_code == 400


def test_a_jupyter_notebook_is_exported_as_source_or_as_it_is(site: Site) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n"]},
        {"cell_type": "code", "source": ["print(1)\n", "print(2)"]},
    ]
    notebook = json.dumps({"cells": cells, "nbformat": 4})
    site.put_file(f"{HOME}/nb.ipynb", notebook)
    query = {"path": f"{HOME}/nb", "direct_download": "true"}

    source = site.api.get("/api/2.0/workspace/export", params=query)
    jupyter = site.api.get("/api/2.0/workspace/export", params={**query, "format": "JUPYTER"})
    html = site.api.get("/api/2.0/workspace/export", params={**query, "format": "HTML"})

    assert source.text.splitlines()[:3] == ["# Databricks notebook source", "# MAGIC %md", "# MAGIC # Title"]
    assert source.text.endswith("print(1)\nprint(2)\n")
    assert jupyter.text == notebook
    assert html.status_code == 501


@pytest.mark.parametrize(
    ("fields", "kind", "path"),
    [
        ({"format": "AUTO"}, "FILE", "/Shared/a.py"),
        ({"format": "SOURCE", "language": "PYTHON"}, "NOTEBOOK", "/Shared/a.py"),
        ({"language": "PYTHON"}, "NOTEBOOK", "/Shared/a.py"),
    ],
)
def test_import_takes_json_and_forms(site: Site, fields: dict[str, str], kind: str, path: str) -> None:
    content = b"print('\r\n--x')\n"
    as_json = {"path": path, "content": base64.b64encode(content).decode(), **fields}
    site.post("/api/2.0/workspace/import", as_json)
    by_json = site.api.get(f"/api/2.0/workspace-files{path}").content

    again = site.api.post("/api/2.0/workspace/import", json=as_json)
    as_form = {"path": path, "overwrite": "true", **fields}
    form = site.api.post("/api/2.0/workspace/import", data=as_form, files={"content": content + b"#"})
    by_form = site.api.get(f"/api/2.0/workspace-files{path}").content

    assert status(site, path).json()["object_type"] == kind
    assert by_json == content
    assert again.status_code == (400 if kind == "NOTEBOOK" else 409)
    assert (form.status_code, by_form) == (200, content + b"#")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"path": "/Shared/a", "content": "!!!"}, 400),
        ({"content": ""}, 400),
        ({"path": "/Shared/a", "content": "", "language": "SCALA"}, 501),
        ({"path": "/Shared/a", "content": "", "format": "DBC"}, 501),
    ],
)
def test_import_refuses_what_it_cannot_store(site: Site, body: dict[str, str], expected: int) -> None:
    assert site.api.post("/api/2.0/workspace/import", json=body).status_code == expected


@pytest.mark.parametrize("content", ["not json", "[]"])
def test_a_body_that_is_no_object_is_refused(site: Site, content: str) -> None:
    answer = site.api.post("/api/2.0/workspace/mkdirs", content=content)

    assert (answer.status_code, answer.json()["error_code"]) == (400, "MALFORMED_REQUEST")
