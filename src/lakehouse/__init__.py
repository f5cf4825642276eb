"""Orders of the shop: read, cleaned, checked, reported."""
