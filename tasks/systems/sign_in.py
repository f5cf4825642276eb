"""Sign in to a workspace for databricks-sdk: OAuth with a client secret, or with a federated token.

Not the SDK's own way in: that asks for the token without a time-out, looks for the token endpoint for five
minutes, tells a wrong secret from a busy server in words only, and cannot sign in where the workspace does
not publish /.well-known/databricks-config (seen in 0.156.0).
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import requests
from databricks.sdk.config import Config
from databricks.sdk.credentials_provider import CredentialsProvider, CredentialsStrategy
from databricks.sdk.oauth import Refreshable, Token

from tasks.systems.target_tokens import federated_token
from tasks.systems.targets import TargetAccess

_SCOPE = "all-apis"


class SignIn(CredentialsStrategy):
    """Gives each request a token that is still valid; what went wrong comes as an error of `requests`."""

    def __init__(self, access: TargetAccess, *, within_seconds: float) -> None:
        self.access = access
        self.within_seconds = within_seconds

    def auth_type(self) -> str:
        return "oauth-m2m" if self.access.client_secret else "file-oidc"

    def __call__(self, cfg: Config) -> CredentialsProvider:
        tokens = _Tokens(self, cfg)

        def headers() -> dict[str, str]:
            return {"Authorization": f"Bearer {tokens.token().access_token}"}

        return headers


class _Tokens(Refreshable):
    """The current token; asked for again shortly before it ends."""

    def __init__(self, sign_in: SignIn, cfg: Config) -> None:
        super().__init__(disable_async=True)
        self.sign_in = sign_in
        self.discovery = cfg.discovery_url or f"{cfg.host}/oidc/.well-known/oauth-authorization-server"

    def refresh(self) -> Token:
        """Ask the workspace for a token.

        Source: RFC 6749 section 4.4 (client credentials), RFC 8693 (token exchange), RFC 8414 (discovery).
        """
        # `auth` is always given: otherwise requests looks into the .netrc of whoever runs the worker.
        timeout = self.sign_in.within_seconds
        found = requests.get(self.discovery, auth=_nobody, timeout=timeout)
        found.raise_for_status()
        endpoint = found.json()["token_endpoint"]
        answer = requests.post(
            endpoint, data=self._form(), auth=self._somebody(), timeout=timeout, allow_redirects=False
        )
        answer.raise_for_status()
        token = answer.json()
        # Without a time zone, as the base class compares it.
        expiry = datetime.now() + timedelta(seconds=int(token["expires_in"]))  # noqa: DTZ005
        return Token(token["access_token"], token_type="Bearer", expiry=expiry)  # noqa: S106 - a kind of token

    def _form(self) -> dict[str, str]:
        access = self.sign_in.access
        if access.client_secret:
            return {"grant_type": "client_credentials", "scope": _SCOPE}
        return {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": federated_token(access),
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "client_id": access.target.client_id,
            "scope": _SCOPE,
        }

    def _somebody(self) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
        access = self.sign_in.access
        if not access.client_secret:
            return _nobody
        return requests.auth.HTTPBasicAuth(access.target.client_id, access.client_secret)


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
