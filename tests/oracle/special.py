"""Reference values and fitted constants of the special functions, from mpmath at 50 digits.

    pip install mpmath==1.3.0
    python3 special.py reference > ../../crates/stats/testdata/special.csv
    python3 special.py constants          prints the coefficient tables of the Rust sources

The methods are not the crate's: a tail is a hypergeometric series of mpmath, or, where a parameter
is too large for one, a quadrature of the density over the log odds. On a sample of the points both
are made and must agree to 30 digits, or the script stops. Arguments are doubles, printed so that
they parse back to the same double; values have 20 digits.
"""

import sys

from mpmath import atanh, cos, erfc, exp, expm1, factorial, findroot, gammainc, hyp1f1, hyp2f1
from mpmath import inf, isinf, log, log1p, loggamma, lu_solve, matrix, mp, mpf, nstr, pi, polyval
from mpmath import quad, rf, sqrt

mp.dps = 50
SERIES_MAX = 2000
TINY = mpf(10) ** -300


# Tails -----------------------------------------------------------------------------------------

def half_line(exponent, slope, curvature):
    """The integral of exp(exponent(v)) over v > 0, in panels of a width that suits the shape."""
    width = 1 / (slope + sqrt(curvature))
    edges = [mpf(0), mpf(1) / 2, 1] + [mpf(2) ** k for k in range(1, 9)]
    return width * quad(lambda u: exp(exponent(width * u)), edges, method="gauss-legendre")


def beta_quadrature(a, b, x, y):
    """I_x(a, b) for large a and b: the density of the log odds, integrated leftwards from x."""
    with mp.workdps(mp.dps + 20):
        front = exp(a * log(x) + b * log(y) + loggamma(a + b) - loggamma(a) - loggamma(b))
        lean = a * y - b * x
        area = half_line(
            lambda v: -a * v - (a + b) * log1p(x * expm1(-v)), max(lean, mpf(0)), (a + b) * x * y
        )
        return front * area


def beta_lower(a, b, x, y):
    """I_x(a, b) with x + y = 1, by a series of positive terms: no digit is lost in the tail."""
    if min(a, b) > SERIES_MAX:
        return beta_quadrature(a, b, x, y) if x <= a / (a + b) else 1 - beta_lower(b, a, y, x)
    if b * x > 4 * a + 1000:
        # Far above the mean the upper tail is the easy one.
        return 1 - beta_quadrature(b, a, y, x)
    if x > y and (a > SERIES_MAX or y < 1e-6):
        # The series is slow at x near 1, and so near to it that digits are lost it is wrong.
        if a * y > 40:
            return beta_quadrature(a, b, x, y)
        # Its complement is fast, and the tail is above 1e-18: 40 more digits bear that.
        with mp.workdps(mp.dps + 40):
            return 1 - beta_series(b, a, y, x)
    return beta_series(a, b, x, y)


def beta_series(a, b, x, y):
    front = a * log(x) + b * log(y) + loggamma(a + b) - loggamma(a + 1) - loggamma(b)
    return exp(front) * hyp2f1(a + b, 1, a + 1, x)


def gamma_quadrature(a, x, side):
    """P(a, x) for side -1, Q(a, x) for side +1, a large: integrated over the log of x."""
    with mp.workdps(mp.dps + 20):
        front = exp(a * log(x) - x - loggamma(a))
        area = half_line(
            lambda v: side * a * v - x * expm1(side * v), max(side * (x - a), mpf(0)), x
        )
        return front * area


def gamma_series(a, x):
    return exp(a * log(x) - x - loggamma(a + 1)) * hyp1f1(1, a + 1, x)


def gamma_lower(a, x):
    """P(a, x), by a series of positive terms."""
    if a > SERIES_MAX:
        return gamma_quadrature(a, x, -1) if x <= a else 1 - gamma_upper(a, x)
    if x > 2 * a + 50:
        return 1 - gamma_fraction(a, x)
    return gamma_series(a, x)


def gamma_fraction(a, x):
    return gammainc(a, x, inf, regularized=True)


def gamma_upper(a, x):
    """Q(a, x)."""
    if a > SERIES_MAX:
        return gamma_quadrature(a, x, 1) if x >= a else 1 - gamma_lower(a, x)
    return gamma_fraction(a, x)


def self_check():
    """The methods must agree wherever they are affordable."""
    for a in (mpf(2), mpf(20), mpf(2000), mpf(2) * 10**5):
        for z in (mpf(-30), mpf(-3), mpf(-1) / 2):
            x = a * exp(z / sqrt(a))
            agree(gamma_series(a, x), gamma_quadrature(a, x, -1))
            x = a * exp(-z / sqrt(a))
            if x < 2000 * a:
                agree(gamma_fraction(a, x), gamma_quadrature(a, x, 1))
            for b in (mpf(3), mpf(300), mpf(10) ** 5):
                odds = a / b * exp(z * sqrt(1 / a + 1 / b))
                x, y = odds / (1 + odds), 1 / (1 + odds)
                agree(beta_series(a, b, x, y), beta_quadrature(a, b, x, y))
    for df in (mpf(50000), mpf(10) ** 6):
        for t in (mpf(10), mpf(30)):
            x, y = df / (df + t * t), t * t / (df + t * t)
            agree(beta_quadrature(df / 2, mpf(1) / 2, x, y), beta_series(df / 2, mpf(1) / 2, x, y))


def agree(one, two):
    if abs(one / two - 1) > mpf(10) ** -30:
        raise SystemExit(f"two methods differ: {nstr(one, 35)} {nstr(two, 35)}")


# Distributions ---------------------------------------------------------------------------------

def normal_upper(z):
    return erfc(z / sqrt(mpf(2))) / 2 if z < 1000 else mpf(0)


def t_two_sided(t, df):
    if isinf(df):
        return 2 * normal_upper(abs(t))
    return beta_lower(df / 2, mpf(1) / 2, df / (df + t * t), t * t / (df + t * t))


def t_centre(t, df):
    """P(|T| < t)."""
    return beta_lower(mpf(1) / 2, df / 2, t * t / (df + t * t), df / (df + t * t))


def f_lower(f, d1, d2):
    if isinf(d2):
        return gamma_lower(d1 / 2, d1 * f / 2)
    if isinf(d1):
        return gamma_upper(d2 / 2, d2 / f / 2)
    return beta_lower(d1 / 2, d2 / 2, d1 * f / (d1 * f + d2), d2 / (d1 * f + d2))


def f_upper(f, d1, d2):
    return f_lower(1 / f, d2, d1)


def root(function, target, rising, spread):
    """The x with function(x) = target, in logarithms of both; 0 or inf if far out of range.

    `spread` is the rough standard deviation of ln x.
    """
    below = lambda s: (function(exp(s * spread)) < target) == rising
    goal, reach = log(target), mpf(1)
    with mp.workdps(30):
        sign = 1 if below(mpf(0)) else -1
        while below(sign * reach) == (sign > 0):
            reach *= 2
            if reach * spread > 1500:
                return mpf(0) if sign < 0 else inf
        low, high = sorted((mpf(0), sign * reach))
        while high - low > mpf(10) ** -4:
            middle = (low + high) / 2
            low, high = (middle, high) if below(middle) else (low, middle)
    pair = (middle, middle + mpf(10) ** -6)
    miss = lambda s: log(function(exp(s * spread))) - goal
    return exp(spread * findroot(miss, pair, solver="secant", tol=1e-60))


def quantile(lower, upper, p, spread):
    """Solves on the tail that is smaller."""
    return root(lower, p, True, spread) if 2 * p <= 1 else root(upper, 1 - p, False, spread)


def normal_quantile(p):
    if p == mpf(1) / 2:
        return mpf(0)
    q = min(p, 1 - p)
    if q > mpf(1) / 4:
        guess = (mpf(1) / 2 - q) * sqrt(2 * pi)
        z = findroot(lambda z: mpf(1) / 2 - normal_upper(z) - (mpf(1) / 2 - q), guess, tol=1e-80)
    else:
        guess = sqrt(-2 * log(q))
        pair = (guess, guess - mpf(1) / 8)
        z = findroot(lambda z: log(normal_upper(z)) - log(q), pair, tol=1e-70)
    return z if p > mpf(1) / 2 else -z


def t_quantile(p, df):
    if isinf(df):
        return normal_quantile(p)
    q = 2 * min(p, 1 - p)
    if q == 1:
        return mpf(0)
    if q <= mpf(1) / 2:
        t = root(lambda t: t_two_sided(t, df), q, False, 1 + 1 / df)
    else:
        t = root(lambda t: t_centre(t, df), 1 - q, True, 1 + 1 / df)
    return t if p > mpf(1) / 2 else -t


# The grid --------------------------------------------------------------------------------------

def emit(name, args, value):
    """One line, unless the value is outside of what a double holds to full precision."""
    if TINY < abs(value) < 1 / TINY:
        print(",".join([name] + [repr(float(a)) for a in args] + [nstr(value, 20)]))


def normals():
    for z in (1e-300, 1e-8, 0.01, 0.3, 0.5, 0.7, 1, 1.5, 1.96, 2.5, 3, 4, 5, 6.5, 8, 10, 15, 20, 25,
              30, 33.3, 35, 37):
        for sign in (1, -1):
            emit("normal_upper", (sign * z,), normal_upper(mpf(sign * z)))
        emit("normal_pdf", (z,), exp(-mpf(z) ** 2 / 2) / sqrt(2 * pi))
    for p in PROBABILITIES + (0.42, 0.425, 0.43, 0.0749, 0.9251, 1e-11, 2e-11, 1e-12):
        emit("normal_quantile", (p,), normal_quantile(mpf(p)))


PROBABILITIES = (1e-300, 1e-250, 1e-100, 1e-30, 1e-12, 1e-6, 1e-3, 0.005, 0.025, 0.1, 0.25, 0.4,
                 0.499, 0.4999999, 0.5000001, 0.501, 0.6, 0.75, 0.9, 0.975, 0.995, 0.999,
                 0.999999, 1 - 1e-12)


def gammas():
    for x in (1e-300, 1e-10, 1e-3, 0.1, 0.5, 0.9, 0.999, 1.001, 1.4, 1.9, 1.999999, 2.000001, 2.5,
              3, 3.5, 5, 7.7, 10, 15.2, 30, 100.5, 1e3, 1e5, 1e8, 1e15, 1e100):
        emit("ln_gamma", (x,), loggamma(mpf(x)))
    for x in (1e-3, 0.1, 0.5, 0.9, 1, 1.4, 2, 2.5, 2.999, 3, 3.5, 5, 7.7, 10, 15.2, 30, 100.5, 1e3,
              1e5):
        with mp.workdps(70):
            z = mpf(x)
            emit("stirlerr", (x,), loggamma(z + 1) - (z + 0.5) * log(z) + z - log(2 * pi) / 2)


def students():
    for df in (1e-3, 0.1, 0.7, 1, 1.5, 2, 3, 4.2, 6, 8, 10, 15, 18.3, 19.9, 20, 25, 30, 50, 100,
               333.3, 1000, 1e4, 1e5, 1e8, 1e12, float("inf")):
        for t in (1e-300, 1e-6, 1e-3, 0.05, 0.3, 0.7, 1, 1.3, 1.7, 2, 2.3, 2.8, 3.5, 4.5, 6, 8, 11,
                  15, 20, 30, 37, 60, 200, 1e4, 1e8, 1e150, 1e200):
            emit("t_two_sided", (t, df), t_two_sided(mpf(t), mpf(df)))
    for df in (0.1, 1, 1.3, 2, 3, 5, 9, 18.3, 40, 200, 1e3, 1e5, 1e12, float("inf")):
        for p in PROBABILITIES:
            emit("t_quantile", (p, df), t_quantile(mpf(p), mpf(df)))


def chi_squares():
    for df in (0.01, 0.3, 1, 1.9, 2, 3, 4.5, 7.7, 15, 40, 100, 1e3, 3e4, 1e6, 1e8, 1e12):
        for z in (-30, -8, -2.5, -1, -0.4, -0.01, 0.3, 1, 2, 3, 10, 20):
            x = float(mpf(df) * exp(z * sqrt(2 / mpf(df))))
            if TINY < x < 1e6 * df:
                emit_tails("chi2", (x, df), z, gamma_lower, gamma_upper, (mpf(df) / 2, mpf(x) / 2))
        for p in PROBABILITIES[::2]:
            half = mpf(df) / 2
            lower = lambda x: gamma_lower(half, half * x)
            upper = lambda x: gamma_upper(half, half * x)
            emit("chi2_quantile", (p, df), df * quantile(lower, upper, mpf(p), sqrt(1 / half)))


def emit_tails(name, args, z, lower, upper, exact):
    """The smaller tail, and near the centre both."""
    low, up = lower(*exact), upper(*exact)
    if abs(low + up - 1) > mpf(10) ** -25:
        raise SystemExit(f"the tails of {name}{args} do not add up to one")
    if z < 1.5:
        emit(name + "_cdf", args, low)
    if z > -1.5:
        emit(name + "_upper", args, up)


FISHER_DF = (0.01, 0.5, 1, 2, 3, 5.5, 30, 100.25, 1e3, 3e4, 1e7, 1e12, float("inf"))


def fishers():
    pairs = [(d1, d2) for d1 in FISHER_DF for d2 in FISHER_DF if not (isinf(d1) and isinf(d2))]
    for i, (d1, d2) in enumerate(pairs):
        one, two = mpf(d1), mpf(d2)
        spread = sqrt(2 / one + 2 / two)
        for z in ((-30, -2, -0.01, 1, 10), (-8, -0.7, 0.3, 3, 25))[i % 2]:
            if abs(z * spread) < 600:
                f = float(exp(z * spread))
                emit_tails("f", (f, d1, d2), z, f_lower, f_upper, (mpf(f), one, two))
        for p in ((1e-300, 1e-6, 0.3, 0.8, 0.999), (1e-30, 0.01, 0.5, 0.95, 1 - 1e-9))[i % 2]:
            lower, upper = (lambda f: f_lower(f, one, two)), (lambda f: f_upper(f, one, two))
            f = quantile(lower, upper, mpf(p), spread)
            # A ratio of sums of squares that is subnormal has not its digits.
            if isinf(d1) or isinf(d2) or TINY < f * one / two < 1 / TINY:
                emit("f_quantile", (p, d1, d2), f)


# Constants of the Rust sources -----------------------------------------------------------------

def minimax(function, top, bottom, end, scale):
    """A rational function p/q whose relative error against `function` on [0, end] is nearly level.

    It interpolates at top + bottom + 1 points. The gaps between them are narrowed where the error
    is large and widened where it is small, until it is level. `scale` says where the points gather:
    they are spread evenly over x / (x + scale) at first.
    """
    count, limit = top + bottom + 1, end / (end + scale)
    place = lambda s: scale * s / (1 - s)
    points = [limit * (1 - cos(pi * (2 * i + 1) / (2 * count))) / 2 for i in range(count)]
    gaps = [b - a for a, b in zip([mpf(0)] + points, points + [limit])]
    best = None
    for _ in range(60):
        edges = [mpf(0)]
        for gap in gaps:
            edges.append(edges[-1] + gap)
        left, right = matrix(count, count), matrix(count, 1)
        for row in range(count):
            x = place(edges[row + 1])
            right[row] = 1
            for power in range(count):
                value = x**power / function(x) if power <= top else -x ** (power - top)
                left[row, power] = value
        solution = list(lu_solve(left, right))
        p, q = solution[: top + 1], [mpf(1)] + solution[top + 1 :]
        errors = []
        for a, b in zip(edges, edges[1:]):
            xs = [place(a + (b - a) * k / 8) for k in range(9)]
            ratios = [polyval(p[::-1], x) / polyval(q[::-1], x) / function(x) for x in xs]
            errors.append(max(abs(ratio - 1) for ratio in ratios))
        if best is None or max(errors) < best[0]:
            best = (max(errors), p, q)
        centre = exp(sum(log(e) for e in errors) / len(errors))
        moves = [min(mpf(1.5), max(mpf(0.6), (centre / e) ** mpf(0.25))) for e in errors]
        gaps = [gap * move for gap, move in zip(gaps, moves)]
        total = sum(gaps)
        gaps = [g * limit / total for g in gaps]
    return best


def show(title, numbers):
    print(f"{title}:")
    for number in numbers:
        print(f"    {float(number)!r},")


def stirling_scaled(t):
    """z times the error of Stirling's formula, at t = 1 / z^2."""
    if t == 0:
        return mpf(1) / 12
    z = 1 / sqrt(t)
    return z * (loggamma(z + 1) - (z + mpf(1) / 2) * log(z) + z - log(2 * pi) / 2)


def atanh_scaled(t):
    """(atanh(v) / v - 1) / v^2 at t = v^2."""
    return mpf(1) / 3 if t == 0 else (atanh(sqrt(t)) / sqrt(t) - 1) / t


def sinh_power(count):
    """c_k of (sinh(w/2) / (w/2))^(-1/2) = sum of c_k w^(2 k), by Miller's recurrence for powers."""
    s = [1 / (mpf(4) ** k * factorial(2 * k + 1)) for k in range(count + 1)]
    c = [mpf(1)]
    for k in range(1, count + 1):
        c.append(sum((mpf(j) / 2 - k) * s[j] * c[k - j] for j in range(1, k + 1)) / k)
    return c


def constants():
    linear = mpf(10) ** 6
    error, p, _ = minimax(stirling_scaled, 9, 0, mpf(1) / 16, linear)
    show(f"gamma.rs STIRLING, relative error {nstr(error, 2)}", p)
    error, p, _ = minimax(atanh_scaled, 9, 0, mpf(1) / 9, linear)
    show(f"gamma.rs ATANH, relative error {nstr(error, 2)}", p)
    scaled = lambda z: exp(z * z / 2) * erfc(z / sqrt(mpf(2)))
    error, p, q = minimax(scaled, 10, 11, mpf(39), mpf(1))
    show(f"normal.rs TOP, relative error {nstr(error, 2)}", p)
    show("normal.rs BOTTOM", q)
    half, c = mpf(1) / 2, sinh_power(13)
    show("student_t.rs SIGMA", [c[k] * rf(half, 2 * k) for k in range(1, 14)])
    show("student_t.rs EVEN", [1 / rf(half, 2 * k - 1) for k in range(1, 14)])
    show("student_t.rs ODD", [1 / rf(half, 2 * k) for k in range(1, 14)])


if __name__ == "__main__":
    if sys.argv[1:] == ["reference"]:
        self_check()
        print("# function, arguments, value; made by tests/oracle/special.py")
        normals()
        gammas()
        students()
        chi_squares()
        fishers()
    elif sys.argv[1:] == ["constants"]:
        constants()
    else:
        raise SystemExit(__doc__)
