/* SPDX-License-Identifier: MIT
 * Attention over the cache: against double precision, and the same bits
 * however the cache was filled and the heads were grouped. */
#include "kernels_testing.h"

enum { MAX_KEYS = 3000, MAX_PAGES = MAX_KEYS / PH_PAGE + 1 };

typedef struct cache {
    ph_cache_view view;
    uint8_t *pages[MAX_PAGES];
    float *keys;
    float *values;
} cache;

/* Room before and after the panels, and NaN in every slot that is not put. */
static cache *new_cache(int32_t format, uint32_t head_dim)
{
    size_t panel = ph_cache_panel_bytes(format, head_dim);
    cache *c = malloc(sizeof *c);

    for (int p = 0; p < MAX_PAGES; p++) {
        c->pages[p] = malloc(3 * panel);
        memset(c->pages[p], 0xff, 3 * panel);
    }
    c->view = (ph_cache_view){format, head_dim, c->pages, panel / 2 & ~63u,
                              (panel / 2 & ~63u) + panel};
    c->keys = malloc(MAX_KEYS * head_dim * sizeof(float));
    c->values = malloc(MAX_KEYS * head_dim * sizeof(float));
    return c;
}

static void free_cache(cache *c)
{
    for (int p = 0; p < MAX_PAGES; p++)
        free(c->pages[p]);
    free(c->keys);
    free(c->values);
    free(c);
}

static void draw(cache *c, uint64_t *state)
{
    for (uint32_t i = 0; i < MAX_KEYS * c->view.head_dim; i++) {
        c->keys[i] = random_normal(state);
        c->values[i] = random_normal(state);
    }
}

static void put(cache *c, uint32_t pos)
{
    kernels->cache_put(&c->view, pos, c->keys + (size_t)pos * c->view.head_dim,
                       c->values + (size_t)pos * c->view.head_dim);
}

static void put_all(cache *c, uint32_t n)
{
    for (uint32_t pos = 0; pos < n; pos++)
        put(c, pos);
}

/* Element d of token pos as it was stored: floats[pos] of keys or values, whose
 * panel is at offset, d step elements from one to the next. */
static double stored(const cache *c, const float *floats, uint32_t pos,
                     uint32_t d, size_t offset, size_t at)
{
    const uint8_t *panel = c->pages[pos / PH_PAGE] + offset;
    const float f = floats[(size_t)pos * c->view.head_dim + d];

    if (c->view.format == PHIAL_CACHE_F16)
        return (double)ph_f16_to_f32(ph_f32_to_f16(f));
    if (c->view.format == PHIAL_CACHE_Q8)
        return (double)((const int8_t *)panel)[at] *
               ph_cache_scales(panel, c->view.head_dim)[pos % PH_PAGE];
    return (double)f;
}

static double stored_key(const cache *c, uint32_t pos, uint32_t d)
{
    return stored(c, c->keys, pos, d, c->view.k_offset,
                  (size_t)d * PH_PAGE + pos % PH_PAGE);
}

static double stored_value(const cache *c, uint32_t pos, uint32_t d)
{
    return stored(c, c->values, pos, d, c->view.v_offset,
                  (size_t)(pos % PH_PAGE) * c->view.head_dim + d);
}

static void attend_exactly(const cache *c, const float *q, uint32_t first,
                           uint32_t last, double *out)
{
    uint32_t head_dim = c->view.head_dim;
    double *scores = malloc((last + 1) * sizeof *scores);
    double max = -HUGE_VAL, sum = 0;

    for (uint32_t j = first; j <= last; j++) {
        scores[j] = 0;
        for (uint32_t d = 0; d < head_dim; d++)
            scores[j] += (double)q[d] * stored_key(c, j, d);
        max = fmax(max, scores[j]);
    }
    for (uint32_t d = 0; d < head_dim; d++)
        out[d] = 0;
    for (uint32_t j = first; j <= last; j++) {
        double weight = exp(scores[j] - max);

        sum += weight;
        for (uint32_t d = 0; d < head_dim; d++)
            out[d] += weight * stored_value(c, j, d);
    }
    for (uint32_t d = 0; d < head_dim; d++)
        out[d] /= sum;
    free(scores);
}

static const uint32_t ranges[][2] = {
    {0, 0},       {0, 1},       {0, 62},      {0, 63},      {0, 64},
    {63, 63},     {63, 64},     {64, 64},     {5, 200},     {100, 101},
    {0, 1022},    {0, 1023},    {0, 1024},    {1023, 1024}, {1024, 1024},
    {1000, 1100}, {0, 2047},    {2048, 2048}, {700, 2999},  {953, 2999},
    {0, 2999},    {2047, 2112}, {1, 2998},
};
enum { N_RANGES = sizeof ranges / sizeof *ranges };

/* Scores of the usual size, about 1. The error is that of the scores, and of
 * weights exp(score): it grows with the square of their size. */
START_TEST(outputs_are_close_to_double_precision)
{
    enum { QUERIES = 16 };
    static const uint32_t dims[] = {1, 7, 32, 64, 96, 128, 160};
    int32_t format = PHIAL_CACHE_F32 + _i % 3;
    uint32_t head_dim = dims[_i / 3];
    uint64_t state = 10 + (uint64_t)_i;
    cache *c = new_cache(format, head_dim);
    float q[QUERIES * 160], out[QUERIES * 160];
    double want[QUERIES * 160], error;
    double limit = head_dim == 1 ? 1e-11 : 1e-12; /* nothing averages out */

    draw(c, &state);
    put_all(c, MAX_KEYS);
    for (int r = 0; r < N_RANGES; r++) {
        for (uint32_t d = 0; d < QUERIES * head_dim; d++)
            q[d] = random_normal(&state) / sqrtf((float)head_dim);
        attend_keys(&c->view, QUERIES, q, ranges[r][0], ranges[r][1], out);
        for (uint32_t i = 0; i < QUERIES; i++)
            attend_exactly(c, q + i * head_dim, ranges[r][0], ranges[r][1],
                           want + i * head_dim);
        error = error_of(out, want, QUERIES * head_dim);
        ck_assert_msg(error < limit, "head_dim %u keys %u..%u: NMSE %g",
                      head_dim, ranges[r][0], ranges[r][1], error);
    }
    free_cache(c);
}
END_TEST

START_TEST(one_key_gives_its_value)
{
    uint64_t state = 1;
    cache *c = new_cache(PHIAL_CACHE_F32, 32);
    float q[32], out[32];

    draw(c, &state);
    put(c, 1030);
    for (int d = 0; d < 32; d++)
        q[d] = random_normal(&state);
    attend_keys(&c->view, 1, q, 1030, 1030, out);
    check_same(out, c->values + 1030 * 32, 32);
    free_cache(c);
}
END_TEST

/* Only the range is looked at: other slots hold NaN here, finite numbers
 * there. Neither the order in which tokens were put matters. */
START_TEST(bits_do_not_depend_on_how_the_cache_was_filled)
{
    int32_t format = PHIAL_CACHE_F32 + _i;
    uint64_t state = 20;
    cache *full = new_cache(format, 48), *part = new_cache(format, 48);
    float q[48], a[48], b[48];

    draw(full, &state);
    memcpy(part->keys, full->keys, MAX_KEYS * 48 * sizeof(float));
    memcpy(part->values, full->values, MAX_KEYS * 48 * sizeof(float));
    put_all(full, MAX_KEYS);
    for (int r = 0; r < N_RANGES; r++) {
        for (int p = 0; p < MAX_PAGES; p++)
            memset(part->pages[p], 0xff, 3 * ph_cache_panel_bytes(format, 48));
        for (uint32_t pos = ranges[r][1] + 1; pos-- > ranges[r][0];)
            put(part, pos);
        for (int d = 0; d < 48; d++)
            q[d] = random_normal(&state);
        attend_keys(&full->view, 1, q, ranges[r][0], ranges[r][1], a);
        attend_keys(&part->view, 1, q, ranges[r][0], ranges[r][1], b);
        ck_assert(isfinite(a[0]));
        check_same(a, b, 48);
    }
    free_cache(full);
    free_cache(part);
}
END_TEST

START_TEST(bits_do_not_depend_on_the_other_heads_and_tokens)
{
    enum { HEADS = 9, DIM = 32, TOKENS = 70, FIRST = 1370 };
    enum { Q_STRIDE = HEADS * DIM + 8, OUT_STRIDE = HEADS * DIM + 3 };
    static const uint32_t windows[] = {0, 1, 33, 64, 200, 1024, 1300};
    uint64_t state = 30;
    cache *c = new_cache(PHIAL_CACHE_F32 + _i, DIM);
    float *q = malloc(TOKENS * Q_STRIDE * sizeof *q);
    float *out = malloc(TOKENS * OUT_STRIDE * sizeof *out);
    float one[DIM];

    draw(c, &state);
    put_all(c, FIRST + TOKENS);
    for (int i = 0; i < TOKENS * Q_STRIDE; i++)
        q[i] = random_normal(&state);
    for (int k = 0; k < 40; k++) {
        const ph_queries queries = {.n_tokens =
                                        1 + random_below(&state, TOKENS),
                                    .n_heads = 1 + random_below(&state, HEADS),
                                    .position = random_below(&state, FIRST),
                                    .window = windows[k % 7],
                                    .q = q,
                                    .q_stride = Q_STRIDE,
                                    .out = out,
                                    .out_stride = OUT_STRIDE};

        for (int i = 0; i < TOKENS * OUT_STRIDE; i++)
            out[i] = 777;
        kernels->attend(&c->view, &queries);
        for (uint32_t t = 0; t < TOKENS; t++) {
            const uint32_t last = queries.position + t;
            const uint32_t n = t < queries.n_tokens ? queries.n_heads : 0;

            for (uint32_t h = 0; h < n; h++) {
                attend_keys(&c->view, 1, q + t * Q_STRIDE + h * DIM,
                            ph_first_key(queries.window, last), last, one);
                check_same(out + t * OUT_STRIDE + h * DIM, one, DIM);
            }
            for (uint32_t d = n * DIM; d < OUT_STRIDE; d++)
                ck_assert(out[t * OUT_STRIDE + d] == 777);
        }
    }
    free(q);
    free(out);
    free_cache(c);
}
END_TEST

START_TEST(scores_far_apart_do_not_overflow)
{
    enum { DIM = 4 };
    cache *c = new_cache(PHIAL_CACHE_F32, DIM);
    float q[DIM] = {1, 0, 0, 0}, out[DIM];

    for (uint32_t pos = 0; pos < 2000; pos++) {
        float key[DIM] = {pos == 1500 ? 1e30f : -1e30f, 0, 0, 0};
        float value[DIM] = {(float)pos, 1, -1, 0};

        kernels->cache_put(&c->view, pos, key, value);
    }
    attend_keys(&c->view, 1, q, 0, 1999, out);
    ck_assert(out[0] == 1500 && out[1] == 1 && out[2] == -1 && out[3] == 0);
    free_cache(c);
}
END_TEST

START_TEST(a_nan_key_or_query_gives_nan_and_not_a_wrong_number)
{
    enum { DIM = 8 };
    uint64_t state = 40;
    cache *c = new_cache(PHIAL_CACHE_F32 + _i, DIM);
    float q[DIM], out[DIM];

    draw(c, &state);
    put_all(c, 1200);
    for (int d = 0; d < DIM; d++)
        q[d] = random_normal(&state);
    c->keys[700 * DIM + 3] = NAN;
    put(c, 700);
    attend_keys(&c->view, 1, q, 0, 1199, out);
    for (int d = 0; d < DIM; d++)
        ck_assert(isnan(out[d]));
    attend_keys(&c->view, 1, q, 701, 1199, out);
    for (int d = 0; d < DIM; d++)
        ck_assert(isfinite(out[d]));
    q[0] = NAN;
    attend_keys(&c->view, 1, q, 701, 1199, out);
    for (int d = 0; d < DIM; d++)
        ck_assert(isnan(out[d]));
    free_cache(c);
}
END_TEST

START_TEST(a_put_touches_its_own_slot_only)
{
    enum { DIM = 5 };
    cache *c = new_cache(PHIAL_CACHE_F16, DIM);
    uint16_t before[3 * 64 * DIM], *page = (uint16_t *)(void *)c->pages[1];
    float ones[DIM] = {1, 1, 1, 1, 1};
    size_t k = c->view.k_offset / 2, v = c->view.v_offset / 2;

    memcpy(before, page, sizeof before);
    kernels->cache_put(&c->view, 64 + 17, ones, ones);
    for (size_t i = 0; i < 3 * 64 * DIM; i++) {
        bool is_key = i >= k && i < k + 64 * DIM && (i - k) % 64 == 17;
        bool is_value = i >= v + 17 * DIM && i < v + 18 * DIM;

        ck_assert_uint_eq(page[i], is_key || is_value ? 0x3c00 : before[i]);
    }
    free_cache(c);
}
END_TEST

/* Codes are those of the rule for activations, over a whole head. */
START_TEST(eight_bits_have_one_scale_per_token)
{
    enum { DIM = 96 };
    uint64_t state = 50;
    cache *c = new_cache(PHIAL_CACHE_Q8, DIM);

    draw(c, &state);
    c->values[70 * DIM] = 1e-35f; /* and the rest of it */
    for (int d = 1; d < DIM; d++)
        c->values[70 * DIM + d] = 0;
    put_all(c, 128);
    for (uint32_t pos = 0; pos < 128; pos++) {
        const float *key = c->keys + pos * DIM;
        const uint8_t *panel = c->pages[pos / 64] + c->view.k_offset;
        float max = 0;

        for (int d = 0; d < DIM; d++)
            max = fmaxf(max, fabsf(key[d]));
        ck_assert(same_float(ph_cache_scales(panel, DIM)[pos % 64], max / 127));
        for (int d = 0; d < DIM; d++)
            ck_assert_int_eq(((const int8_t *)panel)[d * 64 + (int)pos % 64],
                             (int)rintf(key[d] * (127 / max)));
    }
    for (uint32_t d = 0; d < DIM; d++)
        ck_assert(stored_value(c, 70, d) == 0);
    free_cache(c);
}
END_TEST

TCase *attention_tests(void)
{
    TCase *tc = tcase_create("attention");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, outputs_are_close_to_double_precision, 0, 21);
    tcase_add_test(tc, one_key_gives_its_value);
    tcase_add_loop_test(tc, bits_do_not_depend_on_how_the_cache_was_filled, 0,
                        3);
    tcase_add_loop_test(tc, bits_do_not_depend_on_the_other_heads_and_tokens, 0,
                        3);
    tcase_add_test(tc, scores_far_apart_do_not_overflow);
    tcase_add_loop_test(tc, a_nan_key_or_query_gives_nan_and_not_a_wrong_number,
                        0, 3);
    tcase_add_test(tc, a_put_touches_its_own_slot_only);
    tcase_add_test(tc, eight_bits_have_one_scale_per_token);
    return tc;
}
