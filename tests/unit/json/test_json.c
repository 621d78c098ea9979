/* SPDX-License-Identifier: MIT
 * json: the reader, by RFC 8259 and against jansson. PHIAL_TEST_DOCUMENTS
 * sets how many random documents are compared. */
#include "json_cases.h"

#include <jansson.h>

static phial_status parse(ph_str text, ph_json *json)
{
    return ph_json_parse(&ph_libc_heap, text, "test", json);
}

/* n elements of an array of texts; each is exactly what is parsed. */
static void expect_all(const ph_str *texts, size_t n, phial_status expected)
{
    for (size_t i = 0; i < n; i++) {
        ph_json json;
        /* in a block of its own, so that sanitizers see a byte too far */
        char *copy = malloc(texts[i].len);
        phial_status got;

        if (texts[i].len)
            memcpy(copy, texts[i].data, texts[i].len);
        got = parse((ph_str){copy, texts[i].len}, &json);
        ck_assert_msg(got == expected, "'%s' gives %d: %s", texts[i].data, got,
                      ph_error_text());
        if (got == PHIAL_OK)
            ph_json_free(&json);
        free(copy);
    }
}

static const ph_str allowed[] = {
    PH_STR("0"),
    PH_STR("-0"),
    PH_STR("-0.0e-0"),
    PH_STR("1E+400"),
    PH_STR("123456789012345678901234567890"),
    PH_STR("0.5"),
    PH_STR("1e5"),
    PH_STR(" \t\r\n null \n"),
    PH_STR("true"),
    PH_STR("false"),
    PH_STR("\"\""),
    PH_STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\""),
    PH_STR("\"\\u0000\""),
    PH_STR("\"\\uD83D\\uDE42\""),
    PH_STR("\"\\ud83d\\ude42\\uffff\""),
    PH_STR("\"\x7f\xef\xbf\xbe\xf0\x9f\x99\x82\""),
    PH_STR("[]"),
    PH_STR("[ ]"),
    PH_STR("{}"),
    PH_STR("{ }"),
    PH_STR("[1,[2,[3]],{}]"),
    PH_STR("{\"\":0}"),
    PH_STR("{\"a\":{\"a\":{\"a\":[]}},\"b\":null}"),
    PH_STR("{\"a\":1,\"a\":2}"),
    PH_STR("[1 , 2]"),
    PH_STR("{ \"a\" : 1 , \"b\" : 2 }"),
    PH_STR("[\"[{\\\"\",\"]\"]"),
};

START_TEST(what_the_rfc_allows_is_read)
{
    expect_all(allowed, sizeof allowed / sizeof allowed[0], PHIAL_OK);
}
END_TEST

static const ph_str forbidden[] = {
    PH_STR(""),
    PH_STR(" "),
    PH_STR("-"),
    PH_STR("+1"),
    PH_STR("01"),
    PH_STR("-01"),
    PH_STR(".5"),
    PH_STR("1."),
    PH_STR("1.e5"),
    PH_STR("1e"),
    PH_STR("1e+"),
    PH_STR("0x10"),
    PH_STR("1 2"),
    PH_STR("NaN"),
    PH_STR("Infinity"),
    PH_STR("-Infinity"),
    PH_STR("nul"),
    PH_STR("nullx"),
    PH_STR("True"),
    PH_STR("'a'"),
    PH_STR("\""),
    PH_STR("\"a"),
    PH_STR("\"\\\""),
    PH_STR("\"\\"),
    PH_STR("\"\\x41\""),
    PH_STR("\"\\'\""),
    PH_STR("\"\\\0\""),
    PH_STR("\"\\u12\""),
    PH_STR("\"\\u123g\""),
    PH_STR("\"\\u"),
    PH_STR("\"\\ud800\""),
    PH_STR("\"\\udc00\""),
    PH_STR("\"\\ud800\\u0041\""),
    PH_STR("\"\\ud800\\ud800\""),
    PH_STR("\"\\ud83d\\ude4\""),
    PH_STR("\"\\ud83d\\"),
    PH_STR("\"\n\""),
    PH_STR("\"\0\""),
    PH_STR("\"\x1f\""),
    PH_STR("\"\x80\""),
    PH_STR("\"\xc0\x80\""),
    PH_STR("\"\xed\xa0\x80\""),
    PH_STR("\"\xf5\x80\x80\x80\""),
    PH_STR("\"\xe2\x82\""),
    PH_STR("\xef\xbb\xbf{}"),
    PH_STR("[\xc2\xa0]"),
    PH_STR("["),
    PH_STR("[1"),
    PH_STR("[1,"),
    PH_STR("[1,]"),
    PH_STR("[,1]"),
    PH_STR("[,]"),
    PH_STR("[1 2]"),
    PH_STR("[1]]"),
    PH_STR("]"),
    PH_STR("[1}"),
    PH_STR("[\v1]"),
    PH_STR("{"),
    PH_STR("{\"a\""),
    PH_STR("{\"a\":"),
    PH_STR("{\"a\":1"),
    PH_STR("{\"a\":1,"),
    PH_STR("{\"a\":1,}"),
    PH_STR("{,}"),
    PH_STR("{\"a\"}"),
    PH_STR("{\"a\" 1}"),
    PH_STR("{\"a\"::1}"),
    PH_STR("{a:1}"),
    PH_STR("{1:1}"),
    PH_STR("{null:1}"),
    PH_STR("{\"a\":1]"),
    PH_STR("{\"a\":1}}"),
    PH_STR("{\"a\",1}"),
    PH_STR("[1:2]"),
    PH_STR("1,2"),
    PH_STR("[1]// x"),
    PH_STR("[1/* x */]"),
    PH_STR("[1]#"),
    PH_STR("{}\0"),
    PH_STR("\0"),
    PH_STR("\\u005b\\u005d"),
    PH_STR(":"),
    PH_STR(","),
    PH_STR("}"),
};

START_TEST(what_the_rfc_forbids_is_refused)
{
    expect_all(forbidden, sizeof forbidden / sizeof forbidden[0],
               PHIAL_E_FORMAT);
}
END_TEST

START_TEST(errors_name_the_byte)
{
    ph_json json;

    ck_status(parse(PH_STR("[1, x]"), &json), PHIAL_E_FORMAT);
    ck_assert_str_eq(ph_error_text(),
                     "test: byte 4 of the JSON (0x78): a value was expected");
    ck_status(parse(PH_STR("[1, "), &json), PHIAL_E_FORMAT);
    ck_assert_str_eq(ph_error_text(),
                     "test: the JSON ends at byte 4: a value was expected");
}
END_TEST

/* n times a, then n times b. */
static char *repeat(const char *a, const char *b, size_t n)
{
    size_t la = strlen(a), lb = strlen(b);
    char *text = malloc(n * (la + lb) + 1);

    for (size_t i = 0; i < n; i++) {
        memcpy(text + i * la, a, la);
        memcpy(text + n * la + i * lb, b, lb);
    }
    text[n * (la + lb)] = 0;
    return text;
}

START_TEST(limits_are_held_exactly)
{
    static const struct {
        const char *a, *b;
        size_t n;
        phial_status status;
    } cases[] = {
        {"[", "]", PH_JSON_MAX_DEPTH, PHIAL_OK},
        {"[", "]", PH_JSON_MAX_DEPTH + 1, PHIAL_E_MEMORY},
        {"{\"\":", "}", PH_JSON_MAX_DEPTH + 1, PHIAL_E_MEMORY},
        {"[", "", 1000000, PHIAL_E_MEMORY},
        {" ", "", PH_JSON_MAX_BYTES + 1, PHIAL_E_MEMORY},
        {" ", "", PH_JSON_MAX_BYTES, PHIAL_E_FORMAT},
    };
    ph_json json;
    char *text;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        text = repeat(cases[i].a, cases[i].b, cases[i].n);
        ck_status(parse(ph_str_of(text), &json), cases[i].status);
        if (cases[i].status == PHIAL_OK)
            ph_json_free(&json);
        free(text);
    }
    text = repeat(",\"\":0", "", PH_JSON_MAX_KEYS + 1);
    text[0] = '{';
    ck_status(parse(ph_str_of(text), &json), PHIAL_E_MEMORY);
    ck_assert_ptr_nonnull(strstr(ph_error_text(), "100001 keys"));
    free(text);
}
END_TEST

START_TEST(members_and_strings_are_found)
{
    static const char text[] = "{\"\\u0061b\":[1,{\"c\":2},[]],\"c\":\"\\ud83d"
                               "\\ude42\\n\",\"c\":\"last\",\"d\":\"\"}";
    ph_json json;
    ph_buf out = {.heap = &ph_libc_heap};
    uint32_t list;

    ck_status(parse(PH_STR(text), &json), PHIAL_OK);
    list = ph_json_get(&json, 0, "ab");
    ck_assert_uint_eq(ph_json_count(&json, list), 3);
    ck_assert_uint_eq(ph_json_count(&json, 0), 8);
    ck_assert(ph_json_is(&json, ph_json_get(&json, 0, "c"), "last"));
    ck_assert(!ph_json_is(&json, ph_json_get(&json, 0, "c"), "las"));
    ck_assert(!ph_json_is(&json, ph_json_get(&json, 0, "c"), "last1"));
    ck_assert(ph_json_is(&json, ph_json_get(&json, 0, "d"), ""));
    ck_assert(!ph_json_is(&json, list, ""));
    ck_assert_uint_eq(ph_json_get(&json, 0, "1"), PH_JSON_NONE);
    ck_assert_uint_eq(ph_json_get(&json, 0, ""), PH_JSON_NONE);
    ck_status(ph_json_dump(&json, 0, &out), PHIAL_OK);
    ck_assert_str_eq(out.data,
                     "{\"ab\": [1, {\"c\": 2}, []], \"c\": "
                     "\"\xf0\x9f\x99\x82\\n\", \"c\": \"last\", \"d\": \"\"}");
    ph_buf_free(&out);
    ph_json_free(&json);
}
END_TEST

START_TEST(every_escape_is_written_as_python_does)
{
    ph_buf out = {.heap = &ph_libc_heap};

    ck_status(
        ph_json_quote(PH_STR("\b\f\n\r\t\"\\/\0\x01\x1f\x7f\xc3\xa9"), &out),
        PHIAL_OK);
    ck_assert_str_eq(out.data, "\"\\b\\f\\n\\r\\t\\\"\\\\/\\u0000\\u0001\\u001f"
                               "\x7f\xc3\xa9\"");
    ph_buf_free(&out);
}
END_TEST

/* ---- Against jansson --------------------------------------------------- */

/* A document with up to eight bytes of it spoiled. */
static size_t random_document(uint64_t *n, char *out)
{
    static const char *const seeds[] = {
        "{\"role\":\"user\",\"content\":\"a\\u00e9\\ud83d\\ude42\\\\\"}",
        "[1,-2,0,{\"a\":[],\"b\":{}},[[[]]],\"\",true,false,null]",
        "{\"t\":[{\"x\":\"\\n\\t\\\"\"},{\"y\":12}], \"z\" : [ ]}",
        "[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82\", 10, [0]]",
    };
    static const char alphabet[] = "[]{}\",:\\u0dD8n 1-\n\xc3\x80/et";
    const char *seed = seeds[tiny_random(7, (*n)++) % 4];
    size_t len = strlen(seed);
    uint64_t spoiled = tiny_random(7, (*n)++) % 4;

    memcpy(out, seed, len);
    for (uint64_t i = 0; i < spoiled; i++) {
        size_t at = tiny_random(7, (*n)++) % len;
        char c = alphabet[tiny_random(7, (*n)++) % (sizeof alphabet - 1)];

        switch (tiny_random(7, (*n)++) % 3) {
        case 0:
            out[at] = c;
            break;
        case 1:
            memmove(out + at + 1, out + at, len++ - at);
            out[at] = c;
            break;
        default:
            memmove(out + at, out + at + 1, --len - at);
        }
    }
    return len;
}

/* What jansson cannot hold, but JSON has. */
static bool is_jansson_limit(const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);

    return code == json_error_numeric_overflow ||
           code == json_error_null_byte_in_key ||
           code == json_error_duplicate_key;
}

/* Numbers that jansson spells anew: fractions, exponents, -0. */
static bool is_respelled(const char *text, size_t len)
{
    for (size_t i = 0; i + 1 < len; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';

        if (text[i] == '.' || (text[i] == '-' && text[i + 1] == '0') ||
            (digit && (text[i + 1] | 32) == 'e'))
            return true;
    }
    return false;
}

START_TEST(random_documents_are_read_as_jansson_reads_them)
{
    const char *setting = getenv("PHIAL_TEST_DOCUMENTS");
    long rounds = setting ? atol(setting) : 100000, n_good = 0;
    uint64_t n = 0;
    char text[100];

    for (long i = 0; i < rounds; i++) {
        size_t len = random_document(&n, text);
        json_error_t error;
        json_t *theirs = json_loadb(
            text, len,
            JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
        ph_json ours;
        phial_status status = parse((ph_str){text, len}, &ours);

        if (theirs && status == PHIAL_OK && !is_respelled(text, len)) {
            ph_buf out = {.heap = &ph_libc_heap};
            char *dump = json_dumps(theirs, JSON_ENCODE_ANY);

            ck_status(ph_json_dump(&ours, 0, &out), PHIAL_OK);
            ck_assert_str_eq(out.data, dump);
            ph_buf_free(&out);
            free(dump);
            n_good++;
        }
        ck_assert_msg((theirs != NULL) == (status == PHIAL_OK) ||
                          is_jansson_limit(&error),
                      "%.*s: we say %s, jansson %s", (int)len, text,
                      ph_status_name(status), theirs ? "yes" : error.text);
        if (status == PHIAL_OK)
            ph_json_free(&ours);
        json_decref(theirs);
    }
    ck_assert_int_gt(n_good, rounds / 10);
    ck_assert_int_lt(n_good, rounds);
}
END_TEST

static Suite *json_suite(void)
{
    Suite *suite = suite_create("json");
    TCase *t = tcase_create("json");

    tcase_add_test(t, what_the_rfc_allows_is_read);
    tcase_add_test(t, what_the_rfc_forbids_is_refused);
    tcase_add_test(t, errors_name_the_byte);
    tcase_add_test(t, limits_are_held_exactly);
    tcase_add_test(t, members_and_strings_are_found);
    tcase_add_test(t, every_escape_is_written_as_python_does);
    tcase_add_test(t, random_documents_are_read_as_jansson_reads_them);
    tcase_set_timeout(t, 120);
    suite_add_tcase(suite, t);
    suite_add_tcase(suite, number_case());
    return suite;
}

PH_CHECK_MAIN(json_suite())
