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

TCase *score_case(void)
{
    TCase *t = tcase_create("probabilities");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t,
                        scores_are_the_log_probabilities_of_each_token_in_turn,
                        0, N_FAMILIES);
    tcase_add_test(t, a_score_that_is_cancelled_adds_nothing);
    tcase_add_test(t, the_top_is_of_the_token_just_generated_or_of_the_next);
    return t;
}
