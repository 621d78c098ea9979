"""Packs conversations into rows of fixed length; each row's conversations do not see each other."""
import itertools

import torch

from conversations import encode, long_stream, stream

PROMPT_WEIGHT = 0.05


class Packer:
    """Rows of one length from conversations longer than `shortest`, and no longer than the row."""

    def __init__(self, vocabulary, source, shortest, length, pad):
        self.vocabulary, self.source, self.pad = vocabulary, source, pad
        self.shortest, self.length, self.waiting = shortest, length, []

    def _refill(self):
        while len(self.waiting) < 64:
            for ids, worths in encode(self.vocabulary, list(itertools.islice(self.source, 128))):
                if self.shortest < len(ids) <= self.length:
                    self.waiting.append((ids, worths))

    def _row(self):
        """Fills one row with the first conversations that still fit."""
        room, chosen = self.length, []
        self._refill()
        for item in self.waiting[:64]:
            if len(item[0]) <= room:
                chosen.append(item)
                room -= len(item[0])
        for item in chosen:
            self.waiting.remove(item)
        return chosen

    def batch(self, rows):
        """Tensors: ids, positions, additive mask, next ids and their weights."""
        shape = (rows, self.length)
        ids = torch.full(shape, self.pad)
        positions, owner = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
        weights = torch.zeros(shape)
        for r in range(rows):
            at = 0
            for number, (item, worths) in enumerate(self._row(), 1):
                end = at + len(item)
                ids[r, at:end] = torch.tensor(item)
                positions[r, at:end] = torch.arange(len(item))
                owner[r, at:end] = number
                worth = torch.tensor(worths).clamp(min=PROMPT_WEIGHT)
                weights[r, at:end - 1] = worth[1:]
                at = end
        steps = torch.arange(self.length)
        seen = (owner[:, :, None] == owner[:, None, :]) & (steps[None, :] <= steps[:, None])
        mask = torch.zeros(seen.shape, dtype=torch.bfloat16).masked_fill(~seen, -1e9)[:, None]
        return ids, positions, mask, ids.roll(-1, 1), weights


def packers(vocabulary, seed, shares, short_context, context, pad):
    """(share of the steps, rows per batch, packer): the last two rows train the long rope factors."""
    half = short_context // 2

    def packer(source, shortest, length):
        return Packer(vocabulary, source, shortest, length, pad)

    return [
        (0.70, 8192 // half, packer(stream(seed, shares), 0, half)),
        (0.22, 8192 // short_context, packer(stream(seed + 1, shares), half // 2, short_context)),
        (0.06, 2048 // short_context, packer(long_stream(seed + 2, shares, (6, 13)), short_context, 2 * short_context)),
        (0.02, 1, packer(long_stream(seed + 3, shares, (10, 20)), 2 * short_context, context)),
    ]
