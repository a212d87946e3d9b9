"""How many random cases a test tries: few in the gate, many where `RFVIZ_MANY=1` asks for them.

A set of few is the beginning of the set of many: what the gate tries is tried by both.
"""

import os

MANY = os.environ.get("RFVIZ_MANY") == "1"


def how_many(few: int, many: int) -> int:
    return many if MANY else few
