/* SPDX-License-Identifier: MIT
 * The rotation in front of a Q8 cache: against its rule, the matrix, itself. */
#include "kernels_testing.h"

/* Steps on pairs ever closer, in place. */
static void transform(float *x, uint32_t n)
{
    for (uint32_t step = n / 2; step > 0; step /= 2)
        for (uint32_t i = 0; i < n; i++) {
            const float a = x[i], b = x[i | step];

            if (i & step)
                continue;
            x[i] = a + b;
            x[i | step] = a - b;
        }
    for (uint32_t i = 0; i < n; i++)
        x[i] *= 1 / sqrtf((float)n);
}

START_TEST(the_hadamard_rotation_is_the_matrix_and_its_own_inverse)
{
    static const uint32_t sizes[][2] = {{1, 1},    {2, 2},     {6, 2},
                                        {96, 32},  {128, 128}, {80, 16},
                                        {160, 32}, {512, 512}};
    uint64_t state = 60;
    float x[512], y[512], want[512];

    for (size_t c = 0; c < sizeof sizes / sizeof *sizes; c++) {
        const uint32_t n = sizes[c][0], block = sizes[c][1];

        for (uint32_t i = 0; i < n; i++)
            x[i] = y[i] = want[i] = random_normal(&state);
        for (uint32_t i = 0; i < n; i += block)
            transform(want + i, block);
        kernels->hadamard(y, n);
        check_same(y, want, n);
        for (uint32_t i = 0; i < n; i++) {
            double sum = 0;

            for (uint32_t j = i / block * block, k = 0; k < block; k++)
                sum += __builtin_parity(i % block & k) ? -(double)x[j + k]
                                                       : (double)x[j + k];
            ck_assert(fabs(sum / sqrt(block) - (double)y[i]) < 1e-5);
        }
        kernels->hadamard(y, n);
        for (uint32_t i = 0; i < n; i++)
            ck_assert(fabsf(y[i] - x[i]) < 1e-5f);
    }
}
END_TEST

/* What it is for: one large channel does not take the bits of the others. */
START_TEST(an_outlier_costs_the_others_little)
{
    enum { DIM = 128 };
    static uint8_t memory[2 * PH_PAGE * (DIM + sizeof(float))];
    uint8_t *pages[1] = {memory};
    const ph_cache_view view = {PHIAL_CACHE_Q8, DIM, pages, 0,
                                ph_cache_panel_bytes(PHIAL_CACHE_Q8, DIM)};
    uint64_t state = 61;
    double errors[2] = {0, 0};

    for (int rotated = 0; rotated < 2; rotated++)
        for (int i = 0; i < 100; i++) {
            float value[DIM], before[DIM], after[DIM];

            for (int d = 0; d < DIM; d++)
                before[d] = random_normal(&state) * (d == 5 ? 100 : 1);
            memcpy(value, before, sizeof value);
            if (rotated)
                kernels->hadamard(value, DIM);
            kernels->cache_put(&view, 0, value, value);
            for (int d = 0; d < DIM; d++)
                after[d] = ((const int8_t *)memory)[view.v_offset + (size_t)d] *
                           *ph_cache_scales(memory + view.v_offset, DIM);
            if (rotated)
                kernels->hadamard(after, DIM);
            for (int d = 0; d < DIM; d++)
                errors[rotated] += d == 5 ? 0 : pow(after[d] - before[d], 2);
        }
    ck_assert_msg(errors[1] * 5 < errors[0], "%g, without %g", errors[1],
                  errors[0]);
}
END_TEST

TCase *hadamard_tests(void)
{
    TCase *tc = tcase_create("hadamard");

    tcase_add_test(tc, the_hadamard_rotation_is_the_matrix_and_its_own_inverse);
    tcase_add_test(tc, an_outlier_costs_the_others_little);
    return tc;
}
