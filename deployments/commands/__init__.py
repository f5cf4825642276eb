"""The commands of `dabflow`, one module each: imported only when it is the one that was called."""
