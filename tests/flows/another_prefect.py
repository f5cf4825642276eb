"""`python another_prefect.py`: start the release in the Prefect of PREFECT_API_URL, approve it, say how it ended.

A process of its own, because Prefect's clients in one process keep to the server that they have met first.
"""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from playing import start, without_waiting  # noqa: E402 - found by the line above

if __name__ == "__main__":
    without_waiting()
    run = start()
    run.go()
    sys.stdout.write(f"\nSTARTED {run.said}\n")
    run.answer("approve")
    sys.stdout.write(f"\nANSWERED {run.said}\n")
