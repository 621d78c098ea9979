/* SPDX-License-Identifier: MIT
 * Probabilities: scores and the likeliest tokens. */
#include "api_fixture.h"

#include <math.h>

static double log_prob(const float *logits, size_t n, phial_token token)
{
    double max = -INFINITY, sum = 0;

    for (size_t i = 0; i < n; i++)
        max = fmax(max, (double)logits[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp((double)logits[i] - max);
    return (double)logits[token] - max - log(sum);
}

START_TEST(scores_are_the_log_probabilities_of_each_token_in_turn)
{
    phial_session *scored = prepared(families[_i], 1, 0);
    phial_session *stepped = prepared(families[_i], 1, 0);
    size_t n, n_vocab, half;
    phial_token *tokens = held_tokens(scored, &n);
    float *got = calloc(n, sizeof *got), *last, *logits;

    n = n < 60 ? n : 60; /* within the first context */
    half = n / 2;
    ck_status(phial_session_rewind(scored, 0), PHIAL_OK);
    ck_status(phial_session_score(scored, tokens, half, got), PHIAL_OK);
    ck_status(phial_session_score(scored, tokens + half, n - half, got + half),
              PHIAL_OK);
    ck_assert(got[0] == 0.0f);
    ck_status(phial_session_rewind(stepped, 1), PHIAL_OK);
    for (size_t i = 1; i < n; i++) {
        logits = next_logits(stepped, &n_vocab);
        ck_assert_double_eq_tol((double)got[i],
                                log_prob(logits, n_vocab, tokens[i]), 1e-5);
        free(logits);
        ck_status(phial_session_add_tokens(stepped, tokens + i, 1), PHIAL_OK);
    }
    last = next_logits(scored, &n_vocab);
    logits = next_logits(stepped, &n_vocab);
    ck_assert_mem_eq(last, logits, n_vocab * sizeof *last);
    free(last);
    free(logits);
    free(got);
    free(tokens);
    phial_session_free(scored);
    phial_session_free(stepped);
}
END_TEST

START_TEST(a_score_that_is_cancelled_adds_nothing)
{
    phial_session *session = prepared("phi-4-mini", 1, 0);
    phial_token ids[3] = {1, 2, 3};
    float got[3] = {7, 7, 7}, *before, *after;
    size_t n, n_vocab, n_after;

    free(held_tokens(session, &n));
    before = next_logits(session, &n_vocab);
    phial_session_cancel(session);
    ck_status(phial_session_score(session, ids, 3, got), PHIAL_E_CANCELLED);
    free(held_tokens(session, &n_after));
    ck_assert_uint_eq(n, n_after);
    ck_assert(got[0] == 7.0f && got[2] == 7.0f);
    after = next_logits(session, &n_vocab);
    ck_assert_mem_eq(before, after, n_vocab * sizeof *before);
    free(before);
    free(after);
    phial_session_free(session);
}
END_TEST

START_TEST(the_top_is_of_the_token_just_generated_or_of_the_next)
{
    phial_session *session = prepared("phi-4-mini", 1, 0);
    phial_sampling s = just(1);
    phial_token top[5], *held;
    float p[5], *logits;
    size_t n, n_held, n_vocab;
    turn t;

    logits = next_logits(session, &n_vocab);
    s.flags |= PHIAL_SAMPLING_LOGPROBS;
    set_sampling(session, s);
    for (int i = 0; i < 2; i++) { /* before and after: of the same token */
        ck_status(phial_session_get_top(session, top, p, 5, &n), PHIAL_OK);
        ck_assert_uint_eq(n, 5);
        for (size_t k = 0; k < n; k++) {
            ck_assert_double_eq_tol((double)p[k],
                                    log_prob(logits, n_vocab, top[k]), 1e-5);
            ck_assert(!k || p[k] <= p[k - 1]);
        }
        if (i == 0)
            t = run_turn(session);
    }
    held = held_tokens(session, &n_held);
    ck_assert_int_eq(held[n_held - 1], top[0]);
    ck_assert_float_eq(t.logprob, p[0]);
    free(held);
    free(logits);
    phial_session_free(session);
}
END_TEST

/* Rows as a caller reads them: a piece at a time. */
static float *read_rows(phial_session *session, size_t n, size_t piece,
                        size_t n_vocab)
{
    float *rows = calloc(n, n_vocab * sizeof *rows);
    size_t got;

    for (size_t at = 0; at < n; at += piece) {
        size_t step = n - at < piece ? n - at : piece;

        ck_status(phial_session_get_rows(session, at, step, rows + at * n_vocab,
                                         step * n_vocab, &got),
                  PHIAL_OK);
        ck_assert_uint_eq(got, step * n_vocab);
    }
    return rows;
}

/* The prompt crosses LongRoPE's first context: what precedes that point is read
 * with the factors of the whole, too. */
START_TEST(rows_are_those_of_one_pass_over_everything)
{
    phial_session *session = prepared(families[_i], 1, 0);
    phial_session *other = prepared(families[_i], 1, 7);
    size_t n, n_vocab;
    phial_token *tokens = held_tokens(session, &n);
    float *last = next_logits(session, &n_vocab);
    float *pieces = read_rows(session, n, 5, n_vocab);
    float *whole = read_rows(other, n, n, n_vocab);
    float *scores = calloc(n, sizeof *scores), *again;

    ck_assert_mem_eq(pieces, whole, n * n_vocab * sizeof *whole);
    ck_assert_mem_eq(pieces + (n - 1) * n_vocab, last, n_vocab * sizeof *last);
    ck_status(phial_session_rewind(other, 0), PHIAL_OK);
    ck_status(phial_session_score(other, tokens, n, scores), PHIAL_OK);
    for (size_t i = 1; i < n; i++)
        ck_assert_double_eq_tol(
            (double)scores[i],
            log_prob(whole + (i - 1) * n_vocab, n_vocab, tokens[i]), 1e-5);
    again = next_logits(session, &n_vocab);
    ck_assert_mem_eq(again, last, n_vocab * sizeof *last);
    free(again);
    free(scores);
    free(whole);
    free(pieces);
    free(last);
    free(tokens);
    phial_session_free(session);
    phial_session_free(other);
}
END_TEST

START_TEST(rows_in_the_middle_of_a_turn_do_not_change_it)
{
    phial_session *session = prepared("phi-4-mini", 1, 0);
    phial_session *plain = prepared("phi-4-mini", 1, 0);
    turn one = {0}, other = run_turn(plain);
    phial_event event = PHIAL_INIT(phial_event);
    size_t n, n_vocab;

    free(next_logits(session, &n_vocab));
    for (int i = 0; i < 5; i++) {
        ck_status(phial_session_next(session, &event), PHIAL_OK);
        add_event(&one, &event);
        free(held_tokens(session, &n));
        free(read_rows(session, n, 50, n_vocab));
    }
    ck_status(take_events(session, &one), PHIAL_END);
    ck_assert_uint_eq(one.len, other.len);
    ck_assert_mem_eq(one.text, other.text, one.len);
    ck_assert_uint_eq(one.logprob_bits, other.logprob_bits);
    phial_session_free(session);
    phial_session_free(plain);
}
END_TEST

START_TEST(rows_that_are_not_there_or_do_not_fit_are_refused)
{
    phial_session *session = prepared("phi-4-mini", 1, 0);
    size_t n, n_vocab, got = 7;
    float *rows;

    free(next_logits(session, &n_vocab));
    free(held_tokens(session, &n));
    rows = calloc(2, n_vocab * sizeof *rows);
    rows[0] = 7;
    ck_status(
        phial_session_get_rows(session, n - 1, 2, rows, 2 * n_vocab, &got),
        PHIAL_E_ARGUMENT);
    ck_status(phial_session_get_rows(session, n + 1, 0, NULL, 0, &got),
              PHIAL_E_ARGUMENT);
    ck_assert_uint_eq(got, 7);
    ck_status(
        phial_session_get_rows(session, 0, 2, rows, 2 * n_vocab - 1, &got),
        PHIAL_E_BUFFER);
    ck_assert_uint_eq(got, 2 * n_vocab);
    phial_session_cancel(session);
    ck_status(phial_session_get_rows(session, 0, 2, rows, 2 * n_vocab, &got),
              PHIAL_E_CANCELLED);
    ck_assert(rows[0] == 7.0f);
    ck_status(phial_session_get_rows(session, n, 0, NULL, 0, &got), PHIAL_OK);
    ck_assert_uint_eq(got, 0);
    free(rows);
    phial_session_free(session);
}
END_TEST

TCase *score_case(void)
{
    TCase *t = tcase_create("probabilities");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t,
                        scores_are_the_log_probabilities_of_each_token_in_turn,
                        0, N_FAMILIES);
    tcase_add_test(t, a_score_that_is_cancelled_adds_nothing);
    tcase_add_loop_test(t, rows_are_those_of_one_pass_over_everything, 0,
                        N_FAMILIES);
    tcase_add_test(t, rows_in_the_middle_of_a_turn_do_not_change_it);
    tcase_add_test(t, rows_that_are_not_there_or_do_not_fit_are_refused);
    tcase_add_test(t, the_top_is_of_the_token_just_generated_or_of_the_next);
    return t;
}
