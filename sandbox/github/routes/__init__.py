"""The route table of the server: importing this package fills it."""

from sandbox.github.routes import (
    accounts,
    actions,
    checks,
    commits,
    deployments,
    issues,
    merging,
    protection,
    pulls,
    refs,
    releases,
    repositories,
    reviews,
)

__all__ = [
    "accounts",
    "actions",
    "checks",
    "commits",
    "deployments",
    "issues",
    "merging",
    "protection",
    "pulls",
    "refs",
    "releases",
    "repositories",
    "reviews",
]
