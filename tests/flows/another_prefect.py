"""`python another_prefect.py`: start the release in a Prefect whose database is empty, approve it, say how it ended.

A process of its own, because Prefect's clients in one process keep to the server that they have met first.
"""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from playing import start, without_waiting  # noqa: E402 - found by the line above
from prefect.testing.utilities import prefect_test_harness  # noqa: E402

if __name__ == "__main__":
    without_waiting()
    with prefect_test_harness():
        run = start()
        run.go()
        sys.stdout.write(f"\nSTARTED {run.said}\n")
        run.answer("approve")
        sys.stdout.write(f"\nANSWERED {run.said}\n")
