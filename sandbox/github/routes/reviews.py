"""Reviews and requests for them."""

from sandbox.github.exchange import Answer, Call, Refused, not_found, route
from sandbox.github.records import Review
from sandbox.github.render import people
from sandbox.github.render import pulls as render

N = "/repos/{owner}/{repo}/pulls/{pull_number:int}"


@route("GET", N + "/reviews", "pull_requests=read")
def list_reviews(call: Call) -> Answer:
    """Oldest first; a pending one is seen by its author only."""
    found = [
        r
        for r in call.repository.reviews
        if r.number == call.pull.number and (r.state != "PENDING" or r.user == call.login)
    ]
    return Answer(call.paged(found, lambda record: render.review(call, record)))


@route("POST", N + "/reviews", "pull_requests=write", role="read")
def create_review(call: Call) -> Answer:
    pull, event = call.pull, call.maybe_text("event")
    commit = call.maybe_text("commit_id") or pull.head_sha
    if commit not in call.git.between(pull.base_sha, pull.head_sha):
        raise Refused(422, "Unprocessable Entity", ["commit_id is not part of the pull request"])
    body = call.maybe_text("body", 65536) or ""
    match event:
        case "APPROVE":
            state = "APPROVED"
        case "REQUEST_CHANGES":
            state = "CHANGES_REQUESTED"
        case "COMMENT":
            state = "COMMENTED"
        case None:
            state = "PENDING"
        case _:
            raise Refused(422, "Invalid request.\n\nInvalid property /event.")
    _forbid_review(call, state, body)
    return Answer(render.review(call, add_review(call, commit, state, body)))


def _forbid_review(call: Call, state: str, body: str) -> None:
    own = call.pull.user == call.login
    if own and state == "APPROVED":
        raise Refused(422, "Unprocessable Entity", ["Can not approve your own pull request"])
    if own and state == "CHANGES_REQUESTED":
        raise Refused(422, "Unprocessable Entity", ["Can not request changes on your own pull request"])
    if state in {"CHANGES_REQUESTED", "COMMENTED"} and not body:
        raise Refused(422, "Unprocessable Entity", ["Review body can't be blank"])


def add_review(call: Call, commit: str, state: str, body: str) -> Review:
    """Keep a review of the pull request in the path; whoever was asked for one has answered."""
    pull = call.pull
    record = Review.model_validate(
        {
            "id": call.hub.new_id(),
            "number": pull.number,
            "user": call.login,
            "state": state,
            "body": body,
            "commit_id": commit,
            "submitted_at": call.hub.now(),
        }
    )
    call.repository.reviews.append(record)
    if state != "PENDING":
        pull.reviewers = [login for login in pull.reviewers if login != call.login]
        pull.updated_at = record.submitted_at
    return record


def _review(call: Call) -> Review:
    for review in call.repository.reviews:
        if review.id == call.number("review_id") and review.number == call.pull.number:
            return review
    raise not_found()


@route("PUT", N + "/reviews/{review_id:int}/dismissals", "pull_requests=write")
def dismiss_review(call: Call) -> Answer:
    review, message = _review(call), call.text("message")
    if review.state not in {"APPROVED", "CHANGES_REQUESTED"}:
        raise Refused(422, "Unprocessable Entity", ["Can not dismiss a commented pull request review"])
    details = {"state": review.state.lower(), "review_id": review.id, "dismissal_message": message}
    review.state = "DISMISSED"
    call.hub.note(call.repository, call.pull, "review_dismissed", call.login, dismissed_review=details)
    return Answer(render.review(call, review))


@route("GET", N + "/requested_reviewers", "pull_requests=read")
def list_requested(call: Call) -> Answer:
    teams = [people.team(call, t) for t in call.hub.state.teams if t.slug in call.pull.teams]
    users = [people.user(call, login) for login in call.pull.reviewers]
    return Answer({"users": users, "teams": teams})


@route("POST", N + "/requested_reviewers", "pull_requests=write")
def request_reviewers(call: Call) -> Answer:
    """Ask for reviews: of everybody named, or of nobody when one of them cannot be asked."""
    pull, logins, teams = call.pull, call.texts("reviewers"), call.texts("team_reviewers")
    if pull.user in logins:
        raise Refused(422, "Review cannot be requested from pull request author.")
    strangers = [login for login in logins if call.hub.role(call.repository, login) == "none"]
    unknown = set(teams) - {team.slug for team in call.hub.state.teams}
    if strangers or unknown:
        who = "users" if strangers else "teams"
        raise Refused(
            422,
            f"Reviews may only be requested from collaborators. One or more of the {who} you specified is "
            f"not a collaborator of the {call.repository.slug} repository.",
        )
    for login in logins:
        if login not in pull.reviewers:
            details = {"requested_reviewer": login, "review_requester": call.login}
            call.hub.note(call.repository, pull, "review_requested", call.login, **details)
    pull.reviewers = list(dict.fromkeys([*pull.reviewers, *logins]))
    pull.teams = list(dict.fromkeys([*pull.teams, *teams]))
    return Answer(render.pull_simple(call, pull), 201)
