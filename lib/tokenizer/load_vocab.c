/* SPDX-License-Identifier: MIT
 * Reads a vocabulary's tokens from GGUF metadata, and makes and destroys the
 * tokenizer. Merges, scores and added tokens are read elsewhere (load_*.c).
 * Keys: ggml docs/gguf.md, section "Tokenizer". */
#include "text/text.h"
#include "tokenizer/vocab.h"

#define TOKENS "tokenizer.ggml.tokens"
#define TYPES "tokenizer.ggml.token_type"

/* The byte that a character of the GPT-2 alphabet stands for, or -1. Printable
 * Latin-1 stands for itself; U+0100 and up for the other bytes in order. */
static int alphabet_byte(uint32_t c)
{
    if ((c >= 0x21 && c <= 0x7E) || (c >= 0xA1 && c <= 0xAC) ||
        (c >= 0xAE && c <= 0xFF))
        return (int)c;
    if (c >= 0x100 && c <= 0x120)
        return (int)c - 0x100;
    if (c >= 0x121 && c <= 0x142)
        return (int)c - 0x121 + 0x7F;
    return c == 0x143 ? 0xAD : -1;
}

phial_status ph_decode_alphabet(ph_str text, uint32_t index, const char *key,
                                char *out, size_t *n)
{
    uint32_t c;

    *n = 0;
    for (size_t at = 0; at < text.len;) {
        int byte;

        at += ph_utf8_next(text.data + at, text.len - at, &c);
        byte = alphabet_byte(c);
        if (byte < 0)
            return ph_fail(PHIAL_E_FORMAT,
                           "%s: element %u, \"%s\", holds U+%04X, which "
                           "stands for no byte",
                           key, index, ph_show(text).text, c);
        out[(*n)++] = (char)byte;
    }
    return PHIAL_OK;
}

/* SentencePiece writes a space as U+2581, E2 96 81. */
static size_t put_sentencepiece(ph_str text, char *out)
{
    size_t n = 0;

    for (size_t at = 0; at < text.len; at++) {
        if (text.len - at >= 3 && !memcmp(text.data + at, "\xE2\x96\x81", 3)) {
            out[n++] = ' ';
            at += 2;
        } else {
            out[n++] = text.data[at];
        }
    }
    return n;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* <0x0A> and so on. */
static phial_status put_byte(ph_tokenizer *t, ph_str text, uint32_t id,
                             char *out)
{
    int high = text.len == 6 ? hex_digit(text.data[3]) : -1;
    int low = text.len == 6 ? hex_digit(text.data[4]) : -1;
    int byte = high * 16 + low;

    if (high < 0 || low < 0 || memcmp(text.data, "<0x", 3) ||
        text.data[5] != '>' || t->vocab != PH_VOCAB_PHI3)
        return ph_fail(PHIAL_E_FORMAT,
                       TOKENS ": token %u is of type byte but spelled \"%s\"",
                       id, ph_show(text).text);
    if (t->byte_ids[byte] != PHIAL_NO_TOKEN)
        return ph_fail(PHIAL_E_FORMAT,
                       TOKENS ": tokens %d and %u are both byte 0x%02X",
                       t->byte_ids[byte], id, (unsigned)byte);
    t->byte_ids[byte] = (phial_token)id;
    *out = (char)byte;
    return PHIAL_OK;
}

/* Writes token id's bytes to out and sets *n. */
static phial_status put_token(ph_tokenizer *t, ph_str text, uint32_t id,
                              char *out, size_t *n)
{
    switch (t->kinds[id]) {
    case PH_TOKEN_NORMAL:
        if (t->vocab != PH_VOCAB_PHI3)
            return ph_decode_alphabet(text, id, TOKENS, out, n);
        *n = put_sentencepiece(text, out);
        return PHIAL_OK;
    case PH_TOKEN_BYTE:
        *n = 1;
        return put_byte(t, text, id, out);
    case PH_TOKEN_UNKNOWN:
        /* Padding rows; old converters give them the type of <unk>. */
        if (text.len >= 5 && !memcmp(text.data, "[PAD", 4))
            t->kinds[id] = PH_TOKEN_UNUSED;
        break;
    default:
        break;
    }
    *n = text.len;
    if (text.len)
        memcpy(out, text.data, text.len);
    return PHIAL_OK;
}

static phial_status read_kinds(ph_tokenizer *t, const ph_gguf *gguf)
{
    const ph_gguf_entry *types;

    PH_TRY(ph_gguf_array(gguf, TYPES, PH_GGUF_I32, &types));
    if (types->count != t->n_vocab)
        return ph_fail(PHIAL_E_FORMAT, TYPES " has %zu elements, " TOKENS " %u",
                       (size_t)types->count, t->n_vocab);
    t->kinds = ph_alloc(t->heap, t->n_vocab, 1);
    t->flags = ph_alloc(t->heap, t->n_vocab, 1);
    if (!t->kinds || !t->flags)
        return ph_no_memory("the vocabulary", t->n_vocab);
    for (uint32_t id = 0; id < t->n_vocab; id++) {
        uint32_t kind = ph_le32(types->data.data + (size_t)id * 4);

        if (kind < PH_TOKEN_NORMAL || kind > PH_TOKEN_BYTE)
            return ph_fail(PHIAL_E_FORMAT,
                           TYPES ": token %u is of type %d, expected 1 to 6",
                           id, (int)kind);
        t->kinds[id] = (uint8_t)kind;
    }
    return PHIAL_OK;
}

static phial_status read_tokens(ph_tokenizer *t, const ph_gguf_entry *tokens)
{
    size_t at = 0, used = 0;

    /* data holds an eight-byte length in front of every string. */
    t->bytes = ph_alloc_raw(t->heap, tokens->data.len);
    t->offsets = ph_alloc(t->heap, (size_t)t->n_vocab + 1, sizeof *t->offsets);
    if (!t->bytes || !t->offsets)
        return ph_no_memory("the vocabulary", tokens->data.len);
    for (uint32_t id = 0; id < t->n_vocab; id++) {
        ph_str text = ph_gguf_next_string(tokens, &at);
        size_t n;

        if (text.len == 0 || text.len > PH_MAX_TOKEN)
            return ph_fail(PHIAL_E_FORMAT,
                           TOKENS ": token %u has %zu bytes, expected 1 to %d",
                           id, text.len, PH_MAX_TOKEN);
        PH_TRY(put_token(t, text, id, t->bytes + used, &n));
        if (t->kinds[id] == PH_TOKEN_NORMAL && n > t->longest)
            t->longest = (uint32_t)n;
        used += n;
        t->offsets[id + 1] = (uint32_t)used;
    }
    return PHIAL_OK;
}

static phial_status index_tokens(ph_tokenizer *t)
{
    size_t count = 0;

    for (uint32_t id = 0; id < t->n_vocab; id++)
        count += t->kinds[id] == PH_TOKEN_NORMAL;
    PH_TRY(ph_strings_init(t->heap, &t->strings, count));
    for (uint32_t id = 0; id < t->n_vocab; id++)
        if (t->kinds[id] == PH_TOKEN_NORMAL)
            PH_TRY(ph_strings_put(t, id));
    return PHIAL_OK;
}

static phial_status load_tokens(ph_tokenizer *t, const ph_gguf *gguf)
{
    const ph_gguf_entry *tokens;

    PH_TRY(ph_gguf_array(gguf, TOKENS, PH_GGUF_STRING, &tokens));
    if (tokens->count == 0 || tokens->count > PH_MAX_VOCAB)
        return ph_fail(PHIAL_E_FORMAT,
                       TOKENS " has %zu elements, expected 1 to %d",
                       (size_t)tokens->count, PH_MAX_VOCAB);
    t->n_vocab = (uint32_t)tokens->count;
    PH_TRY(read_kinds(t, gguf));
    PH_TRY(read_tokens(t, tokens));
    return index_tokens(t);
}

static phial_status find_vocab(const ph_gguf *gguf, ph_vocab *vocab)
{
    static const ph_str none = {"", 0};
    ph_str model, pre;

    PH_TRY(ph_gguf_str(gguf, "tokenizer.ggml.model", NULL, &model));
    PH_TRY(ph_gguf_str(gguf, "tokenizer.ggml.pre", &none, &pre));
    if (ph_str_is(model, "llama"))
        *vocab = PH_VOCAB_PHI3;
    else if (ph_str_is(model, "gpt2") && ph_str_is(pre, "dbrx"))
        *vocab = PH_VOCAB_PHI4;
    else if (ph_str_is(model, "gpt2") && ph_str_is(pre, "gpt-4o"))
        *vocab = PH_VOCAB_PHI4_MINI;
    else
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "tokenizer.ggml.model is \"%s\" and tokenizer.ggml.pre "
                       "\"%s\"; supported are llama (Phi-3), gpt2 with dbrx "
                       "(Phi-4) and gpt2 with gpt-4o (Phi-4-mini)",
                       ph_show(model).text, ph_show(pre).text);
    return PHIAL_OK;
}

static phial_status load(ph_tokenizer *t, const ph_gguf *gguf)
{
    PH_TRY(find_vocab(gguf, &t->vocab));
    for (int i = 0; i < 256; i++)
        t->byte_ids[i] = PHIAL_NO_TOKEN;
    PH_TRY(load_tokens(t, gguf));
    if (t->vocab == PH_VOCAB_PHI3)
        PH_TRY(ph_load_scores(t, gguf));
    else
        PH_TRY(ph_load_merges(t, gguf));
    PH_TRY(ph_mark_whole(t));
    return ph_load_added(t, gguf);
}

phial_status ph_tokenizer_new(const ph_heap *heap, const ph_gguf *gguf,
                              ph_tokenizer **out)
{
    ph_tokenizer *t = ph_alloc(heap, 1, sizeof *t);
    phial_status status;

    if (!t)
        return ph_no_memory("the tokenizer", sizeof *t);
    t->heap_copy = *heap;
    t->heap = &t->heap_copy;
    status = load(t, gguf);
    if (status < 0) {
        ph_tokenizer_free(t);
        return status;
    }
    *out = t;
    return PHIAL_OK;
}

void ph_tokenizer_free(ph_tokenizer *t)
{
    ph_heap heap;

    if (!t)
        return;
    heap = t->heap_copy;
    ph_free(&heap, t->bytes);
    ph_free(&heap, t->offsets);
    ph_free(&heap, t->kinds);
    ph_free(&heap, t->flags);
    ph_free(&heap, t->strings.slots);
    ph_free(&heap, t->pairs.slots);
    ph_free(&heap, t->merged);
    ph_free(&heap, t->added);
    ph_free(&heap, t);
}
