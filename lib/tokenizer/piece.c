/* SPDX-License-Identifier: MIT
 * One piece of text to token ids: the whole piece if it is a token, else its
 * bytes (byte-level) or characters (SentencePiece), merged. Short pieces, which
 * is nearly all, take a loop without allocation. */
#include "text/text.h"
#include "tokenizer/vocab.h"

/* Up to this many bytes the quadratic loop is the faster one. */
enum { SHORT = 32 };

size_t ph_first_ids(const ph_tokenizer *t, const char *data, size_t len,
                    uint32_t *ids)
{
    size_t n = 0, width;
    uint32_t code_point;

    if (t->vocab != PH_VOCAB_PHI3) {
        for (; n < len; n++)
            ids[n] = (uint32_t)t->byte_ids[(uint8_t)data[n]];
        return n;
    }
    for (size_t at = 0; at < len; at += width) {
        phial_token id;

        width = ph_utf8_next(data + at, len - at, &code_point);
        id = ph_strings_find(t, data + at, width);
        if (id != PHIAL_NO_TOKEN)
            ids[n++] = (uint32_t)id;
        for (size_t i = 0; i < width && id == PHIAL_NO_TOKEN; i++)
            ids[n++] = (uint32_t)t->byte_ids[(uint8_t)data[at + i]];
    }
    return n;
}

static size_t merge_short(const ph_tokenizer *t, uint32_t *ids, size_t n)
{
    uint32_t ranks[SHORT];

    for (size_t i = 0; i + 1 < n; i++)
        ranks[i] = ph_pairs_find(&t->pairs, ids[i], ids[i + 1]);
    while (n > 1) {
        size_t best = 0;

        for (size_t i = 1; i + 1 < n; i++)
            if (ranks[i] < ranks[best])
                best = i;
        if (ranks[best] == PH_NO_RANK)
            break;
        ids[best] = t->merged[ranks[best]];
        n--;
        for (size_t i = best + 1; i < n; i++) {
            ids[i] = ids[i + 1];
            ranks[i - 1] = ranks[i];
        }
        if (best)
            ranks[best - 1] =
                ph_pairs_find(&t->pairs, ids[best - 1], ids[best]);
        if (best + 1 < n)
            ranks[best] = ph_pairs_find(&t->pairs, ids[best], ids[best + 1]);
    }
    return n;
}

static phial_status encode_short(const ph_tokenizer *t, const char *data,
                                 size_t len, ph_tokens *out)
{
    uint32_t ids[SHORT];
    size_t n = merge_short(t, ids, ph_first_ids(t, data, len, ids));

    PH_TRY(ph_tokens_reserve(out, n));
    for (size_t i = 0; i < n; i++)
        out->data[out->len++] = (phial_token)ids[i];
    return PHIAL_OK;
}

static phial_status encode_long(const ph_tokenizer *t, const char *data,
                                size_t len, ph_tokens *out)
{
    uint32_t *ids;
    phial_status status;

    if (len > INT32_MAX)
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "a piece of text without a break has %zu bytes, more "
                       "than %d",
                       len, INT32_MAX);
    ids = ph_alloc_raw(t->heap, len * sizeof *ids);
    if (!ids)
        return ph_no_memory("a long word", len * sizeof *ids);
    status = ph_merge_long(t, ids, ph_first_ids(t, data, len, ids), out);
    ph_free(t->heap, ids);
    return status;
}

phial_status ph_encode_piece(const ph_tokenizer *t, const char *data,
                             size_t len, ph_tokens *out)
{
    if (len <= t->longest) {
        phial_token id = ph_strings_find(t, data, len);

        if (id != PHIAL_NO_TOKEN && (t->flags[id] & PH_TOKEN_WHOLE))
            return ph_tokens_put(out, id);
    }
    return len <= SHORT ? encode_short(t, data, len, out)
                        : encode_long(t, data, len, out);
}

phial_status ph_mark_whole(ph_tokenizer *t)
{
    ph_tokens out = {.heap = t->heap};
    phial_status status = PHIAL_OK;

    for (uint32_t id = 0; id < t->n_vocab && status >= 0; id++) {
        ph_str text = ph_token_bytes(t, id);

        if (t->kinds[id] != PH_TOKEN_NORMAL)
            continue;
        out.len = 0;
        status = ph_encode_piece(t, text.data, text.len, &out);
        if (status >= 0 && out.len == 1 && out.data[0] == (phial_token)id)
            t->flags[id] |= PH_TOKEN_WHOLE;
    }
    ph_tokens_free(&out);
    return status;
}
