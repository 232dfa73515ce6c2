# SPDX-License-Identifier: Apache-2.0
"""The oracle against values worked out elsewhere: printed to some digits, compared to half a unit of the last."""

from itertools import product

from mpmath import mpf

import oracle

FAILURES = []


def agree(what, value, printed):
    """Compares with a printed decimal, within 0.501 of a unit of its last place."""
    mantissa = printed.lower().lstrip("-").split("e")[0]
    places = len(mantissa.split(".")[1]) if "." in mantissa else 0
    if abs(value - mpf(printed)) > mpf("0.501") * mpf(10) ** -places:
        FAILURES.append("%s: computed %s, printed %s" % (what, value, printed))


def finish():
    if FAILURES:
        raise SystemExit("\n".join(FAILURES))


# ---------------------------------------------------------------------------------------------
# The oracle's row formulas


def check_oracle():
    five_samples()
    brute_force()
    finish()
    print("oracle: agrees with the five-sample vector and with enumeration")


def five_samples():
    row = oracle.Row([0, 1, 1, 2, 5], [1, 0, 2, 1, -3])
    lam = mpf("0.7")
    at = oracle.tilt(row, lam)
    for key, printed in {
        "log_partition": "2.13293864274",
        "gain": "2.41144372983",
        "kl": ".815071968147",
        "reverse_kl": ".872938642737",
        "jeffreys": "1.68801061088",
        "ess": "1.58679664854",
    }.items():
        agree("five samples " + key, at[key], printed)
    agree("five samples gain, M - 1", at["gain"] * 5 / 4, "3.01430466229")
    agree("five samples gold gain", at["gold"] - row.mean_gold(), "-2.33904246496")
    agree("five samples delta error", oracle.gain_delta_error(row, lam), ".363328437083")
    corrected, error = oracle.gain_jackknife(row, lam)
    agree("five samples jackknife error", error, "1.68028244276")
    agree("five samples jackknife gain", corrected, "4.184")
    table = {
        2: ("2.9", "-.6", "2.68", "-.44", ".170031972701", ".226293222708", ".652"),
        3: ("3.7", "-1.4", "3.24", "-.952", ".389571789343", ".64853772652", ".7304"),
        5: ("5", "-3", "3.93888", "-1.68928", ".741606732515", "1.65728666136", ".81104"),
    }
    for n, printed in table.items():
        u, v = oracle.best_of_n(row, n), oracle.best_of_n_atoms(row, n)
        values = (u["reward"], u["gold"], v["v_reward"], v["v_gold"], v["kl"], v["reverse_kl"], v["win_rate"])
        for value, number in zip(values, printed):
            agree("five samples best of %d" % n, value, number)


def brute_force():
    """Best of n by enumerating every ordered draw, with and without replacement, for a row with ties."""
    rewards, gold = [3, 1, 3, 0, 1, 7], [5, 2, -1, 4, 0, 9]
    row = oracle.Row(rewards, gold)
    for n in (1, 2, 3, 4):
        u, v = [mpf(0)] * 6, [mpf(0)] * 6
        subsets = 0
        for draw in product(range(6), repeat=n):
            top = max(rewards[i] for i in draw)
            winners = [i for i in draw if rewards[i] == top]
            for i in winners:
                v[i] += mpf(1) / len(winners) / mpf(6) ** n
            if len(set(draw)) == n:
                subsets += 1
                for i in winners:
                    u[i] += mpf(1) / len(winners)
        u = [x / subsets for x in u]
        got = oracle.best_of_n(row, n)
        agree("enumerated U reward", got["reward"] - sum(a * b for a, b in zip(u, rewards)), "0." + "0" * 40)
        agree("enumerated U gold", got["gold"] - sum(a * b for a, b in zip(u, gold)), "0." + "0" * 40)
        gap = max(abs(a - b) for a, b in zip(v, oracle.v_weights(row, n)))
        agree("enumerated V weights", gap, "0." + "0" * 40)


# ---------------------------------------------------------------------------------------------
# The table of closed forms

TILTS = {
    ("normal", "0", "1"): ".5 1 1 .5 .5 1 1",
    ("uniform", "", "0.5"): ".260395050993 .0414940825368 .0823019109672 .0103519902756 .0103950509928"
    " .0207470412684 .0205347526274",
    ("uniform", "", "1"): ".541324854613 .0819767068693 .0793264057922 .0406518522564 .0413248546129"
    " .0819767068693 .0787896523454",
    ("uniform", "", "5"): "3.38380133812 .306783654906 .0331703271198 .650116936415 .883801338116"
    " 1.53391827453 .929766829813",
    ("uniform", "", "20"): "17.0042677244 .450000002061 .00249999793885 1.99573231684 7.00426772438"
    " 9.00000004122 2.30258509712",
    ("bernoulli", "0.3", "1"): ".415735221844 .238101526224 .248548273699 .122366304381 .115735221844"
    " .238101526224 .238988166613",
    ("bernoulli", "0.01", "5"): ".905889462138 .589859601813 .240028059926 2.09340854693 .855889462138"
    " 2.94929800907 3.58753541226",
    ("exponential", "", "0.25"): ".287682072452 .333333333333 1.77777777778 .0456512608816 .0376820724518"
    " .0833333333333 .117783035656",
    ("exponential", "", "0.4"): ".510825623766 .666666666667 2.77777777778 .155841042901 .110825623766"
    " .266666666667 .587786664902",
    ("alphabet", "4", "0.5"): ".901044310578 .584576488462 1.02145144517 .141243933652 .151044310578"
    " .292288244231 .251806716284",
    ("alphabet", "4", "2"): "4.75878357784 1.34482465805 .175644410257 .930865738267 1.75878357784"
    " 2.68964931611 1.11462381749",
}

NORMAL_MEANS = {
    2: ".5641895835", 3: ".8462843753", 4: "1.029375373", 5: "1.162964474", 6: "1.267206361", 7: "1.352178376",
    8: "1.423600306", 9: "1.485013162", 10: "1.538752731", 16: "1.765991393", 32: "2.069668828", 50: "2.249073629",
    64: "2.343733465", 100: "2.507593636", 128: "2.594597369", 256: "2.826863279", 512: "3.043903161",
    1000: "3.241435769", 1024: "3.248239601", 4096: "3.626082178", 10000: "3.851615817",
}  # fmt: skip

ALPHABETS = {
    (10, 2): ".189318 .193059 .1931", (10, 4): ".628825 .634870 .6363", (10, 10): "1.361097 1.378887 1.4026",
    (10, 32): "2.149249 2.163370 2.4970", (10, 100): "2.302279 2.302316 3.6152",
    (100, 10): "1.402163 1.402553 1.4026", (100, 100): "3.574476 3.589667 3.6152",
    (100, 1000): "4.604693 4.604750 5.9088", (1000, 100): "3.614754 3.615131 3.6152",
    (1000, 1000): "5.868100 5.883078 5.9088", (1000, 10000): "6.907258 6.907317 8.2104",
    (10000, 1000): "5.908339 5.908716 5.9088", (10000, 10000): "8.169788 8.184745 8.2104",
    (10000, 100000): "9.209841 9.209900 10.5129",
}  # fmt: skip

D_N = {
    (2, "0.5"): ".179098831081", (10, "0.1"): "1.37888673625", (100, "0.001"): "3.61513127637",
    (1000, "0.01"): "4.60474984142", (16, "1e-6"): "1.83508872224",
}  # fmt: skip

POISSON = {
    "1": (".107153583907", ".11370563888", ".632120558829", ".216166179191"),
    "5": (".833449425762", "1.34988863693", ".83973048212", "2.04999773"),
    "20": ("2.04702950458", "7.80325144039", ".952499999995", "9.5125"),
}


def check_closed_forms(closed):
    tilt_table(closed["tilt"])
    best_of_n_tables(closed["best_of_n"])
    finish()
    print("closed forms: agree with the printed tables")


def tilt_table(rows):
    keys = ("K", "gain", "variance", "kl", "reverse_kl", "jeffreys", "renyi_2")
    by_case = {(r["law"], r["parameters"][0] if r["parameters"] else "", r["lambda"]): r for r in rows}
    for (law, parameter, lam), printed in TILTS.items():
        row = by_case[(law, parameter, lam)]
        for key, number in zip(keys, printed.split()):
            agree("%s(%s) lambda %s %s" % (law, parameter, lam, key), row[key], number)


def best_of_n_tables(tables):
    for row in tables["normal_mean_of_maximum"]:
        if row["n"] in NORMAL_MEANS:
            agree("e_%d" % row["n"], row["mean"], NORMAL_MEANS[row["n"]])
    for row in tables["uniform_alphabet"]:
        for key, number in zip(("kl", "d_n", "bound"), ALPHABETS.get((row["k"], row["n"]), "").split()):
            agree("alphabet %d best of %d %s" % (row["k"], row["n"], key), row[key], number)
    binary = {2: ".130812035941", 3: ".316377019304", 6: ".612662343492", 10: ".685402079617"}
    for row in tables["binary_uniform_kl"]:
        if row["n"] in binary:
            agree("binary best of %d" % row["n"], row["kl"], binary[row["n"]])
    for row in tables["d_n"]:
        if (row["n"], row["epsilon"]) in D_N:
            agree("d_%d(%s)" % (row["n"], row["epsilon"]), row["value"], D_N[(row["n"], row["epsilon"])])
    for row in tables["best_of_poisson"]:
        for key, number in zip(("kl", "reverse_kl", "win_rate", "chi_square"), POISSON[row["mu"]]):
            agree("best of Poisson %s %s" % (row["mu"], key), row[key], number)
