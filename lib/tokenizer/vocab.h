/* SPDX-License-Identifier: MIT
 * vocab.h - the insides of a tokenizer: tokens, merges, and the tables that
 * look them up. Only lib/tokenizer includes it.
 *
 * Tokens are held as the bytes they stand for: the GPT-2 alphabet of
 * byte-level files and the U+2581 of SentencePiece are undone on loading. */
#ifndef PH_VOCAB_H
#define PH_VOCAB_H

#include "tokenizer/tokenizer.h"

enum {
    PH_MAX_VOCAB = 1 << 20,
    PH_MAX_MERGES = 1 << 21,
    PH_MAX_ADDED = 4096,
    PH_MAX_TOKEN = 1024, /* bytes */
    /* The longest probe a table may need. An honest vocabulary at the load we
     * allow stays far below; one made to collide is refused, not endured. */
    PH_MAX_PROBE = 1000
};

#define PH_NO_RANK UINT32_MAX

enum {                           /* ph_tokenizer.flags */
       PH_TOKEN_ADDED = 1 << 0,  /* recognised whole in text that may hold it */
       PH_TOKEN_LSTRIP = 1 << 1, /* swallows white space before it */
       PH_TOKEN_RSTRIP = 1 << 2, /* and after it */
       PH_TOKEN_VISIBLE = 1 << 3, /* spelled out by the decoder */
       PH_TOKEN_END = 1 << 4,     /* ends a turn */
       PH_TOKEN_WHOLE = 1 << 5    /* its bytes alone encode to it */
};

/* Open addressing from a string to the token that spells it. */
typedef struct ph_string_table {
    struct ph_string_slot {
        uint32_t tag; /* upper half of the hash */
        int32_t id;   /* PHIAL_NO_TOKEN if empty */
    } * slots;
    size_t mask;
} ph_string_table;

/* Open addressing from a pair of tokens to the merge that joins them. A slot
 * is left (20 bits), right (20 bits), rank (21 bits); all ones if empty. */
typedef struct ph_pair_table {
    uint64_t *slots;
    size_t mask;
} ph_pair_table;

struct ph_tokenizer {
    const ph_heap *heap;
    ph_heap heap_copy;
    ph_vocab vocab;
    uint32_t n_vocab;
    uint32_t longest; /* bytes of the longest ordinary token */

    char *bytes;       /* all tokens' bytes, one after another */
    uint32_t *offsets; /* n_vocab + 1 */
    uint8_t *kinds;
    uint8_t *flags;

    ph_string_table strings; /* ordinary tokens */
    ph_pair_table pairs;
    uint32_t *merged; /* by rank: the token that a merge makes */
    uint32_t n_merges;

    phial_token byte_ids[256];
    phial_token bos, eos, end_of_turn, pad;

    uint32_t *added; /* ids of added tokens, sorted by spelling */
    uint32_t n_added;
    uint8_t added_first[256 / 8]; /* bit set of their first bytes */

    bool space_prefix; /* SentencePiece: a segment begins with a space */
    bool words_apart;  /* no token has a space after another character */
};

static inline ph_str ph_token_bytes(const ph_tokenizer *t, uint32_t id)
{
    return (ph_str){t->bytes + t->offsets[id],
                    t->offsets[id + 1] - t->offsets[id]};
}

/* ---- Tables (tables.c) ------------------------------------------------- */

phial_status ph_strings_init(const ph_heap *heap, ph_string_table *table,
                             size_t count);
phial_status ph_strings_put(ph_tokenizer *t, uint32_t id);
phial_token ph_strings_find(const ph_tokenizer *t, const char *data,
                            size_t len);

phial_status ph_pairs_init(const ph_heap *heap, ph_pair_table *table,
                           size_t count);
phial_status ph_pairs_put(ph_pair_table *table, uint32_t left, uint32_t right,
                          uint32_t rank);

static inline uint64_t ph_pair_key(uint32_t left, uint32_t right)
{
    return (uint64_t)left << 20 | right;
}

static inline size_t ph_pair_slot(uint64_t key, size_t mask)
{
    uint64_t h = key * 0x9E3779B97F4A7C15u;

    return (size_t)(h >> 24 ^ h >> 44) & mask;
}

/* The rank of joining two tokens, or PH_NO_RANK. */
static inline uint32_t ph_pairs_find(const ph_pair_table *table, uint32_t left,
                                     uint32_t right)
{
    uint64_t key = ph_pair_key(left, right);
    size_t i = ph_pair_slot(key, table->mask);

    for (;; i = (i + 1) & table->mask) {
        uint64_t slot = table->slots[i];

        if (slot == UINT64_MAX)
            return PH_NO_RANK;
        if (slot >> 21 == key)
            return (uint32_t)(slot & (PH_MAX_MERGES - 1));
    }
}

/* ---- Loading (load_*.c) ------------------------------------------------ */

/* The bytes that text in the GPT-2 alphabet stands for, at most text.len. key
 * and index are for the message. */
phial_status ph_decode_alphabet(ph_str text, uint32_t index, const char *key,
                                char *out, size_t *n);

phial_status ph_load_merges(ph_tokenizer *t, const ph_gguf *gguf);
phial_status ph_load_scores(ph_tokenizer *t, const ph_gguf *gguf);
phial_status ph_load_added(ph_tokenizer *t, const ph_gguf *gguf);

/* Sets PH_TOKEN_WHOLE. */
phial_status ph_mark_whole(ph_tokenizer *t);

/* ---- Cutting and merging ----------------------------------------------- */

/* The length of the piece that the pattern cuts off the front of len > 0
 * bytes. (split.c) */
size_t ph_split_cl100k(const char *text, size_t len);
size_t ph_split_o200k(const char *text, size_t len);

/* The tokens that merging starts from, at most one per byte, and returns their
 * number. A character without a token, or bytes that are none, become byte
 * tokens. (piece.c) */
size_t ph_first_ids(const ph_tokenizer *t, const char *data, size_t len,
                    uint32_t *ids);

/* Appends what n tokens become when joined as the merges say, in O(n log n).
 * (merge_long.c) */
phial_status ph_merge_long(const ph_tokenizer *t, const uint32_t *ids, size_t n,
                           ph_tokens *out);

/* Appends the ids of one piece. (piece.c) */
phial_status ph_encode_piece(const ph_tokenizer *t, const char *data,
                             size_t len, ph_tokens *out);

/* Appends the ids of text that holds no added token. (encode_text.c) */
phial_status ph_encode_text(const ph_tokenizer *t, const char *text, size_t len,
                            ph_tokens *out);

/* ---- Added tokens (added.c) -------------------------------------------- */

/* The longest added token that text begins with, or PHIAL_NO_TOKEN. */
phial_token ph_added_at(const ph_tokenizer *t, const char *text, size_t len);

#endif /* PH_VOCAB_H */
