/* SPDX-License-Identifier: MIT
 * text: UTF-8 against its definition, classes against counts of the standard.
 * Equality of every class with the reference tokenizers over all code points is
 * a job of tests/tokenizer. */
#include "text/text.h"
#include "check_main.h"

enum { N_SCALARS = 0x110000 };

static bool is_surrogate(uint32_t c)
{
    return c >= 0xD800 && c < 0xE000;
}

START_TEST(every_scalar_value_survives_encoding_and_decoding)
{
    for (uint32_t c = 0; c < N_SCALARS; c++) {
        char bytes[4];
        uint32_t back = 0;
        size_t n;

        if (is_surrogate(c))
            continue;
        n = ph_utf8_put(c, bytes);
        ck_assert_uint_eq(n, 1u + (c >= 0x80) + (c >= 0x800) + (c >= 0x10000));
        ck_assert_uint_eq(ph_utf8_next(bytes, n, &back), n);
        ck_assert_uint_eq(back, c);
        ck_assert(ph_utf8_valid(bytes, n));
    }
}
END_TEST

/* Counts: as many valid strings as there are scalar values of that length. */
START_TEST(nothing_but_encodings_of_scalar_values_is_valid)
{
    size_t n_valid[4] = {0};

    for (uint32_t i = 0; i < 1u << 24; i++) {
        char bytes[3] = {(char)(i >> 16), (char)(i >> 8), (char)i};
        uint32_t c;

        for (size_t len = 1; len <= 3; len++) {
            if (i & ((1u << (24 - 8 * len)) - 1))
                continue;
            if (ph_utf8_next(bytes, len, &c) == len &&
                ph_utf8_valid(bytes, len))
                n_valid[len]++;
        }
    }
    ck_assert_uint_eq(n_valid[1], 0x80);
    ck_assert_uint_eq(n_valid[2], 0x800 - 0x80);
    ck_assert_uint_eq(n_valid[3], 0x10000 - 0x800 - 0x800);
}
END_TEST

/* Unicode 16, table 3-8 and its neighbours. */
START_TEST(ill_formed_bytes_are_cut_into_maximal_subparts)
{
    static const struct {
        const char *bytes;
        size_t parts[8];
    } cases[] = {
        {"\xC0\xAF\xE0\x80\xBF", {1, 1, 1, 1, 1}},
        {"\xED\xA0\x80\xED\xBF\xBF", {1, 1, 1, 1, 1, 1}},
        {"\xF4\x91\x92\x93\xFF", {1, 1, 1, 1, 1}},
        {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF", {2, 1, 3, 2}},
        {"\xF0\x9F\x98", {3}},
        {"\xE2\x82", {2}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = strlen(cases[i].bytes), at = 0, part = 0;

        for (; at < len; part++) {
            uint32_t c = 0;
            size_t n = ph_utf8_next(cases[i].bytes + at, len - at, &c);

            ck_assert_uint_eq(n, cases[i].parts[part]);
            ck_assert_uint_eq(c, 0xFFFD);
            at += n;
        }
        ck_assert_uint_eq(cases[i].parts[part], 0);
        ck_assert(!ph_utf8_valid(cases[i].bytes, len));
    }
    ck_assert(ph_utf8_valid("\xEF\xBF\xBD", 3));
    ck_assert(ph_utf8_valid("", 0));
}
END_TEST

START_TEST(classes_have_the_sizes_of_unicode_16)
{
    size_t letters = 0, upper = 0, lower = 0, marks = 0, numbers = 0;
    size_t spaces = 0, breaks = 0;

    for (uint32_t c = 0; c < N_SCALARS; c++) {
        uint32_t k = ph_unicode_class(c);

        if (is_surrogate(c))
            ck_assert_uint_eq(k, 0);
        letters += !!(k & PH_CLASS_LETTER);
        upper += !!(k & PH_CLASS_UPPER);
        lower += !!(k & PH_CLASS_LOWER);
        marks +=
            (k & (PH_CLASS_UPPER | PH_CLASS_LOWER)) && !(k & PH_CLASS_LETTER);
        numbers += !!(k & PH_CLASS_NUMBER);
        spaces += !!(k & PH_CLASS_SPACE);
        breaks += !!(k & PH_CLASS_BREAK);
    }
    ck_assert_uint_eq(letters, 141028);
    ck_assert_uint_eq(marks, 2501);
    ck_assert_uint_eq(upper, 1858 + 31 + 404 + 136477 + 2501);
    ck_assert_uint_eq(lower, 2258 + 404 + 136477 + 2501);
    ck_assert_uint_eq(numbers, 1911);
    ck_assert_uint_eq(spaces, 25);
    ck_assert_uint_eq(breaks, 2);
    ck_assert_uint_eq(ph_unicode_class(0x110000), 0);
    ck_assert_uint_eq(ph_unicode_class(UINT32_MAX), 0);
}
END_TEST

static Suite *text_suite(void)
{
    Suite *suite = suite_create("text");
    TCase *tc = tcase_create("text");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, every_scalar_value_survives_encoding_and_decoding);
    tcase_add_test(tc, nothing_but_encodings_of_scalar_values_is_valid);
    tcase_add_test(tc, ill_formed_bytes_are_cut_into_maximal_subparts);
    tcase_add_test(tc, classes_have_the_sizes_of_unicode_16);
    suite_add_tcase(suite, tc);
    return suite;
}

PH_CHECK_MAIN(text_suite())
