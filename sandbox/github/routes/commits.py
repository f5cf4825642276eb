"""Commits, comparisons and files."""

import base64
import re

from sandbox.github.exchange import Answer, Call, Refused, not_found, route
from sandbox.github.render import commits as render
from sandbox.github.render.pulls import pull_simple

R = "/repos/{owner}/{repo}"


@route("GET", R + "/git/commits/{commit_sha}", "contents=read")
def get_git_commit(call: Call) -> Answer:
    sha = call.parts["commit_sha"]
    if not re.fullmatch("[0-9a-f]{40}", sha) or call.git.type_of(sha) != "commit":
        raise not_found()
    return Answer(render.git_commit(call, sha))


@route("GET", R + "/commits", "contents=read")
def list_commits(call: Call) -> Answer:
    query = call.query
    name = query.get("sha") or call.repository.default_branch
    if not call.git.refs():
        raise Refused(409, "Git Repository is empty.")
    start = call.git.resolve(name)
    if start is None:
        raise not_found()
    options = [f"--{key}={query[key]}" for key in ("since", "until", "author") if query.get(key)]
    shas = call.git.history(start, *options, path=query.get("path", ""))
    return Answer(call.paged(shas, lambda sha: render.commit(call, sha)))


@route("GET", R + "/commits/{ref:path}", "contents=read")
def get_commit(call: Call) -> Answer:
    return Answer(render.commit_with_files(call, call.commit_sha(call.parts["ref"])))


@route("GET", R + "/commits/{commit_sha:path}/pulls", "pull_requests=read")
def list_pulls_of_commit(call: Call) -> Answer:
    sha = call.commit_sha(call.parts["commit_sha"])

    def has(base: str, head: str) -> bool:
        return call.git.is_ancestor(sha, head) and not call.git.is_ancestor(sha, base)

    found = [p for p in call.repository.pulls if sha == p.merge_commit_sha or has(p.base_sha, p.head_sha)]
    return Answer(call.paged(found, lambda pull: pull_simple(call, pull)))


@route("GET", R + "/compare/{basehead:path}", "contents=read")
def compare(call: Call) -> Answer:
    names = call.parts["basehead"]
    base_name, dots, head_name = names.partition("...")
    base, head = (call.git.resolve(_without_owner(call, name)) for name in (base_name, head_name))
    if not dots or base is None or head is None:
        raise not_found()
    merge_base = call.git.merge_base(base, head)
    if merge_base is None:
        raise Refused(404, f"No common ancestor between {base_name} and {head_name}.")
    return Answer(render.comparison(call, names, base, head, merge_base))


def _without_owner(call: Call, name: str) -> str:
    return name.removeprefix(f"{call.repository.owner}:")


@route("GET", R + "/contents/{path:path}", "contents=read")
def get_contents(call: Call) -> Answer:
    ref = call.query.get("ref") or call.repository.default_branch
    sha = call.git.resolve(ref)
    path = call.parts["path"].strip("/")
    if sha is None:
        raise Refused(404, f"No commit found for the ref {ref}")
    # A folder's own entry and what it holds need two questions: `ls-tree x` and `ls-tree x/`.
    entry = _entries(call, sha, path)
    if not entry:
        raise not_found()
    if entry[0]["type"] == "dir":
        return Answer([_content(call, item, ref) for item in _entries(call, sha, f"{path}/")])
    data = call.git.call("cat-file", "blob", entry[0]["sha"]).stdout
    text = base64.encodebytes(data).decode()
    return Answer(_content(call, entry[0], ref) | {"encoding": "base64", "content": text})


def _entries(call: Call, sha: str, path: str) -> list[dict[str, str]]:
    lines = call.git.run("ls-tree", "--full-tree", "-l", "-z", sha, "--", path).split("\0")
    found = []
    for line in filter(None, lines):
        meta, _, name = line.partition("\t")
        _, kind, blob, size = meta.split()
        types = {"tree": "dir", "blob": "file", "commit": "submodule"}
        found.append({"type": types[kind], "sha": blob, "size": "0" if size == "-" else size, "path": name})
    return found


def _content(call: Call, item: dict[str, str], ref: str) -> dict[str, object]:
    path = item["path"]
    url = f"{call.api}/contents/{path}?ref={ref}"
    place, kind = ("tree", "trees") if item["type"] == "dir" else ("blob", "blobs")
    git_url, html_url = f"{call.api}/git/{kind}/{item['sha']}", f"{call.html}/{place}/{ref}/{path}"
    return {
        "type": item["type"],
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": item["sha"],
        "size": int(item["size"]),
        "url": url,
        "git_url": git_url,
        "html_url": html_url,
        "download_url": f"{call.html}/raw/{ref}/{path}" if item["type"] == "file" else None,
        "_links": {"self": url, "git": git_url, "html": html_url},
    }
