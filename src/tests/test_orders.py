# ruff: noqa: PT009, PT027 - these checks run where there is nothing but Python
import unittest
from datetime import date
from decimal import Decimal

from lakehouse.orders import Order, clean, parse, read_orders


def order(number: str, status: str) -> Order:
    return Order(number, date(2026, 10, 5), "DE", status, Decimal(1))


class CleanTest(unittest.TestCase):
    def test_the_last_word_about_an_order_counts(self) -> None:
        told = [order("1", "open"), order("1", "paid")]
        self.assertEqual(clean(told), [order("1", "paid")])

    def test_cancelled_orders_are_dropped(self) -> None:
        self.assertEqual(clean([order("2", "cancelled"), order("1", "paid")]), [order("1", "paid")])

    def test_the_sample_has_orders_to_report(self) -> None:
        self.assertEqual(len(clean(read_orders())), 8)


class ParseTest(unittest.TestCase):
    def test_an_unreadable_amount_names_the_order(self) -> None:
        row = {"number": "7", "day": "2026-10-05", "country": "DE", "status": "paid", "amount": "ten"}
        with self.assertRaisesRegex(ValueError, "order 7: 'ten'"):
            parse(row)


if __name__ == "__main__":
    unittest.main()
