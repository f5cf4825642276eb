"""Makes the Prefect side match this repository, and holds the `dabflow` command."""
