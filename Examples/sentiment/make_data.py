# SPDX-License-Identifier: Apache-2.0
"""Samples text from a word-level Markov model of Debian's fortunes and scores it with two sentiment lexicons.

Writes proxy.npy (AFINN), gold.npy (VADER) and logprobs.npy, each (prompts, samples) float32. README.md says what
they are. The same package versions give the same bytes, whatever the number of worker processes.
"""

import argparse
import math
import random
import re
from collections import Counter, defaultdict
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from afinn import Afinn
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

HERE = Path(__file__).parent
CORPUS = Path("/usr/share/games/fortunes")
PROMPTS, SAMPLES, SEED = 64, 4096, 20240613
MIN_WORDS, MAX_WORDS = 12, 40
WEIGHTS = (0.6, 0.3, 0.1)  # Two words of context, one word, none.

START, END = "<s>", "</s>"
SENTENCE_END = {".", "!", "?"}
TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)*|[.,;:!?]")


# ---------------------------------------------------------------------------------------------
# Corpus


def fortunes(folder):
    """Token lists, one for each fortune, without the lines that name an author."""
    for path in sorted(folder.iterdir()):
        if path.suffix in (".dat", ".u8") or path.name == "ascii-art":
            continue
        for entry in path.read_text("utf-8", "replace").replace("\b", "").split("\n%\n"):
            lines = [line for line in entry.split("\n") if not line.strip().startswith("--")]
            tokens = TOKEN.findall(" ".join(lines).lower())
            if len(tokens) >= 4:
                yield tokens


def is_word(token):
    return token[0].isalpha()


# ---------------------------------------------------------------------------------------------
# Model


class Model:
    """p(w | u, v) = 0.6 f(w | u v) + 0.3 f(w | v) + 0.1 f(w), f = relative frequency in the corpus.

    Where the pair u v was never followed by anything its weight goes to f(w | v), and that of an unseen v to f(w).
    A component is a list of the tokens that followed: a uniform choice from it is a draw from f.
    """

    def __init__(self, corpus):
        pairs, singles, self.any = defaultdict(list), defaultdict(list), []
        for tokens in corpus:
            padded = [START, START] + tokens + [END]
            for u, v, w in zip(padded, padded[1:], padded[2:]):
                pairs[u, v].append(w)
                singles[v].append(w)
                self.any.append(w)
        self.pairs, self.singles = dict(pairs), dict(singles)
        self.pair_counts = {key: Counter(x) for key, x in pairs.items()}
        self.single_counts = {key: Counter(x) for key, x in singles.items()}
        self.any_counts = Counter(self.any)

    def components(self, u, v):
        """(weight, followers, counts) of the three parts, with the weight of an unseen part handed down."""
        a, b, c = WEIGHTS
        two, one = self.pairs.get((u, v)), self.singles.get(v)
        if two is None:
            a, b = 0.0, a + b
        if one is None:
            b, c = 0.0, b + c
        return (
            (a, two, self.pair_counts.get((u, v))),
            (b, one, self.single_counts.get(v)),
            (c, self.any, self.any_counts),
        )

    @staticmethod
    def probability(parts, w):
        return sum(weight * counts[w] / len(followers) for weight, followers, counts in parts if weight > 0)

    @staticmethod
    def draw(parts, rng):
        pick = rng.random()
        for weight, followers, _ in parts:
            if pick < weight:
                break
            pick -= weight
        return followers[int(rng.random() * len(followers))]

    def complete(self, prompt, rng):
        """(tokens, log-probability) of one completion.

        Before MIN_WORDS words the end of the text is ruled out and the rest renormalised; from then on the first
        sentence end or end of text closes it; MAX_WORDS words close it too, with probability 1.
        """
        u, v = prompt[-2:]
        tokens, words, log_probability = [], 0, 0.0
        while words < MAX_WORDS:
            parts = self.components(u, v)
            w = self.draw(parts, rng)
            if words < MIN_WORDS:
                while w == END:
                    w = self.draw(parts, rng)
                log_probability -= math.log1p(-self.probability(parts, END))
            log_probability += math.log(self.probability(parts, w))
            if w == END:
                break
            tokens.append(w)
            words += is_word(w)
            if w in SENTENCE_END and words >= MIN_WORDS:
                break
            u, v = v, w
        return tokens, log_probability


def choose_prompts(corpus):
    """The most frequent three-word openings of sentences; of equal counts, the first in the alphabet."""
    openings = Counter()
    for tokens in corpus:
        starts = [0] + [i + 1 for i, t in enumerate(tokens) if t in SENTENCE_END]
        for i in starts:
            opening = tuple(tokens[i : i + 3])
            if len(opening) == 3 and all(is_word(t) for t in opening):
                openings[opening] += 1
    ranked = sorted(openings.items(), key=lambda item: (-item[1], item[0]))
    return [opening for opening, _ in ranked[:PROMPTS]]


# ---------------------------------------------------------------------------------------------
# Scores


def text_of(tokens):
    return re.sub(r" ([.,;:!?])", r"\1", " ".join(tokens))


def score_prompt(index):
    """Rows of AFINN, VADER and log-probability of one prompt, and the number of distinct texts."""
    rng = random.Random(SEED * 1000 + index)
    rows, texts = [], set()
    for _ in range(SAMPLES):
        tokens, log_probability = MODEL.complete(PROMPT_LIST[index], rng)
        text = text_of(tokens)
        texts.add(text)
        rows.append((AFINN.score(text), VADER.polarity_scores(text)["compound"], log_probability, len(tokens)))
    return np.array(rows), len(texts)


def prepare():
    global MODEL, PROMPT_LIST, AFINN, VADER
    corpus = list(fortunes(CORPUS))
    MODEL, PROMPT_LIST = Model(corpus), choose_prompts(corpus)
    AFINN, VADER = Afinn(), SentimentIntensityAnalyzer()


# ---------------------------------------------------------------------------------------------
# Figures for the README


def ties(matrix):
    return [len(np.unique(row)) for row in matrix]


def describe(proxy, gold, logprobs, lengths, distinct):
    def line(name, values):
        print("%-34s min %10.4f  median %10.4f  max %10.4f" % (name, min(values), np.median(values), max(values)))

    print("corpus: %d tokens, %d word types" % (len(MODEL.any), len(MODEL.any_counts)))
    for name, x in (("proxy", proxy), ("gold", gold), ("logprobs", logprobs)):
        print("%s: mean %.4f, deviation %.4f, min %.4f, max %.4f" % (name, x.mean(), x.std(), x.min(), x.max()))
        line("  mean of a row", x.mean(1))
        line("  deviation of a row", x.std(1))
        line("  distinct values in a row", ties(x))
        line("  multiplicity of a row's maximum", (x == x.max(1, keepdims=True)).sum(1))
    line("correlation proxy/gold in a row", [np.corrcoef(a, b)[0, 1] for a, b in zip(proxy, gold)])
    print("correlation proxy/gold, all cells: %.4f" % np.corrcoef(proxy.ravel(), gold.ravel())[0, 1])
    print("share of exact zeros: proxy %.4f, gold %.4f" % ((proxy == 0).mean(), (gold == 0).mean()))
    line("tokens in a completion", lengths.ravel())
    line("distinct texts in a row", distinct)
    top = proxy >= np.quantile(proxy, 0.999, axis=1, keepdims=True)
    print("mean gold where the proxy is in its row's top 0.1 %%: %.4f" % gold[top].mean())
    print("prompts: " + ", ".join(" ".join(p) for p in PROMPT_LIST))


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--show", type=int, default=0, help="print this many sampled texts and stop")
    options = options.parse_args()
    prepare()
    if options.show:
        rng = random.Random(SEED)
        for prompt in PROMPT_LIST[: options.show]:
            tokens, log_probability = MODEL.complete(prompt, rng)
            print("%-28s | %s  (%.2f)" % (" ".join(prompt), text_of(tokens), log_probability))
        return
    with Pool(options.workers) as pool:  # Workers inherit the fitted model.
        results = pool.map(score_prompt, range(PROMPTS), chunksize=1)
    stacked = np.stack([rows for rows, _ in results])
    proxy, gold, logprobs = (stacked[:, :, k].astype("<f4") for k in range(3))
    for name, matrix in (("proxy", proxy), ("gold", gold), ("logprobs", logprobs)):
        np.save(HERE / (name + ".npy"), np.ascontiguousarray(matrix))
    describe(proxy, gold, logprobs, stacked[:, :, 3], [n for _, n in results])


if __name__ == "__main__":
    main()
