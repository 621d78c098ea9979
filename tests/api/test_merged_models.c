/* SPDX-License-Identifier: MIT
 * phial_quantize with adapters: a merged model computes what the model computes
 * with the adapters; options that are wrong write nothing. */
#include "api_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_ADAPTERS = 16 };

static char folder[] = "/tmp/phial-merged-XXXXXX", out[64];

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

/* Keys and values in F16 would hide the differences that are looked for behind
 * their own. */
static phial_session *exact_session(const phial_model *model)
{
    phial_session_options o = PHIAL_INIT(phial_session_options);
    phial_session *session = NULL;

    o.cache_format = PHIAL_CACHE_F32;
    ck_status(phial_session_new(model, &o, &session), PHIAL_OK);
    return session;
}

static float *logits_with(const phial_model *model, const char *const *adapters,
                          const float *scales, size_t n_adapters, size_t *n)
{
    phial_session *session = exact_session(model);
    phial_adapter *opened[MAX_ADAPTERS] = {NULL};
    float *logits;

    for (size_t i = 0; i < n_adapters; i++)
        ck_status(phial_adapter_open(model, adapters[i], &opened[i]), PHIAL_OK);
    ck_status(phial_session_set_adapters(session,
                                         (const phial_adapter *const *)opened,
                                         scales, n_adapters),
              PHIAL_OK);
    ck_status(phial_session_add_text(session, prompt, PHIAL_NUL_TERMINATED, 0),
              PHIAL_OK);
    logits = next_logits(session, n);
    phial_session_free(session);
    for (size_t i = 0; i < n_adapters; i++)
        phial_adapter_free(opened[i]);
    return logits;
}

static float *logits_of_file(const char *path, size_t *n)
{
    phial_model *model = NULL;
    float *logits;

    ck_status(phial_model_open(path, NULL, &model), PHIAL_OK);
    logits = logits_with(model, NULL, NULL, 0, n);
    phial_model_free(model);
    return logits;
}

static double nmse_of(const float *got, const float *want, size_t n)
{
    double errors = 0, squares = 0;

    for (size_t i = 0; i < n; i++) {
        const double e = (double)got[i] - (double)want[i];

        errors += e * e;
        squares += (double)want[i] * (double)want[i];
    }
    return errors / squares;
}

/* "lora-a" and "lora-b" of the build; free the paths. */
static phial_quantize_options merging(char *paths[2], const float *scales,
                                      size_t n)
{
    phial_quantize_options o = PHIAL_INIT(phial_quantize_options);

    paths[0] = strdup(model_path("lora-a"));
    paths[1] = strdup(model_path("lora-b"));
    o.adapters = (const char *const *)paths;
    o.adapter_scales = scales;
    o.n_adapters = n;
    o.type = PHIAL_WEIGHTS_F32;
    return o;
}

static void free_paths(char *paths[2])
{
    free(paths[0]);
    free(paths[1]);
}

START_TEST(merged_floats_compute_what_adapters_do)
{
    static const struct {
        float scales[2];
        size_t n;
    } sets[] = {{{1}, 1}, {{-0.5f}, 1}, {{0.5f, 0.25f}, 2}, {{0, 1}, 2}};
    const float *scales = sets[_i].scales;
    char *const in = strdup(model_path("other-type")), *paths[2];
    phial_quantize_options o = merging(paths, scales, sets[_i].n);
    phial_model *model = NULL;
    float *with, *without, *merged;
    size_t n;

    ck_status(phial_quantize(in, out, &o), PHIAL_OK);
    merged = logits_of_file(out, &n);
    without = logits_of_file(in, &n);
    ck_status(phial_model_open(in, NULL, &model), PHIAL_OK);
    with = logits_with(model, o.adapters, scales, o.n_adapters, &n);
    ck_assert_double_gt(nmse_of(without, with, n), 1e-4);
    ck_assert_double_le(nmse_of(merged, with, n), 1e-10);
    phial_model_free(model);
    free(with);
    free(without);
    free(merged);
    free_paths(paths);
    free(in);
}
END_TEST

static void check_refused(const char *in, const phial_quantize_options *o,
                          phial_status status, const char *says)
{
    ck_status(phial_quantize(in, out, o), status);
    ck_assert_msg(strstr(phial_last_error(), says), "%s", phial_last_error());
    ck_assert_int_ne(access(out, F_OK), 0);
}

START_TEST(wrong_options_write_nothing)
{
    static const float scales[MAX_ADAPTERS + 1] = {1};
    const char *many[MAX_ADAPTERS + 1];
    char *const in = strdup(model_path("other-type")), *paths[2];
    phial_quantize_options o = merging(paths, scales, 1);
    float bad[] = {1, NAN};

    for (int i = 0; i <= MAX_ADAPTERS; i++)
        many[i] = paths[0];
    o.n_adapters = MAX_ADAPTERS + 1;
    o.adapters = many;
    check_refused(in, &o, PHIAL_E_ARGUMENT, "n_adapters is 17, at most 16");
    o.n_adapters = 2;
    many[1] = NULL;
    check_refused(in, &o, PHIAL_E_ARGUMENT, "adapters[1] is NULL");
    many[1] = paths[1];
    o.adapter_scales = bad;
    check_refused(in, &o, PHIAL_E_ARGUMENT, "adapter_scales[1]");
    bad[1] = -INFINITY;
    check_refused(in, &o, PHIAL_E_ARGUMENT, "adapter_scales[1]");
    o.adapter_scales = NULL;
    check_refused(in, &o, PHIAL_E_ARGUMENT, "adapter_scales");
    o.adapter_scales = scales;
    o.adapters = NULL;
    check_refused(in, &o, PHIAL_E_ARGUMENT, "adapters");
    o.adapters = many;
    many[1] = "/nowhere/at-all";
    check_refused(in, &o, PHIAL_E_IO, "/nowhere/at-all");
    many[1] = paths[1];
    check_refused(model_path("phi-4"), &o, PHIAL_E_MISMATCH, "lora-a");
    free_paths(paths);
    free(in);
}
END_TEST

START_TEST(blocks_are_encoded_again_if_that_is_asked_for)
{
    static const float scales[] = {1};
    char *paths[2];
    phial_quantize_options o = merging(paths, scales, 1);

    o.type = PHIAL_WEIGHTS_STORED;
    check_refused(model_path("phi-4-mini"), &o, PHIAL_E_ARGUMENT, "quantised");
    o.flags = 1U << 1;
    check_refused(model_path("phi-4-mini"), &o, PHIAL_E_ARGUMENT, "flags");
    o.flags = PHIAL_QUANTIZE_REENCODE;
    ck_status(phial_quantize(model_path("phi-4-mini"), out, &o), PHIAL_OK);
    free_paths(paths);
}
END_TEST

/* Hosts that were built before there were adapters give a shorter struct, and
 * later ones may give a longer one. */
START_TEST(the_first_struct_merges_nothing)
{
    static const float scales[] = {1};
    const uint32_t first = offsetof(phial_quantize_options, adapters);
    char *const in = strdup(model_path("other-type")), *paths[2];
    phial_quantize_options o = merging(paths, scales, 1);
    struct {
        phial_quantize_options options;
        uint64_t more;
    } later;
    float *merged, *plain;
    size_t n;

    o.struct_size = first;
    ck_status(phial_quantize(in, out, &o), PHIAL_OK);
    merged = logits_of_file(out, &n);
    plain = logits_of_file(in, &n);
    ck_assert_mem_eq(merged, plain, n * sizeof *plain);
    unlink(out);
    o.struct_size = first - 1;
    check_refused(in, &o, PHIAL_E_ARGUMENT, "struct_size");
    later.options = o;
    later.options.struct_size = sizeof later;
    later.more = 1;
    check_refused(in, &later.options, PHIAL_E_UNSUPPORTED, "does not know");
    free(merged);
    free(plain);
    free_paths(paths);
    free(in);
}
END_TEST

static Suite *merged_suite(void)
{
    Suite *suite = suite_create("merged models");
    TCase *tc = tcase_create("merged models");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, merged_floats_compute_what_adapters_do, 0, 4);
    tcase_add_test(tc, wrong_options_write_nothing);
    tcase_add_test(tc, blocks_are_encoded_again_if_that_is_asked_for);
    tcase_add_test(tc, the_first_struct_merges_nothing);
    suite_add_tcase(suite, tc);
    return suite;
}

PH_CHECK_MAIN(merged_suite())
