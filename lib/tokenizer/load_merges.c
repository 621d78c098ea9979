/* SPDX-License-Identifier: MIT
 * Merges of byte-level BPE, as the file lists them: "left right", the first
 * being the strongest. */
#include "tokenizer/vocab.h"

#define MERGES "tokenizer.ggml.merges"

static phial_status find_bytes(ph_tokenizer *t)
{
    for (int i = 0; i < 256; i++) {
        char byte = (char)i;

        t->byte_ids[i] = ph_strings_find(t, &byte, 1);
        if (t->byte_ids[i] == PHIAL_NO_TOKEN)
            return ph_fail(PHIAL_E_FORMAT,
                           "tokenizer.ggml.tokens: byte 0x%02X has no token",
                           (unsigned)i);
    }
    return PHIAL_OK;
}

/* The token spelled data, tried first at guess: merges mostly stand in the
 * order of the tokens that they make. */
static phial_token find_near(const ph_tokenizer *t, uint32_t guess,
                             const char *data, size_t len)
{
    if (guess < t->n_vocab && t->kinds[guess] == PH_TOKEN_NORMAL &&
        ph_str_eq(ph_token_bytes(t, guess), (ph_str){data, len}))
        return (phial_token)guess;
    return ph_strings_find(t, data, len);
}

static phial_status bad_merge(uint32_t rank, ph_str text, const char *why)
{
    return ph_fail(PHIAL_E_FORMAT, MERGES ": merge %u, \"%s\", %s", rank,
                   ph_show(text).text, why);
}

static phial_status put_merge(ph_tokenizer *t, uint32_t rank, ph_str text,
                              uint32_t *guess)
{
    char bytes[2 * PH_MAX_TOKEN];
    const char *space;
    size_t n_left, n_right;
    phial_token left, right, merged;
    ph_str part;

    space = text.len ? memchr(text.data, ' ', text.len) : NULL;
    if (!space || text.len > sizeof bytes)
        return bad_merge(rank, text, "is not two tokens");
    part = (ph_str){text.data, (size_t)(space - text.data)};
    PH_TRY(ph_decode_alphabet(part, rank, MERGES, bytes, &n_left));
    part = (ph_str){space + 1, text.len - part.len - 1};
    PH_TRY(ph_decode_alphabet(part, rank, MERGES, bytes + n_left, &n_right));
    if (!n_left || !n_right)
        return bad_merge(rank, text, "is not two tokens");
    left = ph_strings_find(t, bytes, n_left);
    right = ph_strings_find(t, bytes + n_left, n_right);
    merged = find_near(t, *guess, bytes, n_left + n_right);
    if (left == PHIAL_NO_TOKEN || right == PHIAL_NO_TOKEN ||
        merged == PHIAL_NO_TOKEN)
        return bad_merge(rank, text, "names a token that does not exist");
    t->merged[rank] = (uint32_t)merged;
    *guess = (uint32_t)merged + 1;
    return ph_pairs_put(&t->pairs, (uint32_t)left, (uint32_t)right, rank);
}

phial_status ph_load_merges(ph_tokenizer *t, const ph_gguf *gguf)
{
    const ph_gguf_entry *merges;
    uint32_t guess = 0;
    size_t at = 0;

    PH_TRY(find_bytes(t));
    PH_TRY(ph_gguf_array(gguf, MERGES, PH_GGUF_STRING, &merges));
    if (merges->count >= PH_MAX_MERGES)
        return ph_fail(PHIAL_E_FORMAT,
                       MERGES " has %zu elements, expected fewer than %d",
                       (size_t)merges->count, PH_MAX_MERGES);
    t->n_merges = (uint32_t)merges->count;
    PH_TRY(ph_pairs_init(t->heap, &t->pairs, t->n_merges));
    t->merged = ph_alloc(t->heap, t->n_merges, sizeof *t->merged);
    if (!t->merged)
        return ph_no_memory("the merges", t->n_merges * sizeof *t->merged);
    for (uint32_t rank = 0; rank < t->n_merges; rank++)
        PH_TRY(put_merge(t, rank, ph_gguf_next_string(merges, &at), &guess));
    return PHIAL_OK;
}
