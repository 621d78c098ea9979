/* SPDX-License-Identifier: MIT
 * Vocabularies of the tiny models: each family's scheme and control tokens,
 * with few merges. */
#include "tiny_model.h"
#include "gguf_bytes.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_ROWS = 1024, MAX_TEXT = 40 };

typedef struct vocab {
    char text[MAX_ROWS][MAX_TEXT];
    int32_t kinds[MAX_ROWS];
    float scores[MAX_ROWS];
    uint32_t n;
} vocab;

enum { NORMAL = 1, UNKNOWN, CONTROL, USER, UNUSED, BYTE };

/* Pairs that merge, in order of rank. A space is written as itself. */
static const char *const merges[][2] = {
    {" ", "t"},     {"h", "e"},   {" ", "a"},    {"i", "n"},   {"r", "e"},
    {"o", "n"},     {" t", "he"}, {"e", "r"},    {" ", "s"},   {"a", "t"},
    {"n", "d"},     {" ", "w"},   {"i", "t"},    {"o", "r"},   {"e", "n"},
    {"l", "l"},     {"o", "u"},   {"in", "g"},   {" ", "o"},   {"e", "d"},
    {" ", "c"},     {" ", "b"},   {"i", "s"},    {"a", "n"},   {" a", "nd"},
    {" o", "f"},    {" t", "o"},  {"e", "s"},    {" ", "p"},   {" ", "f"},
    {"H", "e"},     {"He", "ll"}, {"Hell", "o"}, {" w", "or"}, {" wor", "l"},
    {" worl", "d"}, {" ", " "},   {"\n", "\n"},  {"1", "2"},   {"12", "3"},
};

enum { N_MERGES = sizeof merges / sizeof *merges };

static const char *const phi4_controls[] = {
    "<|dummy_0|>",     "<|endoftext|>",
    "<|fim_prefix|>",  "<|fim_middle|>",
    "<|fim_suffix|>",  "<|dummy_1|>",
    "<|dummy_2|>",     "<|dummy_3|>",
    "<|im_start|>",    "<|im_end|>",
    "<|im_sep|>",      "<|dummy_4|>",
    "<|endofprompt|>", NULL,
};

static const char *const phi4_mini_controls[] = {
    "<|endoftext|>",
    "<|endofprompt|>",
    "<|assistant|>",
    "<|end|>",
    "<|user|>",
    "<|system|>",
    "<|tool|>",
    "<|/tool|>",
    "<|tool_call|>",
    "<|/tool_call|>",
    "<|tool_response|>",
    "<|tag|>",
    NULL,
};

static const char *const phi3_controls[] = {
    "<|endoftext|>",    "<|assistant|>",    "<|placeholder1|>",
    "<|placeholder2|>", "<|placeholder3|>", "<|placeholder4|>",
    "<|system|>",       "<|end|>",          "<|placeholder5|>",
    "<|placeholder6|>", "<|user|>",         NULL,
};

static uint32_t add(vocab *v, const char *text, int32_t kind, float score)
{
    snprintf(v->text[v->n], MAX_TEXT, "%s", text);
    v->kinds[v->n] = kind;
    v->scores[v->n] = score;
    return v->n++;
}

static uint32_t find(const vocab *v, const char *text)
{
    uint32_t i = 0;

    while (strcmp(v->text[i], text) != 0)
        i++;
    return i;
}

static size_t put_code_point(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    out[0] = (char)(0xe0 | c >> 12);
    out[1] = (char)(0x80 | (c >> 6 & 63));
    out[2] = (char)(0x80 | (c & 63));
    return 3;
}

static bool is_printed(uint32_t byte)
{
    return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) ||
           byte >= 0xae;
}

/* GPT-2's alphabet: the character that stands for a byte. */
static uint32_t alphabet(uint32_t byte)
{
    uint32_t c = 0x100;

    if (is_printed(byte))
        return byte;
    for (uint32_t b = 0; b < byte; b++)
        c += !is_printed(b);
    return c;
}

/* text in GPT-2's alphabet, or with SentencePiece's mark for a space. */
static void spell(char *out, const char *text, bool sentencepiece)
{
    for (; *text; text++) {
        const uint32_t byte = (uint8_t)*text;
        const uint32_t c = !sentencepiece ? alphabet(byte)
                           : byte == ' '  ? 0x2581
                                          : byte;

        out += put_code_point(out, c);
    }
    *out = 0;
}

static void add_bytes(vocab *v)
{
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t b = 0; b < 256; b++) {
            char text[4] = {0};

            if (is_printed(b) == (pass == 0)) {
                put_code_point(text, alphabet(b));
                add(v, text, NORMAL, 0);
            }
        }
    }
}

static void join(char *out, int merge, bool sentencepiece)
{
    char text[MAX_TEXT];

    snprintf(text, sizeof text, "%s%s", merges[merge][0], merges[merge][1]);
    spell(out, text, sentencepiece);
}

static void add_controls(vocab *v, const char *const *texts)
{
    for (; *texts; texts++)
        add(v, *texts, CONTROL, 0);
}

static void add_unused(vocab *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        char text[MAX_TEXT];

        snprintf(text, sizeof text, "[PAD%u]", v->n);
        add(v, text, UNUSED, -1000);
    }
}

static void put_merges(gguf_writer *w)
{
    char text[N_MERGES][MAX_TEXT];
    ph_str strings[N_MERGES];

    for (int i = 0; i < N_MERGES; i++) {
        char right[MAX_TEXT];

        spell(text[i], merges[i][0], false);
        spell(right, merges[i][1], false);
        strcat(strcat(text[i], " "), right);
        strings[i] = ph_str_of(text[i]);
    }
    gguf_put_strings(w, "tokenizer.ggml.merges", strings, N_MERGES);
}

static void put_tokens(gguf_writer *w, const vocab *v)
{
    static ph_str strings[MAX_ROWS];

    for (uint32_t i = 0; i < v->n; i++)
        strings[i] = ph_str_of(v->text[i]);
    gguf_put_strings(w, "tokenizer.ggml.tokens", strings, v->n);
    gguf_put_array(w, "tokenizer.ggml.token_type", PH_GGUF_I32, v->kinds, v->n);
}

static void put_byte_level(gguf_writer *w, vocab *v, tiny_family family,
                           uint32_t n_extra)
{
    const bool mini = family == TINY_PHI4_MINI;
    uint32_t end;

    add_bytes(v);
    for (int i = 0; i < N_MERGES; i++) {
        char text[MAX_TEXT];

        join(text, i, false);
        add(v, text, NORMAL, 0);
    }
    add_unused(v, mini ? 1 : 0);
    add_controls(v, mini ? phi4_mini_controls : phi4_controls);
    add_unused(v, n_extra);
    end = find(v, "<|endoftext|>");
    gguf_put_str(w, "tokenizer.ggml.model", "gpt2");
    gguf_put_str(w, "tokenizer.ggml.pre", mini ? "gpt-4o" : "dbrx");
    put_tokens(w, v);
    put_merges(w);
    gguf_put_u32(w, "tokenizer.ggml.bos_token_id", end);
    gguf_put_u32(w, "tokenizer.ggml.eos_token_id", end);
    gguf_put_u32(w, "tokenizer.ggml.padding_token_id", end);
    if (mini)
        gguf_put_u32(w, "tokenizer.ggml.unknown_token_id", end);
    gguf_put_bool(w, "tokenizer.ggml.add_bos_token", false);
    gguf_put_bool(w, "tokenizer.ggml.add_eos_token", false);
}

static void put_sentencepiece(gguf_writer *w, vocab *v, uint32_t n_extra)
{
    float rank = 0;
    char text[MAX_TEXT];

    add(v, "<unk>", UNKNOWN, 0);
    add(v, "<s>", CONTROL, 0);
    add(v, "</s>", USER, 0);
    for (int b = 0; b < 256; b++) {
        snprintf(text, sizeof text, "<0x%02X>", (unsigned)b);
        add(v, text, BYTE, 0);
    }
    for (int i = 0; i < N_MERGES; i++) {
        join(text, i, true);
        add(v, text, NORMAL, rank--);
    }
    for (char c = ' '; c < 0x7f; c++) {
        spell(text, (char[]){c, 0}, true);
        add(v, text, NORMAL, rank--);
    }
    add_controls(v, phi3_controls);
    add_unused(v, n_extra);
    gguf_put_str(w, "tokenizer.ggml.model", "llama");
    gguf_put_str(w, "tokenizer.ggml.pre", "default");
    put_tokens(w, v);
    gguf_put_array(w, "tokenizer.ggml.scores", PH_GGUF_F32, v->scores, v->n);
    gguf_put_u32(w, "tokenizer.ggml.bos_token_id", 1);
    gguf_put_u32(w, "tokenizer.ggml.eos_token_id", find(v, "<|endoftext|>"));
    gguf_put_u32(w, "tokenizer.ggml.unknown_token_id", 0);
    gguf_put_u32(w, "tokenizer.ggml.padding_token_id",
                 find(v, "<|endoftext|>"));
    gguf_put_bool(w, "tokenizer.ggml.add_bos_token", false);
}

uint32_t tiny_vocab_put(gguf_writer *w, tiny_family family, uint32_t n_extra)
{
    vocab *v = support_must(calloc(1, sizeof *v));
    uint32_t n;

    if (family == TINY_PHI4 || family == TINY_PHI4_MINI)
        put_byte_level(w, v, family, n_extra);
    else
        put_sentencepiece(w, v, n_extra);
    n = v->n;
    free(v);
    return n;
}
