/* SPDX-License-Identifier: MIT
 * base: sizes, heap, buffers, half precision. */
#include "base/base.h"
#include "base_cases.h"
#include "check_main.h"

#include <math.h>

START_TEST(checked_sizes_refuse_overflow)
{
    size_t out = 7;
    uint64_t out64 = 7;

    ck_assert(ph_mul(3, 5, &out) && out == 15);
    ck_assert(!ph_mul(SIZE_MAX, 2, &out) && out == 15);
    ck_assert(ph_mul(0, SIZE_MAX, &out) && out == 0);
    ck_assert(ph_add(SIZE_MAX, 0, &out) && out == SIZE_MAX);
    ck_assert(!ph_add(SIZE_MAX, 1, &out) && out == SIZE_MAX);
    ck_assert(!ph_mul64(UINT64_MAX / 2, 3, &out64) && out64 == 7);
    ck_assert(!ph_add64(UINT64_MAX, 1, &out64) && out64 == 7);
}
END_TEST

START_TEST(heap_gives_zeroed_aligned_blocks)
{
    uint8_t *p = ph_alloc(&ph_libc_heap, 3, 5);

    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq((uintptr_t)p % 64, 0);
    for (int i = 0; i < 15; i++)
        ck_assert_uint_eq(p[i], 0);
    p[14] = 9;
    p = ph_realloc(&ph_libc_heap, p, 100, 5);
    ck_assert_uint_eq(p[14], 9);
    ph_free(&ph_libc_heap, p);
    ck_assert_ptr_null(ph_alloc(&ph_libc_heap, SIZE_MAX, 2));
    ck_assert_ptr_null(ph_alloc_raw(&ph_libc_heap, SIZE_MAX - 8));
}
END_TEST

START_TEST(buffers_grow_and_keep_their_contents)
{
    ph_buf buf = {.heap = &ph_libc_heap};
    ph_tokens tokens = {.heap = &ph_libc_heap};

    for (int i = 0; i < 1000; i++) {
        ck_status(ph_buf_printf(&buf, "%d,", i), PHIAL_OK);
        ck_status(ph_tokens_put(&tokens, i), PHIAL_OK);
    }
    ck_assert_uint_eq(buf.len, 3890);
    ck_assert_uint_eq(strlen(buf.data), buf.len);
    ck_assert_int_eq(tokens.data[999], 999);
    ph_buf_free(&buf);
    ph_tokens_free(&tokens);
}
END_TEST

START_TEST(give_follows_the_buffer_rule)
{
    char out[4] = "abc";
    size_t n = 0;

    ck_status(ph_give("hello", 5, 1, out, 4, &n), PHIAL_E_BUFFER);
    ck_assert_uint_eq(n, 5);
    ck_assert_str_eq(out, "abc");
    ck_status(ph_give("x", 1, 1, out, 4, &n), PHIAL_OK);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(out[0], 'x');
    ck_status(ph_give(NULL, 0, 1, NULL, 0, &n), PHIAL_OK);
}
END_TEST

/* The value by definition of IEEE 754 binary16, through ldexp. */
static double half_value(uint16_t h)
{
    int exponent = h >> 10 & 31;
    double fraction = h & 0x3ff;
    double magnitude =
        exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);

    return h & 0x8000 ? -magnitude : magnitude;
}

START_TEST(half_precision_is_exact_both_ways)
{
    for (uint32_t h = 0; h < 0x10000; h++) {
        float f = ph_f16_to_f32((uint16_t)h);

        if ((h & 0x7c00) == 0x7c00) {
            ck_assert(h & 0x3ff ? isnan(f) : isinf(f));
            continue;
        }
        ck_assert(f == half_value((uint16_t)h));
        ck_assert_uint_eq(ph_f32_to_f16(f), h);
    }
    ck_assert(isinf(ph_f16_to_f32(ph_f32_to_f16(65520.0f))));
    ck_assert(ph_f16_to_f32(ph_f32_to_f16(65519.996f)) == 65504.0f);
    ck_assert(isnan(ph_f16_to_f32(ph_f32_to_f16(NAN))));
}
END_TEST

START_TEST(half_precision_rounds_ties_to_even)
{
    for (uint16_t h = 0; h < 0x7bff; h++) {
        float low = ph_f16_to_f32(h);
        float high = ph_f16_to_f32((uint16_t)(h + 1));
        float middle = low + (high - low) / 2;
        int even = h & 1 ? h + 1 : h;

        ck_assert_int_eq(ph_f32_to_f16(middle), even);
        ck_assert_int_eq(ph_f32_to_f16(nextafterf(middle, 0)), h);
        ck_assert_int_eq(ph_f32_to_f16(nextafterf(middle, 1e9f)), h + 1);
    }
}
END_TEST

static Suite *base_suite(void)
{
    Suite *suite = suite_create("base");
    TCase *tc = tcase_create("base");

    tcase_add_test(tc, checked_sizes_refuse_overflow);
    tcase_add_test(tc, heap_gives_zeroed_aligned_blocks);
    tcase_add_test(tc, buffers_grow_and_keep_their_contents);
    tcase_add_test(tc, give_follows_the_buffer_rule);
    tcase_add_test(tc, half_precision_is_exact_both_ways);
    tcase_add_test(tc, half_precision_rounds_ties_to_even);
    suite_add_tcase(suite, tc);
    dtype_cases(suite);
    hash_cases(suite);
    printable_cases(suite);
    return suite;
}

PH_CHECK_MAIN(base_suite())
