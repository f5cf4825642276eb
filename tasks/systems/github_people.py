"""Who may do what in the repository."""

from tasks.systems.github_client import NOT_FOUND, GitHubClient, Refused, github_errors


class People(GitHubClient):
    """The people of the repository, as GitHub knows them."""

    def permission(self, login: str) -> str:
        """admin, write, read or none, and none for somebody GitHub does not know."""
        repo = self._repo
        try:
            with github_errors(f"reading what {login} may do"):
                return repo.get_collaborator_permission(login)
        except Refused as error:
            if error.status == NOT_FOUND:
                return "none"
            raise
