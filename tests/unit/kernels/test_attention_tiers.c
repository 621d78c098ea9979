/* SPDX-License-Identifier: MIT
 * Attention, and storing keys and values, of the instruction set under test
 * against the portable kernels: bit for bit on random queries and caches, with
 * what cannot be summed up among them, and nothing written outside the outputs
 * asked for. */
#include "kernels_testing.h"

enum {
    CASES = 1000, /* times 10 seeds and 3 formats */
    MAX_TOKENS = 70,
    MAX_HEADS = 9,
    MAX_DIM = 160,
    MAX_STRIDE = MAX_HEADS * MAX_DIM + 7,
    N_PAGES = 2 * PH_UNIT / PH_PAGE + 3,
    PANEL = PH_PAGE * MAX_DIM,
    PAGE_ELEMENTS = 2 * (PANEL + PH_PAGE * sizeof(float)), /* with scales */
    MOST_WORK = 20000 /* products of a case; of one in 32, 16 times as many */
};

static const float untouched = 12345;

/* Pages of one size for all head sizes, the elements in any format. */
typedef struct memory {
    uint8_t *pages[N_PAGES];
    float q[MAX_TOKENS * MAX_STRIDE];
    float want[MAX_TOKENS * MAX_STRIDE];
    float got[MAX_TOKENS * MAX_STRIDE];
} memory;

static void set_element(const ph_cache_view *view, uint32_t page, size_t i,
                        float x)
{
    if (view->format == PHIAL_CACHE_Q8)
        ((int8_t *)view->pages[page])[i] = (int8_t)(x * 36);
    else if (view->format == PHIAL_CACHE_F16)
        ((uint16_t *)(void *)view->pages[page])[i] = ph_f32_to_f16(x);
    else
        ((float *)(void *)view->pages[page])[i] = x;
}

static memory *new_memory(uint64_t *state, int32_t format)
{
    memory *m = malloc(sizeof *m);
    const ph_cache_view view = {.format = format, .pages = m->pages};

    for (uint32_t p = 0; p < N_PAGES; p++) {
        m->pages[p] = malloc(PAGE_ELEMENTS * sizeof(float));
        for (size_t i = 0; i < PAGE_ELEMENTS; i++)
            set_element(&view, p, i, random_normal(state));
    }
    return m;
}

static void free_memory(memory *m)
{
    for (uint32_t p = 0; p < N_PAGES; p++)
        free(m->pages[p]);
    free(m);
}

/* The scales of a Q8 cache, for its codes to be about normal. */
static void draw_scales(uint64_t *state, const ph_cache_view *view)
{
    if (view->format != PHIAL_CACHE_Q8)
        return;
    for (uint32_t p = 0; p < N_PAGES; p++)
        for (uint32_t j = 0; j < PH_PAGE; j++) {
            uint8_t *page = view->pages[p];

            ph_cache_scales(page, view->head_dim)[j] =
                random_normal(state) / 36;
            ph_cache_scales(page + view->v_offset, view->head_dim)[j] =
                random_normal(state) / 36;
        }
}

/* Something unusual: an element, or a scale. */
static void spoil_one(uint64_t *state, const ph_cache_view *view, uint32_t page)
{
    static const float values[] = {INFINITY, -INFINITY, NAN,
                                   60000,    -60000,    -0.0f};
    const float x = values[random_below(state, 6)];
    uint8_t *panel =
        view->pages[page] + (random_below(state, 2) ? view->v_offset : 0);

    if (view->format == PHIAL_CACHE_Q8)
        ph_cache_scales(panel, view->head_dim)[random_below(state, PH_PAGE)] =
            x;
    else
        set_element(view, page,
                    random_below(state, 2 * PH_PAGE * view->head_dim), x);
}

/* Now and then something large, infinite or NaN, anywhere in the pages: seen
 * by all, some or none of the queries. */
static void spoil(uint64_t *state, const ph_cache_view *view,
                  const ph_queries *queries)
{
    const uint32_t last = queries->position + queries->n_tokens - 1;
    const uint32_t first = ph_first_key(queries->window, queries->position);
    const uint32_t n = random_below(state, 4);

    for (uint32_t i = 0; i < n; i++) {
        const uint32_t p =
            first / PH_PAGE +
            random_below(state, last / PH_PAGE - first / PH_PAGE + 1);

        spoil_one(state, view, p);
    }
}

/* The positions around the edges of pages and units more often than others. */
static uint32_t any_position(uint64_t *state)
{
    static const uint32_t edges[] = {0, 0, 64, 128, 960, 1024, 1088, 2048};
    const uint32_t edge = edges[random_below(state, 8)];
    const uint32_t before = random_below(state, 2) ? random_below(state, 70)
                                                   : random_below(state, 4);

    return edge > before ? edge - before : edge + before;
}

static ph_queries any_queries(uint64_t *state, ph_cache_view *view)
{
    static const uint32_t windows[] = {0, 0, 1, 2, 17, 63, 64, 65, 200, 1100};
    ph_queries queries = {.n_tokens = 1 + random_below(state, MAX_TOKENS),
                          .n_heads = 1 + random_below(state, MAX_HEADS),
                          .position = any_position(state),
                          .window = windows[random_below(state, 10)]};
    const uint64_t most = random_below(state, 32) ? MOST_WORK : 16 * MOST_WORK;
    uint32_t keys = queries.position + queries.n_tokens;

    if (queries.window && queries.window < keys)
        keys = queries.window;
    view->head_dim = random_below(state, 3)
                         ? 1 + random_below(state, MAX_DIM)
                         : 16 * (1 + random_below(state, MAX_DIM / 16));
    while ((uint64_t)keys * queries.n_tokens * queries.n_heads *
               view->head_dim >
           most) {
        uint32_t *const parts[] = {&queries.n_tokens, &queries.n_heads,
                                   &view->head_dim};
        uint32_t *part = parts[random_below(state, 3)];

        *part = (*part + 1) / 2;
    }
    return queries;
}

static void check_case(uint64_t *state, memory *m, int32_t format,
                       const ph_kernels *portable)
{
    static const float sizes[] = {0.1f, 0.3f, 1, 1, 30, 1e20f, 1e38f};
    const float size = sizes[random_below(state, 7)];
    ph_cache_view view = {.format = format, .pages = m->pages};
    ph_queries queries = any_queries(state, &view);
    const size_t n = (size_t)queries.n_heads * view.head_dim;

    view.v_offset = ph_cache_panel_bytes(format, view.head_dim);
    queries.q = m->q;
    queries.q_stride = n + random_below(state, 8);
    queries.out_stride = n + random_below(state, 8);
    for (size_t i = 0; i < queries.n_tokens * queries.q_stride; i++)
        m->q[i] = random_normal(state) * size;
    if (random_below(state, 40) == 0)
        m->q[random_below(state, (uint32_t)n)] = NAN;
    draw_scales(state, &view);
    spoil(state, &view, &queries);
    for (size_t i = 0; i < queries.n_tokens * queries.out_stride; i++)
        m->want[i] = m->got[i] = untouched;
    queries.out = m->want;
    portable->attend(&view, &queries);
    queries.out = m->got;
    kernels->attend(&view, &queries);
    for (size_t i = 0; i < queries.n_tokens * queries.out_stride; i++)
        if (!same_float(m->got[i], m->want[i]))
            ck_abort_msg("%u tokens at %u, %u heads of %u, window %u, token "
                         "%zu element %zu: %a, not %a",
                         queries.n_tokens, queries.position, queries.n_heads,
                         view.head_dim, queries.window, i / queries.out_stride,
                         i % queries.out_stride, (double)m->got[i],
                         (double)m->want[i]);
}

START_TEST(attention_has_the_bits_of_the_portable_kernel)
{
    const int32_t format = PHIAL_CACHE_F32 + _i % 3;
    const ph_kernels *portable = ph_kernels_get(PHIAL_ISA_PORTABLE);
    uint64_t state = 700 + (uint64_t)_i;
    memory *m = new_memory(&state, format);

    for (int i = 0; i < CASES; i++)
        check_case(&state, m, format, portable);
    free_memory(m);
}
END_TEST

/* Any bits at all, or what lies half-way between two halves or next to that:
 * normal, subnormal, or at the end of their range. */
static float any_float(uint64_t *state)
{
    const uint32_t half = (uint32_t)random_bits(state) & 0xffff;
    const uint32_t offset = 0xfff + random_below(state, 3);
    uint32_t bits = (uint32_t)random_bits(state);
    float f;

    if (random_below(state, 4))
        bits = float_bits(ph_f16_to_f32((uint16_t)half)) + offset;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static float element_of(const ph_cache_view *view, size_t i)
{
    const void *page = view->pages[1];

    return view->format == PHIAL_CACHE_F16
               ? ph_f16_to_f32(((const uint16_t *)page)[i])
               : ((const float *)page)[i];
}

START_TEST(a_put_stores_the_bits_of_the_portable_kernel)
{
    static float want[2 * PANEL], got[2 * PANEL];
    const ph_kernels *portable = ph_kernels_get(PHIAL_ISA_PORTABLE);
    float key[MAX_DIM], value[MAX_DIM];
    uint8_t *pages[2] = {NULL, NULL};
    ph_cache_view view = {.format = PHIAL_CACHE_F32 + _i, .pages = pages};
    uint64_t state = 800 + (uint64_t)_i;

    for (int i = 0; i < 2000; i++) {
        const uint32_t pos = PH_PAGE + random_below(&state, PH_PAGE);

        view.head_dim = 1 + random_below(&state, MAX_DIM);
        view.v_offset = ph_cache_panel_bytes(view.format, view.head_dim);
        for (uint32_t d = 0; d < view.head_dim; d++) {
            key[d] = any_float(&state);
            value[d] = any_float(&state);
        }
        pages[1] = (uint8_t *)want;
        portable->cache_put(&view, pos, key, value);
        pages[1] = (uint8_t *)got;
        kernels->cache_put(&view, pos, key, value);
        if (view.format == PHIAL_CACHE_Q8) {
            ck_assert_mem_eq(got, want, 2 * view.v_offset);
            continue;
        }
        for (size_t k = 0; k < 2 * PH_PAGE * (size_t)view.head_dim; k++) {
            float a, b;

            pages[1] = (uint8_t *)want;
            a = element_of(&view, k);
            pages[1] = (uint8_t *)got;
            b = element_of(&view, k);
            if (!same_float(a, b))
                ck_abort_msg("head_dim %u, position %u, element %zu: %a, not "
                             "%a",
                             view.head_dim, pos, k, (double)b, (double)a);
        }
    }
}
END_TEST

TCase *attention_tiers_tests(void)
{
    TCase *tc = tcase_create("attention_tiers");

    tcase_set_timeout(tc, 120);
    if (kernels == ph_kernels_get(PHIAL_ISA_PORTABLE))
        return tc;
    tcase_add_loop_test(tc, attention_has_the_bits_of_the_portable_kernel, 0,
                        30);
    tcase_add_loop_test(tc, a_put_stores_the_bits_of_the_portable_kernel, 0, 3);
    return tc;
}
