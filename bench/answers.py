# SPDX-License-Identifier: MIT
"""What `ffwd bench` answered in several rounds."""
import statistics


def median(results, *path):
    """Of a number in all results; None where one of them does not know it."""
    values = results
    for name in path:
        values = [value[name] for value in values]
    return None if None in values else statistics.median(values)
