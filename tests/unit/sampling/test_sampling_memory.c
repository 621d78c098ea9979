/* SPDX-License-Identifier: MIT
 * sampling: allocations that fail, and sizes announced. */
#include "sampling_tests.h"
#include "support/failing_heap.h"

static phial_status use_everything(void *user, const ph_heap *heap)
{
    static const char *const texts[] = {"a", "bc"};
    static const phial_token ids[] = {1, 2};
    static const float values[] = {1, 2};
    static const float logits[100];
    phial_sampling params = {.temperature = 1,
                             .bias_tokens = ids,
                             .bias_values = values,
                             .n_bias = 2};
    ph_sampler *sampler = NULL;
    ph_stops *stops = NULL;
    phial_token token;
    phial_status status;

    (void)user;
    status = ph_sampler_new(heap, 100, NULL, &sampler);
    if (status == PHIAL_OK)
        status = ph_sampler_set(sampler, &params);
    if (status == PHIAL_OK)
        status = ph_sampler_set(sampler, &params);
    if (status == PHIAL_OK)
        status = ph_sampler_pick(sampler, logits, NULL, 0, 0, 0, &token, NULL);
    if (status == PHIAL_OK)
        status = ph_stops_new(heap, texts, 2, &stops);
    ph_sampler_free(sampler);
    ph_stops_free(stops);
    return status;
}

START_TEST(every_allocation_may_fail)
{
    size_t n_points = 0;

    ck_assert_uint_eq(failing_heap_loop(use_everything, NULL, &n_points), 0);
    ck_assert_uint_ge(n_points, 24);
}
END_TEST

START_TEST(the_announced_size_is_what_is_allocated)
{
    static const uint32_t sizes[] = {1, 64, 65, 1000, 200064};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        failing_heap heap;
        ph_sampler *sampler;

        failing_heap_init(&heap, 0, FAIL_NEVER);
        ck_status(ph_sampler_new(&heap.heap, sizes[i], NULL, &sampler),
                  PHIAL_OK);
        /* the heap adds a header of 64 bytes to each of six blocks */
        ck_assert_uint_le(heap.peak_bytes, ph_sampler_bytes(sizes[i]) + 6 * 64);
        ck_assert_uint_ge(heap.peak_bytes, ph_sampler_bytes(sizes[i]) - 64);
        ph_sampler_free(sampler);
        ck_assert_uint_eq(failing_heap_check(&heap), 0);
    }
}
END_TEST

TCase *memory_tests(void)
{
    TCase *t = tcase_create("memory");

    tcase_add_test(t, every_allocation_may_fail);
    tcase_add_test(t, the_announced_size_is_what_is_allocated);
    tcase_set_timeout(t, 60);
    return t;
}
