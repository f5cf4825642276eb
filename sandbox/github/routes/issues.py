"""What pull requests share with issues: comments, labels, events."""

from sandbox.github.exchange import Answer, Call, Refused, invalid, not_found, route
from sandbox.github.records import Comment, Label
from sandbox.github.render import pulls as render

R = "/repos/{owner}/{repo}"
N = R + "/issues/{issue_number:int}"
LONGEST_BODY = 65536


@route("GET", N + "/comments", "issues=read")
def list_comments(call: Call) -> Answer:
    found = [c for c in call.repository.comments if c.number == call.pull.number]
    return Answer(call.paged(found, lambda record: render.comment(call, record)))


@route("POST", N + "/comments", "issues=write", role="read")
def create_comment(call: Call) -> Answer:
    now = call.hub.now()
    record = Comment(
        id=call.hub.new_id(),
        number=call.pull.number,
        user=call.login,
        body=_body(call),
        created_at=now,
        updated_at=now,
    )
    call.repository.comments.append(record)
    call.pull.updated_at = now
    return Answer(render.comment(call, record), 201)


def _body(call: Call) -> str:
    body = call.maybe_text("body")
    if not body:
        raise invalid("IssueComment", "body", "missing_field")
    if len(body) > LONGEST_BODY:
        raise invalid(
            "IssueComment", "body", "custom", f"body is too long (maximum is {LONGEST_BODY} characters)"
        )
    return body


@route("PATCH", R + "/issues/comments/{comment_id:int}", "issues=write", role="read")
def edit_comment(call: Call) -> Answer:
    for record in call.repository.comments:
        if record.id == call.number("comment_id"):
            if record.user != call.login and call.hub.role(call.repository, call.login) == "read":
                raise Refused(403, "Must have admin rights to Repository.")
            record.body, record.updated_at = _body(call), call.hub.now()
            return Answer(render.comment(call, record))
    raise not_found()


@route("GET", N + "/events", "issues=read")
def list_events(call: Call) -> Answer:
    found = [e for e in call.repository.events if e.number == call.pull.number]
    return Answer(call.paged(found, lambda record: render.event(call, record)))


@route("GET", N + "/labels", "issues=read")
def list_labels(call: Call) -> Answer:
    return Answer(call.paged(_labels_of(call), lambda record: render.label(call, record)))


def _labels_of(call: Call) -> list[Label]:
    return [label for label in call.repository.labels if label.name in call.pull.labels]


def _label(call: Call, name: str) -> Label | None:
    return next((x for x in call.repository.labels if x.name.lower() == name.lower()), None)


def _new_label(call: Call, name: str, color: str = "ededed", description: str | None = None) -> Label:
    label = Label(id=call.hub.new_id(), name=name, color=color, description=description)
    call.repository.labels.append(label)
    return label


def _named_labels(call: Call) -> list[str]:
    """Names, sent as a plain list or under `labels`."""
    sent = call.json if isinstance(call.json, list) else call.sent.get("labels", [])
    if not isinstance(sent, list) or not all(isinstance(name, str) for name in sent):
        raise invalid("Label", "name")
    return sent


@route("POST", N + "/labels", "issues=write", role="triage")
def add_labels(call: Call) -> Answer:
    """Put labels on; those that do not exist are made."""
    pull = call.pull
    for name in _named_labels(call):
        label = _label(call, name) or _new_label(call, name)
        if label.name not in pull.labels:
            pull.labels.append(label.name)
            details = {"name": label.name, "color": label.color}
            call.hub.note(call.repository, pull, "labeled", call.login, label=details)
    return Answer([render.label(call, record) for record in _labels_of(call)])


@route("DELETE", N + "/labels/{name}", "issues=write", role="triage")
def remove_label(call: Call) -> Answer:
    pull, label = call.pull, _label(call, call.parts["name"])
    if label is None or label.name not in pull.labels:
        raise Refused(404, "Label does not exist")
    pull.labels = [name for name in pull.labels if name != label.name]
    details = {"name": label.name, "color": label.color}
    call.hub.note(call.repository, pull, "unlabeled", call.login, label=details)
    return Answer([render.label(call, record) for record in _labels_of(call)])


@route("GET", R + "/labels/{name}", "issues=read")
def get_label(call: Call) -> Answer:
    label = _label(call, call.parts["name"])
    if label is None:
        raise not_found()
    return Answer(render.label(call, label))


@route("POST", R + "/labels", "issues=write")
def create_label(call: Call) -> Answer:
    name = call.text("name")
    if _label(call, name) is not None:
        raise invalid("Label", "name", "already_exists")
    color = (call.maybe_text("color") or "ededed").removeprefix("#")
    label = _new_label(call, name, color, call.maybe_text("description", 100))
    return Answer(render.label(call, label), 201)
