/* SPDX-License-Identifier: MIT
 * Saved sessions go on, in a model opened anew and with other threads, to the
 * bits of the session that was never interrupted, wherever it was saved. */
#include "saved_fixture.h"

#include <unistd.h>

/* Long enough to cross from short to long factors within the turn. */
enum { MAX_TURN = 24, BEGUN = 60, FIRST_CONTEXT = 64 };

static const int32_t formats[] = {PHIAL_CACHE_F32, PHIAL_CACHE_F16,
                                  PHIAL_CACHE_Q8};

static phial_session *session_like(const phial_model *model, int32_t format)
{
    /* Many a piece of text could be the beginning of one. */
    static const char *const stops[] = {"e\x01", "a\x01", "o\x01",    "t\x01",
                                        "s\x01", "n\x01", "\x01\x02", " \x01"};
    phial_session_options o = PHIAL_INIT(phial_session_options);
    phial_sampling s = seeded(MAX_TURN);
    phial_session *session = NULL;

    o.cache_format = format;
    o.n_prefill = 16;
    ck_status(phial_session_new(model, &o, &session), PHIAL_OK);
    s.stop = stops;
    s.n_stop = 8;
    set_sampling(session, s);
    return session;
}

static void check_same_turn(const turn *got, const turn *want)
{
    ck_assert_uint_eq(got->len, want->len);
    ck_assert_mem_eq(got->text, want->text, want->len);
    ck_assert_uint_eq(got->n_tokens, want->n_tokens);
    ck_assert_uint_eq(got->n_events, want->n_events);
    ck_assert_uint_eq(got->logprob_bits, want->logprob_bits);
    ck_assert_int_eq(got->reason, want->reason);
}

static void check_same_state(phial_session *got, phial_session *want)
{
    size_t n, n_want;
    phial_token *a = held_tokens(got, &n), *b = held_tokens(want, &n_want);
    float *x, *y;

    ck_assert_uint_eq(n, n_want);
    ck_assert_mem_eq(a, b, n * sizeof *a);
    x = next_logits(got, &n);
    y = next_logits(want, &n_want);
    ck_assert_mem_eq(x, y, n * sizeof *x);
    free(a);
    free(b);
    free(x);
    free(y);
}

/* Lets another turn follow. */
static void go_on(phial_session *got, phial_session *want)
{
    phial_session *both[] = {got, want};
    turn a, b;

    for (int i = 0; i < 2; i++) {
        set_sampling(both[i], seeded(4));
        ck_status(phial_session_add_text(both[i], " And more", 9, 0), PHIAL_OK);
    }
    a = run_turn(got);
    b = run_turn(want);
    check_same_turn(&a, &b);
    check_same_state(got, want);
}

/* Ends the turn, by steps or alone. */
static void end_both(phial_session *got, phial_session *want, bool stepped)
{
    phial_session *both[] = {got, want};
    turn a = {.len = 0}, b = {.len = 0};
    size_t n;

    for (int i = 0; i < 2; i++) {
        ck_assert_int_le(phial_session_get_tokens(both[i], NULL, 0, &n), 0);
        while (stepped && n && phial_step(&both[i], 1) == PHIAL_OK)
            continue;
        if (n)
            ck_status(take_events(both[i], i ? &b : &a), PHIAL_END);
    }
    check_same_turn(&a, &b);
}

typedef struct place {
    const char *family;
    phial_model *models[2]; /* that sessions are loaded in */
    int32_t format;
    bool stepped;
    size_t n_points, n_held; /* so far; points at which text was held back */
    size_t first, last;      /* tokens before and behind the turn */
} place;

/* The session, which stays as it is, is saved here, and goes on elsewhere. */
static void check_point(place *p, phial_session *session)
{
    const size_t n = p->n_points++;
    phial_session *copy = session_like(p->models[n % 8 == 7], p->format);
    phial_session *fork = NULL;
    saved_bytes a = save_to_bytes(session), b;

    if (n % 3) /* whatever it held is forgotten */
        ck_status(phial_session_add_text(copy, prompt, 30, 0), PHIAL_OK);
    ck_status(phial_session_load_bytes(copy, a.data, a.len), PHIAL_OK);
    b = save_to_bytes(copy);
    check_same_bytes(&a, &b);
    p->n_held += saved_holds_text(&a);
    ck_status(phial_session_fork(session, &fork), PHIAL_OK);
    end_both(copy, fork, p->stepped);
    go_on(copy, fork);
    phial_session_free(copy);
    phial_session_free(fork);
    free(a.data);
    free(b.data);
}

/* Every point of a session's life: nothing, a queue, half of it, each event or
 * token of a turn, and its end. */
static void live(place *p, size_t prompt_len)
{
    phial_event event = PHIAL_INIT(phial_event);
    phial_model *model = open_model(p->family, 1);
    phial_session *session = session_like(model, p->format);
    size_t left;

    for (uint32_t i = 0; i < 2; i++)
        p->models[i] = open_model(p->family, 1 + i);
    phial_model_free(model);
    check_point(p, session);
    ck_status(phial_session_add_text(session, prompt, prompt_len, 0), PHIAL_OK);
    check_point(p, session);
    ck_status(phial_session_prefill(session, 20, &left), PHIAL_OK);
    ck_assert_uint_gt(left, 0);
    check_point(p, session);
    ck_status(phial_session_prefill(session, SIZE_MAX, &left), PHIAL_OK);
    phial_session_get_tokens(session, NULL, 0, &p->first);
    do
        check_point(p, session);
    while ((p->stepped ? phial_step(&session, 1)
                       : phial_session_next(session, &event)) == PHIAL_OK);
    if (p->stepped)
        ck_status(phial_session_next(session, &event), PHIAL_OK);
    check_point(p, session);
    phial_session_get_tokens(session, NULL, 0, &p->last);
    phial_session_free(session);
    for (int i = 0; i < 2; i++)
        phial_model_free(p->models[i]);
}

START_TEST(a_saved_session_goes_on_as_if_it_had_never_stopped)
{
    place p = {.family = families[_i % 4],
               .format = formats[_i / 4 % 3],
               .stepped = _i >= 12};

    live(&p, BEGUN);
    ck_assert_uint_gt(p.n_points, MAX_TURN / 4);
    ck_assert(p.first < FIRST_CONTEXT && p.last > FIRST_CONTEXT);
    if (p.stepped)
        ck_assert_uint_gt(p.n_held, 0);
}
END_TEST

START_TEST(a_long_prompt_is_saved_in_the_middle_too)
{
    place p = {.family = families[_i % 4], .format = formats[_i / 4 % 3]};

    live(&p, strlen(prompt));
}
END_TEST

/* ---- Who may load what ------------------------------------------------- */

static void refuses(const char *family, const phial_session_options *options,
                    const saved_bytes *bytes, phial_status status,
                    const char *word)
{
    phial_model *model = open_model(family, 1);
    phial_session *session = NULL;
    saved_bytes before, after;

    ck_status(phial_session_new(model, options, &session), PHIAL_OK);
    phial_model_free(model);
    ck_status(phial_session_add_text(session, "Mine", 4, 0), PHIAL_OK);
    before = save_to_bytes(session);
    ck_status(phial_session_load_bytes(session, bytes->data, bytes->len),
              status);
    ck_assert_msg(strstr(phial_last_error(), word), "%s: \"%s\" lacks \"%s\"",
                  family, phial_last_error(), word);
    after = save_to_bytes(session);
    check_same_bytes(&before, &after);
    phial_session_free(session);
    free(before.data);
    free(after.data);
}

/* A session of phi-4-mini with n tokens of the prompt computed. */
static saved_bytes saved_with(int32_t rope, size_t n)
{
    phial_session_options o = PHIAL_INIT(phial_session_options);
    phial_model *model = open_model("phi-4-mini", 1);
    phial_session *session = NULL;
    saved_bytes bytes;
    size_t left;

    o.rope = rope;
    ck_status(phial_session_new(model, &o, &session), PHIAL_OK);
    phial_model_free(model);
    ck_status(phial_session_add_text(session, prompt, strlen(prompt), 0),
              PHIAL_OK);
    ck_status(phial_session_rewind(session, n), PHIAL_OK);
    ck_status(phial_session_prefill(session, n - 1, &left), PHIAL_OK);
    bytes = save_to_bytes(session);
    phial_session_free(session);
    return bytes;
}

START_TEST(what_was_saved_elsewhere_is_refused_with_the_reason)
{
    saved_bytes bytes = saved_with(PHIAL_ROPE_AUTO, 40);
    phial_session_options o = PHIAL_INIT(phial_session_options);

    refuses("phi-4", &o, &bytes, PHIAL_E_MISMATCH, "another model");
    refuses("short", &o, &bytes, PHIAL_E_MISMATCH, "another model");
    refuses("other-type", &o, &bytes, PHIAL_E_MISMATCH, "another model");
    refuses("other-seed", &o, &bytes, PHIAL_E_MISMATCH, "another model");
    o.cache_format = PHIAL_CACHE_Q8;
    refuses("phi-4-mini", &o, &bytes, PHIAL_E_MISMATCH, "F16");
    o.cache_format = PHIAL_CACHE_F32;
    refuses("phi-4-mini", &o, &bytes, PHIAL_E_MISMATCH, "F32");
    o.cache_format = PHIAL_CACHE_F16;
    o.n_context = 39;
    refuses("phi-4-mini", &o, &bytes, PHIAL_E_CONTEXT, "40 tokens");
    o.n_context = 0;
    o.rope = PHIAL_ROPE_LONG;
    refuses("phi-4-mini", &o, &bytes, PHIAL_E_MISMATCH, "short rotary");
    free(bytes.data);
    bytes = saved_with(PHIAL_ROPE_LONG, 40);
    o.rope = PHIAL_ROPE_SHORT;
    refuses("phi-4-mini", &o, &bytes, PHIAL_E_MISMATCH, "long rotary");
    free(bytes.data);
}
END_TEST

/* Under PHIAL_ROPE_AUTO a session reads again what was read otherwise. */
START_TEST(automatic_factors_are_those_that_they_would_be)
{
    saved_bytes bytes = saved_with(PHIAL_ROPE_LONG, 40);
    phial_model *model = open_model("phi-4-mini", 1);
    phial_session *session = new_session(model), *other = new_session(model);
    phial_token *tokens;
    size_t n;

    ck_status(phial_session_load_bytes(session, bytes.data, bytes.len),
              PHIAL_OK);
    tokens = held_tokens(session, &n);
    ck_assert_uint_eq(n, 40);
    ck_status(phial_session_add_tokens(other, tokens, n), PHIAL_OK);
    check_same_state(session, other);
    free(tokens);
    free(bytes.data);
    phial_session_free(session);
    phial_session_free(other);
    phial_model_free(model);
}
END_TEST

/* ---- Sharing ----------------------------------------------------------- */

static uint64_t reused(phial_session *session)
{
    phial_stats stats = PHIAL_INIT(phial_stats);

    ck_status(phial_session_get_stats(session, &stats), PHIAL_OK);
    return stats.n_reused;
}

/* Bytes from outside never reach another session. */
START_TEST(pages_from_a_file_are_not_shared)
{
    phial_model *model = open_model("phi-4", 1);
    phial_session *session = session_like(model, PHIAL_CACHE_F16);
    phial_session *other = session_like(model, PHIAL_CACHE_F16);
    saved_bytes bytes;

    ck_status(phial_session_add_text(session, prompt, strlen(prompt), 0),
              PHIAL_OK);
    run_turn(session);
    bytes = save_to_bytes(session);
    phial_session_free(session); /* its pages go with it */
    session = session_like(model, PHIAL_CACHE_F16);
    ck_status(phial_session_load_bytes(session, bytes.data, bytes.len),
              PHIAL_OK);
    ck_status(phial_session_add_text(session, prompt, 9, 0), PHIAL_OK);
    run_turn(session);
    ck_status(phial_session_add_text(other, prompt, strlen(prompt), 0),
              PHIAL_OK);
    run_turn(other);
    ck_assert_uint_eq(reused(other), 0);
    ck_status(phial_session_rewind(session, 0), PHIAL_OK);
    ck_status(phial_session_add_text(session, prompt, strlen(prompt), 0),
              PHIAL_OK);
    run_turn(session);
    ck_assert_uint_gt(reused(session), 0); /* nothing is left of the file */
    free(bytes.data);
    phial_session_free(session);
    phial_session_free(other);
    phial_model_free(model);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("saved");
    TCase *t = tcase_create("saved");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, a_saved_session_goes_on_as_if_it_had_never_stopped,
                        0, 24);
    tcase_add_loop_test(t, a_long_prompt_is_saved_in_the_middle_too, 0, 12);
    tcase_add_test(t, what_was_saved_elsewhere_is_refused_with_the_reason);
    tcase_add_test(t, automatic_factors_are_those_that_they_would_be);
    tcase_add_test(t, pages_from_a_file_are_not_shared);
    suite_add_tcase(s, t);
    suite_add_tcase(s, damage_case());
    return s;
}

PH_CHECK_MAIN(suite())
