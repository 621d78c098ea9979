/* SPDX-License-Identifier: MIT
 * Adapters: what a session with them computes is its own, whatever is beside
 * it, and goes on only where the same set is. */
#include "adapters_fixture.h"

#include <math.h>

enum { LONG_TEXT = 120 };

static void check_same(const turn *got, const turn *want)
{
    ck_assert_uint_eq(got->len, want->len);
    ck_assert_mem_eq(got->text, want->text, want->len);
    ck_assert_uint_eq(got->n_tokens, want->n_tokens);
    ck_assert_uint_eq(got->logprob_bits, want->logprob_bits);
}

static turn turn_of(const phial_model *model, const phial_adapter *adapter,
                    float scale)
{
    phial_session *session = session_of(model, adapter, scale);
    const turn t = run_turn(session);

    phial_session_free(session);
    return t;
}

START_TEST(a_session_has_its_set_and_others_have_theirs)
{
    phial_model *model = open_model("phi-4-mini", 1 + (uint32_t)_i);
    phial_adapter *a = open_adapter(model, "lora-a");
    phial_adapter *b = open_adapter(model, "lora-b");
    const phial_adapter *both[] = {a, b};
    const float scales[] = {0.5f, 1};
    const turn plain = turn_of(model, NULL, 0), with_a = turn_of(model, a, 1),
               with_b = turn_of(model, b, 1), half = turn_of(model, a, 0.5f);
    phial_session *session = session_of(model, NULL, 0);
    turn got;

    ck_assert_uint_ne(plain.logprob_bits, with_a.logprob_bits);
    ck_assert_uint_ne(plain.logprob_bits, with_b.logprob_bits);
    ck_assert_uint_ne(with_a.logprob_bits, with_b.logprob_bits);
    ck_assert_uint_ne(with_a.logprob_bits, half.logprob_bits);
    got = turn_of(model, a, 0);
    check_same(&got, &plain);
    got = turn_of(model, a, 1);
    check_same(&got, &with_a);

    /* The set is replaced, and taken away, where nothing is held. */
    ck_status(phial_session_set_adapters(session, both, scales, 2),
              PHIAL_E_STATE);
    ck_status(phial_session_set_adapters(session, NULL, NULL, 0),
              PHIAL_E_STATE);
    ck_status(phial_session_rewind(session, 0), PHIAL_OK);
    ck_status(phial_session_set_adapters(session, both, scales, 2), PHIAL_OK);
    ck_status(phial_session_add_text(session, prompt, PHIAL_NUL_TERMINATED, 0),
              PHIAL_OK);
    got = run_turn(session);
    ck_assert_uint_ne(got.logprob_bits, half.logprob_bits);
    ck_assert_uint_ne(got.logprob_bits, with_b.logprob_bits);
    ck_status(phial_session_rewind(session, 0), PHIAL_OK);
    ck_status(give(session, b, 1), PHIAL_OK);
    set_sampling(session, seeded(TURN));
    ck_status(phial_session_add_text(session, prompt, PHIAL_NUL_TERMINATED, 0),
              PHIAL_OK);
    got = run_turn(session);
    check_same(&got, &with_b);
    ck_status(phial_session_rewind(session, 0), PHIAL_OK);
    ck_status(phial_session_set_adapters(session, NULL, NULL, 0), PHIAL_OK);
    set_sampling(session, seeded(TURN));
    ck_status(phial_session_add_text(session, prompt, PHIAL_NUL_TERMINATED, 0),
              PHIAL_OK);
    got = run_turn(session);
    check_same(&got, &plain);
    phial_session_free(session);
    phial_adapter_free(a);
    phial_adapter_free(b);
    phial_model_free(model);
}
END_TEST

/* Pages of keys and values are shared by those alone that have the same set:
 * what others compute of the same tokens is something else. */
START_TEST(pages_are_shared_within_a_set)
{
    phial_model *model = open_model("phi-4-mini", 1);
    phial_adapter *a = open_adapter(model, "lora-a");
    const struct {
        const phial_adapter *adapter;
        float scale;
        bool reuses;
    } steps[] = {
        {NULL, 0, false}, {a, 1, false}, {a, 1, true}, {a, 2, false},
        {NULL, 0, true},  {a, 2, true},  {a, 0, true}, {a, -1, false},
    };
    enum { N_STEPS = sizeof steps / sizeof *steps };
    phial_session *sessions[N_STEPS];
    phial_token tokens[LONG_TEXT];

    for (int i = 0; i < LONG_TEXT; i++)
        tokens[i] = (phial_token)(i * 7 % 200);
    for (int i = 0; i < N_STEPS; i++) {
        phial_session_options o = PHIAL_INIT(phial_session_options);
        phial_stats stats = PHIAL_INIT(phial_stats);
        size_t left;

        o.rope = PHIAL_ROPE_LONG;
        ck_status(phial_session_new(model, &o, &sessions[i]), PHIAL_OK);
        if (steps[i].adapter)
            ck_status(give(sessions[i], steps[i].adapter, steps[i].scale),
                      PHIAL_OK);
        ck_status(phial_session_add_tokens(sessions[i], tokens, LONG_TEXT),
                  PHIAL_OK);
        ck_status(phial_session_prefill(sessions[i], SIZE_MAX, &left),
                  PHIAL_OK);
        ck_status(phial_session_get_stats(sessions[i], &stats), PHIAL_OK);
        ck_assert_msg((stats.n_reused > 0) == steps[i].reuses,
                      "session %d reused %d tokens", i, (int)stats.n_reused);
    }
    for (int i = 0; i < N_STEPS; i++)
        phial_session_free(sessions[i]);
    phial_adapter_free(a);
    phial_model_free(model);
}
END_TEST

START_TEST(a_step_mixes_sessions_of_any_set)
{
    enum { N = 5 };
    phial_model *model = open_model("phi-4-mini", 1 + (uint32_t)_i);
    phial_adapter *a = open_adapter(model, "lora-a");
    phial_adapter *b = open_adapter(model, "lora-b");
    const phial_adapter *const of[N] = {a, NULL, b, a, a};
    const float scales[N] = {1, 0, 1, 1, -0.5f};
    phial_session *sessions[N];
    static turn want[N], got[N];
    phial_status status;

    memset(got, 0, sizeof got);
    for (int i = 0; i < N; i++) {
        want[i] = turn_of(model, of[i], scales[i]);
        sessions[i] = session_of(model, of[i], scales[i]);
    }
    while ((status = phial_step(sessions, N)) == PHIAL_OK)
        for (int i = 0; i < N; i++)
            ck_assert_int_ge(take_events(sessions[i], &got[i]), 0);
    ck_status(status, PHIAL_END);
    for (int i = 0; i < N; i++) {
        ck_assert_int_ge(take_events(sessions[i], &got[i]), 0);
        check_same(&got[i], &want[i]);
        phial_session_free(sessions[i]);
    }
    phial_adapter_free(a);
    phial_adapter_free(b);
    phial_model_free(model);
}
END_TEST

START_TEST(a_fork_has_the_set)
{
    phial_model *model = open_model("phi-4-mini", 2);
    phial_adapter *a = open_adapter(model, "lora-a");
    phial_session *session = session_of(model, a, 1), *copy = NULL;
    const turn want = turn_of(model, a, 1);
    turn got;

    ck_status(phial_session_fork(session, &copy), PHIAL_OK);
    phial_session_free(session);
    phial_adapter_free(a);
    phial_model_free(model);
    got = run_turn(copy);
    check_same(&got, &want);
    phial_session_free(copy);
}
END_TEST

static void loads(const phial_model *model, const phial_adapter *adapter,
                  float scale, const saved_bytes *bytes, phial_status want)
{
    phial_session *session = new_session(model);

    if (adapter)
        ck_status(give(session, adapter, scale), PHIAL_OK);
    ck_status(phial_session_load_bytes(session, bytes->data, bytes->len), want);
    if (want < 0)
        ck_assert_ptr_nonnull(strstr(phial_last_error(), "adapters"));
    phial_session_free(session);
}

START_TEST(a_saved_session_opens_with_its_set)
{
    phial_model *model = open_model("phi-4-mini", 1);
    phial_adapter *a = open_adapter(model, "lora-a");
    phial_adapter *again = open_adapter(model, "lora-a");
    phial_adapter *b = open_adapter(model, "lora-b");
    phial_session *with = session_of(model, a, 1), *loaded;
    phial_session *without = session_of(model, NULL, 0);
    saved_bytes adapted, plain;
    float *x, *y;
    size_t n;

    x = next_logits(with, &n);
    y = next_logits(without, &n);
    adapted = save_to_bytes(with);
    plain = save_to_bytes(without);
    ck_assert_int_eq(adapted.data[8], 2);
    ck_assert_int_eq(plain.data[8], 1);
    free(y);

    loads(model, NULL, 0, &adapted, PHIAL_E_MISMATCH);
    loads(model, b, 1, &adapted, PHIAL_E_MISMATCH);
    loads(model, a, 0.5f, &adapted, PHIAL_E_MISMATCH);
    loads(model, a, 1, &plain, PHIAL_E_MISMATCH);
    loads(model, a, 0, &plain, PHIAL_OK);
    loads(model, NULL, 0, &plain, PHIAL_OK);
    loads(model, a, 1, &adapted, PHIAL_OK);

    loaded = new_session(model);
    ck_status(give(loaded, again, 1), PHIAL_OK);
    ck_status(phial_session_load_bytes(loaded, adapted.data, adapted.len),
              PHIAL_OK);
    y = next_logits(loaded, &n);
    ck_assert_mem_eq(x, y, n * sizeof *x);
    free(x);
    free(y);
    ck_status(phial_session_add_text(with, " more", 5, 0), PHIAL_OK);
    ck_status(phial_session_add_text(loaded, " more", 5, 0), PHIAL_OK);
    x = next_logits(with, &n);
    y = next_logits(loaded, &n);
    ck_assert_mem_eq(x, y, n * sizeof *x);
    free(x);
    free(y);
    free(adapted.data);
    free(plain.data);
    phial_session_free(loaded);
    phial_session_free(with);
    phial_session_free(without);
    phial_adapter_free(a);
    phial_adapter_free(again);
    phial_adapter_free(b);
    phial_model_free(model);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
    phial_model *model = open_model("phi-4-mini", 1);
    phial_model *twin = open_model("phi-4-mini", 1);
    phial_model *other = open_model("short", 1);
    phial_session *session = new_session(model);
    phial_adapter *a = open_adapter(model, "lora-a"), *none = NULL;
    phial_adapter *theirs = open_adapter(twin, "lora-a");
    const phial_adapter *many[17];
    float scales[17];

    for (int i = 0; i < 17; i++) {
        many[i] = a;
        scales[i] = 0.01f;
    }
    ck_status(phial_adapter_open(other, model_path("lora-a"), &none),
              PHIAL_E_MISMATCH);
    ck_status(phial_adapter_open(model, model_path("short"), &none),
              PHIAL_E_UNSUPPORTED);
    ck_status(phial_adapter_open(model, "/nonexistent", &none), PHIAL_E_IO);
    ck_status(phial_adapter_open(model, "/tmp", &none), PHIAL_E_IO);
    ck_assert_ptr_null(none);
    ck_status(phial_session_set_adapters(session, many, scales, 17),
              PHIAL_E_ARGUMENT);
    ck_status(phial_session_set_adapters(session, many, scales, 16), PHIAL_OK);
    ck_status(give(session, theirs, 1), PHIAL_E_ARGUMENT);
    ck_status(give(session, NULL, 1), PHIAL_E_ARGUMENT);
    ck_status(give(session, a, NAN), PHIAL_E_ARGUMENT);
    ck_status(give(session, a, -INFINITY), PHIAL_E_ARGUMENT);
    phial_adapter_free(a);
    phial_adapter_free(theirs);
    phial_session_free(session);
    phial_model_free(model);
    phial_model_free(twin);
    phial_model_free(other);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("adapters");
    TCase *t = tcase_create("adapters");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, a_session_has_its_set_and_others_have_theirs, 0, 3);
    tcase_add_test(t, pages_are_shared_within_a_set);
    tcase_add_loop_test(t, a_step_mixes_sessions_of_any_set, 0, 3);
    tcase_add_test(t, a_fork_has_the_set);
    tcase_add_test(t, a_saved_session_opens_with_its_set);
    tcase_add_test(t, what_does_not_fit_is_refused);
    suite_add_tcase(s, t);
    suite_add_tcase(s, adapter_memory_case());
    suite_add_tcase(s, golden_case());
    return s;
}

PH_CHECK_MAIN(suite())
