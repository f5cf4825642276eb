"""`dabflow status`."""
