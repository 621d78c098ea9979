/* SPDX-License-Identifier: MIT
 * Tokenizer metadata that is wrong, and memory that runs out. */
#include "failing_heap.h"
#include "tokenizer/vocab.h"
#include "tokenizer_cases.h"

#include <math.h>
#include <stdio.h>

#define KEY(name) ("tokenizer.ggml." name)

/* Builds a tiny vocabulary, spoils it, and expects status with a sentence that
 * holds words. */
static void expect(tiny_family family, void (*spoil)(gguf_writer *w),
                   phial_status status, const char *words)
{
    gguf_writer *w = gguf_writer_new();
    ph_tokenizer *t;

    tiny_vocab_put(w, family, 2);
    spoil(w);
    ck_status(tokenizer_of(w, &ph_libc_heap, &t), status);
    ck_assert_msg(strstr(ph_error_text(), words) != NULL,
                  "\"%s\" does not say \"%s\"", ph_error_text(), words);
    ck_assert_ptr_null(t);
    gguf_writer_free(w);
}

static void no_model(gguf_writer *w)
{
    gguf_remove_key(w, KEY("model"));
}

static void unknown_pre(gguf_writer *w)
{
    gguf_put_str(w, KEY("pre"), "qwen2");
}

static void no_tokens(gguf_writer *w)
{
    gguf_put_strings(w, KEY("tokens"), NULL, 0);
}

static void tokens_are_numbers(gguf_writer *w)
{
    gguf_put_array(w, KEY("tokens"), PH_GGUF_I32, (int32_t[]){1, 2}, 2);
}

static void one_type_too_few(gguf_writer *w)
{
    static const int32_t kinds[300] = {0};

    gguf_put_array(w, KEY("token_type"), PH_GGUF_I32, kinds, 7);
}

static void type_zero(gguf_writer *w)
{
    gguf_put_strings(w, KEY("tokens"), (ph_str[]){PH_STR("a")}, 1);
    gguf_put_array(w, KEY("token_type"), PH_GGUF_I32, (int32_t[]){0}, 1);
}

/* A vocabulary of one to three ordinary tokens. */
static void put_few(gguf_writer *w, const ph_str *strings, size_t n)
{
    gguf_put_strings(w, KEY("tokens"), strings, n);
    gguf_put_array(w, KEY("token_type"), PH_GGUF_I32, (int32_t[]){1, 1, 1}, n);
}

static void same_twice(gguf_writer *w)
{
    put_few(w, (ph_str[]){PH_STR("a"), PH_STR("b"), PH_STR("a")}, 3);
}

static void empty_token(gguf_writer *w)
{
    put_few(w, (ph_str[]){PH_STR("a"), PH_STR("")}, 2);
}

static void long_token(gguf_writer *w)
{
    static char text[PH_MAX_TOKEN + 1];

    memset(text, 'a', sizeof text);
    put_few(w, (ph_str[]){{text, sizeof text}}, 1);
}

static void foreign_letter(gguf_writer *w)
{
    put_few(w, (ph_str[]){PH_STR("a\xE2\x82\xAC")}, 1);
}

static void bytes_missing(gguf_writer *w)
{
    put_few(w, (ph_str[]){PH_STR("a"), PH_STR("b")}, 2);
}

static void byte_misspelled(gguf_writer *w)
{
    gguf_put_strings(w, KEY("tokens"), (ph_str[]){PH_STR("<0xG0>")}, 1);
    gguf_put_array(w, KEY("token_type"), PH_GGUF_I32, (int32_t[]){6}, 1);
}

static void put_merge(gguf_writer *w, const char *merge)
{
    gguf_put_strings(w, KEY("merges"), (ph_str[]){ph_str_of(merge)}, 1);
}

static void merge_of_absent(gguf_writer *w)
{
    put_merge(w, "q zz");
}

static void merge_of_one(gguf_writer *w)
{
    put_merge(w, "he");
}

static void merge_of_nothing(gguf_writer *w)
{
    put_merge(w, " he");
}

static void merge_twice(gguf_writer *w)
{
    gguf_put_strings(w, KEY("merges"), (ph_str[]){PH_STR("h e"), PH_STR("h e")},
                     2);
}

static void no_merges(gguf_writer *w)
{
    gguf_remove_key(w, KEY("merges"));
}

static void few_scores(gguf_writer *w)
{
    gguf_put_array(w, KEY("scores"), PH_GGUF_F32, (float[]){1, 2}, 2);
}

static void score_is_no_number(gguf_writer *w)
{
    float scores[1024];
    gguf_writer *copy = gguf_writer_new();
    uint32_t n = tiny_vocab_put(copy, TINY_PHI35, 2);

    for (uint32_t i = 0; i < n; i++)
        scores[i] = i == 300 ? NAN : 0;
    gguf_put_array(w, KEY("scores"), PH_GGUF_F32, scores, n);
    gguf_writer_free(copy);
}

static void eos_outside(gguf_writer *w)
{
    gguf_put_u32(w, KEY("eos_token_id"), 100000);
}

static void eos_is_text(gguf_writer *w)
{
    gguf_put_str(w, KEY("eos_token_id"), "2");
}

START_TEST(wrong_metadata_is_refused_with_a_sentence)
{
    expect(TINY_PHI4, no_model, PHIAL_E_FORMAT, "tokenizer.ggml.model");
    expect(TINY_PHI4, unknown_pre, PHIAL_E_UNSUPPORTED, "qwen2");
    expect(TINY_PHI4, no_tokens, PHIAL_E_FORMAT, "0 elements");
    expect(TINY_PHI4, tokens_are_numbers, PHIAL_E_FORMAT, "tokens");
    expect(TINY_PHI4, one_type_too_few, PHIAL_E_FORMAT, "token_type has 7");
    expect(TINY_PHI4, type_zero, PHIAL_E_FORMAT, "type 0, expected 1 to 6");
    expect(TINY_PHI4, same_twice, PHIAL_E_FORMAT, "0 and 2 are the same");
    expect(TINY_PHI4, empty_token, PHIAL_E_FORMAT, "token 1 has 0 bytes");
    expect(TINY_PHI4, long_token, PHIAL_E_FORMAT, "token 0 has 1025 bytes");
    expect(TINY_PHI35, long_token, PHIAL_E_FORMAT, "token 0 has 1025 bytes");
    expect(TINY_PHI4, foreign_letter, PHIAL_E_FORMAT, "U+20AC");
    expect(TINY_PHI4_MINI, bytes_missing, PHIAL_E_FORMAT, "byte 0x00 has no");
    expect(TINY_PHI35, bytes_missing, PHIAL_E_FORMAT, "byte 0x00 has no");
    expect(TINY_PHI35, byte_misspelled, PHIAL_E_FORMAT, "<0xG0>");
    expect(TINY_PHI4, byte_misspelled, PHIAL_E_FORMAT, "<0xG0>");
    expect(TINY_PHI4, merge_of_absent, PHIAL_E_FORMAT, "does not exist");
    expect(TINY_PHI4, merge_of_one, PHIAL_E_FORMAT, "is not two tokens");
    expect(TINY_PHI4, merge_of_nothing, PHIAL_E_FORMAT, "is not two tokens");
    expect(TINY_PHI4, merge_twice, PHIAL_E_FORMAT, "0 and 1 are the same");
    expect(TINY_PHI4, no_merges, PHIAL_E_FORMAT, "tokenizer.ggml.merges");
    expect(TINY_PHI35, few_scores, PHIAL_E_FORMAT, "scores has 2");
    expect(TINY_PHI35, score_is_no_number, PHIAL_E_FORMAT, "token 300");
    expect(TINY_PHI4, eos_outside, PHIAL_E_FORMAT, "eos_token_id is 100000");
    expect(TINY_PHI4, eos_is_text, PHIAL_E_FORMAT, "eos_token_id");
}
END_TEST

/* Loads, encodes with a long word and an added token, and decodes. */
static phial_status work(void *user, const ph_heap *heap)
{
    char text[300] = "<|end|> ";
    ph_tokens ids = {.heap = heap};
    ph_buf out = {.heap = heap};
    ph_decoder decoder;
    ph_tokenizer *t = NULL;
    phial_status status = tokenizer_of(user, heap, &t);

    memset(text + 8, 'l', sizeof text - 8);
    if (status >= 0)
        status =
            ph_tokenizer_encode(t, text, sizeof text, PHIAL_TEXT_SPECIAL, &ids);
    if (status >= 0)
        ph_decoder_init(&decoder, t, 0);
    for (size_t i = 0; i < ids.len && status >= 0; i++)
        status = ph_decoder_push(&decoder, ids.data[i], &out);
    ph_buf_free(&out);
    ph_tokens_free(&ids);
    ph_tokenizer_free(t);
    return status;
}

START_TEST(every_allocation_may_fail)
{
    for (int family = 0; family < TINY_FAMILIES; family++) {
        gguf_writer *w = gguf_writer_new();
        size_t points;

        tiny_vocab_put(w, (tiny_family)family, 2);
        ck_assert_uint_eq(failing_heap_loop(work, w, &points), 0);
        ck_assert_uint_gt(points, 20);
        gguf_writer_free(w);
    }
}
END_TEST

START_TEST(padding_typed_unknown_by_old_converters_is_unused)
{
    gguf_writer *w = gguf_writer_new();
    ph_str strings[259] = {PH_STR("<unk>"), PH_STR("[PAD1]"), PH_STR("a")};
    char text[256][8];
    int32_t kinds[259] = {2, 2, 1};
    float scores[259] = {0};
    ph_tokenizer *t;

    for (unsigned i = 0; i < 256; i++) {
        snprintf(text[i], sizeof text[i], "<0x%02X>", i);
        strings[3 + i] = ph_str_of(text[i]);
        kinds[3 + i] = 6;
    }
    gguf_put_str(w, KEY("model"), "llama");
    gguf_put_strings(w, KEY("tokens"), strings, 259);
    gguf_put_array(w, KEY("token_type"), PH_GGUF_I32, kinds, 259);
    gguf_put_array(w, KEY("scores"), PH_GGUF_F32, scores, 259);
    ck_status(tokenizer_of(w, &ph_libc_heap, &t), PHIAL_OK);
    ck_assert_int_eq(ph_tokenizer_kind(t, 0), PH_TOKEN_UNKNOWN);
    ck_assert_int_eq(ph_tokenizer_kind(t, 1), PH_TOKEN_UNUSED);
    ck_assert_int_eq(ph_tokenizer_find(t, PH_STR("[PAD1]")), PHIAL_NO_TOKEN);
    ck_assert_int_eq(ph_tokenizer_find(t, PH_STR("<unk>")), 0);
    ph_tokenizer_free(t);
    gguf_writer_free(w);
}
END_TEST

TCase *load_cases(void)
{
    TCase *tc = tcase_create("loading");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, wrong_metadata_is_refused_with_a_sentence);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_add_test(tc, padding_typed_unknown_by_old_converters_is_unused);
    return tc;
}
