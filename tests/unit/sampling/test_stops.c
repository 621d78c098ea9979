/* SPDX-License-Identifier: MIT
 * sampling: stop texts in streams, against a reference that looks at the whole
 * text. PHIAL_TEST_STREAMS sets how many random streams are compared. */
#include "sampling_tests.h"

#include <stdio.h>

typedef struct stream {
    const char *stops[PH_MAX_STOPS];
    size_t n_stops;
    const char *text;
    size_t len;
} stream;

/* Where the output ends: at the first byte that completes a stop text, the
 * longest of those complete there is cut off. */
static size_t reference_end(const stream *s, bool *found)
{
    for (size_t end = 1; end <= s->len; end++) {
        size_t longest = 0;

        for (size_t k = 0; k < s->n_stops; k++) {
            size_t len = strlen(s->stops[k]);

            if (len <= end && len > longest &&
                memcmp(s->text + end - len, s->stops[k], len) == 0)
                longest = len;
        }
        if (longest) {
            *found = true;
            return end - longest;
        }
    }
    *found = false;
    return s->len;
}

/* What must be held back of the first end bytes: the longest suffix that a
 * stop text begins with. */
static size_t reference_held(const stream *s, size_t end)
{
    for (size_t held = end; held > 0; held--) {
        for (size_t k = 0; k < s->n_stops; k++) {
            if (held < strlen(s->stops[k]) &&
                memcmp(s->text + end - held, s->stops[k], held) == 0)
                return held;
        }
    }
    return 0;
}

/* Feeds the text in random pieces and returns how much was emitted. */
static size_t stream_end(const stream *s, uint64_t *state, bool *found)
{
    ph_stops *stops = NULL;
    size_t emitted = 0, arrived = 0;

    *found = false;
    ck_status(ph_stops_new(&ph_libc_heap, s->stops, s->n_stops, &stops),
              PHIAL_OK);
    while (arrived < s->len && !*found) {
        size_t safe = SIZE_MAX;

        arrived += 1 + next_random(state) % 5;
        if (arrived > s->len)
            arrived = s->len;
        *found =
            ph_stops_scan(stops, s->text + emitted, arrived - emitted, &safe);
        if (safe > arrived - emitted)
            ck_abort_msg("%zu bytes are safe of %zu", safe, arrived - emitted);
        emitted += safe;
        if (!*found && arrived - emitted != reference_held(s, arrived))
            ck_abort_msg("%zu bytes are held back", arrived - emitted);
    }
    ph_stops_free(stops);
    return *found ? emitted : s->len;
}

START_TEST(random_streams_stop_where_the_reference_does)
{
    const char *setting = getenv("PHIAL_TEST_STREAMS");
    long rounds = setting ? atol(setting) : 100000;
    uint64_t state = 11;
    long n_found = 0;
    char texts[PH_MAX_STOPS][9], text[41];

    for (long round = 0; round < rounds; round++) {
        stream s = {.n_stops = 1 + next_random(&state) % 4, .text = text};
        uint64_t letters = 2 + next_random(&state) % 2;
        bool found, expected;
        size_t end;

        for (size_t k = 0; k < s.n_stops; k++) {
            size_t len = 1 + next_random(&state) % 8;

            for (size_t i = 0; i < len; i++)
                texts[k][i] = (char)('a' + next_random(&state) % letters);
            texts[k][len] = 0;
            s.stops[k] = texts[k];
        }
        s.len = next_random(&state) % 40;
        for (size_t i = 0; i < s.len; i++)
            text[i] = (char)('a' + next_random(&state) % letters);
        end = reference_end(&s, &expected);
        ck_assert_uint_eq(stream_end(&s, &state, &found), end);
        ck_assert(found == expected);
        n_found += found;
    }
    ck_assert_int_gt(n_found, rounds / 10);
    ck_assert_int_lt(n_found, rounds);
}
END_TEST

START_TEST(a_held_back_start_is_released_when_it_fails)
{
    static const char *const texts[] = {"</s>", "STOP"};
    ph_stops *stops;
    size_t safe;

    ck_status(ph_stops_new(&ph_libc_heap, texts, 2, &stops), PHIAL_OK);
    ck_assert(!ph_stops_scan(stops, "a</", 3, &safe) && safe == 1);
    ck_assert(!ph_stops_scan(stops, "</x", 3, &safe) && safe == 3);
    ck_assert(!ph_stops_scan(stops, "STO", 3, &safe) && safe == 0);
    ck_assert(ph_stops_scan(stops, "STOP!", 5, &safe) && safe == 0);
    ck_assert(!ph_stops_scan(stops, "", 0, &safe) && safe == 0);
    ph_stops_free(stops);
}
END_TEST

START_TEST(the_end_does_not_depend_on_the_pieces)
{
    static const char *const texts[] = {"abcd", "bc"};
    ph_stops *stops;
    size_t safe;

    ck_status(ph_stops_new(&ph_libc_heap, texts, 2, &stops), PHIAL_OK);
    ck_assert(ph_stops_scan(stops, "abc", 3, &safe) && safe == 1);
    ck_assert(ph_stops_scan(stops, "abcd", 4, &safe) && safe == 1);
    ph_stops_free(stops);
}
END_TEST

START_TEST(a_cut_never_splits_a_character)
{
    static const char *const texts[] = {"\xc3\xa9t\xc3\xa9",
                                        "\xf0\x9f\x98\x80"};
    static const char text[] = "\xc3\xa8\xc3\xa9t\xf0\x9f\x98\x81"
                               "\xc3\xa9t\xc3\xa9";
    ph_stops *stops;
    size_t safe, emitted = 0;

    ck_status(ph_stops_new(&ph_libc_heap, texts, 2, &stops), PHIAL_OK);
    for (size_t end = 1; end < sizeof text; end++) {
        bool found = ph_stops_scan(stops, text + emitted, end - emitted, &safe);

        emitted += safe;
        /* whatever comes next begins a character */
        if (emitted < end)
            ck_assert_int_ne(text[emitted] & 0xc0, 0x80);
        if (found)
            break;
    }
    ck_assert_uint_eq(emitted, 9);
    ph_stops_free(stops);
}
END_TEST

START_TEST(no_stop_texts_hold_nothing_back)
{
    ph_stops *stops;
    size_t safe;

    ck_status(ph_stops_new(&ph_libc_heap, NULL, 0, &stops), PHIAL_OK);
    ck_assert(!ph_stops_scan(stops, "abc", 3, &safe) && safe == 3);
    ph_stops_free(stops);
}
END_TEST

static void refused(const char *const *texts, size_t n, const char *sentence)
{
    ph_stops *stops = NULL;

    ck_status(ph_stops_new(&ph_libc_heap, texts, n, &stops), PHIAL_E_ARGUMENT);
    ck_assert_ptr_null(stops);
    ck_assert_msg(strstr(ph_error_text(), sentence) != NULL, "%s",
                  ph_error_text());
}

START_TEST(stop_texts_are_held_to_their_limits)
{
    char text[PH_MAX_STOP_BYTES + 2];
    const char *texts[PH_MAX_STOPS + 1];
    ph_stops *stops;

    for (size_t i = 0; i <= PH_MAX_STOPS; i++)
        texts[i] = text;
    memset(text, 'x', sizeof text);
    text[PH_MAX_STOP_BYTES] = 0;
    ck_status(ph_stops_new(&ph_libc_heap, texts, PH_MAX_STOPS, &stops),
              PHIAL_OK);
    ph_stops_free(stops);
    refused(texts, PH_MAX_STOPS + 1, "n_stop is 17, at most 16");
    refused(NULL, 1, "stop is NULL");
    text[PH_MAX_STOP_BYTES] = 'x';
    text[PH_MAX_STOP_BYTES + 1] = 0;
    refused(texts, 1, "stop[0] is longer than 256 bytes");
    texts[1] = "";
    text[5] = 0;
    refused(texts, 2, "stop[1] is empty");
    texts[1] = NULL;
    refused(texts, 2, "stop[1] is NULL");
    texts[1] = "\x80";
    refused(texts, 2, "stop[1] begins within a UTF-8 character");
}
END_TEST

TCase *stop_tests(void)
{
    TCase *t = tcase_create("stops");

    tcase_add_test(t, random_streams_stop_where_the_reference_does);
    tcase_add_test(t, a_held_back_start_is_released_when_it_fails);
    tcase_add_test(t, the_end_does_not_depend_on_the_pieces);
    tcase_add_test(t, a_cut_never_splits_a_character);
    tcase_add_test(t, no_stop_texts_hold_nothing_back);
    tcase_add_test(t, stop_texts_are_held_to_their_limits);
    tcase_set_timeout(t, 240);
    return t;
}
