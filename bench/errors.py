# SPDX-License-Identifier: MIT
"""What keeps somebody out of the benchmark."""


class Unavailable(Exception):
    """A peer that is not here, or cannot do what it is asked for; says why."""
