/* SPDX-License-Identifier: MIT
 * The matrix product and the quantisation of activations of the instruction
 * set under test, on random operands of many shapes, against the portable
 * kernels: bit for bit, and nothing written outside the outputs asked for. */
#include "kernels_testing.h"

enum {
    MAX_ROWS = 80,
    MAX_COLS = 4096, /* rows of codes whole pages apart */
    MAX_BATCH = 20,
    MAX_STRIDE = MAX_ROWS + 5,
    CASES = 700 /* of each type; times 15 types is more than 10 000 */
};

static const float untouched = 12345;

typedef struct shape {
    uint32_t rows, cols, n;
    uint32_t begin, end; /* of the rows asked for */
    size_t stride;
} shape;

/* Mostly small, now and then large, so that all of it takes seconds. */
static shape any_shape(uint64_t *state, ph_dtype type)
{
    const uint32_t unit = type_elems(type);
    const bool large = random_below(state, 8) == 0;
    const uint32_t most = (large ? 2560 : 768) / unit;
    shape s = {.rows = 1 + random_below(state, large ? MAX_ROWS : 40),
               .cols = unit * (1 + random_below(state, most)),
               .n = 1 + random_below(state, large ? MAX_BATCH : 7)};

    if (large && random_below(state, 20) == 0)
        s = (shape){.rows = 17, .cols = MAX_COLS, .n = s.n % 8 + 1};
    if (unit == 1 && random_below(state, 2)) /* odd lengths are rare in use */
        s.cols = (s.cols + 255) / 256 * 256;
    if (random_below(state, 2)) {
        s.end = s.rows;
    } else {
        s.begin = random_below(state, s.rows + 1);
        s.end = s.begin + random_below(state, s.rows - s.begin + 1);
    }
    s.stride = s.rows + random_below(state, MAX_STRIDE - MAX_ROWS + 1);
    return s;
}

/* The rows of a matrix: scales of any size, or any bits at all. */
static void fill_rows(uint64_t *state, ph_dtype type, uint8_t *dst, size_t n)
{
    static const float sizes[] = {0.05f, 1, 1e-7f, 3e4f};
    const uint32_t choice = random_below(state, 10);

    if (choice == 0)
        any_blocks(state, type, dst, n);
    else
        random_blocks(state, type, dst, n, sizes[choice < 7 ? 0 : choice - 6]);
    if (random_below(state, 16) == 0) /* the largest codes and scales */
        memset(dst, random_below(state, 2) ? 0xff : 0x80,
               n / type_elems(type) * type_bytes(type) / 2);
}

static float any_activation(uint64_t *state, uint32_t kind)
{
    const float x = random_normal(state);

    switch (kind) {
    case 0:
        return x < 0 ? -3 : 3; /* codes of +-127 */
    case 1:
        return -1;
    case 2:
        return x * 1e37f; /* products that overflow */
    case 3:
        return x * 1e-30f; /* around the smallest scale */
    case 4:
        return random_below(state, 400) ? x : x < 0 ? -INFINITY : NAN;
    default:
        return random_below(state, 50) ? x : x * 40;
    }
}

static ph_matrix packed_matrix(const ph_matrix *w, uint8_t *panels)
{
    ph_matrix packed = *w;

    packed.panel_bytes = ph_panel_bytes(w->type, w->cols);
    packed.data = panels;
    for (uint32_t row = 0; row < w->rows; row += PH_PANEL_ROWS)
        ph_pack_panel(
            w->type, w->data + row * w->row_bytes, w->row_bytes,
            w->rows - row < PH_PANEL_ROWS ? w->rows - row : PH_PANEL_ROWS,
            w->cols, panels + row / PH_PANEL_ROWS * packed.panel_bytes);
    return packed;
}

/* Quantises with the kernels under test, and checks them. */
static void quantize_both(const ph_acts *acts)
{
    const size_t n = (size_t)acts->n * acts->cols / PH_ACT_BLOCK;
    ph_acts want = new_acts(acts->x, acts->n, acts->cols);

    quantize_all(ph_kernels_get(PHIAL_ISA_PORTABLE), &want);
    quantize_all(kernels, acts);
    for (size_t b = 0; b < n; b++) {
        const ph_act_block *x = &acts->blocks[b], *y = &want.blocks[b];

        ck_assert(!memcmp(x->codes, y->codes, sizeof x->codes));
        ck_assert(!memcmp(x->sums, y->sums, sizeof x->sums));
        ck_assert(same_float(x->scale, y->scale));
        ck_assert(same_float(x->wsum, y->wsum));
    }
    drop_acts(&want);
}

static void check_case(const ph_matrix *file, const ph_matrix *packed,
                       const ph_acts *acts, const shape *s)
{
    static float got[MAX_BATCH * MAX_STRIDE], want[MAX_BATCH * MAX_STRIDE];

    for (size_t i = 0; i < s->n * s->stride; i++)
        got[i] = want[i] = untouched;
    ph_kernels_get(PHIAL_ISA_PORTABLE)
        ->matmul(file, acts, s->begin, s->end, want, s->stride);
    kernels->matmul(packed, acts, s->begin, s->end, got, s->stride);
    for (size_t i = 0; i < s->n * s->stride; i++)
        ck_assert_msg(same_float(got[i], want[i]),
                      "%s %ux%u rows %u to %u, %u activations: row %zu of %zu "
                      "is %a, not %a",
                      ph_dtype_get(file->type)->name, s->rows, s->cols,
                      s->begin, s->end, s->n, i % s->stride, i / s->stride,
                      (double)got[i], (double)want[i]);
}

START_TEST(packed_weights_give_the_bits_of_the_portable_kernels)
{
    const ph_dtype type = all_types[_i];
    uint8_t *data = malloc(MAX_ROWS * MAX_COLS * sizeof(float));
    uint8_t *panels = aligned_alloc(64, MAX_ROWS / PH_PANEL_ROWS *
                                            ph_panel_bytes(type, MAX_COLS));
    float *x = malloc(MAX_BATCH * MAX_COLS * sizeof *x);
    uint64_t state = 5000 + (uint64_t)_i;

    for (int i = 0; i < CASES; i++) {
        const shape s = any_shape(&state, type);
        const uint32_t kind = random_below(&state, 12);
        ph_matrix file = {type, s.rows, s.cols, 0, 0, data};
        ph_acts acts = new_acts(x, s.n, s.cols);
        ph_matrix packed;

        file.row_bytes = s.cols / type_elems(type) * type_bytes(type);
        fill_rows(&state, type, data, (size_t)s.rows * s.cols);
        for (size_t k = 0; k < (size_t)s.n * s.cols; k++)
            x[k] = any_activation(&state, kind);
        if (ph_dtype_is_quantized(type))
            quantize_both(&acts);
        packed = packed_matrix(&file, panels);
        check_case(&file, &packed, &acts, &s);
        drop_acts(&acts);
    }
    free(data);
    free(panels);
    free(x);
}
END_TEST

TCase *matmul_tiers_tests(void)
{
    TCase *tc = tcase_create("matmul of all instruction sets");

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(
        tc, packed_weights_give_the_bits_of_the_portable_kernels, 0, N_TYPES);
    return tc;
}
