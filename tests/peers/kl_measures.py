# SPDX-License-Identifier: MIT
"""Divergences of predictions and what they say about two engines, for
compare_kl.py and compare_cache.py."""
import math

import numpy as np

SIGMAS = 3.0


def divergences(reference, logits):
    """Mean KL of each prompt."""
    out = []
    for want, got in zip(reference, logits):
        p, q = log_softmax(np.float64(want)), log_softmax(np.float64(got))
        out.append((np.exp(p) * (p - q)).sum(-1).mean())
    return np.array(out)


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def standard_error(x):
    return x.std(ddof=1) / math.sqrt(len(x))


def log_ratios(results):
    """Of ours to each peer's, with standard errors: [peer][2]."""
    ours = results[0]
    return np.array([[math.log(ours.mean() / peer.mean()),
                      standard_error(ours - peer)
                      / math.sqrt(ours.mean() * peer.mean())]
                     for peer in results[1:]])


def verdict(ratios, control=False):
    """What to print of the ratio to the best peer, and whether ours is
    worse."""
    ratio, error = max(ratios, key=lambda row: row[0])
    worse = not control and ratio > SIGMAS * error
    note = "control" if control else "worse" if worse else ""
    return (f"{math.exp(ratio):6.3f} {ratio:+7.3f} +- {error:.3f} {note}"
            .rstrip(), worse)
