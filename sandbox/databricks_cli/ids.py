"""Random names for things."""

import os


def new_id() -> str:
    """A random UUID (version 4). Made by hand: the module `uuid` takes longer to load than a whole command may."""
    number = bytearray(os.urandom(16))
    number[6] = number[6] & 0x0F | 0x40
    number[8] = number[8] & 0x3F | 0x80
    text = number.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
