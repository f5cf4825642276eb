"""Changes of refs that come through the API: refused where rules forbid them, followed by pull requests."""

from sandbox.github.bare import ZERO, RefMoved
from sandbox.github.exchange import Call, Refused
from sandbox.github.following import follow
from sandbox.github.rules import Guard, guards, refusal


def forbid_guarded(call: Call, name: str, old: str, new: str) -> None:
    """Refuse what the caller may not do to a ref directly.

    Raises:
        Refused: 422 with the rule that forbids it.
    """
    against = guards(call.hub, call.repository, name, call.login)
    if against and (guard := refusal(call.git, against, old, new)):
        raise Refused(422, _text(guard))


def _text(guard: Guard) -> str:
    if guard.code == "GH013":
        return f"Repository rule violations found\n\n{guard.reason}\n\n"
    return f"Protected branch update failed for {guard.ref}.\n\n{guard.reason}"


def move(call: Call, name: str, new: str, old: str = ZERO) -> None:
    """Move a ref if it is still at `old`, and let pull requests follow.

    Raises:
        Refused: 422, it was elsewhere.
    """
    try:
        call.git.update_ref(name, new, old)
    except RefMoved as error:
        raise Refused(422, "Reference cannot be updated") from error
    follow(call.hub, call.repository, call.login)
