/* SPDX-License-Identifier: MIT
 * Radix selection: one pass per digit over what is still undecided, so the
 * work is linear for every input; a comparison quickselect would be quadratic
 * for logits made to provoke it. Nothing is sorted. */
#include "sampling/select.h"

enum { RANK_BITS = 64 };

static uint32_t digit(uint64_t rank, int shift)
{
    return (uint32_t)(rank >> shift) & (PH_RADIX - 1);
}

/* The digits of a rank are taken from the top; the last one may overlap the
 * one before it, whose bits then no longer differ. */
static int next_shift(int shift)
{
    return shift > PH_RADIX_BITS ? shift - PH_RADIX_BITS : 0;
}

/* Moves the ranks with a digit above d to the front, then those with d;
 * *above and *equal are how many there are. */
static void partition(uint64_t *ranks, size_t n, int shift, uint32_t d,
                      size_t *above, size_t *equal)
{
    size_t larger = 0, end = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t rank = ranks[i];
        uint32_t own = digit(rank, shift);

        if (own < d)
            continue;
        ranks[i] = ranks[end];
        if (own == d) {
            ranks[end++] = rank;
        } else {
            ranks[end++] = ranks[larger];
            ranks[larger++] = rank;
        }
    }
    *above = larger;
    *equal = end - larger;
}

uint64_t ph_keep_ranks(uint64_t *ranks, size_t n, size_t k, uint64_t *histogram)
{
    int shift = RANK_BITS - PH_RADIX_BITS;

    while (n > 1) {
        uint32_t d = PH_RADIX - 1;
        size_t above, equal;

        memset(histogram, 0, PH_RADIX * sizeof *histogram);
        for (size_t i = 0; i < n; i++)
            histogram[digit(ranks[i], shift)]++;
        for (; k > histogram[d]; d--)
            k -= (size_t)histogram[d];
        partition(ranks, n, shift, d, &above, &equal);
        ranks += above;
        n = equal;
        shift = next_shift(shift);
    }
    return ranks[0];
}

uint64_t ph_select_mass(const ph_candidate *candidates, size_t n,
                        const float *logits, uint64_t need,
                        ph_candidate *scratch, uint64_t *histogram)
{
    const ph_candidate *items = candidates;
    int shift = RANK_BITS - PH_RADIX_BITS;

    while (n > 1) {
        uint32_t d = PH_RADIX - 1;
        size_t kept = 0;

        memset(histogram, 0, PH_RADIX * sizeof *histogram);
        for (size_t i = 0; i < n; i++) {
            uint64_t rank = ph_rank(logits[items[i].id], items[i].id);

            histogram[digit(rank, shift)] += ph_mass(items[i].weight);
        }
        for (; need > histogram[d]; d--)
            need -= histogram[d];
        for (size_t i = 0; i < n; i++) {
            uint64_t rank = ph_rank(logits[items[i].id], items[i].id);

            if (digit(rank, shift) == d)
                scratch[kept++] = items[i];
        }
        items = scratch;
        n = kept;
        shift = next_shift(shift);
    }
    return ph_rank(logits[items[0].id], items[0].id);
}
