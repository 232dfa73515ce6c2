# SPDX-License-Identifier: Apache-2.0
"""An independent evaluation of the engine's formulas with mpmath.

Everything here is the textbook definition, evaluated directly at DIGITS digits: no centred forms, no
recurrences, nothing shared with the engine. It is slow and means to be obviously right.

Conventions: natural logarithms; a row is one prompt; samples of equal reward form a tie group.
"""

from mpmath import binomial, exp, log, mp, mpf, sqrt

DIGITS = 60
mp.dps = DIGITS


# ---------------------------------------------------------------------------------------------
# Rows


class Row:
    """One prompt: rewards, optional gold rewards, base probabilities (1/M, or softmax of log-weights)."""

    def __init__(self, rewards, gold=None, log_weights=None):
        self.r = [mpf(x) for x in rewards]
        self.gold = None if gold is None else [mpf(x) for x in gold]
        self.m = len(self.r)
        if log_weights is None:
            self.q = [mpf(1) / self.m] * self.m
        else:
            e = [exp(mpf(x)) for x in log_weights]
            total = sum(e)
            self.q = [x / total for x in e]
        self.weighted = log_weights is not None
        # Tie groups in ascending order of reward: lists of sample indices.
        by_value = {}
        for i, x in enumerate(self.r):
            by_value.setdefault(x, []).append(i)
        self.groups = [by_value[x] for x in sorted(by_value)]

    def mean(self):
        return sum(q * x for q, x in zip(self.q, self.r))

    def mean_gold(self):
        return sum(q * x for q, x in zip(self.q, self.gold))

    def kl_ceiling(self):
        """-log of the base mass of the largest reward."""
        return -log(sum(self.q[i] for i in self.groups[-1]))

    def spread(self):
        mean = self.mean()
        return sqrt(sum(q * (x - mean) ** 2 for q, x in zip(self.q, self.r)))


# ---------------------------------------------------------------------------------------------
# Exponential tilt


def tilt_weights(row, lam):
    """(weights, log-weights, log-partition) of w ~ q exp(lam r). One exp and no other shortcut per distinct reward."""
    top = max(row.r)  # Only a change of scale, so that the numbers print; 60 digits do not need it.
    e = {}
    for group in row.groups:
        x = row.r[group[0]]
        e[x] = exp(lam * (x - top))
    unnormalised = [q * e[x] for q, x in zip(row.q, row.r)]
    z = sum(unnormalised)
    log_z = log(z)
    w = [u / z for u in unnormalised]
    log_ratio = [lam * (x - top) - log_z for x in row.r]  # log(w_i / q_i)
    return w, log_ratio, log_z + lam * top


def tilt_kl(row, lam):
    w, log_ratio, _ = tilt_weights(row, lam)
    return sum(a * b for a, b in zip(w, log_ratio))


def win_rate(row, w):
    """Probability that a draw from w beats a draw from the base policy, ties counted one half."""
    below, total = mpf(0), mpf(0)
    for group in row.groups:
        p = sum(row.q[i] for i in group)
        total += sum(w[i] for i in group) * (below + p / 2)
        below += p
    return total


def tilt(row, lam):
    """All quantities of the tilted policy of one prompt."""
    lam = mpf(lam)
    w, log_ratio, log_partition = tilt_weights(row, lam)
    kl = sum(a * b for a, b in zip(w, log_ratio))
    reverse = -sum(a * b for a, b in zip(row.q, log_ratio))
    reward = sum(a * x for a, x in zip(w, row.r))
    return {
        "kl": kl,
        "reverse_kl": reverse,
        "jeffreys": kl + reverse,
        "reward": reward,
        "gain": reward - row.mean(),
        "gold": None if row.gold is None else sum(a * x for a, x in zip(w, row.gold)),
        "win_rate": win_rate(row, w),
        "ess": 1 / sum(a * a for a in w),
        "kl_ceiling": row.kl_ceiling(),
        "log_partition": log_partition,
        "variance": sum(a * (x - reward) ** 2 for a, x in zip(w, row.r)),
    }


def tilt_limit_gain(row):
    """Gain of the policy that puts all mass on the largest reward."""
    return max(row.r) - row.mean()


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def mean_kl(rows, lam):
    return mean(tilt_kl(row, lam) for row in rows)


def common_lambda(rows, budget, digits=40):
    """The lambda at which the mean over prompts of the KL is `budget`: regula falsi (Illinois) inside a bracket.

    Solved in log lambda against log KL; the mean KL is continuous and increasing.
    """
    budget = mpf(budget)
    scale = mean(row.spread() for row in rows)
    lo = hi = log(sqrt(2 * budget) / scale)

    def f(t):
        return log(mean_kl(rows, exp(t)) / budget)

    flo = fhi = f(lo)
    step = mpf(1)
    while flo > 0:
        lo -= step
        flo = f(lo)
        step *= 2
    step = mpf(1)
    while fhi < 0:
        hi += step
        fhi = f(hi)
        step *= 2
    side = 0
    for k in range(2000):
        if flo == 0 or fhi == 0 or hi - lo < mpf(10) ** -digits:
            break
        t = (lo + hi) / 2 if k % 4 == 3 else (lo * fhi - hi * flo) / (fhi - flo)
        ft = f(t)
        if abs(ft) < mpf(10) ** -(digits + 5):
            return exp(t)
        if ft > 0:
            hi, fhi = t, ft
            if side == 1:
                flo /= 2
            side = 1
        else:
            lo, flo = t, ft
            if side == -1:
                fhi /= 2
            side = -1
    else:
        raise ArithmeticError("the KL budget did not converge")
    return exp(lo if flo == 0 else hi if fhi == 0 else (lo + hi) / 2)


# ---------------------------------------------------------------------------------------------
# Best of n


def kl_bound(n):
    return log(mpf(n)) - mpf(n - 1) / n


def cells(row):
    """Tie groups as (F below, F at, indices), in ascending order."""
    seen, out = 0, []
    for group in row.groups:
        out.append((mpf(seen) / row.m, mpf(seen + len(group)) / row.m, group))
        seen += len(group)
    return out


def stretches(row):
    """The law with tie groups as atoms and untied samples as a continuum: ("atom" | "untied", a, b)."""
    out = []
    for a, b, group in cells(row):
        if len(group) > 1:
            out.append(("atom", a, b))
        elif out and out[-1][0] == "untied":
            out[-1] = ("untied", out[-1][1], b)
        else:
            out.append(("untied", a, b))
    return out


def xlogx(u):
    return u * log(u) if u > 0 else mpf(0)


def bon_kl(row, n):
    def primitive(u):
        return u**n * log(mpf(n)) + (n - 1) * ((u**n * log(u) if u > 0 else 0) - u**n / n)

    total = mpf(0)
    for kind, a, b in stretches(row):
        if kind == "atom":
            q = b**n - a**n
            total += q * log(q / (b - a))
        else:
            total += primitive(b) - primitive(a)
    return total


def bon_reverse_kl(row, n):
    def primitive(u):
        return (n - 1) * (xlogx(u) - u)

    total = mpf(0)
    for kind, a, b in stretches(row):
        if kind == "atom":
            total += (b - a) * log((b - a) / (b**n - a**n))
        else:
            total -= (b - a) * log(mpf(n)) + primitive(b) - primitive(a)
    return total


def bon_win_rate(row, n):
    total = mpf(0)
    for kind, a, b in stretches(row):
        if kind == "atom":
            total += (b**n - a**n) * (a + b) / 2
        else:
            total += mpf(n) / (n + 1) * (b ** (n + 1) - a ** (n + 1))
    return total


def u_weights(row, n):
    """Weights of the unbiased estimate: C(i-1, n-1) / C(M, n) at rank i, averaged within tie groups."""
    w, seen = [None] * row.m, 0
    subsets = binomial(row.m, n)
    for group in row.groups:
        block = [binomial(rank - 1, n - 1) / subsets for rank in range(seen + 1, seen + len(group) + 1)]
        for i in group:
            w[i] = sum(block) / len(group)
        seen += len(group)
    return w


def v_weights(row, n):
    """Best of n draws with replacement from the samples, ties broken uniformly."""
    w = [None] * row.m
    for a, b, group in cells(row):
        for i in group:
            w[i] = (b**n - a**n) / len(group)
    return w


def divergence(w, q):
    return sum(a * log(a / b) for a, b in zip(w, q) if a > 0)


def best_of_n(row, n):
    """All quantities of one prompt at one n."""
    u, v = u_weights(row, n), v_weights(row, n)
    reward = sum(a * x for a, x in zip(u, row.r))
    kl, reverse = bon_kl(row, n), bon_reverse_kl(row, n)
    return {
        "kl": kl,
        "reverse_kl": reverse,
        "jeffreys": kl + reverse,
        "reward": reward,
        "gain": reward - row.mean(),
        "gold": None if row.gold is None else sum(a * x for a, x in zip(u, row.gold)),
        "win_rate": bon_win_rate(row, n),
        "ess": 1 / sum(a * a for a in u),
        "kl_emp": divergence(v, row.q),
        "v_gain": sum(a * x for a, x in zip(v, row.r)) - row.mean(),
    }


def best_of_n_atoms(row, n):
    """The all-atom form: every distinct reward is an atom. V-weights, in the empirical world."""
    v = v_weights(row, n)
    return {
        "v_reward": sum(a * x for a, x in zip(v, row.r)),
        "v_gold": None if row.gold is None else sum(a * x for a, x in zip(v, row.gold)),
        "kl": divergence(v, row.q),
        "reverse_kl": divergence(row.q, v),
        "win_rate": win_rate(row, v),
    }


# ---------------------------------------------------------------------------------------------
# Curves: means over prompts


def settle(point, rows):
    """Zero instead of the rounding residue of DIGITS-digit arithmetic, cell by cell."""
    reward = max(max(abs(x) for x in row.r) for row in rows)
    gold = max(max(abs(x) for x in row.gold) for row in rows) if rows[0].gold else 1
    tiny = mpf(10) ** (20 - DIGITS)
    sizes = {"reward": reward, "gain": reward, "v_gain_mean": reward, "gold": gold}
    sizes["variance_per_prompt"] = reward**2 * tiny  # It is a sum of squares: its residue is squared too.

    def settled(key, x):
        if isinstance(x, list):
            return [settled(key, y) for y in x]
        return mpf(0) if isinstance(x, mpf) and abs(x) <= sizes.get(key, 1) * tiny else x

    return {key: x if key in ("lambda", "budget") else settled(key, x) for key, x in point.items()}


def tilt_point(rows, lam):
    parts = [tilt(row, lam) for row in rows]
    point = {"lambda": mpf(lam)}
    for key in ("kl", "reverse_kl", "jeffreys", "reward", "gain", "gold", "win_rate", "kl_ceiling"):
        point[key] = None if parts[0][key] is None else mean(p[key] for p in parts)
    for key in ("ess", "log_partition", "variance"):
        point[key + "_per_prompt"] = [p[key] for p in parts]
    return settle(point, rows)


def budget_point(rows, budget):
    """None where the budget is 0.98 of the mean ceiling or more."""
    ceiling = mean(row.kl_ceiling() for row in rows)
    if mpf(budget) >= mpf("0.98") * ceiling:
        return None
    lam = common_lambda(rows, budget)
    at = tilt_point(rows, lam)
    keys = ("reverse_kl", "jeffreys", "reward", "gain", "win_rate", "gold")
    return {"budget": mpf(budget), "lambda": lam} | {key: at[key] for key in keys}


def best_of_n_point(rows, n):
    parts = [best_of_n(row, n) for row in rows]
    point = {"n": n}
    for key in ("kl", "reverse_kl", "jeffreys", "reward", "gain", "gold", "win_rate"):
        point[key] = None if parts[0][key] is None else mean(p[key] for p in parts)
    point["kl_bound"] = kl_bound(n)
    kl_emp, v_gain = mean(p["kl_emp"] for p in parts), mean(p["v_gain"] for p in parts)
    point["kl_emp_mean"], point["v_gain_mean"] = kl_emp, v_gain
    point["efficiency"] = None
    if settle(point, rows)["v_gain_mean"] > 0:
        point["efficiency"] = v_gain / frontier_gain(rows, kl_emp)
    point["ess_per_prompt"] = [p["ess"] for p in parts]
    return settle(point, rows)


def frontier_gain(rows, kl):
    """Gain of the optimum at this mean KL; the limit of infinite lambda within 1e-12 of the ceiling."""
    if kl > mean(row.kl_ceiling() for row in rows) - mpf("1e-12"):
        return mean(tilt_limit_gain(row) for row in rows)
    lam = common_lambda(rows, kl)
    return mean(tilt(row, lam)["gain"] for row in rows)


# ---------------------------------------------------------------------------------------------
# Standard errors of one prompt, for the five-sample vector


def gain_delta_error(row, lam):
    """Square root of the sum of squared influence values over M."""
    w, _, _ = tilt_weights(row, mpf(lam))
    m = sum(a * x for a, x in zip(w, row.r))
    mu = row.mean()
    return sqrt(sum((row.m * a * (x - m) - (x - mu)) ** 2 for a, x in zip(w, row.r))) / row.m


def gain_jackknife(row, lam):
    """(bias-corrected gain, standard error) from leaving out one sample at a time."""
    full = tilt(row, lam)["gain"]
    left = [tilt(Row([x for j, x in enumerate(row.r) if j != i]), lam)["gain"] for i in range(row.m)]
    centre = mean(left)
    corrected = row.m * full - (row.m - 1) * centre
    return corrected, sqrt(mpf(row.m - 1) / row.m * sum((x - centre) ** 2 for x in left))
