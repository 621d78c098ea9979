/* SPDX-License-Identifier: MIT
 * What the tests of the LongRoPE switch share. */
#include "crossing_fixture.h"

const char golden_path[] = "tests/golden/crossing.bin";

const size_t lengths[N_LENGTHS] = {4095, 4096, 4097, MAX_LENGTH};

static const int32_t formats[N_FORMATS] = {PHIAL_CACHE_F32, PHIAL_CACHE_F16,
                                           PHIAL_CACHE_Q8};

const phial_token *tokens;
float *wanted[N_FORMATS][N_LENGTHS];
size_t n_vocab;

phial_session *session_with_options(const phial_model *model, int format,
                                    uint32_t n_prefill, int32_t rope,
                                    uint32_t flags)
{
    phial_session_options o = PHIAL_INIT(phial_session_options);
    phial_session *session = NULL;

    o.flags = flags;
    o.cache_format = formats[format];
    o.n_prefill = n_prefill;
    o.rope = rope;
    ck_status(phial_session_new(model, &o, &session), PHIAL_OK);
    return session;
}

phial_session *private_session(const phial_model *model, int format,
                               uint32_t n_prefill)
{
    return session_with_options(model, format, n_prefill, PHIAL_ROPE_AUTO,
                                PHIAL_SESSION_PRIVATE);
}

size_t held(const phial_session *session)
{
    size_t n;

    ck_assert_int_le(phial_session_get_tokens(session, NULL, 0, &n), PHIAL_OK);
    return n;
}

void grow(phial_session *session, size_t n, size_t step)
{
    size_t left;

    for (size_t at = held(session); at < n; at = held(session)) {
        const size_t count = step < n - at ? step : n - at;

        ck_status(phial_session_add_tokens(session, tokens + at, count),
                  PHIAL_OK);
        ck_status(phial_session_prefill(session, SIZE_MAX, &left), PHIAL_OK);
        ck_assert_uint_eq(left, 0);
    }
}

void check_logits(phial_session *session, const float *want, size_t n,
                  const char *what)
{
    const float *got;
    size_t count;

    ck_assert_uint_eq(held(session), n);
    ck_status(phial_session_get_logits(session, &got, &count), PHIAL_OK);
    ck_assert_uint_eq(count, n_vocab);
    ck_assert_msg(memcmp(got, want, n_vocab * sizeof *got) == 0,
                  "%s, %zu tokens: not the same logits", what, n);
}

void check_same(phial_session *session, int format, const char *what)
{
    const size_t n = held(session);
    int i = 0;

    while (i < N_LENGTHS && lengths[i] != n)
        i++;
    ck_assert_msg(i < N_LENGTHS, "%s: %zu tokens are held", what, n);
    check_logits(session, wanted[format][i], n, what);
}

float *logits_of(const phial_model *model, int format, size_t n, int32_t rope)
{
    phial_session *session = session_with_options(model, format, ORIGINAL, rope,
                                                  PHIAL_SESSION_PRIVATE);
    float *logits;

    ck_status(phial_session_add_tokens(session, tokens, n), PHIAL_OK);
    logits = next_logits(session, &n_vocab);
    phial_session_free(session);
    return logits;
}

void compute_wanted(void)
{
    phial_model *model = open_model("crossing", 2);

    ck_assert_uint_eq(golden_tokens("tokens", &tokens), N_TOKENS);
    for (int format = 0; format < N_FORMATS; format++)
        for (int i = 0; i < N_LENGTHS; i++)
            wanted[format][i] =
                logits_of(model, format, lengths[i], PHIAL_ROPE_AUTO);
    phial_model_free(model);
}

void free_wanted(void)
{
    for (int format = 0; format < N_FORMATS; format++)
        for (int i = 0; i < N_LENGTHS; i++)
            free(wanted[format][i]);
}
