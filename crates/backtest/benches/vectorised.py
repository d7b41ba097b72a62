"""The rule of Whalley and Wilmott (or a clock) over paths, vectorised as pfhedge does it: one array operation over all paths at a time.

Prints the nanoseconds of a step of a path, the mean and the standard deviation of the profit. Needs numpy and scipy.
Run by `cargo bench -p backtest`; alone: python3 vectorised.py PATHS STEPS LEGS whalley_wilmott
"""

import sys
import time

import numpy as np
from scipy.special import ndtr


def run(paths, steps, legs, policy):
    rng = np.random.default_rng(1)
    spot0, vol, dt, cost, tolerance = 100.0, 0.8, 1.0 / 8760.0, 0.0005, 1.0
    strikes = 80.0 + 40.0 * np.arange(legs) / max(legs - 1, 1)
    quantity = np.where(np.arange(legs) % 2 == 0, -1.0, 0.5)

    def greeks(spot, left):
        deviation = vol * np.sqrt(left)
        d1 = np.log(spot[:, None] / strikes) / deviation + 0.5 * deviation
        delta = ndtr(d1) @ quantity
        density = np.exp(-0.5 * d1 * d1) / np.sqrt(2 * np.pi)
        gamma = (density / (spot[:, None] * deviation)) @ quantity
        return delta, gamma

    def value(spot, left):
        deviation = vol * np.sqrt(left)
        d1 = np.log(spot[:, None] / strikes) / deviation + 0.5 * deviation
        return (spot[:, None] * ndtr(d1) - strikes * ndtr(d1 - deviation)) @ quantity

    spot = np.full(paths, spot0)
    opening = value(spot[:1], steps * dt)[0]
    held, cash = np.zeros(paths), np.zeros(paths)
    started = time.perf_counter()
    for step in range(steps):
        delta, gamma = greeks(spot, (steps - step) * dt)
        off = delta + held
        if policy == "clock":
            trade = -off
        else:
            band = np.cbrt(1.5 * cost * spot * gamma * gamma * tolerance)
            trade = np.where(np.abs(off) > band, np.copysign(band, off) - off, 0.0)
        held += trade
        cash -= trade * spot + cost * np.abs(trade) * spot
        spot *= np.exp(-0.5 * vol * vol * dt + vol * np.sqrt(dt) * rng.standard_normal(paths))
    payoff = np.maximum(spot[:, None] - strikes, 0.0) @ quantity
    profit = payoff - opening + cash + held * spot - cost * np.abs(held) * spot
    seconds = time.perf_counter() - started
    return seconds / (paths * steps) * 1e9, profit.mean(), profit.std()


if __name__ == "__main__":
    paths, steps, legs = (int(text) for text in sys.argv[1:4])
    print(*run(paths, steps, legs, sys.argv[4]))
