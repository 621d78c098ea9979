/* SPDX-License-Identifier: MIT
 * Blocks of every type, read back: how far they are from what was written. */
#include "quantize_cases.h"

#include "kernels/kernels.h"
#include "os/os.h"
#include "tiny_model.h"

#include <math.h>

enum { N = 4096 };

/* The most that may be lost of Gaussian weights: root of the ratio of squared
 * errors to squares. */
static const struct {
    ph_dtype type;
    double loss;
} types[] = {
    {PH_F32, 0},     {PH_F16, 3e-4},    {PH_BF16, 2.5e-3}, {PH_Q8_0, 6e-3},
    {PH_Q6_K, 0.02}, {PH_Q5_K, 0.04},   {PH_Q5_1, 0.045},  {PH_Q5_0, 0.05},
    {PH_Q4_K, 0.08}, {PH_Q4_1, 0.085},  {PH_Q4_0, 0.095},  {PH_Q3_K, 0.17},
    {PH_Q2_K, 0.31}, {PH_IQ4_NL, 0.09}, {PH_IQ4_XS, 0.09},
};
enum { N_TYPES = sizeof types / sizeof *types };

/* Sums of twelve uniform numbers are Gaussian enough. */
static void gaussian(float *x, float size)
{
    for (uint64_t i = 0; i < N; i++) {
        float sum = 0;

        for (uint64_t k = 0; k < 12; k++)
            sum += tiny_uniform(7, 12 * i + k);
        x[i] = size * sum / 2;
    }
}

/* As types of the table; values there and back. */
static void there_and_back(ph_dtype type, const float *x, float *y)
{
    static uint8_t blocks[N * sizeof(float)];
    const ph_fpenv fp = ph_fp_enter();

    ph_encode(ph_encoders_get(PHIAL_ISA_BEST), type, x, NULL, blocks, N);
    ph_dequantize(type, blocks, y, N);
    ph_fp_leave(fp);
}

static double loss(const float *x, const float *y)
{
    double error = 0, size = 0;

    for (size_t i = 0; i < N; i++) {
        ck_assert_msg(isfinite(y[i]), "element %zu is %g", i, (double)y[i]);
        error += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
        size += (double)x[i] * (double)x[i];
    }
    return sqrt(error / size);
}

START_TEST(random_weights_come_back_nearly)
{
    static const float sizes[] = {1, 0.02f, 1000};
    float x[N], y[N];

    for (size_t i = 0; i < 3; i++) {
        gaussian(x, sizes[i]);
        there_and_back(types[_i].type, x, y);
        ck_assert_msg(loss(x, y) <= types[_i].loss, "%s loses %g of size %g",
                      ph_dtype_get(types[_i].type)->name, loss(x, y),
                      (double)sizes[i]);
    }
}
END_TEST

START_TEST(zeros_stay)
{
    float x[N] = {0}, y[N];

    there_and_back(types[_i].type, x, y);
    for (size_t i = 0; i < N; i++)
        ck_assert_float_eq(y[i], 0);
}
END_TEST

/* Below what scales in half precision can express all may be lost, but nothing
 * may come from nowhere. */
START_TEST(tiny_weights_stay_tiny)
{
    static const float sizes[] = {1e-44f, 1e-38f, 1e-20f, 1e-9f, 1e-7f};
    float x[N], y[N];

    for (size_t i = 0; i < 5; i++) {
        gaussian(x, sizes[i]);
        there_and_back(types[_i].type, x, y);
        for (size_t k = 0; k < N; k++)
            ck_assert_msg(fabsf(y[k]) <= 6 * sizes[i] + 1e-6f, "%g becomes %g",
                          (double)x[k], (double)y[k]);
    }
}
END_TEST

START_TEST(huge_weights_stay_finite)
{
    float x[N], y[N];

    gaussian(x, 1);
    for (size_t i = 0; i < N; i++)
        x[i] *= 65504.0f / 6;
    x[100] = 65504;
    x[1000] = -65504;
    there_and_back(types[_i].type, x, y);
    ck_assert_double_le(loss(x, y), 2 * types[_i].loss + 1e-9);
}
END_TEST

/* One element far beyond the others, of either sign; all equal; all of one
 * sign: no division by nothing, and the outlier is there. */
START_TEST(odd_rows_survive)
{
    float x[N], y[N];

    for (int kind = 0; kind < 6; kind++) {
        gaussian(x, kind < 2 ? 0.01f : 0);
        for (size_t i = 0; i < N; i++) {
            if (kind < 2 && i % 256 == 17)
                x[i] = kind ? 5 : -5;
            if (kind == 2 || kind == 3)
                x[i] = kind == 2 ? 0.5f : -0.5f;
            if (kind > 3)
                x[i] = (float)(1 + i % 7) * (kind == 4 ? 0.1f : -0.1f);
        }
        there_and_back(types[_i].type, x, y);
        ck_assert_msg(loss(x, y) <= 2 * types[_i].loss + 0.01,
                      "%s loses %g of kind %d",
                      ph_dtype_get(types[_i].type)->name, loss(x, y), kind);
    }
}
END_TEST

/* A block does not depend on those beside it: nor on how many are encoded at
 * once. */
START_TEST(blocks_do_not_depend_on_each_other)
{
    const ph_encoders *best = ph_encoders_get(PHIAL_ISA_BEST);
    const ph_dtype type = types[_i].type;
    static uint8_t all[N * sizeof(float)], one[256 * sizeof(float)];
    uint64_t bytes;
    float x[N];

    gaussian(x, 1);
    ph_encode(best, type, x, NULL, all, N);
    ck_assert(ph_dtype_bytes(type, 256, &bytes));
    for (size_t i = 0; i < N / 256; i++) {
        ph_encode(best, type, x + 256 * i, NULL, one, 256);
        ck_assert_mem_eq(one, all + bytes * i, bytes);
    }
    if (ph_dtype_get(type)->block_elems > 32)
        return;
    ck_assert(ph_dtype_bytes(type, 32, &bytes));
    for (size_t i = 0; i < N / 32; i++) {
        ph_encode(best, type, x + 32 * i, NULL, one, 32);
        ck_assert_mem_eq(one, all + bytes * i, bytes);
    }
}
END_TEST

/* Outliers, zeros, tiny and huge weights, and a number of blocks that does not
 * fill the vectors. */
static void mixed(float *x)
{
    static const float sizes[] = {1, 1e-3f, 0, 1e-9f, 10000, 1e-20f};

    gaussian(x, 1);
    for (size_t i = 0; i < N; i++)
        x[i] *= sizes[i / 160 % 6] * (i % 97 == 0 ? 5 : 1);
}

/* All that an element may count, and nothing but the least in places. */
static void spread(float *importance)
{
    for (uint64_t i = 0; i < N; i++) {
        const float u = tiny_uniform(13, i);

        importance[i] = i / 512 % 3 ? exp2f(20 * u) : PH_IMPORTANCE_LEAST;
    }
}

/* Without importance, and with it. */
START_TEST(every_instruction_set_gives_the_same_bytes)
{
    const ph_encoders *portable = ph_encoders_get(PHIAL_ISA_PORTABLE);
    const ph_dtype type = types[_i % N_TYPES].type;
    static uint8_t want[N * sizeof(float)], got[N * sizeof(float)];
    const size_t n = N - 256;
    float x[N], all[N];
    const float *importance = _i < N_TYPES ? NULL : all;

    mixed(x);
    spread(all);
    ph_encode(portable, type, x, importance, want, n);
    for (int32_t isa = PHIAL_ISA_BEST; isa <= PHIAL_ISA_NEON; isa++) {
        const ph_encoders *encoders = ph_encoders_get(isa);

        memset(got, 0, sizeof got);
        if (encoders)
            ph_encode(encoders, type, x, importance, got, n);
        ck_assert(!encoders || !memcmp(got, want, sizeof got));
    }
}
END_TEST

static double weighted(const float *x, const float *y, const float *weights)
{
    double sum = 0;

    for (size_t i = 0; i < N; i++)
        sum += (double)weights[i] * ((double)x[i] - (double)y[i]) *
               ((double)x[i] - (double)y[i]);
    return sum;
}

/* Of types without a search the bytes stay the same; all alike is as none. */
START_TEST(a_search_heeds_what_elements_count)
{
    const ph_encoders *best = ph_encoders_get(PHIAL_ISA_BEST);
    const ph_dtype type = types[_i].type;
    const bool searched = ph_dtype_is_quantized(type) && type != PH_Q8_0;
    static uint8_t without[N * sizeof(float)], with[N * sizeof(float)];
    float x[N], all[N], y[N], z[N];

    gaussian(x, 1);
    for (size_t i = 0; i < N; i++)
        all[i] = 1;
    ph_encode(best, type, x, NULL, without, N);
    ph_encode(best, type, x, all, with, N);
    ck_assert_mem_eq(without, with, sizeof with);
    for (uint64_t i = 0; i < N; i++)
        all[i] = expf(3 * tiny_uniform(17, i));
    ph_encode(best, type, x, all, with, N);
    ck_assert_int_eq(memcmp(without, with, sizeof with) != 0, searched);
    ph_dequantize(type, without, y, N);
    ph_dequantize(type, with, z, N);
    ck_assert(!searched || weighted(x, z, all) < 0.97 * weighted(x, y, all));
}
END_TEST

/* Numbers of 16 bits of every kind, and what is said of the largest. */
START_TEST(every_instruction_set_reads_the_same_floats)
{
    static const ph_dtype from[] = {PH_F32, PH_F16, PH_BF16, PH_Q4_0};
    static uint8_t bytes[4 * 640];
    float want[640], got[640];
    uint32_t most;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    for (size_t i = 0; i < 640; i++) /* no NaN: its bits may differ */
        bytes[from[_i] == PH_F32 ? 4 * i + 3 : 2 * i + 1] &= 0xbb;
    most = ph_decode(ph_encoders_get(PHIAL_ISA_PORTABLE), from[_i], bytes, want,
                     640);
    for (int32_t isa = PHIAL_ISA_BEST; isa <= PHIAL_ISA_NEON; isa++) {
        const ph_encoders *encoders = ph_encoders_get(isa);

        if (!encoders)
            continue;
        ck_assert_uint_eq(ph_decode(encoders, from[_i], bytes, got, 640), most);
        ck_assert_mem_eq(got, want, sizeof got);
    }
}
END_TEST

START_TEST(what_is_not_written_is_said)
{
    ck_assert(!ph_can_encode((ph_dtype)21)); /* IQ3_S */
    for (size_t i = 0; i < N_TYPES; i++)
        ck_assert(ph_can_encode(types[i].type));
}
END_TEST

TCase *encode_cases(void)
{
    TCase *tc = tcase_create("encode");

    tcase_add_loop_test(tc, random_weights_come_back_nearly, 0, N_TYPES);
    tcase_add_loop_test(tc, zeros_stay, 0, N_TYPES);
    tcase_add_loop_test(tc, tiny_weights_stay_tiny, 0, N_TYPES);
    tcase_add_loop_test(tc, huge_weights_stay_finite, 0, N_TYPES);
    tcase_add_loop_test(tc, odd_rows_survive, 0, N_TYPES);
    tcase_add_loop_test(tc, blocks_do_not_depend_on_each_other, 0, N_TYPES);
    tcase_add_loop_test(tc, every_instruction_set_gives_the_same_bytes, 0,
                        2 * N_TYPES);
    tcase_add_loop_test(tc, a_search_heeds_what_elements_count, 0, N_TYPES);
    tcase_add_loop_test(tc, every_instruction_set_reads_the_same_floats, 0, 4);
    tcase_add_test(tc, what_is_not_written_is_said);
    return tc;
}
