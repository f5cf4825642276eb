"""Who may come in: service principals and people, their secrets (kept as digests only) and tokens."""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

from sandbox.workspace.issuer import signed_by
from sandbox.workspace.shelf import Json
from sandbox.workspace.state import State

TOKEN_SECONDS = 3600


@dataclass(frozen=True)
class Principal:
    """A service principal with the secret it logs in with (OAuth, machine to machine)."""

    application_id: str
    client_secret: str
    display_name: str


@dataclass(frozen=True)
class Person:
    """Who sends a request. `name` is a login, or the application id of a service principal."""

    name: str
    display: str
    id: str
    is_admin: bool
    is_service: bool

    @property
    def acl_field(self) -> str:
        """How an access control list names this kind of principal."""
        return "service_principal_name" if self.is_service else "user_name"


NOBODY = Person("", "", "", is_admin=False, is_service=False)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class People:
    """The accounts of one workspace. An admin may do everything, others what lists of permissions allow."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.token_seconds = TOKEN_SECONDS

    def admit(self, name: str, display: str, *, admin: bool, secret: str = "") -> None:
        """Make `name` an account; one that exists gets the new secret, name and rights."""
        known = self.state.people.get(name, {})
        self.state.people[name] = {
            "name": name,
            "display": display,
            "id": known.get("id") or str(self.state.ids.next()),
            "admin": admin,
            "secret": digest(secret) if secret else "",
            "trusts": known.get("trusts"),
        }

    def trust(self, name: str, public_key: str, subject: str) -> None:
        """Let `name` log in with what an issuer says of `subject`: a federation policy.

        Raises:
            KeyError: nobody of that name has an account.
        """
        trusts = {"key": public_key, "subject": subject}
        self.state.people[name] = self.state.people[name] | {"trusts": trusts}

    def set_admin(self, name: str, *, admin: bool) -> None:
        """Give or take the right to do everything.

        Raises:
            KeyError: nobody of that name has an account.
        """
        self.state.people[name] = self.state.people[name] | {"admin": admin}

    def personal_token(self, name: str) -> str:
        """A new token of `name` that does not expire."""
        return self._issue("dapi", name, expires=None)

    def log_in(self, client_id: str, client_secret: str) -> str | None:
        """A token that lasts `token_seconds`, or None when id and secret do not fit."""
        known = self.state.people.get(client_id, {}).get("secret", "")
        if not known or not hmac.compare_digest(known, digest(client_secret)):
            return None
        self._forget_expired()
        return self._issue("eyJ", client_id, expires=time.time() + self.token_seconds)

    def exchange(self, client_id: str, subject_token: str) -> str | None:
        """A token for one of an issuer that this account trusts, or None."""
        trusts = self.state.people.get(client_id, {}).get("trusts")
        if not trusts or not signed_by(subject_token, trusts["key"], trusts["subject"]):
            return None
        self._forget_expired()
        return self._issue("eyJ", client_id, expires=time.time() + self.token_seconds)

    def behind(self, token: str) -> Person | None:
        """Whose token this is; None when it is unknown or expired."""
        ticket = self.state.tokens.get(digest(token))
        if ticket is None or _expired(ticket) or ticket["name"] not in self.state.people:
            return None
        return self.named(ticket["name"])

    def named(self, name: str) -> Person:
        record = self.state.people[name]
        return Person(name, record["display"], record["id"], record["admin"], bool(record["secret"]))

    def _issue(self, prefix: str, name: str, *, expires: float | None) -> str:
        token = prefix + secrets.token_hex(24)
        self.state.tokens[digest(token)] = {"name": name, "expires": expires}
        return token

    def _forget_expired(self) -> None:
        for key in [key for key, ticket in self.state.tokens.items() if _expired(ticket)]:
            del self.state.tokens[key]


def _expired(ticket: Json) -> bool:
    return ticket["expires"] is not None and ticket["expires"] < time.time()
