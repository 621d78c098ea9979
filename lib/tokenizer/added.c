/* SPDX-License-Identifier: MIT
 * Added tokens: those that stand outside the merges. Which of them swallow
 * white space, are shown when decoding, or end a turn is known of each
 * vocabulary and spelling; GGUF does not carry it. */
#include "text/text.h"
#include "tokenizer/vocab.h"

/* From the tokenizer_config.json of the published models. Phi-3: the first
 * 128k revision strips nothing; all later ones do as here, and a file does not
 * tell which it came from. */
static const struct {
    ph_vocab vocab;
    const char *spelling; /* NULL: every added token */
    uint8_t flags;
} known[] = {
    {PH_VOCAB_PHI4, NULL, PH_TOKEN_LSTRIP | PH_TOKEN_RSTRIP},
    {PH_VOCAB_PHI4, "<|endoftext|>", PH_TOKEN_END},
    {PH_VOCAB_PHI4, "<|im_end|>", PH_TOKEN_END},

    {PH_VOCAB_PHI4_MINI, "<|endoftext|>", PH_TOKEN_END},
    {PH_VOCAB_PHI4_MINI, "<|end|>", PH_TOKEN_RSTRIP | PH_TOKEN_END},
    {PH_VOCAB_PHI4_MINI, "<|assistant|>", PH_TOKEN_RSTRIP},
    {PH_VOCAB_PHI4_MINI, "<|user|>", PH_TOKEN_RSTRIP},
    {PH_VOCAB_PHI4_MINI, "<|system|>", PH_TOKEN_RSTRIP},
    {PH_VOCAB_PHI4_MINI, "<|tag|>", PH_TOKEN_RSTRIP},
    {PH_VOCAB_PHI4_MINI, "<|tool|>", PH_TOKEN_RSTRIP | PH_TOKEN_VISIBLE},
    {PH_VOCAB_PHI4_MINI, "<|/tool|>", PH_TOKEN_RSTRIP | PH_TOKEN_VISIBLE},
    {PH_VOCAB_PHI4_MINI, "<|tool_call|>", PH_TOKEN_RSTRIP | PH_TOKEN_VISIBLE},
    {PH_VOCAB_PHI4_MINI, "<|/tool_call|>", PH_TOKEN_RSTRIP | PH_TOKEN_VISIBLE},
    {PH_VOCAB_PHI4_MINI, "<|tool_response|>",
     PH_TOKEN_RSTRIP | PH_TOKEN_VISIBLE},

    {PH_VOCAB_PHI3, "</s>", PH_TOKEN_RSTRIP},
    {PH_VOCAB_PHI3, "<|endoftext|>", PH_TOKEN_END},
    {PH_VOCAB_PHI3, "<|end|>", PH_TOKEN_RSTRIP | PH_TOKEN_END},
    {PH_VOCAB_PHI3, "<|assistant|>", PH_TOKEN_RSTRIP | PH_TOKEN_END},
    {PH_VOCAB_PHI3, "<|user|>", PH_TOKEN_RSTRIP},
    {PH_VOCAB_PHI3, "<|system|>", PH_TOKEN_RSTRIP},
    {PH_VOCAB_PHI3, "<|placeholder1|>", PH_TOKEN_RSTRIP},
    {PH_VOCAB_PHI3, "<|placeholder2|>", PH_TOKEN_RSTRIP},
    {PH_VOCAB_PHI3, "<|placeholder3|>", PH_TOKEN_RSTRIP},
    {PH_VOCAB_PHI3, "<|placeholder4|>", PH_TOKEN_RSTRIP},
    {PH_VOCAB_PHI3, "<|placeholder5|>", PH_TOKEN_RSTRIP},
    {PH_VOCAB_PHI3, "<|placeholder6|>", PH_TOKEN_RSTRIP},
};

/* What the file itself says, if it does: then no table is needed but for the
 * ends of turns, of which it may name too few. */
static void set_stated_flags(ph_tokenizer *t, uint32_t id, uint8_t stated)
{
    static const struct {
        uint8_t stated, flag;
    } pairs[] = {{PH_GGUF_TOKEN_LSTRIP, PH_TOKEN_LSTRIP},
                 {PH_GGUF_TOKEN_RSTRIP, PH_TOKEN_RSTRIP},
                 {PH_GGUF_TOKEN_VISIBLE, PH_TOKEN_VISIBLE},
                 {PH_GGUF_TOKEN_END, PH_TOKEN_END}};

    t->flags[id] &= PH_TOKEN_ADDED | PH_TOKEN_END;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (stated & pairs[i].stated)
            t->flags[id] |= pairs[i].flag;
}

static void set_flags(ph_tokenizer *t, uint32_t id)
{
    ph_str spelling = ph_token_bytes(t, id);

    t->flags[id] |= PH_TOKEN_ADDED;
    if (t->kinds[id] == PH_TOKEN_USER)
        t->flags[id] |= PH_TOKEN_VISIBLE;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].vocab == t->vocab &&
            (!known[i].spelling || ph_str_is(spelling, known[i].spelling)))
            t->flags[id] |= known[i].flags;
}

/* Puts id where it belongs among the n sorted ones. */
static phial_status insert(ph_tokenizer *t, uint32_t n, uint32_t id)
{
    ph_str text = ph_token_bytes(t, id);
    uint32_t i = n;

    for (; i; i--) {
        int order = ph_str_compare(ph_token_bytes(t, t->added[i - 1]), text);

        if (order == 0)
            return ph_fail(PHIAL_E_FORMAT,
                           "tokenizer.ggml.tokens: tokens %u and %u are the "
                           "same, \"%s\"",
                           t->added[i - 1], id, ph_show(text).text);
        if (order < 0)
            break;
        t->added[i] = t->added[i - 1];
    }
    t->added[i] = id;
    return PHIAL_OK;
}

static bool is_added(const ph_tokenizer *t, uint32_t id)
{
    return t->kinds[id] == PH_TOKEN_CONTROL || t->kinds[id] == PH_TOKEN_USER ||
           t->kinds[id] == PH_TOKEN_UNKNOWN;
}

static phial_status find_stated(const ph_tokenizer *t, const ph_gguf *gguf,
                                const uint8_t **stated)
{
    const ph_gguf_entry *entry;

    *stated = NULL;
    if (!ph_gguf_find(gguf, PH_GGUF_TOKEN_FLAGS))
        return PHIAL_OK;
    PH_TRY(ph_gguf_array(gguf, PH_GGUF_TOKEN_FLAGS, PH_GGUF_U8, &entry));
    if (entry->count != t->n_vocab)
        return ph_fail(PHIAL_E_FORMAT,
                       PH_GGUF_TOKEN_FLAGS
                       " has %zu elements, tokenizer.ggml.tokens %u",
                       (size_t)entry->count, t->n_vocab);
    *stated = (const uint8_t *)entry->data.data;
    return PHIAL_OK;
}

static phial_status index_added(ph_tokenizer *t, const uint8_t *stated)
{
    uint32_t n = 0;

    for (uint32_t id = 0; id < t->n_vocab; id++)
        t->n_added += is_added(t, id);
    if (t->n_added > PH_MAX_ADDED)
        return ph_fail(PHIAL_E_FORMAT,
                       "tokenizer.ggml.token_type: %u control and user-defined "
                       "tokens, expected at most %d",
                       t->n_added, PH_MAX_ADDED);
    t->added = ph_alloc(t->heap, t->n_added, sizeof *t->added);
    if (!t->added)
        return ph_no_memory("the added tokens", t->n_added * sizeof *t->added);
    for (uint32_t id = 0; id < t->n_vocab; id++) {
        uint8_t first = (uint8_t)ph_token_bytes(t, id).data[0];

        if (!is_added(t, id))
            continue;
        set_flags(t, id);
        if (stated)
            set_stated_flags(t, id, stated[id]);
        PH_TRY(insert(t, n++, id));
        t->added_first[first / 8] |= (uint8_t)(1 << first % 8);
    }
    return PHIAL_OK;
}

static phial_status read_id(const ph_tokenizer *t, const ph_gguf *gguf,
                            const char *key, phial_token *out)
{
    static const uint32_t none = UINT32_MAX;
    uint32_t id;

    *out = PHIAL_NO_TOKEN;
    PH_TRY(ph_gguf_u32(gguf, key, &none, &id));
    if (id == none)
        return PHIAL_OK;
    if (id >= t->n_vocab)
        return ph_fail(PHIAL_E_FORMAT, "%s is %u, expected less than %u", key,
                       id, t->n_vocab);
    *out = (phial_token)id;
    return PHIAL_OK;
}

phial_status ph_load_added(ph_tokenizer *t, const ph_gguf *gguf)
{
    static const char *const turn_ends[] = {[PH_VOCAB_PHI3] = "<|end|>",
                                            [PH_VOCAB_PHI4] = "<|im_end|>",
                                            [PH_VOCAB_PHI4_MINI] = "<|end|>"};
    const uint8_t *stated;

    PH_TRY(find_stated(t, gguf, &stated));
    PH_TRY(index_added(t, stated));
    PH_TRY(read_id(t, gguf, "tokenizer.ggml.bos_token_id", &t->bos));
    PH_TRY(read_id(t, gguf, "tokenizer.ggml.eos_token_id", &t->eos));
    PH_TRY(read_id(t, gguf, "tokenizer.ggml.padding_token_id", &t->pad));
    PH_TRY(read_id(t, gguf, "tokenizer.ggml.eot_token_id", &t->end_of_turn));
    if (t->eos != PHIAL_NO_TOKEN)
        t->flags[t->eos] |= PH_TOKEN_END;
    if (t->end_of_turn == PHIAL_NO_TOKEN)
        t->end_of_turn = ph_tokenizer_find(t, ph_str_of(turn_ends[t->vocab]));
    else
        t->flags[t->end_of_turn] |= PH_TOKEN_END;
    return PHIAL_OK;
}

/* The first in [low, high), whose spellings agree on depth bytes and are
 * longer, with a byte not below byte at depth. */
static uint32_t first_not_below(const ph_tokenizer *t, uint32_t low,
                                uint32_t high, size_t depth, unsigned byte)
{
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if ((uint8_t)ph_token_bytes(t, t->added[middle]).data[depth] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Walks the sorted spellings as if they were a trie: byte by byte, the range
 * of those that the text still agrees with. */
phial_token ph_added_at(const ph_tokenizer *t, const char *text, size_t len)
{
    uint32_t low = 0, high = t->n_added;
    phial_token found = PHIAL_NO_TOKEN;
    uint8_t first = (uint8_t)text[0];

    if (!(t->added_first[first / 8] >> first % 8 & 1))
        return PHIAL_NO_TOKEN;
    for (size_t depth = 0; low < high; depth++) {
        /* The shortest of the range comes first. */
        if (ph_token_bytes(t, t->added[low]).len == depth)
            found = (phial_token)t->added[low++];
        if (depth == len)
            break;
        low = first_not_below(t, low, high, depth, (uint8_t)text[depth]);
        high = first_not_below(t, low, high, depth, (uint8_t)text[depth] + 1u);
    }
    return found;
}

phial_token ph_tokenizer_find(const ph_tokenizer *t, ph_str spelling)
{
    phial_token id;

    if (spelling.len == 0)
        return PHIAL_NO_TOKEN;
    id = ph_added_at(t, spelling.data, spelling.len);
    if (id != PHIAL_NO_TOKEN &&
        ph_token_bytes(t, (uint32_t)id).len != spelling.len)
        return PHIAL_NO_TOKEN;
    return id;
}
