/* SPDX-License-Identifier: MIT
 * LongRoPE where the real models switch: short factors up to 4096 tokens, long
 * ones for all of them from 4097 on, whichever way the tokens come. In each way
 * the same bits, and those of the reference. */
#include "crossing_fixture.h"

#include <stdio.h>

/* ---- The reference ----------------------------------------------------- */

static double nmse_to(const char *record, size_t n, const float *logits)
{
    const double *want;
    char name[48];
    size_t count;

    snprintf(name, sizeof name, "%zu/%s", n, record);
    count = golden_doubles(name, &want);
    ck_assert_uint_eq(count, (n_vocab + GOLDEN_STEP - 1) / GOLDEN_STEP);
    return golden_nmse(logits, want, count);
}

START_TEST(logits_equal_the_reference_on_both_sides_of_the_switch)
{
    for (int i = 0; i < N_LENGTHS; i++) {
        const float *got = wanted[0][i], *theirs;
        const double truth = nmse_to("float64", lengths[i], got);
        char name[48];
        double hf;
        size_t count;

        snprintf(name, sizeof name, "%zu/transformers", lengths[i]);
        count = golden_floats(name, &theirs);
        hf = golden_nmse_floats(got, theirs, count);
        printf("%zu tokens: NMSE %.1e to float64, %.1e to transformers, %.1e "
               "to the other factors\n",
               lengths[i], truth, hf, nmse_to("other", lengths[i], got));
        ck_assert_double_le(truth, NMSE_FLOAT64);
        ck_assert_double_le(hf, NMSE_TRANSFORMERS);
        /* or the test could not tell */
        ck_assert_double_ge(nmse_to("other", lengths[i], got),
                            1e5 * NMSE_FLOAT64);
    }
}
END_TEST

START_TEST(fixed_factors_stay_on_both_sides_of_the_switch)
{
    phial_model *model = open_model("crossing", 2);

    for (int i = 0; i < N_LENGTHS; i++) {
        const size_t n = lengths[i];
        const bool is_long = n > ORIGINAL;
        float *fixed = logits_of(model, 0, n,
                                 is_long ? PHIAL_ROPE_LONG : PHIAL_ROPE_SHORT);
        float *other = logits_of(model, 0, n,
                                 is_long ? PHIAL_ROPE_SHORT : PHIAL_ROPE_LONG);

        ck_assert_mem_eq(fixed, wanted[0][i], n_vocab * sizeof *fixed);
        ck_assert_double_le(nmse_to("other", n, other), NMSE_FLOAT64);
        free(fixed);
        free(other);
    }
    phial_model_free(model);
}
END_TEST

/* ---- Growth ------------------------------------------------------------ */

static const size_t chunks[] = {1, 7, 64};

START_TEST(a_session_that_grows_in_chunks_has_the_same_bits)
{
    const size_t chunk = chunks[_i / N_FORMATS];
    const int format = _i % N_FORMATS;
    phial_model *model = open_model("crossing", 1 + (uint32_t)_i % 2);
    phial_session *session = private_session(model, format, (uint32_t)chunk);
    char what[32];

    snprintf(what, sizeof what, "chunks of %zu", chunk);
    for (int i = 0; i < N_LENGTHS; i++) {
        grow(session, lengths[i], chunk);
        check_same(session, format, what);
    }
    phial_session_free(session);
    phial_model_free(model);
}
END_TEST

/* Of one chunk some tokens are before the switch and some behind. */
START_TEST(a_chunk_may_cross_the_switch)
{
    static const size_t begun[] = {4090, 4095, 4096, 4050};
    static const size_t ends[] = {4097, 4160, 4097, 4160};
    phial_model *model = open_model("crossing", 2);

    for (int i = 0; i < 4; i++) {
        phial_session *session = private_session(model, _i, 128);

        grow(session, begun[i], 1000);
        grow(session, ends[i], SIZE_MAX);
        check_same(session, _i, "across");
        phial_session_free(session);
    }
    phial_model_free(model);
}
END_TEST

START_TEST(rewinding_returns_to_short_factors_and_forward_to_long_ones)
{
    static const size_t path[] = {4097, 4096, 4097, 4095, 4160, 4097, 4096};
    phial_model *model = open_model("crossing", 2);
    phial_session *session = private_session(model, _i, 64);

    for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
        if (path[i] < held(session))
            ck_status(phial_session_rewind(session, path[i]), PHIAL_OK);
        else
            grow(session, path[i], SIZE_MAX);
        check_same(session, _i, "there and back");
    }
    phial_session_free(session);
    phial_model_free(model);
}
END_TEST

/* ---- Copies ------------------------------------------------------------ */

static phial_stats stats_of(const phial_session *session)
{
    phial_stats stats = PHIAL_INIT(phial_stats);

    ck_status(phial_session_get_stats(session, &stats), PHIAL_OK);
    return stats;
}

START_TEST(a_fork_at_the_switch_crosses_it_by_itself)
{
    phial_model *model = open_model("crossing", 2);
    phial_session *session = private_session(model, _i, 64), *copy = NULL;

    grow(session, ORIGINAL, SIZE_MAX);
    ck_status(phial_session_fork(session, &copy), PHIAL_OK);
    grow(copy, 4097, SIZE_MAX);
    check_same(copy, _i, "fork");
    check_same(session, _i, "its origin");
    grow(session, MAX_LENGTH, SIZE_MAX);
    check_same(session, _i, "its origin");
    check_same(copy, _i, "fork");
    grow(copy, MAX_LENGTH, SIZE_MAX);
    check_same(copy, _i, "fork");
    ck_status(phial_session_rewind(copy, ORIGINAL), PHIAL_OK);
    check_same(copy, _i, "fork");
    check_same(session, _i, "its origin");
    phial_session_free(session);
    phial_session_free(copy);
    phial_model_free(model);
}
END_TEST

/* A new session of a model opened anew, which has read nothing. */
static phial_session *reloaded(phial_session *session, int format)
{
    phial_model *model = open_model("crossing", 1);
    phial_session *copy = private_session(model, format, 64);
    const saved_bytes bytes = save_to_bytes(session);

    ck_status(phial_session_load_bytes(copy, bytes.data, bytes.len), PHIAL_OK);
    free(bytes.data);
    phial_model_free(model);
    check_same(copy, format, "loaded");
    ck_assert_uint_eq(stats_of(copy).n_prompt, 0);
    return copy;
}

START_TEST(a_saved_session_crosses_the_switch_after_it_was_loaded)
{
    phial_model *model = open_model("crossing", 2);
    phial_session *session = private_session(model, _i, 64), *copy;

    grow(session, ORIGINAL, SIZE_MAX);
    copy = reloaded(session, _i);
    phial_session_free(session);
    grow(copy, 4097, 1);
    check_same(copy, _i, "loaded");
    session = reloaded(copy, _i);
    phial_session_free(copy);
    grow(session, MAX_LENGTH, 7);
    check_same(session, _i, "loaded");
    ck_status(phial_session_rewind(session, ORIGINAL), PHIAL_OK);
    check_same(session, _i, "loaded");
    phial_session_free(session);
    phial_model_free(model);
}
END_TEST

/* What was read with other factors is not shared, what was read with the same
 * is. */
START_TEST(sessions_share_what_was_read_with_the_same_factors)
{
    phial_model *model = open_model("crossing", 2);
    phial_session *s[2];

    for (int i = 0; i < 2; i++) {
        s[i] = session_with_options(model, _i, 64, PHIAL_ROPE_AUTO, 0);
        grow(s[i], i ? ORIGINAL : MAX_LENGTH, SIZE_MAX);
        check_same(s[i], _i, "shared");
    }
    ck_assert_uint_eq(stats_of(s[1]).n_reused, 0);
    grow(s[1], 4097, 1);
    check_same(s[1], _i, "shared");
    ck_assert_uint_eq(stats_of(s[1]).n_reused, ORIGINAL);
    ck_status(phial_session_rewind(s[0], ORIGINAL), PHIAL_OK);
    check_same(s[0], _i, "shared");
    for (int i = 0; i < 2; i++)
        phial_session_free(s[i]);
    phial_model_free(model);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("crossing");
    TCase *t = tcase_create("crossing");

    tcase_set_timeout(t, 240);
    tcase_add_unchecked_fixture(t, compute_wanted, free_wanted);
    tcase_add_test(t, logits_equal_the_reference_on_both_sides_of_the_switch);
    tcase_add_test(t, fixed_factors_stay_on_both_sides_of_the_switch);
    tcase_add_loop_test(t, a_session_that_grows_in_chunks_has_the_same_bits, 0,
                        3 * N_FORMATS);
    tcase_add_loop_test(t, a_chunk_may_cross_the_switch, 0, N_FORMATS);
    tcase_add_loop_test(
        t, rewinding_returns_to_short_factors_and_forward_to_long_ones, 0,
        N_FORMATS);
    tcase_add_loop_test(t, a_fork_at_the_switch_crosses_it_by_itself, 0,
                        N_FORMATS);
    tcase_add_loop_test(t,
                        a_saved_session_crosses_the_switch_after_it_was_loaded,
                        0, N_FORMATS);
    tcase_add_loop_test(t, sessions_share_what_was_read_with_the_same_factors,
                        0, N_FORMATS);
    add_crossing_turns(t);
    suite_add_tcase(s, t);
    return s;
}

PH_CHECK_MAIN(suite())
