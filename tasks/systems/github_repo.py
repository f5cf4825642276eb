"""GitHub: what a release reads and writes there, over PyGithub.

One class for the steps; what it does is in the rooms beside it: people, refs, pull requests, checks, what is
said on them, deployments and releases. The way there is in `github_client.py`.
"""

from tasks.systems.github_checks import Checks
from tasks.systems.github_client import Refused
from tasks.systems.github_deployments import DeploymentRecord, Deployments
from tasks.systems.github_people import People
from tasks.systems.github_pulls import PullRequest, PullRequests
from tasks.systems.github_refs import Refs
from tasks.systems.github_releases import ReleaseRecord, Releases
from tasks.systems.github_talk import Talk

__all__ = ["DeploymentRecord", "GitHubRepo", "PullRequest", "Refused", "ReleaseRecord"]


class GitHubRepo(People, Refs, PullRequests, Checks, Talk, Deployments, Releases):
    """The repository `slug` (owner/name) with the rights of our token."""
