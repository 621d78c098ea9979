/* SPDX-License-Identifier: MIT
 * Merging against its definition, on random vocabularies; and its time. */
#include "slow_bpe.h"
#include "tokenizer/vocab.h"
#include "tokenizer_cases.h"

#include <stdio.h>
#include <time.h>

enum { N_TOKENS = 60, MAX_TEXT = 400 };

static uint32_t rng = 1;

static uint32_t below(uint32_t n)
{
    rng = rng * 1664525u + 1013904223u;
    return (rng >> 8) % n;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* SentencePiece with random short tokens over a few characters and random
 * scores: merges that no training would give, in no order that helps. */
static ph_tokenizer *random_vocabulary(void)
{
    static const char *const letters[] = {"a", "b", "c", "\xE2\x96\x81", "é"};
    static char text[262 + N_TOKENS][64];
    static ph_str strings[262 + N_TOKENS];
    static int32_t kinds[262 + N_TOKENS];
    static float scores[262 + N_TOKENS];
    gguf_writer *w = gguf_writer_new();
    ph_tokenizer *t;
    size_t n = 0;

    for (; n < 256; n++) {
        snprintf(text[n], sizeof text[n], "<0x%02X>", (unsigned)n);
        kinds[n] = PH_TOKEN_BYTE;
    }
    for (size_t i = 0; i < 5; i++)
        strcpy(text[n++], letters[i]);
    while (n < 261 + N_TOKENS) {
        ph_str left = ph_str_of(text[256 + below((uint32_t)n - 256)]);
        ph_str right = ph_str_of(text[256 + below((uint32_t)n - 256)]);
        char joined[64 + 64] = {0};
        size_t i;

        memcpy(joined, left.data, left.len);
        memcpy(joined + left.len, right.data, right.len);
        memcpy(text[n], joined, sizeof text[n]);
        for (i = 256; i < n && strcmp(text[i], text[n]) != 0; i++)
            ;
        n += i == n && left.len + right.len < 30;
    }
    for (size_t i = 0; i < n; i++) {
        strings[i] = ph_str_of(text[i]);
        if (i >= 256)
            kinds[i] = PH_TOKEN_NORMAL;
        scores[i] = (float)below(40); /* with ties */
    }
    gguf_put_str(w, "tokenizer.ggml.model", "llama");
    gguf_put_strings(w, "tokenizer.ggml.tokens", strings, n);
    gguf_put_array(w, "tokenizer.ggml.token_type", PH_GGUF_I32, kinds, n);
    gguf_put_array(w, "tokenizer.ggml.scores", PH_GGUF_F32, scores, n);
    ck_status(tokenizer_of(w, &ph_libc_heap, &t), PHIAL_OK);
    gguf_writer_free(w);
    return t;
}

static size_t random_text(char *text)
{
    static const char *const parts[] = {"a",  "b", "c",  " ",   "\xC3\xA9",
                                        "aa", "x", "ab", "\xFF"};
    size_t n = 0, most = 1 + below(MAX_TEXT - 8);
    uint32_t kinds = 1 + below(9);

    while (n < most) {
        const char *part = parts[below(kinds)];

        memcpy(text + n, part, strlen(part));
        n += strlen(part);
    }
    return n;
}

START_TEST(merging_is_what_its_definition_says_for_any_vocabulary)
{
    char text[MAX_TEXT];

    rng = 7;
    for (int i = 0; i < 60; i++) {
        ph_tokenizer *t = random_vocabulary();

        for (int k = 0; k < 60; k++)
            slow_merge_compare(t, text, random_text(text));
        ph_tokenizer_free(t);
    }
}
END_TEST

START_TEST(merging_is_what_its_definition_says_for_the_tiny_families)
{
    char text[MAX_TEXT];

    rng = 11;
    for (int family = 0; family < TINY_FAMILIES; family++) {
        ph_tokenizer *t = tiny_tokenizer((tiny_family)family);

        for (int k = 0; k < 500; k++) {
            size_t n = 1 + below(120);

            for (size_t i = 0; i < n; i++)
                text[i] = " therHelo wrd12\n"[below(16)];
            slow_merge_compare(t, text, n);
        }
        ph_tokenizer_free(t);
    }
}
END_TEST

/* SentencePiece words are encoded one by one where that cannot matter. */
START_TEST(cutting_into_words_changes_nothing)
{
    char text[MAX_TEXT];

    rng = 13;
    for (int i = 0; i < 60; i++) {
        ph_tokenizer *t = random_vocabulary();
        bool apart = t->words_apart;

        for (int k = 0; apart && k < 40; k++) {
            ph_tokens words = {.heap = &ph_libc_heap};
            ph_tokens whole = {.heap = &ph_libc_heap};
            size_t n = random_text(text);

            ck_status(ph_tokenizer_encode(t, text, n, 0, &words), PHIAL_OK);
            t->words_apart = false;
            ck_status(ph_tokenizer_encode(t, text, n, 0, &whole), PHIAL_OK);
            t->words_apart = true;
            ck_assert_uint_eq(words.len, whole.len);
            ck_assert_mem_eq(words.data, whole.data,
                             words.len * sizeof *words.data);
            ph_tokens_free(&words);
            ph_tokens_free(&whole);
        }
        ph_tokenizer_free(t);
    }
}
END_TEST

static double time_of(const ph_tokenizer *t, const char *unit, size_t n)
{
    char *text = malloc(n);
    ph_tokens ids = {.heap = &ph_libc_heap};
    size_t width = strlen(unit);
    double start;

    for (size_t i = 0; i < n; i++)
        text[i] = unit[i % width];
    start = seconds();
    ck_status(ph_tokenizer_encode(t, text, n, 0, &ids), PHIAL_OK);
    start = seconds() - start;
    ph_tokens_free(&ids);
    free(text);
    return start;
}

/* The exact ratio of times is measured by tests/tokenizer/bench.py; here a
 * bound that only a quadratic algorithm breaks, on any machine. */
START_TEST(a_megabyte_without_a_break_takes_linear_time)
{
    static const char *const units[] = {"l",  "he", "the", " ",
                                        "ab", "\n", "123", "inging"};

    for (int family = 0; family < TINY_FAMILIES; family++) {
        ph_tokenizer *t = tiny_tokenizer((tiny_family)family);

        for (size_t i = 0; i < sizeof units / sizeof *units; i++)
            ck_assert_double_lt(time_of(t, units[i], 1 << 20), 10.0);
        ph_tokenizer_free(t);
    }
}
END_TEST

TCase *merge_cases(void)
{
    TCase *tc = tcase_create("merging");

    tcase_set_timeout(tc, 240);
    tcase_add_test(tc, merging_is_what_its_definition_says_for_any_vocabulary);
    tcase_add_test(tc,
                   merging_is_what_its_definition_says_for_the_tiny_families);
    tcase_add_test(tc, cutting_into_words_changes_nothing);
    tcase_add_test(tc, a_megabyte_without_a_break_takes_linear_time);
    return tc;
}
