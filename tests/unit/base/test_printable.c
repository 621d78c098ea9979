/* SPDX-License-Identifier: MIT
 * Showing bytes from outside in a message. */
#include "base/base.h"
#include "base_cases.h"
#include "check_main.h"

static void shows(const char *bytes, size_t n, const char *expected)
{
    ph_shown shown = ph_show((ph_str){bytes, n});

    ck_assert_str_eq(shown.text, expected);
}

#define SHOWS(literal, expected)                                               \
    shows((literal), sizeof(literal) - 1, (expected))

START_TEST(harmless_text_is_shown_as_it_is)
{
    SHOWS("", "");
    SHOWS("blk.0.attn_qkv.weight", "blk.0.attn_qkv.weight");
    SHOWS("K\xc3\xa4se \xe2\x82\xac \xf0\x9f\x98\x80",
          "K\xc3\xa4se \xe2\x82\xac \xf0\x9f\x98\x80");
}
END_TEST

START_TEST(controls_and_what_reorders_text_are_escaped)
{
    SHOWS("a\0b", "a\\x00b");
    SHOWS("\x1b[2J\r\n\t\x7f", "\\x1b[2J\\x0d\\x0a\\x09\\x7f");
    SHOWS("\xc2\x9b", "\\xc2\\x9b");            /* C1 control */
    SHOWS("\xe2\x80\xae", "\\xe2\\x80\\xae");   /* right-to-left override */
    SHOWS("\xe2\x81\xa6x", "\\xe2\\x81\\xa6x"); /* isolate */
    SHOWS("\xef\xbb\xbfx", "\\xef\\xbb\\xbfx"); /* byte order mark */
}
END_TEST

START_TEST(what_is_not_utf8_is_escaped_byte_by_byte)
{
    SHOWS("\xff\xfe", "\\xff\\xfe");
    SHOWS("\x80", "\\x80");
    SHOWS("\xc0\xaf", "\\xc0\\xaf"); /* overlong */
    SHOWS("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
    SHOWS("\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf");
    SHOWS("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* surrogate */
    SHOWS("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
    SHOWS("a\xe2\x82", "a\\xe2\\x82"); /* cut short */
    SHOWS("\xe2\x82"
          "a",
          "\\xe2\\x82"
          "a");
}
END_TEST

START_TEST(long_text_is_cut_between_characters)
{
    char long_text[1000];

    memset(long_text, 'x', sizeof long_text);
    for (size_t n = 0; n < sizeof long_text; n++) {
        ph_shown shown = ph_show((ph_str){long_text, n});
        size_t len = strlen(shown.text);

        ck_assert_uint_eq(len, n <= PH_SHOWN_MAX ? n : PH_SHOWN_MAX + 3);
        ck_assert(n <= PH_SHOWN_MAX || !strcmp(shown.text + len - 3, "..."));
    }
    for (size_t start = 0; start < 8; start++) {
        memset(long_text, 'x', sizeof long_text);
        for (size_t i = start; i + 3 < sizeof long_text; i += 3)
            memcpy(long_text + i, "\xe2\x82\xac", 3);
        ck_assert_ptr_null(
            strchr(ph_show((ph_str){long_text, 600}).text, '\\'));
    }
}
END_TEST

START_TEST(a_path_keeps_its_end)
{
    char path[501];

    for (size_t n = 0; n < 500; n++) {
        ph_shown shown;

        memset(path, n % 2 ? '\n' : 'd', n);
        path[n] = 0;
        memcpy(path + (n > 5 ? n - 5 : 0), "/tail", n > 5 ? 5 : 0);
        shown = ph_show_path(path);
        ck_assert_uint_le(strlen(shown.text), PH_SHOWN_MAX + 3);
        if (n > 5 && n % 2 == 0)
            ck_assert_str_eq(shown.text + strlen(shown.text) - 5, "/tail");
    }
}
END_TEST

void printable_cases(Suite *suite)
{
    TCase *tc = tcase_create("printable");

    tcase_add_test(tc, harmless_text_is_shown_as_it_is);
    tcase_add_test(tc, controls_and_what_reorders_text_are_escaped);
    tcase_add_test(tc, what_is_not_utf8_is_escaped_byte_by_byte);
    tcase_add_test(tc, long_text_is_cut_between_characters);
    tcase_add_test(tc, a_path_keeps_its_end);
    suite_add_tcase(suite, tc);
}
