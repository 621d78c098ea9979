/* SPDX-License-Identifier: MIT
 * Reading the weights by several threads: the same bytes, and every way in
 * which it ends early. */
#include "model_cases.h"

#include "failing_heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { N_COUNTS = 3 };

static const uint32_t thread_counts[N_COUNTS] = {1, 2, 5};

/* What the progress hook sees and does. */
typedef struct hook {
    const char *path; /* cut the file to size at the first call */
    off_t size;
    int stop_at; /* call that cancels; 0: none */
    int calls;
    float last;
    pthread_t thread;
} hook;

static int32_t on_progress(void *user, float fraction)
{
    hook *h = user;

    ck_assert(pthread_equal(pthread_self(), h->thread));
    ck_assert_float_ge(fraction, h->last);
    ck_assert_float_le(fraction, 1);
    h->last = fraction;
    if (h->calls++ == 0 && h->path)
        ck_assert_int_eq(truncate(h->path, h->size), 0);
    return h->calls == h->stop_at;
}

static phial_status open_on(const char *path, const ph_heap *heap,
                            uint32_t n_threads, hook *h, ph_model **model)
{
    ph_model_config config = {
        .heap = heap, .progress = h ? on_progress : NULL, .progress_user = h};
    phial_status status = ph_pool_new(heap, n_threads, &config.pool);

    if (h)
        h->thread = pthread_self();
    if (status == PHIAL_OK)
        status = ph_model_open(path, &config, model);
    ph_pool_free(config.pool);
    return status;
}

static model_file sized_model(tiny_family family, ph_dtype type)
{
    const tiny_model m = tiny_model_of(family, type, 1);

    return model_file_of(tiny_model_build(&m));
}

START_TEST(any_number_of_threads_packs_the_same_bytes)
{
    static const ph_dtype types[] = {PH_F32, PH_Q4_K, PH_Q6_K, PH_Q8_0};
    const tiny_family family = (tiny_family)(_i % TINY_FAMILIES);
    const model_file file = sized_model(family, types[_i / TINY_FAMILIES]);
    const ph_model_config config = {.heap = &ph_libc_heap};
    ph_model *alone;

    ck_status(ph_model_open(file.path, &config, &alone), PHIAL_OK);
    for (int i = 0; i < N_COUNTS; i++) {
        ph_model *model;
        hook h = {0};

        ck_status(
            open_on(file.path, &ph_libc_heap, thread_counts[i], &h, &model),
            PHIAL_OK);
        ck_assert_uint_eq(model->weight_bytes, alone->weight_bytes);
        ck_assert(memcmp(model->weights, alone->weights,
                         (size_t)alone->weight_bytes) == 0);
        ck_assert_float_eq(h.last, 1);
        ph_model_free(model);
    }
    ph_model_free(alone);
    unlink(file.path);
}
END_TEST

START_TEST(a_split_file_has_the_same_weights)
{
    const tiny_model m = tiny_model_of(TINY_PHI4_MINI, PH_Q5_K, 1);
    const model_file file = model_file_of(tiny_model_build(&m));
    gguf_writer *w = tiny_model_build(&m);
    ph_model *joint, *split;
    char path[100];

    gguf_write_split(w, file.path, 3);
    gguf_writer_free(w);
    ck_status(open_on(file.path, &ph_libc_heap, 2, NULL, &joint), PHIAL_OK);
    snprintf(path, sizeof path, "%s-00001-of-00003.gguf", file.path);
    ck_status(open_on(path, &ph_libc_heap, 2, NULL, &split), PHIAL_OK);
    ck_assert_uint_eq(joint->weight_bytes, split->weight_bytes);
    ck_assert(memcmp(joint->weights, split->weights,
                     (size_t)joint->weight_bytes) == 0);
    ph_model_free(joint);
    ph_model_free(split);
    for (int part = 1; part <= 3; part++) {
        snprintf(path, sizeof path, "%s-%05d-of-00003.gguf", file.path, part);
        unlink(path);
    }
    unlink(file.path);
}
END_TEST

START_TEST(the_progress_hook_cancels_at_any_call)
{
    const model_file file = sized_model(TINY_PHI4, PH_F32);

    for (int i = 0; i < N_COUNTS; i++) {
        bool opened = false;

        for (int stop = 1; !opened; stop++) {
            hook h = {.stop_at = stop};
            ph_model *model = NULL;
            const phial_status status =
                open_on(file.path, &ph_libc_heap, thread_counts[i], &h, &model);

            opened = status == PHIAL_OK;
            ck_assert(opened || status == PHIAL_E_CANCELLED);
            ck_assert_int_eq(opened, model != NULL);
            ck_assert(opened ? h.calls < stop : h.calls == stop);
            ck_assert(opened || strstr(ph_error_text(), "progress hook"));
            ph_model_free(model);
        }
    }
    unlink(file.path);
}
END_TEST

/* Cut at the first report, after the tensor table was found to fit. */
START_TEST(a_file_that_shrinks_is_refused_in_the_same_words)
{
    for (int quarter = 1; quarter < 4; quarter++) {
        char words[N_COUNTS][512];

        for (int i = 0; i < N_COUNTS; i++) {
            const model_file file = sized_model(TINY_PHI4, PH_F32);
            ph_model *model = NULL;
            hook h = {.path = file.path, .size = quarter * 1800000};
            const char *text;

            ck_status(
                open_on(file.path, &ph_libc_heap, thread_counts[i], &h, &model),
                PHIAL_E_IO);
            ck_assert_ptr_null(model);
            text = strstr(ph_error_text(), "the file ends");
            ck_assert_msg(text != NULL, "%s", ph_error_text());
            snprintf(words[i], sizeof words[i], "%s", text);
            ck_assert_str_eq(words[i], words[0]);
            unlink(file.path);
        }
    }
}
END_TEST

static phial_status open_once(void *user, const ph_heap *heap)
{
    const uint32_t *n_threads = user;
    const model_file file = sized_model(TINY_PHI4_MINI, PH_Q4_0);
    ph_model *model = NULL;
    const phial_status status =
        open_on(file.path, heap, *n_threads, NULL, &model);

    ck_assert_int_eq(model != NULL, status == PHIAL_OK);
    ph_model_free(model);
    unlink(file.path);
    return status;
}

START_TEST(every_allocation_of_opening_may_fail)
{
    uint32_t n_threads = thread_counts[_i];
    size_t n_points;

    ck_assert_uint_eq(failing_heap_loop(open_once, &n_threads, &n_points), 0);
    printf("%u threads: %zu allocations failed in turn\n", n_threads, n_points);
}
END_TEST

TCase *reading_cases(void)
{
    TCase *t = tcase_create("reading");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, any_number_of_threads_packs_the_same_bytes, 0,
                        4 * TINY_FAMILIES);
    tcase_add_test(t, a_split_file_has_the_same_weights);
    tcase_add_test(t, the_progress_hook_cancels_at_any_call);
    tcase_add_test(t, a_file_that_shrinks_is_refused_in_the_same_words);
    tcase_add_loop_test(t, every_allocation_of_opening_may_fail, 0, 2);
    return t;
}
