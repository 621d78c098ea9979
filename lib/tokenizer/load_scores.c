/* SPDX-License-Identifier: MIT
 * Merges of SentencePiece BPE. The file gives every token a score and no
 * merges: two tokens join if the result is a token, the highest score first.
 * The reference (tokenizers' conversion of the same vocabulary) ranks every
 * way to cut a token in two: by score, then by the ids of the token, of its
 * left and of its right part. Listed in that order, they are merges like any
 * others. */
#include "tokenizer/vocab.h"

#define SCORES "tokenizer.ggml.scores"

/* A token is cut at every place, so its length counts squared. Real
 * vocabularies end at 48 bytes. */
enum { MAX_PIECE = 256 };

/* Bits of a float such that unsigned order is descending order of values. */
static uint32_t descending(uint32_t bits)
{
    return bits & 0x80000000u ? bits : ~bits & 0x7FFFFFFFu;
}

/* Heapsort of keys, ascending. */
static void sift(uint64_t *keys, size_t root, size_t n)
{
    uint64_t key = keys[root];

    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && keys[child + 1] > keys[child])
            child++;
        if (keys[child] <= key)
            break;
        keys[root] = keys[child];
    }
    keys[root] = key;
}

static void sort(uint64_t *keys, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(keys, i, n);
    for (size_t end = n; end-- > 1;) {
        uint64_t top = keys[0];

        keys[0] = keys[end];
        keys[end] = top;
        sift(keys, 0, end);
    }
}

/* The ways to cut token id in two, as left << 32 | right, sorted. */
static size_t cuts_of(const ph_tokenizer *t, uint32_t id,
                      uint64_t cuts[MAX_PIECE])
{
    ph_str text = ph_token_bytes(t, id);
    size_t n = 0;

    for (size_t i = 1; i < text.len; i++) {
        phial_token left = ph_strings_find(t, text.data, i);
        phial_token right;

        if (left == PHIAL_NO_TOKEN)
            continue;
        right = ph_strings_find(t, text.data + i, text.len - i);
        if (right != PHIAL_NO_TOKEN)
            cuts[n++] = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    }
    sort(cuts, n);
    return n;
}

/* Merge number rank makes token id out of the parts of cut. */
typedef struct merge {
    uint64_t cut;
    uint32_t id;
} merge;

typedef struct merge_list {
    merge *data;
    size_t len, room;
} merge_list;

static phial_status add_merges(const ph_tokenizer *t, uint32_t id,
                               merge_list *list)
{
    uint64_t cuts[MAX_PIECE];
    size_t n = cuts_of(t, id, cuts);

    if (list->len + n >= PH_MAX_MERGES)
        return ph_fail(PHIAL_E_FORMAT,
                       SCORES ": the tokens join in more than %d ways",
                       PH_MAX_MERGES - 1);
    if (list->len + n > list->room) {
        size_t room = list->room + list->room / 2 + t->n_vocab + MAX_PIECE;
        merge *data = ph_realloc(t->heap, list->data, room, sizeof *data);

        if (!data)
            return ph_no_memory("the merges", room * sizeof *data);
        list->data = data;
        list->room = room;
    }
    for (size_t i = 0; i < n; i++)
        list->data[list->len++] = (merge){cuts[i], id};
    return PHIAL_OK;
}

static phial_status store_merges(ph_tokenizer *t, const merge_list *list)
{
    t->n_merges = (uint32_t)list->len;
    PH_TRY(ph_pairs_init(t->heap, &t->pairs, list->len));
    t->merged = ph_alloc(t->heap, list->len, sizeof *t->merged);
    if (!t->merged)
        return ph_no_memory("the merges", list->len * sizeof *t->merged);
    for (uint32_t rank = 0; rank < t->n_merges; rank++) {
        const merge *m = &list->data[rank];

        t->merged[rank] = m->id;
        PH_TRY(ph_pairs_put(&t->pairs, (uint32_t)(m->cut >> 32),
                            (uint32_t)m->cut, rank));
    }
    return PHIAL_OK;
}

static phial_status rank_merges(ph_tokenizer *t, const uint64_t *order,
                                size_t n)
{
    merge_list list = {0};
    phial_status status = PHIAL_OK;

    for (size_t i = 0; i < n && status >= 0; i++)
        status = add_merges(t, (uint32_t)order[i], &list);
    if (status >= 0)
        status = store_merges(t, &list);
    ph_free(t->heap, list.data);
    return status;
}

/* The ordinary tokens as keys: best score first, then by id. */
static phial_status order_tokens(const ph_tokenizer *t,
                                 const ph_gguf_entry *scores, uint64_t *order,
                                 size_t *n)
{
    *n = 0;
    for (uint32_t id = 0; id < t->n_vocab; id++) {
        uint32_t bits = ph_le32(scores->data.data + (size_t)id * 4);

        if ((bits & 0x7FFFFFFFu) > 0x7F800000u)
            return ph_fail(PHIAL_E_FORMAT, SCORES ": token %u has no number",
                           id);
        if (bits == 0x80000000u)
            bits = 0; /* -0 is 0 */
        if (t->kinds[id] == PH_TOKEN_NORMAL)
            order[(*n)++] = (uint64_t)descending(bits) << 32 | id;
    }
    sort(order, *n);
    return PHIAL_OK;
}

/* True if a space follows only spaces in every token: then no merge reaches
 * across the beginning of a word, and words can be encoded one by one. */
static bool spaces_lead(const ph_tokenizer *t)
{
    for (uint32_t id = 0; id < t->n_vocab; id++) {
        ph_str text = ph_token_bytes(t, id);

        if (t->kinds[id] != PH_TOKEN_NORMAL)
            continue;
        for (size_t i = 1; i < text.len; i++)
            if (text.data[i] == ' ' && text.data[i - 1] != ' ')
                return false;
    }
    return true;
}

static phial_status check_tokens(const ph_tokenizer *t)
{
    for (int i = 0; i < 256; i++)
        if (t->byte_ids[i] == PHIAL_NO_TOKEN)
            return ph_fail(PHIAL_E_FORMAT,
                           "tokenizer.ggml.tokens: byte 0x%02X has no token",
                           (unsigned)i);
    if (t->longest > MAX_PIECE)
        return ph_fail(PHIAL_E_FORMAT,
                       "tokenizer.ggml.tokens: a token has %u bytes, expected "
                       "at most %d",
                       t->longest, MAX_PIECE);
    return PHIAL_OK;
}

phial_status ph_load_scores(ph_tokenizer *t, const ph_gguf *gguf)
{
    static const bool yes = true;
    const ph_gguf_entry *scores;
    phial_status status;
    uint64_t *order;
    size_t n;

    PH_TRY(check_tokens(t));
    PH_TRY(ph_gguf_bool(gguf, "tokenizer.ggml.add_space_prefix", &yes,
                        &t->space_prefix));
    PH_TRY(ph_gguf_array(gguf, SCORES, PH_GGUF_F32, &scores));
    if (scores->count != t->n_vocab)
        return ph_fail(PHIAL_E_FORMAT,
                       SCORES " has %zu elements, tokenizer.ggml.tokens %u",
                       (size_t)scores->count, t->n_vocab);
    order = ph_alloc(t->heap, t->n_vocab, sizeof *order);
    if (!order)
        return ph_no_memory("the scores", t->n_vocab * sizeof *order);
    status = order_tokens(t, scores, order, &n);
    if (status >= 0)
        status = rank_merges(t, order, n);
    ph_free(t->heap, order);
    t->words_apart = spaces_lead(t);
    return status;
}
