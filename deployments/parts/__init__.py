"""What dabflow has on a Prefect server, one kind of thing a file; each can look, make and remove."""
