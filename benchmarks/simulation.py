"""Simulates many workers that fail, event by event, and computes the same from formulas.

Bulk work: workers take shares of the items from a driver, which writes a row for each item. A worker that fails loses
its share and is started again; when the driver fails, all shares in flight are lost. Training: all workers compute each
step together, so one that fails stops all, and they go on from the last checkpoint.
"""

from __future__ import annotations

import heapq
import math
import random
import statistics
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Bulk:
    """Bulk work on many workers. Times are in seconds; failures are independent and equally likely at any time."""

    items: int
    workers: int
    item_s: float
    """Time of a worker for an item."""
    share: int = 64
    """Items that a worker gets at a time."""
    start_s: float = 10.0
    """Time until a new worker has its model."""
    row_s: float = 0.0
    """Time of the driver for the row of an item."""
    spread: float = 0.5
    """Standard deviation of the logarithm of the time of a share."""
    worker_mtbf_s: float = math.inf
    """Mean time between the failures of a worker."""
    driver_mtbf_s: float = math.inf
    driver_start_s: float = 60.0
    """Time until a new driver hands out shares."""

    @property
    def shares(self) -> int:
        """Number of shares."""
        return -(-self.items // self.share)

    def expected_s(self) -> float:
        """Time of the whole work by formula: that of the workers or of the driver, whichever is longer.

        The mean time of a share of s seconds on a worker that fails every M seconds and takes R to start again is
        (M + R) (exp(s / M) - 1). The longest of the last shares is waited for, and each failure of the driver costs its
        start, that of the workers and half a share.
        """
        share_s = self.share * self.item_s
        with_failures = share_s
        if math.isfinite(self.worker_mtbf_s):
            with_failures = (self.worker_mtbf_s + self.start_s) * math.expm1(share_s / self.worker_mtbf_s)
        working = self.shares / self.workers * with_failures
        likely = statistics.NormalDist().inv_cdf(1 - 1 / max(2, self.workers))
        last = share_s * math.exp(self.spread * likely - self.spread**2 / 2) - share_s / 2
        longest = self.start_s + last + max(working, self.items * self.row_s)
        lost = self.driver_start_s + self.start_s + share_s / 2
        return longest / (1 - lost / self.driver_mtbf_s) if lost < self.driver_mtbf_s else math.inf

    def simulated_s(self, seed: int) -> float:
        """Time of the whole work in a simulation."""
        rng = random.Random(seed)
        waiting, now = self.shares, 0.0
        while waiting:
            ends = now + rng.expovariate(1 / self.driver_mtbf_s) if math.isfinite(self.driver_mtbf_s) else math.inf
            waiting, now = self._until(ends, waiting, now, rng)
            if waiting:
                now = ends + self.driver_start_s
        return now

    def _until(self, ends: float, waiting: int, now: float, rng: random.Random) -> tuple[int, float]:
        """(shares that are not done, time) when all are done, or when the driver fails at `ends`."""
        mean_s = self.share * self.item_s
        shift = math.log(mean_s) - self.spread**2 / 2
        done, handed_out, driver_free = 0, 0, now
        events = [(now + self.start_s, False, worker) for worker in range(self.workers)]
        heapq.heapify(events)
        while events:
            time, finished, worker = heapq.heappop(events)
            if time >= ends:
                return waiting - done, ends
            if finished:  # the worker waits until the driver has written its rows
                driver_free = max(driver_free, time) + self.share * self.row_s
                done += 1
                if done == waiting:
                    return 0, driver_free
                time = driver_free
            if handed_out == waiting:
                continue
            share_s = rng.lognormvariate(shift, self.spread)
            fails = rng.expovariate(1 / self.worker_mtbf_s) if math.isfinite(self.worker_mtbf_s) else math.inf
            if fails < share_s:  # the share goes to whoever asks next
                heapq.heappush(events, (time + fails + self.start_s, False, worker))
            else:
                handed_out += 1
                heapq.heappush(events, (time + share_s, True, worker))
        return waiting - done, ends


@dataclass(frozen=True, kw_only=True)
class Training:
    """A training on many workers that wait for each other."""

    computing_s: float
    """Time of all steps, without checkpoints and failures."""
    workers: int
    checkpoint_s: float
    """Time that a checkpoint stops the training."""
    restart_s: float
    """Time from a failure to the first step after it."""
    worker_mtbf_s: float

    @property
    def mtbf_s(self) -> float:
        """Mean time between failures of any worker."""
        return self.worker_mtbf_s / self.workers

    @property
    def interval_s(self) -> float:
        """The time between two checkpoints that costs least. Source: Young 1974; Daly 2006, section 3."""
        return math.sqrt(2 * self.checkpoint_s * self.mtbf_s) - self.checkpoint_s

    def expected_s(self) -> float:
        """Time of the whole training by formula. Source: Daly 2006, equation 20."""
        interval = self.interval_s
        each = (
            self.mtbf_s
            * math.exp(self.restart_s / self.mtbf_s)
            * math.expm1((interval + self.checkpoint_s) / self.mtbf_s)
        )
        return each * self.computing_s / interval

    def simulated_s(self, seed: int) -> float:
        """Time of the whole training in a simulation."""
        rng = random.Random(seed)
        now = done = 0.0
        fails = rng.expovariate(1 / self.mtbf_s)
        while done < self.computing_s:
            part = min(self.interval_s, self.computing_s - done)
            if now + part + self.checkpoint_s <= fails:
                now += part + self.checkpoint_s
                done += part
                continue
            now = fails
            fails = now + rng.expovariate(1 / self.mtbf_s)
            while now + self.restart_s > fails:  # it fails again while it starts
                now = fails
                fails = now + rng.expovariate(1 / self.mtbf_s)
            now += self.restart_s
        return now
