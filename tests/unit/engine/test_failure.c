/* SPDX-License-Identifier: MIT
 * Every allocation failed in turn. */
#include "engine_cases.h"
#include "failing_heap.h"

#include <stdio.h>
#include <unistd.h>

enum { N = 4 };

static const phial_token tokens[N] = {1, 2, 3, 4};

static phial_status pass(const ph_model *model, ph_pool *pool, float *logits)
{
    const ph_sequence_config config = {66, 66, PHIAL_CACHE_F16, NULL};
    ph_sequence *seq;
    phial_status status;

    PH_TRY(ph_sequence_new(model, pool, &config, &seq));
    status = ph_sequence_forward(seq, tokens, N, PH_ROPE_SHORT, PH_LOGITS_ALL,
                                 logits, NULL);
    ph_sequence_free(seq);
    return status;
}

static phial_status open_and_run(void *user, const ph_heap *heap)
{
    static float logits[N * 512];
    const ph_model_config config = {.heap = heap, .flags = PHIAL_MODEL_VERIFY};
    ph_model *model;
    ph_pool *pool;
    phial_status status;

    PH_TRY(ph_model_open(user, &config, &model));
    status = ph_pool_new(heap, 2, &pool);
    if (status == PHIAL_OK) {
        status = pass(model, pool, logits);
        ph_pool_free(pool);
    }
    ph_model_free(model);
    return status;
}

START_TEST(every_allocation_may_fail)
{
    char path[] = "/tmp/phial-test-engine-XXXXXX";
    tiny_model m = tiny_model_of((tiny_family)_i, PH_Q4_0, 1);
    gguf_writer *w;
    size_t n_points = 0;
    const int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    close(fd);
    m.n_layers = 1;
    w = tiny_model_build(&m);
    gguf_write(w, path);
    gguf_writer_free(w);
    ck_assert_uint_eq(failing_heap_loop(open_and_run, path, &n_points), 0);
    unlink(path);
    printf("%s: %zu allocations failed in turn\n",
           tiny_family_name((tiny_family)_i), n_points);
    ck_assert_uint_gt(n_points, 20);
}
END_TEST

TCase *failure_cases(void)
{
    TCase *t = tcase_create("failure");

    tcase_set_timeout(t, 600);
    tcase_add_loop_test(t, every_allocation_may_fail, 0, TINY_FAMILIES);
    return t;
}
