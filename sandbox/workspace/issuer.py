"""Somebody whose tokens a workspace may trust, as a CI or a cloud is: it signs who a program is, for minutes.

python -m sandbox.workspace.issuer FOLDER SUBJECT    prints a token, as a cloud's command would
"""

import sys
import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "https://issuer.sandbox.example"
AUDIENCE = "sandbox-account"
TOKEN_SECONDS = 300
_BITS = 2048


class Issuer:
    """The issuer whose key lies in `folder`; it is made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "issuer.pem"
        if not self.file.exists():
            self.file.touch(mode=0o600)
            key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
            formats = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            self.file.write_bytes(key.private_bytes(serialization.Encoding.PEM, *formats))

    def token(self, subject: str, *, audience: str = AUDIENCE, seconds: float = TOKEN_SECONDS) -> str:
        """A token that says who somebody is, from now on for so many seconds."""
        now = time.time()
        claims = {"iss": ISSUER, "sub": subject, "aud": audience, "iat": int(now), "exp": int(now + seconds)}
        return jwt.encode(claims, self.file.read_text(encoding="utf-8"), "RS256")

    def public_key(self) -> str:
        """What a workspace checks its tokens with, as PEM text."""
        key = serialization.load_pem_private_key(self.file.read_bytes(), None)
        formats = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        return key.public_key().public_bytes(*formats).decode()


def signed_by(token: str, public_key: str, subject: str) -> bool:
    """Whether a token is the issuer's, about this subject, for us, and not over."""
    try:
        claims = jwt.decode(token, public_key, ["RS256"], audience=AUDIENCE, issuer=ISSUER)
    except jwt.PyJWTError:
        return False
    return claims.get("sub") == subject


if __name__ == "__main__":
    sys.stdout.write(Issuer(Path(sys.argv[1])).token(sys.argv[2]) + "\n")
