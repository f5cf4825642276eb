# ruff: noqa: PT009 - these checks run where there is nothing but Python
import unittest
from datetime import date
from decimal import Decimal

from lakehouse.orders import Order, clean, read_orders
from lakehouse.quality import problems


def order(country: str = "DE", status: str = "paid", amount: str = "1") -> Order:
    return Order("1", date(2026, 10, 5), country, status, Decimal(amount))


class ProblemsTest(unittest.TestCase):
    def test_a_plausible_order_has_none(self) -> None:
        self.assertEqual(problems([order()]), [])

    def test_each_kind_is_named(self) -> None:
        found = problems([order(amount="0"), order(country="XX"), order(status="lost")])
        self.assertEqual([line.split(": ")[1].split()[0] for line in found], ["amount", "nobody", "no"])

    def test_the_sample_is_clean(self) -> None:
        self.assertEqual(problems(clean(read_orders())), [])


if __name__ == "__main__":
    unittest.main()
