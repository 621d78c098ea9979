/* SPDX-License-Identifier: MIT
 * Dequantisation, against the published formulas element by element.
 * tests/kernels/dequantize_against_gguf.py compares with ggml's own. */
#include "kernels_testing.h"

enum { N = 256 * 40 };

static uint8_t blocks[N * 4];

static float formula(ph_dtype type, const uint8_t *block, uint32_t i)
{
    element e = read_element(type, block, i);
    float scale = e.d * (float)e.scale;
    float value = scale * (float)e.code;

    return e.has_min ? value - e.dmin * (float)e.min : value;
}

START_TEST(every_quantised_type_follows_its_published_formula)
{
    ph_dtype type = all_types[_i];
    uint32_t elems = type_elems(type), bytes = type_bytes(type);
    uint64_t state = 1 + (uint64_t)_i;
    float *out = malloc(N * sizeof *out);

    for (int repeat = 0; repeat < 10; repeat++) {
        any_blocks(&state, type, blocks, N);
        ph_dequantize(type, blocks, out, N);
        for (uint32_t i = 0; i < N; i++) {
            float want = formula(type, blocks + i / elems * bytes, i % elems);

            ck_assert_msg(same_float(out[i], want), "%s element %u: %a, not %a",
                          ph_dtype_get(type)->name, i, (double)out[i],
                          (double)want);
        }
    }
    free(out);
}
END_TEST

static bool changes(ph_dtype type, uint8_t *block, uint32_t bit)
{
    uint32_t elems = type_elems(type);
    float before[256], after[256];

    ph_dequantize(type, block, before, elems);
    block[bit / 8] ^= (uint8_t)(1 << bit % 8);
    ph_dequantize(type, block, after, elems);
    block[bit / 8] ^= (uint8_t)(1 << bit % 8);
    return memcmp(before, after, elems * sizeof *after) != 0;
}

/* In one of a few blocks: a code whose scale happens to be 0 does not. */
START_TEST(every_bit_of_a_block_counts)
{
    ph_dtype type = all_types[_i];
    uint32_t bytes = type_bytes(type);
    uint64_t state = 99 + (uint64_t)_i;
    bool seen[210 * 8] = {false};

    for (int repeat = 0; repeat < 8; repeat++) {
        random_blocks(&state, type, blocks, type_elems(type), 1.0f);
        for (uint32_t bit = 0; bit < bytes * 8; bit++)
            seen[bit] = seen[bit] || changes(type, blocks, bit);
    }
    for (uint32_t bit = 0; bit < bytes * 8; bit++)
        ck_assert_msg(seen[bit], "%s: bit %u", ph_dtype_get(type)->name, bit);
}
END_TEST

START_TEST(all_halves_and_bfloats_widen_exactly)
{
    static uint8_t src[0x20000];
    float *out = malloc(0x10000 * sizeof *out);

    for (uint32_t h = 0; h < 0x10000; h++) {
        src[2 * h] = (uint8_t)h;
        src[2 * h + 1] = (uint8_t)(h >> 8);
    }
    ph_dequantize(PH_F16, src, out, 0x10000);
    for (uint32_t h = 0; h < 0x10000; h++)
        ck_assert(same_float(out[h], ph_f16_to_f32((uint16_t)h)));
    ph_dequantize(PH_BF16, src, out, 0x10000);
    for (uint32_t h = 0; h < 0x10000; h++)
        ck_assert(same_float(out[h], ph_bf16_to_f32((uint16_t)h)));
    free(out);
}
END_TEST

START_TEST(f32_is_copied_from_any_address)
{
    float src[9], out[9];
    uint8_t shifted[4 * 9 + 3];

    for (int i = 0; i < 9; i++)
        src[i] = (float)i / 7 - 0.5f;
    src[3] = -0.0f;
    src[4] = INFINITY;
    for (size_t shift = 0; shift < 4; shift++) {
        memcpy(shifted + shift, src, sizeof src);
        ph_dequantize(PH_F32, shifted + shift, out, 9);
        check_same(out, src, 9);
    }
}
END_TEST

TCase *dequantize_tests(void)
{
    TCase *tc = tcase_create("dequantize");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, every_quantised_type_follows_its_published_formula,
                        0, N_BLOCK_TYPES);
    tcase_add_loop_test(tc, every_bit_of_a_block_counts, 0, N_BLOCK_TYPES);
    tcase_add_test(tc, all_halves_and_bfloats_widen_exactly);
    tcase_add_test(tc, f32_is_copied_from_any_address);
    return tc;
}
