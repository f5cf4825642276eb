"""A Prefect server on which nothing of ours is installed, whatever other tests left on it."""

from prefect.client.orchestration import SyncPrefectClient

from deployments.parts.described import described
from deployments.uninstall import uninstall


def make_bare(client: SyncPrefectClient) -> None:
    """Nothing of ours is there; nor are deployments by hand of other tests that are called like ours."""
    ours = {one.name for one in described()}
    for one in client.read_deployments():
        if f"{client.read_flow(one.flow_id).name}/{one.name}" in ours:
            client.delete_deployment(one.id)
    list(uninstall(client, dry=False, although_open=True))
