/* SPDX-License-Identifier: MIT
 * phial_model_imatrix: the same file from any number of threads, of use to
 * phial_quantize, and no file where something is wrong. */
#include "api_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/phial-measuring-XXXXXX";
static char matrix[64], other[64], out[64];

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(matrix, sizeof matrix, "%s/i.gguf", folder);
    snprintf(other, sizeof other, "%s/j.gguf", folder);
    snprintf(out, sizeof out, "%s/out.gguf", folder);
}

/* Nothing else may be left in the folder. */
static void teardown(void)
{
    unlink(matrix);
    unlink(other);
    unlink(out);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* Windows of which the last is shorter. */
static phial_status measure_to(const phial_model *model, const char *path)
{
    phial_imatrix_options o = PHIAL_INIT(phial_imatrix_options);

    o.n_context = 50;
    o.dataset = "a prompt";
    return phial_model_imatrix(model, prompt, PHIAL_NUL_TERMINATED, path, &o);
}

static void check_same(const char *a, const char *b, bool same)
{
    static char one[4 << 20], two[4 << 20];
    FILE *f = fopen(a, "rb"), *g = fopen(b, "rb");
    size_t n, m;

    ck_assert(f && g);
    n = fread(one, 1, sizeof one, f);
    m = fread(two, 1, sizeof two, g);
    ck_assert_uint_gt(n, 0);
    ck_assert_uint_lt(n, sizeof one);
    fclose(f);
    fclose(g);
    ck_assert_int_eq(n == m && !memcmp(one, two, n), same);
}

START_TEST(threads_do_not_change_a_byte)
{
    for (uint32_t n = 1; n <= 8; n++) {
        phial_model *model = open_model(families[_i], n);

        ck_status(measure_to(model, n == 1 ? matrix : other), PHIAL_OK);
        phial_model_free(model);
        if (n > 1)
            check_same(matrix, other, true);
    }
}
END_TEST

START_TEST(the_text_and_the_options_matter)
{
    phial_imatrix_options o = PHIAL_INIT(phial_imatrix_options);
    phial_model *model = open_model("phi-4-mini", 2);

    ck_status(measure_to(model, matrix), PHIAL_OK);
    o.n_context = 50;
    o.dataset = "a prompt";
    ck_status(
        phial_model_imatrix(model, prompt + 1, PHIAL_NUL_TERMINATED, other, &o),
        PHIAL_OK);
    check_same(matrix, other, false);
    o.max_windows = 1;
    ck_status(
        phial_model_imatrix(model, prompt, PHIAL_NUL_TERMINATED, other, &o),
        PHIAL_OK);
    check_same(matrix, other, false);
    ck_status(
        phial_model_imatrix(model, prompt, PHIAL_NUL_TERMINATED, matrix, NULL),
        PHIAL_OK);
    check_same(matrix, other, false);
    phial_model_free(model);
}
END_TEST

/* With it files differ; without, they are what they were for programs that do
 * not know of it. */
START_TEST(it_is_of_use_to_the_quantiser)
{
    const char *in = model_path(families[_i]);
    phial_quantize_options o = PHIAL_INIT(phial_quantize_options);
    phial_model *model = open_model(families[_i], 2);
    phial_session *session;
    size_t n;

    ck_status(measure_to(model, matrix), PHIAL_OK);
    phial_model_free(model);
    o.type = PHIAL_WEIGHTS_Q4_0;
    ck_status(phial_quantize(in, out, &o), PHIAL_OK);
    o.struct_size = offsetof(phial_quantize_options, imatrix);
    ck_status(phial_quantize(in, other, &o), PHIAL_OK);
    check_same(out, other, true);
    o.struct_size = sizeof o;
    o.imatrix = matrix;
    ck_status(phial_quantize(in, out, &o), PHIAL_OK);
    check_same(out, other, false);
    ck_status(phial_model_open(out, NULL, &model), PHIAL_OK);
    session = new_session(model);
    ck_status(phial_session_add_text(session, prompt, 20, 0), PHIAL_OK);
    free(next_logits(session, &n));
    phial_session_free(session);
    phial_model_free(model);
}
END_TEST

static int32_t give_up(void *user, float fraction)
{
    int *calls = user;

    ck_assert(fraction >= 0 && fraction <= 1);
    return --*calls == 0;
}

/* At its first step, between windows, and at the last report. */
START_TEST(who_gives_up_leaves_no_file)
{
    phial_imatrix_options o = PHIAL_INIT(phial_imatrix_options);
    phial_model *model = open_model("phi-4", 2);
    int calls = 1000, all;

    o.n_context = 8;
    o.progress = give_up;
    o.progress_user = &calls;
    ck_status(phial_model_imatrix(model, prompt, 40, matrix, &o), PHIAL_OK);
    ck_status(measure_to(model, other), PHIAL_OK);
    ck_status(measure_to(model, out), PHIAL_OK);
    all = 1000 - calls;
    ck_assert_int_gt(all, 3);
    for (int i = 1; i <= all; i++) {
        unlink(matrix);
        calls = i;
        ck_status(phial_model_imatrix(model, prompt, 40, matrix, &o),
                  PHIAL_E_CANCELLED);
        ck_assert_int_ne(access(matrix, F_OK), 0);
        calls = i;
        ck_status(phial_model_imatrix(model, prompt, 40, other, &o),
                  PHIAL_E_CANCELLED);
        check_same(other, out, true);
    }
    phial_model_free(model);
}
END_TEST

START_TEST(what_cannot_be_measured_is_refused)
{
    phial_imatrix_options o = PHIAL_INIT(phial_imatrix_options);
    phial_model_options small = PHIAL_INIT(phial_model_options);
    phial_model *model = open_model("phi-4", 1);

    ck_status(phial_model_imatrix(model, "", 0, matrix, NULL),
              PHIAL_E_ARGUMENT);
    ck_status(phial_model_imatrix(model, "a", 1, "/nowhere/at-all", NULL),
              PHIAL_E_IO);
    o.n_context = 1;
    ck_status(phial_model_imatrix(model, "a", 1, matrix, &o), PHIAL_E_ARGUMENT);
    o.n_context = UINT32_MAX;
    ck_status(phial_model_imatrix(model, "a", 1, matrix, &o), PHIAL_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(phial_last_error(), "n_context"));
    phial_model_free(model);
    small.cache_limit = 1;
    ck_status(phial_model_open(model_path("phi-4"), &small, &model), PHIAL_OK);
    ck_status(measure_to(model, matrix), PHIAL_E_MEMORY);
    phial_model_free(model);
}
END_TEST

/* ---- Memory ------------------------------------------------------------ */

typedef struct books {
    size_t n, fails, n_live;
    pthread_mutex_t lock;
} books;

static void *take(void *user, size_t size, size_t alignment)
{
    books *b = user;
    void *ptr = NULL;

    pthread_mutex_lock(&b->lock);
    if (++b->n != b->fails)
        ptr = aligned_alloc(alignment,
                            (size + alignment - 1) / alignment * alignment);
    b->n_live += ptr != NULL;
    pthread_mutex_unlock(&b->lock);
    return ptr;
}

static void give_back(void *user, void *ptr, size_t size, size_t alignment)
{
    books *b = user;

    (void)size;
    (void)alignment;
    pthread_mutex_lock(&b->lock);
    b->n_live--;
    pthread_mutex_unlock(&b->lock);
    free(ptr);
}

START_TEST(every_allocation_may_fail)
{
    books b = {.lock = PTHREAD_MUTEX_INITIALIZER};
    phial_model_options o = PHIAL_INIT(phial_model_options);
    phial_status status = PHIAL_E_MEMORY;
    phial_model *model;
    size_t n_live;

    o.n_threads = 1;
    o.mem_alloc = take;
    o.mem_free = give_back;
    o.mem_user = &b;
    ck_status(phial_model_open(model_path("phi-4-mini"), &o, &model), PHIAL_OK);
    ck_status(measure_to(model, other), PHIAL_OK);
    n_live = b.n_live;
    for (size_t nth = 1; status == PHIAL_E_MEMORY; nth++) {
        ck_assert_int_ne(access(matrix, F_OK), 0);
        b.n = 0;
        b.fails = nth;
        status = measure_to(model, matrix);
        ck_assert_uint_eq(b.n_live, n_live);
        ck_assert_int_eq(status, b.n < nth ? PHIAL_OK : PHIAL_E_MEMORY);
    }
    ck_assert_uint_gt(b.n, 10);
    check_same(matrix, other, true);
    phial_model_free(model);
    ck_assert_uint_eq(b.n_live, 0);
}
END_TEST

/* ---- Threads ----------------------------------------------------------- */

typedef struct worker {
    pthread_t thread;
    const phial_model *model;
    const char *path;
} worker;

static void *work(void *arg)
{
    const worker *w = arg;

    for (int i = 0; i < 5; i++)
        ck_status(measure_to(w->model, w->path), PHIAL_OK);
    return NULL;
}

START_TEST(many_threads_may_call_it)
{
    phial_model *model = open_model("phi-4-mini", 2);
    worker workers[2] = {{.path = matrix}, {.path = other}};

    ck_status(measure_to(model, out), PHIAL_OK);
    for (int i = 0; i < 2; i++) {
        workers[i].model = model;
        ck_assert_int_eq(
            pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
    check_same(matrix, out, true);
    check_same(other, out, true);
    phial_model_free(model);
}
END_TEST

static Suite *imatrix_suite(void)
{
    Suite *s = suite_create("imatrix");
    TCase *t = tcase_create("imatrix");

    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, threads_do_not_change_a_byte, 0, N_FAMILIES);
    tcase_add_test(t, the_text_and_the_options_matter);
    tcase_add_loop_test(t, it_is_of_use_to_the_quantiser, 0, N_FAMILIES);
    tcase_add_test(t, who_gives_up_leaves_no_file);
    tcase_add_test(t, what_cannot_be_measured_is_refused);
    tcase_add_test(t, every_allocation_may_fail);
    tcase_add_test(t, many_threads_may_call_it);
    suite_add_tcase(s, t);
    return s;
}

PH_CHECK_MAIN(imatrix_suite())
