"""What is wrong with the orders: nothing, or one line per problem."""

import sys
from collections.abc import Iterable

from lakehouse.orders import Order, clean, read_orders

COUNTRIES = {"DE", "ES", "FR", "IT"}
STATUSES = {"open", "paid", "cancelled"}


def problems(orders: Iterable[Order]) -> list[str]:
    """Return one line for each order that cannot be right."""
    found = []
    for order in orders:
        if order.amount <= 0:
            found.append(f"{order.number}: amount {order.amount} is not positive")
        if order.country not in COUNTRIES:
            found.append(f"{order.number}: nobody delivers to {order.country}")
        if order.status not in STATUSES:
            found.append(f"{order.number}: no status is called {order.status}")
    return found


def main() -> None:
    """Print what was found, and fail if it was anything: the entry point of the hourly job."""
    orders = clean(read_orders())
    found = problems(orders)
    print("\n".join([*found, f"{len(orders)} orders checked, {len(found)} problems"]))
    sys.exit(1 if found else 0)
