/* SPDX-License-Identifier: MIT
 * phial_quantize: what it writes opens and answers; arguments that are wrong
 * write nothing. */
#include "api_fixture.h"

#include <stdio.h>
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
    o.flags = 1;
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
                        N_FAMILIES * (PHIAL_WEIGHTS_Q4_0 + 1));
    tcase_add_test(tc, wrong_arguments_write_nothing);
    suite_add_tcase(suite, tc);
    return suite;
}

PH_CHECK_MAIN(quantizing_suite())
