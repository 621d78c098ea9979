/* SPDX-License-Identifier: MIT
 * Encoding and decoding on the tiny vocabularies: added tokens, white space
 * around them, turn ends, whole characters in a stream. */
#include "text/text.h"
#include "tokenizer_cases.h"

#include <stdio.h>

/* The ids as text: added tokens by name, others by their bytes, separated by
 * a bar. */
static const char *shown(const ph_tokenizer *t, const ph_tokens *ids)
{
    static char out[1024];
    size_t n = 0;

    out[0] = 0;
    for (size_t i = 0; i < ids->len; i++) {
        ph_str bytes = ph_tokenizer_bytes(t, ids->data[i]);

        n += (size_t)snprintf(out + n, sizeof out - n, "%s%.*s", i ? "|" : "",
                              (int)bytes.len, bytes.data);
    }
    return out;
}

static const char *encoded(const ph_tokenizer *t, const char *text,
                           uint32_t flags)
{
    ph_tokens ids = {.heap = &ph_libc_heap};
    const char *out;

    ck_status(ph_tokenizer_encode(t, text, strlen(text), flags, &ids),
              PHIAL_OK);
    out = shown(t, &ids);
    ph_tokens_free(&ids);
    return out;
}

static phial_token find(const ph_tokenizer *t, const char *spelling)
{
    return ph_tokenizer_find(t, ph_str_of(spelling));
}

START_TEST(white_space_around_added_tokens_goes_as_in_the_reference)
{
    ph_tokenizer *t = tiny_tokenizer(TINY_PHI4);

    ck_assert_str_eq(encoded(t, "1 <|im_end|> \n 2", PHIAL_TEXT_SPECIAL),
                     "1|<|im_end|>|2");
    ck_assert_str_eq(
        encoded(t, "\xE3\x80\x80<|im_sep|>\xC2\x85", PHIAL_TEXT_SPECIAL),
        "<|im_sep|>");
    ph_tokenizer_free(t);

    t = tiny_tokenizer(TINY_PHI4_MINI);
    ck_assert_str_eq(
        encoded(t, "<|user|>\n\n 1 <|end|> \n<|tool|>\n2", PHIAL_TEXT_SPECIAL),
        "<|user|>|1| |<|end|>|<|tool|>|2");
    ck_assert_str_eq(encoded(t, "1<|endoftext|> 2", PHIAL_TEXT_SPECIAL),
                     "1|<|endoftext|>| |2");
    ph_tokenizer_free(t);

    t = tiny_tokenizer(TINY_PHI35);
    ck_assert_str_eq(
        encoded(t, "<|user|>\nin<|end|>\n<|assistant|>\n", PHIAL_TEXT_SPECIAL),
        "<|user|>| |in|<|end|>|<|assistant|>");
    ck_assert_str_eq(encoded(t, "<s> 1</s>", PHIAL_TEXT_SPECIAL),
                     "<s>|  |1|</s>");
    ck_assert_str_eq(encoded(t, "", PHIAL_TEXT_BOS), "<s>");
    ph_tokenizer_free(t);
}
END_TEST

START_TEST(text_gives_no_added_token_unless_asked)
{
    for (int family = 0; family < TINY_FAMILIES; family++) {
        ph_tokenizer *t = tiny_tokenizer((tiny_family)family);

        for (uint32_t id = 0; id < ph_tokenizer_n_vocab(t); id++) {
            ph_str spelling = ph_tokenizer_bytes(t, (phial_token)id);
            ph_token_kind kind = ph_tokenizer_kind(t, (phial_token)id);
            ph_tokens ids = {.heap = &ph_libc_heap};

            if (kind == PH_TOKEN_NORMAL || kind == PH_TOKEN_BYTE)
                continue;
            ck_status(
                ph_tokenizer_encode(t, spelling.data, spelling.len, 0, &ids),
                PHIAL_OK);
            for (size_t i = 0; i < ids.len; i++) {
                kind = ph_tokenizer_kind(t, ids.data[i]);
                ck_assert(kind == PH_TOKEN_NORMAL || kind == PH_TOKEN_BYTE);
            }
            ph_tokens_free(&ids);
        }
        ph_tokenizer_free(t);
    }
}
END_TEST

START_TEST(pieces_between_added_tokens_encode_as_the_whole_prompt)
{
    static const char *const texts[] = {
        "the", " in \n", "\n", "", "\t the  ", "\xC2\xA0x\xE2\x80\xA8"};

    for (int family = 0; family < TINY_FAMILIES; family++) {
        ph_tokenizer *t = tiny_tokenizer((tiny_family)family);
        bool phi4 = family == TINY_PHI4;
        const char *open = phi4 ? "<|im_start|>" : "<|user|>";
        const char *close = phi4 ? "<|im_end|>" : "<|end|>";

        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            ph_tokens ids = {.heap = &ph_libc_heap};
            char prompt[100], parts[1024];

            snprintf(prompt, sizeof prompt, "%s%s%s", open, texts[i], close);
            ck_status(ph_tokens_put(&ids, find(t, open)), PHIAL_OK);
            ck_status(ph_tokenizer_encode_between(t, find(t, open), texts[i],
                                                  strlen(texts[i]),
                                                  find(t, close), &ids),
                      PHIAL_OK);
            ck_status(ph_tokens_put(&ids, find(t, close)), PHIAL_OK);
            snprintf(parts, sizeof parts, "%s", shown(t, &ids));
            ck_assert_str_eq(encoded(t, prompt, PHIAL_TEXT_SPECIAL), parts);
            ph_tokens_free(&ids);
        }
        ph_tokenizer_free(t);
    }
}
END_TEST

START_TEST(every_stop_token_of_a_family_ends_a_turn)
{
    ph_tokenizer *t = tiny_tokenizer(TINY_PHI4);

    ck_assert(ph_tokenizer_is_end(t, find(t, "<|im_end|>")));
    ck_assert(ph_tokenizer_is_end(t, find(t, "<|endoftext|>")));
    ck_assert(!ph_tokenizer_is_end(t, find(t, "<|im_start|>")));
    ck_assert_int_eq(ph_tokenizer_special(t, PHIAL_TOKEN_END_OF_TURN),
                     find(t, "<|im_end|>"));
    ph_tokenizer_free(t);
    t = tiny_tokenizer(TINY_PHI35);
    ck_assert(ph_tokenizer_is_end(t, find(t, "<|end|>")));
    ck_assert(ph_tokenizer_is_end(t, find(t, "<|assistant|>")));
    ck_assert_int_eq(ph_tokenizer_special(t, PHIAL_TOKEN_BOS), 1);
    ck_assert_int_eq(ph_tokenizer_special(t, 99), PHIAL_NO_TOKEN);
    ck_assert_int_eq(find(t, "<|end|"), PHIAL_NO_TOKEN);
    ck_assert_int_eq(find(t, "<|end|>x"), PHIAL_NO_TOKEN);
    ck_assert_int_eq(find(t, ""), PHIAL_NO_TOKEN);
    ck_assert(!ph_tokenizer_is_end(t, -1));
    ck_assert(!ph_tokenizer_is_end(t, INT32_MAX));
    ck_assert_uint_eq(ph_tokenizer_bytes(t, INT32_MAX).len, 0);
    ph_tokenizer_free(t);
}
END_TEST

static void decode(const ph_tokenizer *t, uint32_t flags,
                   const phial_token *ids, size_t n, const char *expected)
{
    ph_buf out = {.heap = &ph_libc_heap};
    ph_decoder decoder;

    ph_decoder_init(&decoder, t, flags);
    for (size_t i = 0; i < n; i++) {
        ck_status(ph_decoder_push(&decoder, ids[i], &out), PHIAL_OK);
        ck_assert(ph_utf8_valid(out.data, out.len));
    }
    ck_status(ph_decoder_flush(&decoder, &out), PHIAL_OK);
    ck_assert_str_eq(out.data ? out.data : "", expected);
    ph_buf_free(&out);
}

START_TEST(decoding_shows_what_the_reference_shows)
{
    ph_tokenizer *t = tiny_tokenizer(TINY_PHI4_MINI);
    phial_token turn[] = {find(t, "<|user|>"), find(t, "<|tool_call|>"),
                          find(t, "<|end|>"),
                          (phial_token)ph_tokenizer_n_vocab(t) - 1};

    decode(t, 0, turn, 4, "<|tool_call|>");
    decode(t, PHIAL_TEXT_SPECIAL, turn, 4, "<|user|><|tool_call|><|end|>");
    ph_tokenizer_free(t);
    t = tiny_tokenizer(TINY_PHI35);
    ck_assert_int_eq(ph_tokenizer_kind(t, 3 + 0xE2), PH_TOKEN_BYTE);
    /* One leading space goes, and only at the very start. */
    decode(t, 0,
           (phial_token[]){1, 3 + ' ', 3 + ' ', 3 + 0xE2, 3 + 0x82, 3 + 0xAC,
                           3 + ' '},
           7, " \xE2\x82\xAC ");
    ph_tokenizer_free(t);
}
END_TEST

START_TEST(a_stream_never_holds_half_a_character)
{
    static const char *const cases[][2] = {
        {"\xE2\x82\xAC", "\xE2\x82\xAC"},
        {"\xF0\x9F\xA6\x99!", "\xF0\x9F\xA6\x99!"},
        {"\xF0\x9F\xA6", "\xEF\xBF\xBD"},
        {"\xE2\x82x", "\xEF\xBF\xBDx"},
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xE2\xE2\x82\xAC", "\xEF\xBF\xBD\xE2\x82\xAC"},
        {"\xF0\x9F\xF0\x9F\xA6\x99", "\xEF\xBF\xBD\xF0\x9F\xA6\x99"},
        {"a\x80\xC3", "a\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xEF\xBF\xBD", "\xEF\xBF\xBD"},
    };
    ph_tokenizer *t = tiny_tokenizer(TINY_PHI35);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        phial_token ids[8];
        size_t n = strlen(cases[i][0]);

        for (size_t k = 0; k < n; k++)
            ids[k] = 3 + (uint8_t)cases[i][0][k];
        decode(t, 0, ids, n, cases[i][1]);
    }
    ph_tokenizer_free(t);
}
END_TEST

/* Random ids: what a stream gives, joined, is the lossy decoding of the bytes
 * joined, where every maximal subpart has become U+FFFD. */
START_TEST(a_stream_is_the_whole_decoded_at_once)
{
    ph_tokenizer *t = tiny_tokenizer(TINY_PHI4);
    uint32_t rng = 5;

    for (int round = 0; round < 20000; round++) {
        ph_buf bytes = {.heap = &ph_libc_heap}, whole = {.heap = &ph_libc_heap};
        phial_token ids[24];
        size_t n = 1 + (rng >> 8) % 24, width;

        for (size_t i = 0; i < n; i++) {
            ph_str token;

            rng = rng * 1664525u + 1013904223u;
            ids[i] = (phial_token)((rng >> 8) % 256);
            token = ph_tokenizer_bytes(t, ids[i]);
            ck_status(ph_buf_put(&bytes, token.data, token.len), PHIAL_OK);
        }
        for (size_t at = 0; at < bytes.len; at += width) {
            uint32_t c;
            char text[4];

            width = ph_utf8_next(bytes.data + at, bytes.len - at, &c);
            ck_status(ph_buf_put(&whole, text, ph_utf8_put(c, text)), PHIAL_OK);
        }
        if (!memchr(whole.data, 0, whole.len))
            decode(t, 0, ids, n, whole.data);
        ph_buf_free(&bytes);
        ph_buf_free(&whole);
    }
    ph_tokenizer_free(t);
}
END_TEST

START_TEST(an_id_outside_the_vocabulary_is_refused)
{
    ph_tokenizer *t = tiny_tokenizer(TINY_PHI4);
    ph_buf out = {.heap = &ph_libc_heap};
    ph_decoder decoder;

    ph_decoder_init(&decoder, t, 0);
    ck_status(ph_decoder_push(&decoder, -1, &out), PHIAL_E_ARGUMENT);
    ck_status(ph_decoder_push(&decoder, INT32_MAX, &out), PHIAL_E_ARGUMENT);
    ck_status(
        ph_decoder_push(&decoder, (phial_token)ph_tokenizer_n_vocab(t), &out),
        PHIAL_E_ARGUMENT);
    ck_assert_uint_eq(out.len, 0);
    ph_tokenizer_free(t);
}
END_TEST

TCase *text_cases(void)
{
    TCase *tc = tcase_create("text");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc,
                   white_space_around_added_tokens_goes_as_in_the_reference);
    tcase_add_test(tc, text_gives_no_added_token_unless_asked);
    tcase_add_test(tc, pieces_between_added_tokens_encode_as_the_whole_prompt);
    tcase_add_test(tc, every_stop_token_of_a_family_ends_a_turn);
    tcase_add_test(tc, decoding_shows_what_the_reference_shows);
    tcase_add_test(tc, a_stream_never_holds_half_a_character);
    tcase_add_test(tc, a_stream_is_the_whole_decoded_at_once);
    tcase_add_test(tc, an_id_outside_the_vocabulary_is_refused);
    return tc;
}
