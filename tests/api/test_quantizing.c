/* SPDX-License-Identifier: MIT
 * phial_quantize: what it writes opens and answers, as does a model that is
 * quantised while it is read; arguments that are wrong write nothing. */
#include "api_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/phial-quantizing-XXXXXX", out[64];

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(out, sizeof out, "%s/out.gguf", folder);
}

static void teardown(void)
{
    unlink(out);
    ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(every_family_answers_in_every_type)
{
    const char *in = model_path(families[_i % N_FAMILIES]);
    phial_quantize_options o = PHIAL_INIT(phial_quantize_options);
    phial_session *session;
    phial_model *model;
    size_t n;

    o.type = _i / N_FAMILIES;
    ck_status(phial_quantize(in, out, &o), PHIAL_OK);
    ck_status(phial_model_open(out, NULL, &model), PHIAL_OK);
    session = new_session(model);
    ck_status(phial_session_add_text(session, prompt, 20, 0), PHIAL_OK);
    free(next_logits(session, &n));
    ck_assert_uint_gt(n, 100);
    phial_session_free(session);
    phial_model_free(model);
}
END_TEST

static phial_model *open_as(const char *path, int32_t weights)
{
    phial_model_options o = PHIAL_INIT(phial_model_options);
    phial_memory said = PHIAL_INIT(phial_memory);
    phial_memory taken = PHIAL_INIT(phial_memory);
    phial_model *model = NULL;

    o.weight_format = weights;
    ck_status(phial_model_open(path, &o, &model), PHIAL_OK);
    ck_status(phial_estimate(path, &o, NULL, &said), PHIAL_OK);
    ck_status(phial_model_get_memory(model, &taken), PHIAL_OK);
    ck_assert_uint_eq(said.weights, taken.weights);
    return model;
}

/* Logits and a saved session are those of the file, and go from one to the
 * other. */
static void check_same_model(const phial_model *one, const phial_model *other)
{
    phial_session *a = new_session(one), *b = new_session(other);
    size_t n, n_saved;
    float *x, *y;
    uint8_t *saved;

    ck_status(phial_session_add_text(a, prompt, 20, 0), PHIAL_OK);
    ck_status(phial_session_add_text(b, prompt, 20, 0), PHIAL_OK);
    x = next_logits(a, &n);
    y = next_logits(b, &n);
    ck_assert_mem_eq(x, y, n * sizeof *x);
    ck_status(phial_session_save_bytes(a, NULL, 0, &n_saved), PHIAL_E_BUFFER);
    saved = malloc(n_saved);
    ck_status(phial_session_save_bytes(a, saved, n_saved, &n_saved), PHIAL_OK);
    ck_status(phial_session_load_bytes(b, saved, n_saved), PHIAL_OK);
    free(saved);
    free(x);
    free(y);
    phial_session_free(a);
    phial_session_free(b);
}

START_TEST(quantised_while_it_is_read_it_has_the_bits_of_the_file)
{
    const char *in = model_path(families[_i % N_FAMILIES]);
    phial_quantize_options o = PHIAL_INIT(phial_quantize_options);
    phial_model *one, *other;

    o.type = _i / N_FAMILIES;
    ck_status(phial_quantize(in, out, &o), PHIAL_OK);
    one = open_as(out, 0);
    other = open_as(in, o.type);
    check_same_model(one, other);
    phial_model_free(one);
    phial_model_free(other);
}
END_TEST

START_TEST(a_session_of_other_weights_is_refused)
{
    phial_model *one = open_as(model_path("phi-4-mini"), 0);
    phial_model *other = open_as(model_path("phi-4-mini"), PHIAL_WEIGHTS_Q4_0);
    phial_session *a = new_session(one), *b = new_session(other);
    uint8_t *saved;
    size_t n;

    ck_status(phial_session_add_text(a, prompt, 20, 0), PHIAL_OK);
    ck_status(phial_session_save_bytes(a, NULL, 0, &n), PHIAL_E_BUFFER);
    saved = malloc(n);
    ck_status(phial_session_save_bytes(a, saved, n, &n), PHIAL_OK);
    ck_status(phial_session_load_bytes(b, saved, n), PHIAL_E_MISMATCH);
    free(saved);
    phial_session_free(a);
    phial_session_free(b);
    phial_model_free(one);
    phial_model_free(other);
}
END_TEST

static void check_refused(const char *in, const phial_quantize_options *o,
                          phial_status status)
{
    ck_status(phial_quantize(in, out, o), status);
    ck_assert_int_ne(access(out, F_OK), 0);
}

START_TEST(wrong_arguments_write_nothing)
{
    const char *in = model_path("phi-4");
    phial_quantize_options o = PHIAL_INIT(phial_quantize_options);

    check_refused(NULL, NULL, PHIAL_E_ARGUMENT);
    ck_status(phial_quantize(in, NULL, NULL), PHIAL_E_ARGUMENT);
    check_refused("/nowhere/at-all.gguf", NULL, PHIAL_E_IO);
    o.struct_size = 8;
    check_refused(in, &o, PHIAL_E_ARGUMENT);
    o.struct_size = sizeof o;
    o.flags = 2;
    check_refused(in, &o, PHIAL_E_ARGUMENT);
    o.flags = 0;
    o.n_overrides = 1;
    check_refused(in, &o, PHIAL_E_ARGUMENT);
    o.n_overrides = 0;
    o.type = 1000;
    check_refused(in, &o, PHIAL_E_UNSUPPORTED);
    o.type = 0;
    o.n_threads = 100000;
    check_refused(in, &o, PHIAL_E_ARGUMENT);
}
END_TEST

static Suite *quantizing_suite(void)
{
    Suite *suite = suite_create("quantizing");
    TCase *tc = tcase_create("quantizing");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, every_family_answers_in_every_type, 0,
                        N_FAMILIES * (PHIAL_WEIGHTS_Q2_K + 1));
    tcase_add_loop_test(tc,
                        quantised_while_it_is_read_it_has_the_bits_of_the_file,
                        0, N_FAMILIES * (PHIAL_WEIGHTS_Q2_K + 1));
    tcase_add_test(tc, a_session_of_other_weights_is_refused);
    tcase_add_test(tc, wrong_arguments_write_nothing);
    suite_add_tcase(suite, tc);
    return suite;
}

PH_CHECK_MAIN(quantizing_suite())
