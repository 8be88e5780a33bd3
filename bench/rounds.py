# SPDX-License-Identifier: MIT
"""The rounds of the benchmark: every contender times the same rows, turn and turn about, and every
result is checked."""
import statistics
import time
from dataclasses import dataclass

from errors import Unavailable
from networks import Check


@dataclass(frozen=True)
class Settings:
    """How long and how often to measure."""
    threads: int
    rounds: int = 5
    turn_s: float = 0.1  # a turn repeats short runs for so long
    longest_run_s: float = 2.0  # slower peers take fewer rows
    longest_s: float = 6.0  # after so long in all a peer needs no further turns

QUICK = {"rounds": 1, "turn_s": 0.02, "longest_run_s": 0.2, "longest_s": 0.5}
MOST_REPEATS = 1000


def settle():
    """Waits until the last one's threads, which wait for more work by spinning, sleep (at most half
    a second; NumPy's spin for 100 ms, ONNX Runtime's for 40, OpenMP's for 8)."""
    for _ in range(100):
        before = time.process_time()
        time.sleep(0.005)
        if time.process_time() - before < 0.0005:
            return


class Racer:
    """A peer over some rows of its network, and what it has achieved."""

    def __init__(self, key, peer, rows, settings):
        self.key, self.peer, self.settings = key, peer, settings
        self.medians_ns, self.least_ns, self.runs, self.spent_ns = [], None, 0, 0
        self.wrong_rows = 0
        self.rows, self.run_ns = self.fit(rows)
        self.check = Check(peer.network, self.rows)

    def fit(self, rows):
        """As many of the rows as take no longer than a run may, and about what they take. The rate is
        that of a run of a quarter of this time: fewer rows may wait for the weights alone."""
        longest_ns, tried = self.settings.longest_run_s * 1e9, 1
        self.peer.time(1, 1)  # compiles or prepares what later ones need not
        while True:
            settle()
            spent, _ = self.peer.time(tried, 1)
            # A library that compiles for other sizes did so in the first of them.
            spent += self.peer.time(tried, 2 if spent[0] < self.settings.turn_s * 1e9 else 1)[0]
            run_ns = max(min(spent), 1)
            if tried == rows or run_ns > longest_ns / 4:
                break
            tried = min(rows, tried * int(min(longest_ns / run_ns, 8)))
        fitting = rows if run_ns / tried * rows <= longest_ns else int(longest_ns * tried / run_ns)
        fitting = min(max(fitting, 1), rows)
        return fitting, run_ns / tried * fitting

    def is_done(self):
        return bool(self.medians_ns) and self.spent_ns > self.settings.longest_s * 1e9

    def take_turn(self):
        """Times the rows; a short run several times, after one to warm up."""
        turn_ns = self.settings.turn_s * 1e9
        repeats = int(min(max(turn_ns // self.run_ns, 1), MOST_REPEATS))
        settle()
        if self.run_ns < turn_ns:
            self.peer.time(self.rows, 1)
        spent, y = self.peer.time(self.rows, repeats)
        self.wrong_rows = max(self.wrong_rows, self.check.wrong_rows(y))
        self.medians_ns.append(statistics.median(spent))
        self.least_ns = min(spent if self.least_ns is None else [self.least_ns, *spent])
        self.runs += repeats
        self.spent_ns += sum(spent)

    def entry(self):
        """For the report. `rows` were timed, which may be fewer than the case has."""
        ns = statistics.median(self.medians_ns)
        return {"contender": self.key, "rows": self.rows, "ms": ns * 1e-6,
                "min_ms": self.least_ns * 1e-6, "runs": self.runs,
                "rows_per_s": self.rows / ns * 1e9, "wrong_rows": self.wrong_rows,
                **self.check.counts()}


def make_racers(peers, rows, settings, unavailable):
    """Racers of the peers that can take the rows; the others join the unavailable ones."""
    racers = []
    for key, peer in peers.items():
        try:
            racers.append(Racer(key, peer, rows, settings))
        except Unavailable as reason:
            unavailable.append({"contender": key, "reason": str(reason)})
    return racers


def run_rounds(racers, commands, settings):
    """Every other round goes backwards, so that nobody always follows the same neighbour."""
    for turn in range(settings.rounds):
        for command in commands:
            settle()
            command.take_turn()
        for racer in racers[::-1] if turn % 2 else racers:
            if not racer.is_done():
                racer.take_turn()


def time_case(network, rows, lineup, commands, settings):
    """The report on one network with so many rows."""
    peers, unavailable = lineup.take(network, settings.threads)
    try:
        racers = make_racers(peers, rows, settings, unavailable)
        run_rounds(racers, commands, settings)
    finally:
        for peer in peers.values():
            peer.close()
    return {"network": network.name, "activation": network.activation, "dtype": network.dtype,
            "rows": rows, "flops": 2 * network.fmas * rows,
            "bytes": rows * (network.widths[0] + network.widths[-1]) * network.x.itemsize,
            "entries": [racer.entry() for racer in racers],
            "commands": [command.entry() for command in commands], "unavailable": unavailable}
