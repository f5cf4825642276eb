"""What a person does by a command of their own: with a reason, and with the rights of their own account."""

from tasks.rules.errors import NeedsHuman
from tasks.rules.reviews import MAY_APPROVE
from tasks.systems.github_repo import GitHubRepo


def insist_on_reason(reason: str, what: str) -> str:
    """Return the reason on one line.

    Raises:
        NeedsHuman: there is none.
    """
    plain = " ".join(reason.split())
    if not plain:
        raise NeedsHuman(f"{what} needs a reason that others understand", "give it: --reason TEXT")
    return plain


def insist_on_write_access(hub: GitHubRepo) -> None:
    """Insist that the account whose token this is may write to the repository.

    Raises:
        NeedsHuman: it may not.
    """
    level = hub.own_permission()
    if level not in MAY_APPROVE:
        raise NeedsHuman(
            f"{hub.me} may not write to {hub.slug} (GitHub says: {level})",
            "let somebody with write access do it, or give the App or token `contents: write`",
        )
