"""The private key of the sandbox's App: made when it is first asked for, kept where only its owner reads it."""

from functools import lru_cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from sandbox.github.hub import Hub, write_private

_BITS = 2048


def private_key_pem(hub: Hub) -> str:
    file = hub.home / "app.pem"
    if not file.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_private(file, pem.decode())
    return file.read_text(encoding="utf-8")


def public_key(hub: Hub) -> RSAPublicKey:
    return _public_part(private_key_pem(hub))


@lru_cache  # reading a key takes 20 ms
def _public_part(pem: str) -> RSAPublicKey:
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key.public_key()
