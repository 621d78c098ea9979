/* SPDX-License-Identifier: MIT
 * Generated tokens cross the LongRoPE switch, alone and beside others. */
#include "crossing_fixture.h"

/* Lets the session generate nothing but the next of its tokens, at most n. */
static void force_next(phial_session *session, const phial_token *list,
                       uint64_t n)
{
    phial_sampling s = only(list + held(session));

    s.flags = PHIAL_SAMPLING_IGNORE_EOS;
    s.max_tokens = n;
    set_sampling(session, s);
}

/* A token was generated from these logits; the session stays as it is. */
static void check_generated(phial_session *session, const float *want, size_t n)
{
    phial_session *copy = NULL;

    ck_status(phial_session_fork(session, &copy), PHIAL_OK);
    ck_assert_uint_eq(held(copy), n + 1);
    ck_status(phial_session_rewind(copy, n), PHIAL_OK);
    check_logits(copy, want, n, "generated");
    phial_session_free(copy);
}

static void check_if_wanted(phial_session *session, int format)
{
    for (int i = 0; i < N_LENGTHS; i++)
        if (held(session) == lengths[i] + 1)
            check_generated(session, wanted[format][i], lengths[i]);
}

/* Each token is a turn. */
START_TEST(generated_tokens_cross_the_switch_one_at_a_time)
{
    phial_model *model = open_model("crossing", 2);
    phial_session *session = private_session(model, _i, 64);

    grow(session, 4090, SIZE_MAX);
    while (held(session) < N_TOKENS) {
        const size_t n = held(session);

        force_next(session, tokens, 1);
        run_turn(session);
        check_if_wanted(session, _i);
        ck_status(phial_session_rewind(session, n), PHIAL_OK);
        ck_status(phial_session_add_tokens(session, tokens + n, 1), PHIAL_OK);
    }
    phial_session_free(session);
    phial_model_free(model);
}
END_TEST

/* Three sessions, of other tokens, that reach the switch one after another;
 * while one reads everything again the others go on. */
enum { N_BESIDE = 3 };

typedef struct beside {
    phial_session *sessions[N_BESIDE];
    const phial_token *lists[N_BESIDE];
    phial_token own[N_BESIDE - 1][N_TOKENS];
} beside;

static void begin_beside(beside *b, const phial_model *model, int format)
{
    static const size_t begun[N_BESIDE] = {4090, 4080, 3990};

    b->lists[0] = tokens;
    for (int i = 0; i < N_BESIDE; i++) {
        if (i) {
            for (int k = 0; k < N_TOKENS; k++)
                b->own[i - 1][k] = tokens[(k + i) % N_TOKENS];
            b->lists[i] = b->own[i - 1];
        }
        b->sessions[i] = private_session(model, format, 64);
        ck_status(
            phial_session_add_tokens(b->sessions[i], b->lists[i], begun[i]),
            PHIAL_OK);
    }
}

/* Steps all that do not hold all their tokens yet; false if none is left. */
static bool step_beside(const beside *b)
{
    phial_session *going[N_BESIDE];
    size_t n = 0;

    for (int i = 0; i < N_BESIDE; i++) {
        if (held(b->sessions[i]) >= N_TOKENS)
            continue;
        force_next(b->sessions[i], b->lists[i], 0);
        going[n++] = b->sessions[i];
    }
    ck_status(phial_step(going, n), n ? PHIAL_OK : PHIAL_END);
    return n > 0;
}

START_TEST(sessions_that_step_together_cross_the_switch_as_if_alone)
{
    phial_model *model = open_model("crossing", 2);
    static beside b;
    size_t before = 0;

    begin_beside(&b, model, _i);
    while (step_beside(&b)) {
        if (held(b.sessions[0]) > before)
            check_if_wanted(b.sessions[0], _i);
        before = held(b.sessions[0]);
    }
    for (int i = 1; i < N_BESIDE; i++) {
        phial_session *alone = private_session(model, _i, 512);
        float *want;

        ck_status(phial_session_add_tokens(alone, b.lists[i], MAX_LENGTH),
                  PHIAL_OK);
        want = next_logits(alone, &n_vocab);
        check_generated(b.sessions[i], want, MAX_LENGTH);
        free(want);
        phial_session_free(alone);
    }
    for (int i = 0; i < N_BESIDE; i++)
        phial_session_free(b.sessions[i]);
    phial_model_free(model);
}
END_TEST

void add_crossing_turns(TCase *t)
{
    tcase_add_loop_test(t, generated_tokens_cross_the_switch_one_at_a_time, 0,
                        N_FORMATS);
    tcase_add_loop_test(
        t, sessions_that_step_together_cross_the_switch_as_if_alone, 0,
        N_FORMATS);
}
