/* SPDX-License-Identifier: MIT
 * Merging by its definition. */
#include "slow_bpe.h"
#include "gguf_bytes.h"
#include "tokenizer/vocab.h"

#include <stdio.h>
#include <stdlib.h>

size_t slow_merge(const ph_tokenizer *t, uint32_t *ids, size_t n)
{
    for (;;) {
        uint32_t best = PH_NO_RANK;
        size_t at = 0;

        for (size_t i = 0; i + 1 < n; i++) {
            uint32_t rank = ph_pairs_find(&t->pairs, ids[i], ids[i + 1]);

            if (rank < best) {
                best = rank;
                at = i;
            }
        }
        if (best == PH_NO_RANK)
            return n;
        ids[at] = t->merged[best];
        n--;
        memmove(ids + at + 1, ids + at + 2, (n - at - 1) * sizeof *ids);
    }
}

void slow_merge_compare(const ph_tokenizer *t, const char *data, size_t len)
{
    uint32_t *ids = support_must(malloc((len + 1) * sizeof *ids));
    ph_tokens piece = {.heap = &ph_libc_heap}, symbols = {.heap = t->heap};
    size_t n = len ? ph_first_ids(t, data, len, ids) : 0;
    bool same = true;

    if (n && (ph_merge_long(t, ids, n, &symbols) < 0 ||
              ph_encode_piece(t, data, len, &piece) < 0))
        same = false;
    n = slow_merge(t, ids, n);
    same = same && symbols.len == n && piece.len == n;
    for (size_t i = 0; same && i < n; i++)
        same = (uint32_t)symbols.data[i] == ids[i] &&
               (uint32_t)piece.data[i] == ids[i];
    if (!same) {
        fprintf(stderr, "merging %zu bytes differs: %s\n", len,
                ph_show((ph_str){data, len}).text);
        abort();
    }
    free(ids);
    ph_tokens_free(&piece);
    ph_tokens_free(&symbols);
}
