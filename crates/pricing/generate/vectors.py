"""Writes tests/vectors/*.json: exact values from mpmath with 60 digits (needs mpmath).

Run from this directory: `python3 vectors.py`. Inputs are binary64 numbers, so that no input error enters; every sensitivity
is a numerical derivative of the value in 60 digits, not a second copy of the formula under test. `scale` is the sum of
the magnitudes of the terms that a sensitivity adds up: near a zero of the sum, the error is measured against it.
"""

import json

from mpmath import diff, erfc, exp, log, mp, mpf, npdf, sqrt

mp.dps = 60
FOLDER = "../tests/vectors/"


def cdf(x):
    return erfc(-x / sqrt(mpf(2))) / 2


def value(w, f, k, vol, t, r):
    s = vol * sqrt(t)
    d1 = log(f / k) / s + s / 2
    return exp(-r * t) * w * (f * cdf(w * d1) - k * cdf(w * (d1 - s)))


def case(kind, f, k, vol, t, discount):
    w = 1 if kind == "call" else -1
    inputs = dict(kind=kind, forward=f, strike=k, vol=vol, expiry_years=t, discount=discount)
    f, k, vol, t = mpf(f), mpf(k), mpf(vol), mpf(t)
    r = -log(mpf(discount)) / t
    v = value(w, f, k, vol, t, r)

    def d(orders):
        names = ("f", "k", "vol", "t", "r")
        return diff(lambda *a: value(w, *a), (f, k, vol, t, r), tuple(orders.get(n, 0) for n in names))

    def held_spot(shift):
        return value(w, f * exp(shift * t), k, vol, t, r + shift)

    def coin(level):
        return value(w, level, k, vol, t, r) / level

    x_over_s, half = log(f / k) / (vol * sqrt(t)), vol * sqrt(t) / 2
    d1, s = x_over_s + half, 2 * half
    density = mpf(discount) * npdf(d1)
    decay = f * density * vol / (2 * sqrt(t))
    delta, gamma = d(dict(f=1)), d(dict(f=2))
    spread = abs(x_over_s) + half
    itm = cdf(w * (d1 - s))
    expected = {
        "value": (v, 0),
        "delta": (delta, 0),
        "gamma": (gamma, 0),
        "vega": (d(dict(vol=1)), 0),
        "theta_per_year": (-d(dict(t=1)), abs(r * v) + decay),
        "rho_forward": (d(dict(r=1)), 0),
        "rho_spot": (diff(held_spot, 0), 0),
        "vanna": (d(dict(f=1, vol=1)), density * spread / vol),
        "volga": (d(dict(vol=2)), f * density * sqrt(t) * spread**2 / vol),
        "charm_per_year": (-d(dict(f=1, t=1)), abs(r * delta) + density * spread / (2 * t)),
        "speed": (d(dict(f=3)), gamma * (1 + spread / s) / f),
        "zomma": (d(dict(f=2, vol=1)), gamma * (1 + spread**2) / vol),
        "dual_delta": (d(dict(k=1)), 0),
        "dual_gamma": (d(dict(k=2)), 0),
        "itm_probability": (itm, 0),
        "coin_value": (v / f, 0),
        "coin_delta": (diff(coin, f), (abs(delta) + v / f) / f),
        "coin_gamma": (diff(coin, f, 2), gamma / f + 2 * abs(delta) / f**2 + 2 * v / f**3),
        "coin_vega": (d(dict(vol=1)) / f, 0),
    }
    return {
        **inputs,
        "deviations_from_the_money": float(abs(x_over_s)),
        "expected": {n: float(e) for n, (e, _) in expected.items()},
        "scale": {n: float(c) for n, (_, c) in expected.items() if c != 0},
    }


def greeks():
    rows = []
    for t in (1.0 / 8760, 1.0 / 365, 0.0625, 0.5, 2.0):
        for vol in (0.1, 0.48, 1.25, 4.0):
            for deviations in (-8.0, -2.5, -0.6, 0.0, 0.3, 1.7, 6.0):
                kind = "call" if len(rows) % 2 == 0 else "put"
                discount = (1.0, 0.985, 0.93)[len(rows) % 3]
                strike = float(mpf(84000) * exp(deviations * mpf(vol) * sqrt(mpf(t))))
                rows.append(case(kind, 84000.0, strike, vol, t, discount))
    return rows


def kernels():
    def rows(function, arguments):
        return [{"x": float(x), "y": float(function(mpf(float(x))))} for x in arguments]

    grid = [i / 7 for i in range(-266, 59)]
    magnitudes = [mpf(10) ** e * m for e in range(-300, 301, 25) for m in (1, mpf("1.7"), mpf("6.5"))]
    near_one = [1 + sign * mpf(2) ** -e for e in range(1, 50, 3) for sign in (-1, 1)]
    return {
        "exp": rows(exp, [i * 2.37 for i in range(-298, 299)] + [1e-9, -1e-17, 0.35, -0.35]),
        "ln": rows(log, [m for m in magnitudes + near_one if m != 1]),
        "norm_cdf": rows(cdf, grid),
        "norm_pdf": rows(npdf, grid),
        "pow": [
            {"base": b, "exponent": e, "y": float(mpf(b) ** mpf(e))}
            for b in (1e-6, 0.02, 0.9, 1.1, 30.0 / 7, 365.0, 1e6)
            for e in (-2.0, -0.5, 0.13, 0.3, 0.5, 1.0, 3.0)
        ],
    }


def write(name, what, cases):
    with open(FOLDER + name, "w") as out:
        json.dump({"provenance": "generate/vectors.py: " + what, "cases": cases}, out, indent=1)
        out.write("\n")


write("black76_greeks.json", "Black-76 sensitivities as 60-digit numerical derivatives of the value", greeks())
write("kernels.json", "elementary functions, nearest binary64 of a 60-digit value", kernels())
print(value(-1, mpf(84000), mpf(80000), mpf("0.48"), mpf(90.0 / 365.0), mpf(0)))
