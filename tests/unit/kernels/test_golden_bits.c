/* SPDX-License-Identifier: MIT
 * The bits of every kernel on fixed operands, as hashes: equal for every
 * compiler, optimisation level and processor. A kernel that changes them on
 * purpose changes doc/numerics.md too. */
#include "kernels_testing.h"

/* FNV-1a, floats as little-endian words. */
static uint64_t hash_floats(const float *x, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 32; k += 8)
            h = (h ^ (float_bits(x[i]) >> k & 255)) * 0x100000001b3u;
    return h;
}

static void fill(uint64_t *state, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = random_normal(state);
}

static void check_hash(const char *what, const float *x, size_t n,
                       uint64_t want)
{
    uint64_t got = hash_floats(x, n);

    ck_assert_msg(got == want, "%s: 0x%016llx, not 0x%016llx", what,
                  (unsigned long long)got, (unsigned long long)want);
}

START_TEST(matmul_bits_are_those_recorded)
{
    enum { ROWS = 19, COLS = 1024, N = 3 };
    static const uint64_t want[N_TYPES] = {
        0xb385e5f4c0276cdc, /* Q4_0 */
        0x3976940276f7dba0, /* Q4_1 */
        0xa261836ad91fd775, /* Q5_0 */
        0x566324d511189131, /* Q5_1 */
        0x64f9c33dc455eb82, /* Q8_0 */
        0x4df293c21effa578, /* Q2_K */
        0x1692373883e2509c, /* Q3_K */
        0x64dc927cfe5d73f8, /* Q4_K */
        0x8da7611b2159ace8, /* Q5_K */
        0x12d5b9398c0f17af, /* Q6_K */
        0x004f5ff7af7d4bde, /* IQ4_NL */
        0x5abd450ddeadca2f, /* IQ4_XS */
        0x3975becff485789d, /* F32 */
        0x836aed66660e54e9, /* F16 */
        0x0cb93623495a696b, /* BF16 */
    };
    static uint8_t data[ROWS * COLS * 4];
    static float x[N * COLS], y[N * ROWS];
    ph_dtype type = all_types[_i];
    size_t row_bytes = COLS / type_elems(type) * type_bytes(type);
    uint64_t state = 42;
    ph_matrix weights = {type, ROWS, COLS, row_bytes, 0, data};
    ph_acts acts = new_acts(x, N, COLS);

    random_blocks(&state, type, data, ROWS * COLS, 0.1f);
    fill(&state, x, N * COLS);
    quantize_all(kernels, &acts);
    kernels->matmul(&weights, &acts, 0, ROWS, y, ROWS);
    drop_acts(&acts);
    check_hash(ph_dtype_get(type)->name, y, N * ROWS, want[_i]);
}
END_TEST

START_TEST(norm_and_swiglu_bits_are_those_recorded)
{
    enum { N = 1003 };
    static float x[N], w[N], y[N];
    uint64_t state = 43;

    fill(&state, x, N);
    fill(&state, w, N);
    kernels->rms_norm(x, w, 1e-5f, N, y);
    check_hash("norm", y, N, 0xe37ac070c2c215b1);
    kernels->swiglu(x, w, N, y);
    check_hash("swiglu", y, N, 0xe26aaa7f9c028b61);
}
END_TEST

START_TEST(rope_bits_are_those_recorded)
{
    float freqs[64], c[64], s[64], head[128], all[8][128];
    uint64_t state = 44;

    ph_rope_frequencies(250000, 128, NULL, freqs);
    check_hash("frequencies", freqs, 64, 0x60b70baf04b06d47);
    for (uint32_t i = 0; i < 8; i++) {
        fill(&state, head, 128);
        ph_rope_angles(freqs, 128, 1 + i * 16383, 1.19f, c, s);
        kernels->rope(head, c, s, 128);
        memcpy(all[i], head, sizeof head);
    }
    check_hash("rope", all[0], 8 * 128, 0x68a519784c914be0);
}
END_TEST

START_TEST(attention_bits_are_those_recorded)
{
    enum { DIM = 40, KEYS = 1300, PAGES = KEYS / PH_PAGE + 1, HEADS = 3 };
    static const uint64_t want[3] = {0x9a5f05d9e6690fec, 0x6f0302d2e060631e,
                                     0xc703ccc33566462f};
    static const char *const names[3] = {"f32 cache", "f16 cache", "q8 cache"};
    static uint8_t memory[PAGES][2 * PH_PAGE * DIM * 4];
    uint8_t *pages[PAGES];
    int32_t format = PHIAL_CACHE_F32 + _i;
    uint64_t state = 45;
    float key[DIM], value[DIM], q[HEADS * DIM], out[HEADS * DIM];
    ph_cache_view view = {format, DIM, pages, 0, PH_PAGE * DIM * 4};

    for (int p = 0; p < PAGES; p++)
        pages[p] = memory[p];
    for (uint32_t pos = 0; pos < KEYS; pos++) {
        fill(&state, key, DIM);
        fill(&state, value, DIM);
        if (format == PHIAL_CACHE_Q8) {
            kernels->hadamard(key, DIM);
            kernels->hadamard(value, DIM);
        }
        kernels->cache_put(&view, pos, key, value);
    }
    fill(&state, q, HEADS * DIM);
    attend_keys(&view, HEADS, q, 9, KEYS - 1, out);
    check_hash(names[_i], out, HEADS * DIM, want[_i]);
}
END_TEST

START_TEST(function_bits_are_those_recorded)
{
    enum { N = 4096 };
    static float y[N];
    uint64_t state = 46;

    for (int i = 0; i < N; i++)
        y[i] = ph_expf(random_normal(&state) * 30);
    check_hash("exp", y, N, 0x28bf9879c9d79bf8);
    for (int i = 0; i < N; i++)
        y[i] = (float)(1e7 * ph_ln(random_unit(&state) + 0x1p-60));
    check_hash("ln", y, N, 0xd3b46efd585259b2);
}
END_TEST

TCase *golden_tests(void)
{
    TCase *tc = tcase_create("golden");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, matmul_bits_are_those_recorded, 0, N_TYPES);
    tcase_add_test(tc, norm_and_swiglu_bits_are_those_recorded);
    tcase_add_test(tc, rope_bits_are_those_recorded);
    tcase_add_loop_test(tc, attention_bits_are_those_recorded, 0, 3);
    tcase_add_test(tc, function_bits_are_those_recorded);
    return tc;
}
