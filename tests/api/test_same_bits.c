/* SPDX-License-Identifier: MIT
 * Threads, prefill steps, pieces and interruptions do not change a bit. */
#include "api_fixture.h"

typedef struct outcome {
    turn t;
    phial_token *tokens;
    size_t n_tokens;
    float *logits;
    size_t n_logits;
} outcome;

static outcome finish(phial_session *session)
{
    outcome o = {.t = run_turn(session)};

    o.tokens = held_tokens(session, &o.n_tokens);
    o.logits = next_logits(session, &o.n_logits);
    phial_session_free(session);
    return o;
}

static void free_outcome(outcome *o)
{
    free(o->tokens);
    free(o->logits);
}

static void assert_same(outcome *a, outcome *b)
{
    ck_assert_uint_eq(a->t.len, b->t.len);
    ck_assert_mem_eq(a->t.text, b->t.text, a->t.len);
    ck_assert(memcmp(&a->t.logprob, &b->t.logprob, sizeof(float)) == 0);
    ck_assert_uint_eq(a->n_tokens, b->n_tokens);
    ck_assert_mem_eq(a->tokens, b->tokens, a->n_tokens * sizeof *a->tokens);
    ck_assert_uint_eq(a->n_logits, b->n_logits);
    ck_assert_mem_eq(a->logits, b->logits, a->n_logits * sizeof *a->logits);
    free_outcome(b);
}

START_TEST(threads_and_prefill_steps_do_not_change_a_bit)
{
    static const uint32_t threads[] = {1, 2, 3, 4, 5, 8};
    static const uint32_t steps[] = {1, 7, 32, 4096};
    outcome first = finish(prepared(families[_i], 1, 0));

    for (size_t i = 0; i < 6; i++) {
        phial_model *model = open_model(families[_i], threads[i]);

        for (size_t k = 0; k < 4; k++) {
            outcome o = finish(prepared_of(model, steps[k]));

            assert_same(&first, &o);
        }
        phial_model_free(model);
    }
    free_outcome(&first);
}
END_TEST

START_TEST(prefill_steps_of_any_size_do_not_change_a_bit)
{
    phial_model *model = open_model(families[_i], 2);
    outcome first = finish(prepared(families[_i], 1, 4096));

    for (uint32_t n_prefill = 1; n_prefill <= 64; n_prefill++) {
        outcome o = finish(prepared_of(model, n_prefill));

        assert_same(&first, &o);
    }
    free_outcome(&first);
    phial_model_free(model);
}
END_TEST

START_TEST(a_cancelled_turn_goes_on_with_the_same_bits)
{
    outcome first = finish(prepared(families[_i], 1, 7)), o = {0};
    phial_session *session = prepared(families[_i], 2, 7);
    phial_event event = PHIAL_INIT(phial_event);
    size_t left = 1, n_cancelled = 0;

    while (left) { /* in the middle of the prompt too */
        phial_session_cancel(session);
        ck_status(phial_session_prefill(session, 5, &left), PHIAL_E_CANCELLED);
        ck_status(phial_session_prefill(session, 5, &left), PHIAL_OK);
    }
    for (;;) {
        phial_status status;

        phial_session_cancel(session);
        ck_status(phial_session_next(session, &event), PHIAL_E_CANCELLED);
        n_cancelled++;
        status = phial_session_next(session, &event);
        if (status == PHIAL_END)
            break;
        ck_status(status, PHIAL_OK);
        memcpy(o.t.text + o.t.len, event.text, event.text_len);
        o.t.len += event.text_len;
        o.t.logprob += event.logprob;
    }
    ck_assert_uint_gt(n_cancelled, 10);
    o.tokens = held_tokens(session, &o.n_tokens);
    o.logits = next_logits(session, &o.n_logits);
    phial_session_free(session);
    assert_same(&first, &o);
    free_outcome(&first);
}
END_TEST

START_TEST(input_in_pieces_equals_input_at_once)
{
    outcome first = finish(prepared(families[_i], 1, 0)), o;
    phial_session *session = prepared(families[_i], 1, 0);
    size_t n, left;
    phial_token *tokens = held_tokens(session, &n);

    ck_status(phial_session_rewind(session, 0), PHIAL_OK);
    for (size_t i = 0; i < n; i++) {
        ck_status(phial_session_add_tokens(session, tokens + i, 1), PHIAL_OK);
        if (i % 3 == 0)
            ck_status(phial_session_prefill(session, SIZE_MAX, &left),
                      PHIAL_OK);
    }
    o = finish(session);
    assert_same(&first, &o);
    free_outcome(&first);
    free(tokens);
}
END_TEST

START_TEST(a_rewound_session_writes_the_same_again)
{
    outcome first = finish(prepared(families[_i], 1, 0)), o;
    phial_session *session = prepared(families[_i], 1, 0);
    size_t n;

    free(held_tokens(session, &n));
    run_turn(session);
    ck_status(phial_session_rewind(session, n / 3), PHIAL_OK);
    ck_status(
        phial_session_add_tokens(session, first.tokens + n / 3, n - n / 3),
        PHIAL_OK);
    o = finish(session);
    assert_same(&first, &o);

    session = prepared(families[_i], 1, 0);
    run_turn(session);
    ck_status(phial_session_rewind(session, n), PHIAL_OK);
    o = finish(session);
    assert_same(&first, &o);
    free_outcome(&first);
}
END_TEST

TCase *bits_case(void)
{
    TCase *t = tcase_create("the same bits");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, threads_and_prefill_steps_do_not_change_a_bit, 0,
                        N_FAMILIES);
    tcase_add_loop_test(t, prefill_steps_of_any_size_do_not_change_a_bit, 0,
                        N_FAMILIES);
    tcase_add_loop_test(t, a_cancelled_turn_goes_on_with_the_same_bits, 0,
                        N_FAMILIES);
    tcase_add_loop_test(t, input_in_pieces_equals_input_at_once, 0, N_FAMILIES);
    tcase_add_loop_test(t, a_rewound_session_writes_the_same_again, 0,
                        N_FAMILIES);
    return t;
}
