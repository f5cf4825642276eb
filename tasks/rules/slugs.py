"""Names on GitHub that become part of addresses, and of folders on the worker: a repository's, a person's."""

import re

# Neither part may be a step up or down in a path. Read by Python, by pydantic (Rust) and by the form (JavaScript),
# so without look-aheads. Source: docs.github.com, "Repository names"; logins of managed users have a `_`.
REPOSITORY_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]*/\.*[A-Za-z0-9_-][A-Za-z0-9._-]*$"


# Source: docs.github.com, "Username considerations"; Apps end in [bot].
LOGIN_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]*(\[bot\])?$"


def is_login(text: str) -> bool:
    return re.fullmatch(LOGIN_PATTERN, text) is not None and text.isprintable()


def is_repository(text: str) -> bool:
    return re.fullmatch(REPOSITORY_PATTERN, text) is not None and text.isprintable()
