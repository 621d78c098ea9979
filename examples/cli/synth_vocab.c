/* SPDX-License-Identifier: MIT
 * A vocabulary of the right size, in which every merge holds: bytes, then the
 * words of the alphabet a to z by length, each made of the word before its last
 * letter and that letter. The control tokens are the real ones at their real
 * places. */
#include "synth_model.h"

#include <stdio.h>
#include <string.h>

/* Types of tokens in GGUF files. */
enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, UNUSED = 5, BYTE = 6 };

enum { N_BYTES = 256, N_SPECIAL = 3, N_PRINTED = 95 };

/* Rows behind the last word, and the control tokens among them. */
static const struct family {
    const char *model, *pre;
    uint32_t n_rows;
    struct control {
        uint32_t row;
        const char *text;
    } controls[13]; /* ends with an empty one */
} families[] = {
    [FAMILY_MINI] = {"gpt2",
                     "gpt-4o",
                     66,
                     {{1, "<|endoftext|>"},
                      {20, "<|endofprompt|>"},
                      {21, "<|assistant|>"},
                      {22, "<|end|>"},
                      {23, "<|user|>"},
                      {24, "<|system|>"},
                      {25, "<|tool|>"},
                      {26, "<|/tool|>"},
                      {27, "<|tool_call|>"},
                      {28, "<|/tool_call|>"},
                      {29, "<|tool_response|>"},
                      {30, "<|tag|>"}}},
    [FAMILY_PHI4] = {"gpt2",
                     "dbrx",
                     96,
                     {{1, "<|endoftext|>"},
                      {2, "<|fim_prefix|>"},
                      {3, "<|fim_middle|>"},
                      {4, "<|fim_suffix|>"},
                      {8, "<|im_start|>"},
                      {9, "<|im_end|>"},
                      {10, "<|im_sep|>"},
                      {20, "<|endofprompt|>"}}},
    [FAMILY_PHI3] = {"llama",
                     "default",
                     64,
                     {{0, "<|endoftext|>"},
                      {1, "<|assistant|>"},
                      {6, "<|system|>"},
                      {7, "<|end|>"},
                      {10, "<|user|>"}}},
};

/* Word i: aa, ab, ..., zz, aaa, and so on. */
static void spell_word(char *out, uint32_t i)
{
    uint32_t count = 26 * 26;
    size_t len = 2;

    while (i >= count) {
        i -= count;
        count *= 26;
        len++;
    }
    out[len] = 0;
    while (len) {
        out[--len] = (char)('a' + i % 26);
        i /= 26;
    }
}

static bool stands_for_itself(uint32_t byte)
{
    return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
}

/* Token id of byte-level BPE below 256: in GPT-2's alphabet, bytes that print
 * come first and stand for themselves, the others are U+0100 and up. */
static void spell_byte(char *out, uint32_t id)
{
    uint32_t byte = 0, c;
    uint32_t n = 0;

    while (byte < N_BYTES && (!stands_for_itself(byte) || n++ != id))
        byte++;
    c = byte < N_BYTES ? byte : 0x100 + id - n;
    if (c < 0x80) {
        *out++ = (char)c;
    } else {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 63));
    }
    *out = 0;
}

/* A token of SentencePiece below the words, or a printed character: those
 * are behind them, U+2581 for the blank. */
static int32_t spell_piece(char *out, size_t cap, uint32_t id, uint32_t n_words)
{
    static const char *const special[N_SPECIAL] = {"<unk>", "<s>", "</s>"};
    uint32_t first = N_SPECIAL + N_BYTES;

    if (id < N_SPECIAL) {
        snprintf(out, cap, "%s", special[id]);
        return id ? CONTROL : UNKNOWN;
    }
    if (id < first) {
        snprintf(out, cap, "<0x%02X>", id - N_SPECIAL);
        return BYTE;
    }
    if (id < first + n_words)
        spell_word(out, id - first);
    else if (id == first + n_words)
        snprintf(out, cap, "\xe2\x96\x81");
    else
        snprintf(out, cap, "%c", (char)(' ' + id - first - n_words));
    return NORMAL;
}

static int32_t spell_row(const struct family *f, char *out, size_t cap,
                         uint32_t row, uint32_t id)
{
    for (const struct control *c = f->controls; c->text; c++) {
        if (c->row == row) {
            snprintf(out, cap, "%s", c->text);
            return CONTROL;
        }
    }
    snprintf(out, cap, "[PAD%u]", id);
    return UNUSED;
}

/* The text of token id; returns its type. */
static int32_t spell(const synth_shape *s, char *out, size_t cap, uint32_t id)
{
    const struct family *f = &families[s->family];
    uint32_t rows = s->n_vocab - f->n_rows;

    if (id >= rows)
        return spell_row(f, out, cap, id - rows, id);
    if (s->family == FAMILY_PHI3)
        return spell_piece(out, cap, id,
                           rows - N_SPECIAL - N_BYTES - N_PRINTED);
    if (id < N_BYTES)
        spell_byte(out, id);
    else
        spell_word(out, id - N_BYTES);
    return NORMAL;
}

static void put_tokens(gguf_head *h, const synth_shape *s)
{
    char text[40];

    gguf_array(h, "tokenizer.ggml.tokens", GGUF_STRING, s->n_vocab);
    for (uint32_t id = 0; id < s->n_vocab; id++) {
        spell(s, text, sizeof text, id);
        gguf_item_text(h, text);
    }
    gguf_array(h, "tokenizer.ggml.token_type", GGUF_I32, s->n_vocab);
    for (uint32_t id = 0; id < s->n_vocab; id++)
        gguf_item_i32(h, spell(s, text, sizeof text, id));
}

static void put_merges(gguf_head *h, uint32_t n)
{
    char text[40];

    gguf_array(h, "tokenizer.ggml.merges", GGUF_STRING, n);
    for (uint32_t i = 0; i < n; i++) {
        size_t len;

        spell_word(text, i);
        len = strlen(text);
        memcpy(text + len, (char[]){text[len - 1], 0}, 2);
        text[len - 1] = ' ';
        gguf_item_text(h, text);
    }
}

static void put_scores(gguf_head *h, uint32_t n_vocab)
{
    uint32_t first = N_SPECIAL + N_BYTES;

    gguf_array(h, "tokenizer.ggml.scores", GGUF_F32, n_vocab);
    for (uint32_t id = 0; id < n_vocab; id++)
        gguf_item_f32(h, id < first ? 0 : -(float)(id - first));
}

void synth_vocabulary(gguf_head *h, const synth_shape *s)
{
    const struct family *f = &families[s->family];
    uint32_t rows = s->n_vocab - f->n_rows;
    uint32_t end = rows + f->controls[0].row;
    bool pieces = s->family == FAMILY_PHI3;

    gguf_text(h, "tokenizer.ggml.model", f->model);
    gguf_text(h, "tokenizer.ggml.pre", f->pre);
    put_tokens(h, s);
    if (pieces)
        put_scores(h, s->n_vocab);
    else
        put_merges(h, rows - N_BYTES);
    gguf_u32(h, "tokenizer.ggml.bos_token_id", pieces ? 1 : end);
    gguf_u32(h, "tokenizer.ggml.eos_token_id", end);
    gguf_u32(h, "tokenizer.ggml.unknown_token_id", pieces ? 0 : end);
    gguf_u32(h, "tokenizer.ggml.padding_token_id", end);
    gguf_bool(h, "tokenizer.ggml.add_bos_token", false);
    gguf_bool(h, "tokenizer.ggml.add_eos_token", false);
}
