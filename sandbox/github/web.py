"""The pages people click, and the two forms of a pull request's page.

A page asks for no token: whoever sits at this machine may look, and may play any of the sandbox's people. A form
is taken only from the sandbox's own pages, so that no other site in the same browser can approve anything.
"""

import json
import re
from collections.abc import Callable
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.github.authentication import authorize
from sandbox.github.exchange import Call, Refused, find_route
from sandbox.github.hub import Hub
from sandbox.github.views import Missing, Values, View
from sandbox.pages import render

_REPOSITORY = re.compile(r"/(?P<slug>[\w.-]+/[\w.-]+?)(?:\.git)?(?P<rest>/.*)?")
_FORM = re.compile(r"/pull/(\d+)/(reviews|merge)")

Show = Callable[[View, Request, re.Match[str]], tuple[str, Values]]


def _page_number(request: Request) -> int:
    text = request.query_params.get("page", "1")
    return max(1, int(text)) if text.isdecimal() else 1


def _home(view: View, _: Request, __: re.Match[str]) -> tuple[str, Values]:
    return "home", view.home(view.repository.default_branch, "")


def _tree(view: View, _: Request, found: re.Match[str]) -> tuple[str, Values]:
    return "home", view.home(*view.split_ref(found[1]))


def _blob(view: View, _: Request, found: re.Match[str]) -> tuple[str, Values]:
    return "blob", view.blob(*view.split_ref(found[1]))


def _commits(view: View, request: Request, found: re.Match[str]) -> tuple[str, Values]:
    return "commits", view.commits(found[1] or view.repository.default_branch, _page_number(request))


def _commit(view: View, _: Request, found: re.Match[str]) -> tuple[str, Values]:
    return "commit", view.commit(found[1])


def _compare(view: View, _: Request, found: re.Match[str]) -> tuple[str, Values]:
    return "compare", view.compare(found[1], found[2])


def _branches(view: View, _: Request, __: re.Match[str]) -> tuple[str, Values]:
    return "branches", view.branches()


def _pulls(view: View, request: Request, _: re.Match[str]) -> tuple[str, Values]:
    state = request.query_params.get("state", "open")
    return "pulls", view.pulls("closed" if state == "closed" else "open")


def _pull(view: View, request: Request, found: re.Match[str]) -> tuple[str, Values]:
    return "pull", view.pull(int(found[1]), request.query_params.get("notice", ""))


def _releases(view: View, _: Request, __: re.Match[str]) -> tuple[str, Values]:
    return "releases", view.releases()


def _release(view: View, _: Request, found: re.Match[str]) -> tuple[str, Values]:
    return "release", view.release(found[1])


def _deployments(view: View, _: Request, __: re.Match[str]) -> tuple[str, Values]:
    return "deployments", view.deployments()


def _run(view: View, _: Request, found: re.Match[str]) -> tuple[str, Values]:
    return "run", view.run(int(found[1]))


_PAGES: list[tuple[re.Pattern[str], Show]] = [
    (re.compile(pattern), show)
    for pattern, show in [
        (r"/?", _home),
        (r"/tree/(.+)", _tree),
        (r"/blob/(.+)", _blob),
        (r"/commits(?:/(.+))?", _commits),
        (r"/commit/(.+)", _commit),
        (r"/compare/(.+?)\.\.\.(.+)", _compare),
        (r"/branches", _branches),
        (r"/pulls", _pulls),
        (r"/pull/(\d+)(?:/(?:commits|files))?", _pull),
        (r"/releases", _releases),
        (r"/releases/tag/(.+)", _release),
        (r"/deployments(?:/.*)?", _deployments),
        (r"/runs/(\d+)", _run),
    ]
]


def page(hub: Hub, request: Request, body: bytes) -> Response:
    """Answer a browser: a page, a file, or what a form asked for."""
    path = request.scope["path"]
    try:
        if request.method == "GET":
            return _show(hub, request, path)
        if request.method == "POST":
            return _take_form(hub, request, body, path)
    except Missing as missing:
        return _nothing(404, "Not found", f"{missing}.")
    return _nothing(501, "Not here", f"The sandbox has no {request.method} {path}.")


def _nothing(status: int, heading: str, text: str) -> Response:
    return render("github/missing.html", status=status, heading=heading, text=text, back="/")


def _show(hub: Hub, request: Request, path: str) -> Response:
    if path == "/":
        state = hub.state
        return render(
            "github/index.html",
            repositories=list(state.repositories.values()),
            accounts=list(state.accounts.values()),
        )
    if path.removeprefix("/").removeprefix("avatars/") in hub.state.accounts:
        return _account(hub, path)
    view, rest = _view(hub, request, path)
    if found := re.fullmatch(r"/releases/download/(.+)/([^/]+)", rest):
        return _download(view, found[1], found[2])
    if found := re.fullmatch(r"/raw/(.+)", rest):
        ref, file = view.split_ref(found[1])
        return Response(view.file(view.resolve(ref), file), media_type="text/plain; charset=utf-8")
    for pattern, show in _PAGES:
        if found := pattern.fullmatch(rest):
            name, values = show(view, request, found)
            return render(f"github/{name}.html", **values)
    raise Missing(f"the sandbox has no page {path}")


def _view(hub: Hub, request: Request, path: str) -> tuple[View, str]:
    found = _REPOSITORY.fullmatch(path)
    repository = hub.state.repositories.get(found["slug"]) if found else None
    if found is None or repository is None:
        raise Missing(f"the sandbox has no page {path}")
    base = f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"
    return View(hub, repository, base), found["rest"] or ""


def _account(hub: Hub, path: str) -> Response:
    login = path.rpartition("/")[2]
    return render(
        "github/account.html",
        account=hub.state.accounts[login],
        teams=[team for team in hub.state.teams if login in team.members],
        roles=[(r, hub.role(r, login)) for r in hub.state.repositories.values()],
    )


def _download(view: View, tag: str, name: str) -> Response:
    for release in view.repository.releases:
        for asset in release.assets:
            if tag in {release.tag_name, f"untagged-{release.id}"} and asset.name == name:
                data = (view.hub.home / "assets" / str(asset.id)).read_bytes()
                disposition = f'attachment; filename="{name}"'
                headers = {"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff"}
                return Response(data, media_type=asset.content_type, headers=headers)
    raise Missing(f"release {tag} has no file {name}")


def _take_form(hub: Hub, request: Request, body: bytes, path: str) -> Response:
    """Do as a person would with the API, and go back to the page."""
    view, rest = _view(hub, request, path)
    found = _FORM.fullmatch(rest)
    if found is None:
        raise Missing(f"the sandbox has no form {path}")
    origin = request.headers.get("origin")
    if (
        origin not in {None, view.base}
        or request.headers.get("sec-fetch-site", "same-origin") != "same-origin"
    ):
        return _nothing(403, "Refused", "A form of another site was sent here.")
    sent = {key: values[0] for key, values in parse_qs(body.decode(errors="replace")).items()}
    number, what = int(found[1]), found[2]
    view.find_pull(number)
    notice = ""
    try:
        _act(view, request, number, what, sent)
        hub.save()
    except Refused as refused:
        hub.restore()
        notice = f"?notice={quote('. '.join([refused.message, *map(str, refused.errors)]))}"
    return RedirectResponse(f"/{view.repository.slug}/pull/{number}{notice}", 303)


def _act(view: View, request: Request, number: int, what: str, sent: dict[str, str]) -> None:
    if what == "reviews":
        login, _, event = sent.get("do", "").partition(" ")
        body = {"event": event, "body": sent.get("body", ""), "commit_id": view.find_pull(number).head_sha}
        _call(view, request, login, ("POST", f"/pulls/{number}/reviews"), body)
    elif sent.get("do") == "close":
        _call(view, request, sent.get("as", ""), ("PATCH", f"/pulls/{number}"), {"state": "closed"})
    else:
        _call(view, request, sent.get("as", ""), ("PUT", f"/pulls/{number}/merge"), {})


def _call(view: View, request: Request, login: str, where: tuple[str, str], body: dict[str, str]) -> None:
    """Ask the route that this person's own client would ask."""
    method, tail = where
    call = Call(
        hub=view.hub,
        base=view.base,
        method=method,
        path=f"/repos/{view.repository.slug}{tail}",
        query={},
        headers={},
        raw=json.dumps(body).encode(),
    )
    route = find_route(method, call.path)
    call.account = view.hub.state.accounts.get(login)
    if route is None or call.account is None:
        raise Refused(422, f"{login or 'nobody'} is not one of the sandbox's people")
    found = route.pattern.fullmatch(call.path)
    call.parts = found.groupdict() if found else {}
    request.scope["sandbox"].caller = login
    authorize(call, route)
    route.handler(call)
