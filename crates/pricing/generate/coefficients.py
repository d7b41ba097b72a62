"""Writes src/kernel/coefficients.rs: the polynomial coefficients of the pricing kernels, from mpmath with 60 digits.

Run from this directory: `python3 coefficients.py > ../src/kernel/coefficients.rs` (needs mpmath; printed errors go to stderr).

Each fit is the interpolation at Chebyshev nodes, done in 60 digits, of a smooth function on [-1, 1] (its error is within
a small factor of the best polynomial's), turned into powers and rounded once to binary64.
"""

import sys

from mpmath import chebyt, cos, erfc, exp, log, mp, mpf, nint, pi, sqrt, taylor, polyval

mp.dps = 60
MILLS_DEGREE, MILLS_SHIFT, MILLS_SLOPE, MILLS_LIMIT = 22, mpf(6), mpf("1.25"), mpf(39)
EXP_DEGREE, LOG_TERMS = 9, 8


def interpolate(function, degree, low, high):
    """Power coefficients, lowest first, of the interpolating polynomial of `function` on [low, high]."""
    count = degree + 1
    nodes = [cos(pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    values = [function((high - low) / 2 * node + (high + low) / 2) for node in nodes]
    powers = [mpf(0)] * count
    for order in range(count):
        weight = sum(v * chebyt(order, n) for v, n in zip(values, nodes)) * 2 / count
        weight = weight / 2 if order == 0 else weight
        for power, c in enumerate(taylor(lambda y: chebyt(order, y), 0, order)):
            powers[power] += weight * nint(c)
    if (low, high) == (-1, 1):
        return powers
    # Substitute y = slope * x + offset by Horner's rule on coefficient lists.
    slope, offset = 2 / (high - low), -(high + low) / (high - low)
    result = [mpf(0)]
    for c in reversed(powers):
        shifted = [mpf(0)] + [slope * r for r in result]
        for i, r in enumerate(result):
            shifted[i] += offset * r
        shifted[0] += c
        result = shifted
    return result[:count]


def worst(name, function, coefficients, low, high):
    """Largest relative error of the rounded coefficients, evaluated exactly, on 2001 points."""
    top = mpf(0)
    for i in range(2001):
        x = low + (high - low) * mpf(i) / 2000
        true = function(x)
        top = max(top, abs(polyval([mpf(float(c)) for c in reversed(coefficients)], x) / true - 1))
    print(f"{name}: largest relative error of the rounded fit {mp.nstr(top, 3)}", file=sys.stderr)


def mills_of_u(u):
    pole = MILLS_SCALE / (MILLS_CENTRE - u)
    t = pole - MILLS_SHIFT
    return (1 + MILLS_SLOPE * t) * erfc(t / sqrt(2)) * exp(t * t / 2) / 2


def exp_tail(r):
    """(exp(r) - 1 - r) / r^2."""
    if abs(r) < mpf("1e-8"):
        return mpf(1) / 2 + r / 6 + r * r / 24
    return (exp(r) - 1 - r) / (r * r)


def log_tail(w):
    """(ln((1+z)/(1-z)) - 2 z) / z^3 with w = z^2."""
    if w < mpf("1e-20"):
        return mpf(2) / 3 + 2 * w / 5
    z = sqrt(w)
    return (log((1 + z) / (1 - z)) - 2 * z) / (z * w)


def show(name, value, doc):
    print(f"\n/// {doc}\npub(super) const {name}: f64 = {float(value)!r};")


def show_all(name, values, doc):
    print(f"\n/// {doc}\npub(super) const {name}: [f64; {len(values)}] = [")
    for value in values:
        print(f"    {float(value)!r},")
    print("];")


MILLS_SCALE = 2 / (1 / MILLS_SHIFT - 1 / (MILLS_LIMIT + MILLS_SHIFT))
MILLS_CENTRE = MILLS_SCALE / MILLS_SHIFT - 1
# The map is part of the fit: use the rounded constants, so that their rounding costs nothing.
MILLS_SCALE, MILLS_CENTRE = mpf(float(MILLS_SCALE)), mpf(float(MILLS_CENTRE))

print("//! Written by generate/coefficients.py; do not edit.")
print("#![allow(clippy::unreadable_literal)]")
mills = interpolate(mills_of_u, MILLS_DEGREE, mpf(-1), mpf(1))
worst("mills", mills_of_u, mills, mpf(-1), mpf(1))
show("MILLS_SHIFT", MILLS_SHIFT, "k of the map u = centre - scale / (t + k).")
show("MILLS_SLOPE", MILLS_SLOPE, "a of the fitted product (1 + a t) h(t).")
show("MILLS_LIMIT", MILLS_LIMIT, "Largest t of the fit: N(-39) is below the smallest normal number.")
show("MILLS_SCALE", MILLS_SCALE, "Scale of the map from t in [0, 39] to u in [-1, 1].")
show("MILLS_CENTRE", MILLS_CENTRE, "Centre of the map from t in [0, 39] to u in [-1, 1].")
show_all("MILLS", mills, "(1 + a t) h(t) as a polynomial in u, lowest power first.")

half = log(mpf(2)) / 2 * (1 + mpf(2) ** -40)
tail = interpolate(exp_tail, EXP_DEGREE, -half, half)
worst("exp tail", exp_tail, tail, -half, half)
show_all("EXP_TAIL", tail, "(e^r - 1 - r) / r^2 for |r| <= ln(2)/2, lowest power first.")

# |z| <= 0.2004: the exponent is guessed to within 0.0861 before rounding, so the ratio lies in 2^(+-0.5861).
top = ((mpf(2) ** mpf("0.5862") - 1) / (mpf(2) ** mpf("0.5862") + 1)) ** 2
tail = interpolate(log_tail, LOG_TERMS - 1, mpf(0), top)
worst("log tail", log_tail, tail, mpf(0), top)
show_all("LOG_TAIL", tail, "(ln((1+z)/(1-z)) - 2z) / z^3 in powers of z^2 for z^2 <= 0.0402, lowest first.")

ln2 = log(mpf(2))
high = mpf(int(ln2 * 2**38)) / 2**38
show("LN2_HIGH", high, "The leading 38 bits of ln 2: its product with an exponent of up to 11 bits is exact.")
show("LN2_LOW", ln2 - high, "The rest of ln 2.")
show("INVERSE_SQRT_TAU", 1 / sqrt(2 * pi), "1 / sqrt(2 pi).")
