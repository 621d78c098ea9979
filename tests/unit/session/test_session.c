/* SPDX-License-Identifier: MIT
 * session: its logits are those of one pass, whichever way the tokens came. */
#include "session_cases.h"
#include "failing_heap.h"

#include <stdio.h>

enum { ORIGINAL = 64 };

/* The reference: one pass over all tokens with given factors. */
static void one_pass(const world *w, const phial_token *tokens, size_t n,
                     int rope, float *logits)
{
    ph_sequence_config config = {.n_context = MAX_LENGTH,
                                 .n_batch = MAX_LENGTH,
                                 .cache_format = PHIAL_CACHE_F32};
    ph_sequence *sequence;

    ck_status(ph_sequence_new(w->model, w->pool, &config, &sequence), PHIAL_OK);
    ck_status(ph_sequence_forward(sequence, tokens, (uint32_t)n, rope,
                                  PH_LOGITS_LAST, logits, NULL),
              PHIAL_OK);
    ph_sequence_free(sequence);
}

static void assert_same(ph_session *session, const float *expected,
                        const char *what)
{
    const float *got;
    size_t n;

    ck_status(ph_session_get_logits(session, &got, &n), PHIAL_OK);
    ck_assert_msg(memcmp(expected, got, n * sizeof *got) == 0,
                  "%s: not the same logits", what);
}

static void assert_logits(const world *w, ph_session *session,
                          const phial_token *tokens, size_t n, int rope)
{
    float *expected = calloc(w->model->hp.n_vocab, sizeof *expected);
    char what[64];

    snprintf(what, sizeof what, "%zu tokens, factors %d", n, rope);
    one_pass(w, tokens, n, rope, expected);
    assert_same(session, expected, what);
    free(expected);
}

static const tiny_family longrope[] = {TINY_PHI4_MINI, TINY_PHI35};
static const size_t lengths[] = {1, 63, 64, 65, 66, 130};

enum { N_LENGTHS = sizeof lengths / sizeof *lengths };

static int factors_at(size_t n, int32_t mode)
{
    if (mode != PHIAL_ROPE_AUTO)
        return mode == PHIAL_ROPE_LONG ? PH_ROPE_LONG : PH_ROPE_SHORT;
    return n > ORIGINAL ? PH_ROPE_LONG : PH_ROPE_SHORT;
}

/* The held tokens up to n, step at a time; computed after each step, or only
 * at the end. */
static void feed(ph_session *session, const phial_token *tokens, size_t n,
                 size_t step, bool compute)
{
    size_t left = 0, from;

    ck_assert_int_le(ph_session_get_tokens(session, NULL, 0, &from), PHIAL_OK);
    for (size_t i = from; i < n; i += step) {
        size_t m = step < n - i ? step : n - i;

        ck_status(ph_session_add_tokens(session, tokens + i, m), PHIAL_OK);
        if (compute) {
            ck_status(ph_session_prefill(session, SIZE_MAX, &left), PHIAL_OK);
            ck_assert_uint_eq(left, 0);
        }
    }
}

/* Sessions that grow from length to length in different ways, and a new one
 * for every length. */
static void grow(const world *w, int32_t mode)
{
    static const size_t steps[] = {1, 7, MAX_LENGTH, MAX_LENGTH};
    float *expected = calloc(w->model->hp.n_vocab, sizeof *expected);
    phial_token tokens[MAX_LENGTH];
    ph_session *sessions[4];
    char what[64];

    make_tokens(tokens, MAX_LENGTH);
    for (size_t k = 0; k < 4; k++)
        sessions[k] = start(w, mode);
    for (size_t i = 0; i < N_LENGTHS; i++) {
        size_t n = lengths[i];

        one_pass(w, tokens, n, factors_at(n, mode), expected);
        for (size_t k = 0; k < 4; k++) {
            if (k == 3) {
                ph_session_free(sessions[k]);
                sessions[k] = start(w, mode);
            }
            feed(sessions[k], tokens, n, steps[k], k < 2);
            snprintf(what, sizeof what, "%zu tokens, session %zu", n, k);
            assert_same(sessions[k], expected, what);
        }
    }
    for (size_t k = 0; k < 4; k++)
        ph_session_free(sessions[k]);
    free(expected);
}

START_TEST(factors_are_those_of_the_length_whichever_way_it_was_fed)
{
    world w;

    open_world(&w, longrope[_i], PH_F32);
    ck_assert_uint_eq(w.model->hp.n_context_original, ORIGINAL);
    grow(&w, PHIAL_ROPE_AUTO);
    close_world(&w);
}
END_TEST

START_TEST(fixed_factors_stay_at_every_length)
{
    world w;

    open_world(&w, longrope[_i], PH_F32);
    grow(&w, PHIAL_ROPE_SHORT);
    grow(&w, PHIAL_ROPE_LONG);
    close_world(&w);
}
END_TEST

START_TEST(generation_crosses_to_long_factors_and_rewinding_comes_back)
{
    phial_sampling sampling = {.flags = PHIAL_SAMPLING_IGNORE_EOS};
    phial_token tokens[MAX_LENGTH], held[MAX_LENGTH];
    phial_event event;
    ph_session *session;
    size_t n;
    world w;

    make_tokens(tokens, MAX_LENGTH);
    open_world(&w, longrope[_i], PH_F32);
    session = start(&w, PHIAL_ROPE_AUTO);
    feed(session, tokens, 60, 60, false);
    for (size_t length = 61; length < 70; length++) {
        sampling.max_tokens = 1;
        ck_status(ph_session_set_sampling(session, &sampling), PHIAL_OK);
        do
            ck_status(ph_session_next(session, &event), PHIAL_OK);
        while (event.kind != PHIAL_EVENT_STOP);
        ck_status(ph_session_get_tokens(session, held, MAX_LENGTH, &n),
                  PHIAL_OK);
        ck_assert_uint_eq(n, length);
        assert_logits(&w, session, held, n, factors_at(n, PHIAL_ROPE_AUTO));
        ck_status(ph_session_rewind(session, n - 1), PHIAL_OK);
        ck_status(ph_session_add_tokens(session, held + n - 1, 1), PHIAL_OK);
    }
    for (size_t length = 69; length > 60; length--) {
        ck_status(ph_session_rewind(session, length), PHIAL_OK);
        assert_logits(&w, session, held, length,
                      factors_at(length, PHIAL_ROPE_AUTO));
    }
    ph_session_free(session);
    close_world(&w);
}
END_TEST

START_TEST(scores_follow_one_pass_over_everything)
{
    phial_token tokens[MAX_LENGTH];
    float got[MAX_LENGTH], *rows;
    ph_sequence_config config = {.n_context = MAX_LENGTH,
                                 .n_batch = MAX_LENGTH,
                                 .cache_format = PHIAL_CACHE_F32};
    ph_sequence *sequence;
    size_t n_vocab;
    world w;

    make_tokens(tokens, MAX_LENGTH);
    open_world(&w, longrope[_i], PH_F32);
    n_vocab = w.model->hp.n_vocab;
    rows = calloc(MAX_LENGTH * n_vocab, sizeof *rows);
    for (size_t i = 3; i < N_LENGTHS; i += 2) { /* 65 and 130 */
        size_t n = lengths[i];

        ck_status(ph_sequence_new(w.model, w.pool, &config, &sequence),
                  PHIAL_OK);
        ck_status(ph_sequence_forward(sequence, tokens, (uint32_t)n,
                                      factors_at(n, PHIAL_ROPE_AUTO),
                                      PH_LOGITS_ALL, rows, NULL),
                  PHIAL_OK);
        for (size_t first = 0; first < n; first += 45) {
            ph_session *session = start(&w, PHIAL_ROPE_AUTO);

            feed(session, tokens, first, MAX_LENGTH, true);
            ck_status(ph_session_score(session, tokens + first, n - first, got),
                      PHIAL_OK);
            ck_assert(first || got[0] == 0.0f);
            for (size_t t = first ? first : 1; t < n; t++) {
                const float *row = rows + (t - 1) * n_vocab;

                ck_assert_float_eq(got[t - first],
                                   (float)((double)row[tokens[t]] -
                                           ph_log_sum_exp(row, n_vocab)));
            }
            assert_logits(&w, session, tokens, n,
                          factors_at(n, PHIAL_ROPE_AUTO));
            ph_session_free(session);
        }
        ph_sequence_free(sequence);
    }
    free(rows);
    close_world(&w);
}
END_TEST

/* ---- Failures ---------------------------------------------------------- */

static size_t generate(ph_session *session, char *text, size_t cap)
{
    phial_event event;
    phial_status status;
    size_t len = 0, n_failed = 0;

    for (;;) {
        status = ph_session_next(session, &event);
        if (status == PHIAL_END)
            break;
        if (status == PHIAL_E_MEMORY) {
            ck_assert_uint_lt(++n_failed, 2);
            continue;
        }
        ck_status(status, PHIAL_OK);
        ck_assert_uint_lt(len + event.text_len, cap);
        memcpy(text + len, event.text, event.text_len);
        len += event.text_len;
    }
    text[len] = 0;
    return len;
}

/* Generates with the nth allocation from here on failing; true if it did. */
static bool generate_failing(world *w, size_t nth, char *text)
{
    static const char *const stops[] = {"\x01\x02"};
    phial_sampling sampling = {.flags = PHIAL_SAMPLING_IGNORE_EOS |
                                        PHIAL_SAMPLING_SEEDED,
                               .temperature = 1,
                               .max_tokens = 20,
                               .stop = stops,
                               .n_stop = 1};
    phial_token tokens[60];
    failing_heap heap;
    ph_session *session;
    bool failed;

    make_tokens(tokens, 60);
    failing_heap_init(&heap, 0, FAIL_NEVER);
    w->heap = heap.heap;
    session = start(w, PHIAL_ROPE_AUTO);
    ck_status(ph_session_set_sampling(session, &sampling), PHIAL_OK);
    feed(session, tokens, 60, 60, false);
    heap.nth = heap.n_allocations + nth;
    heap.mode = FAIL_ONCE;
    generate(session, text, 1024);
    failed = heap.failed;
    ph_session_free(session);
    ck_assert_uint_eq(failing_heap_check(&heap), 0);
    w->heap = ph_libc_heap;
    return failed;
}

START_TEST(a_failed_allocation_in_a_turn_changes_nothing_of_its_text)
{
    char first[1024], text[1024];
    size_t nth = 1;
    world w;

    open_world(&w, TINY_PHI4_MINI, PH_Q8_0);
    generate_failing(&w, SIZE_MAX / 2, first);
    while (generate_failing(&w, nth, text)) {
        ck_assert_str_eq(first, text);
        nth++;
    }
    ck_assert_uint_gt(nth, 3);
    close_world(&w);
}
END_TEST

static bool is_banned(const ph_tokenizer *tokenizer, phial_token id)
{
    if (ph_tokenizer_is_end(tokenizer, id))
        return false;
    return ph_tokenizer_kind(tokenizer, id) == PH_TOKEN_UNUSED ||
           ph_tokenizer_special(tokenizer, PHIAL_TOKEN_PAD) == id;
}

START_TEST(tokens_that_mean_nothing_are_never_sampled)
{
    phial_sampling sampling = {
        .flags = PHIAL_SAMPLING_IGNORE_EOS, .max_tokens = 1, .n_bias = 1};
    float value = 1000;
    char text[256];
    ph_session *session;
    size_t n, n_banned = 0;
    world w;

    open_world(&w, (tiny_family)_i, PH_F32);
    session = start(&w, PHIAL_ROPE_AUTO);
    ck_status(ph_session_add_tokens(session, (phial_token[]){30}, 1), PHIAL_OK);
    for (uint32_t i = 0; i < w.model->hp.n_vocab; i++) {
        phial_token id = (phial_token)i, held[2];

        if (i >= 40 &&
            ph_tokenizer_kind(w.model->tokenizer, id) == PH_TOKEN_NORMAL)
            continue;
        sampling.bias_tokens = &id;
        sampling.bias_values = &value;
        ck_status(ph_session_set_sampling(session, &sampling), PHIAL_OK);
        ck_status(ph_session_rewind(session, 1), PHIAL_OK);
        generate(session, text, sizeof text);
        ck_status(ph_session_get_tokens(session, held, 2, &n), PHIAL_OK);
        ck_assert_uint_eq(n, 2);
        n_banned += is_banned(w.model->tokenizer, id);
        ck_assert((held[1] == id) != is_banned(w.model->tokenizer, id));
    }
    ck_assert_uint_gt(n_banned, 0);
    ph_session_free(session);
    close_world(&w);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("session");
    TCase *t = tcase_create("session");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(
        t, factors_are_those_of_the_length_whichever_way_it_was_fed, 0, 2);
    tcase_add_loop_test(t, fixed_factors_stay_at_every_length, 0, 2);
    tcase_add_loop_test(
        t, generation_crosses_to_long_factors_and_rewinding_comes_back, 0, 2);
    tcase_add_loop_test(t, scores_follow_one_pass_over_everything, 0, 2);
    tcase_add_test(t,
                   a_failed_allocation_in_a_turn_changes_nothing_of_its_text);
    tcase_add_loop_test(t, tokens_that_mean_nothing_are_never_sampled, 0,
                        TINY_FAMILIES);
    suite_add_tcase(s, t);
    suite_add_tcase(s, drafts_case());
    suite_add_tcase(s, forged_cases());
    return s;
}

PH_CHECK_MAIN(suite())
