"""Digests for names of files. `hashlib` loads all of OpenSSL, 4 ms."""

try:
    from _md5 import md5  # type: ignore[import-not-found]
    from _sha256 import sha256  # type: ignore[import-not-found]
except ImportError:  # another Python keeps them elsewhere
    from hashlib import md5, sha256


def md5_of(text: str) -> str:
    return str(md5(text.encode(), usedforsecurity=False).hexdigest())


def sha256_of(text: str) -> str:
    return str(sha256(text.encode()).hexdigest())
