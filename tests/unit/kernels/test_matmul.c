/* SPDX-License-Identifier: MIT
 * The matrix product: against its own rule computed with the C library's fmaf
 * one output at a time (bit for bit), and against double precision. */
#include "kernels_testing.h"

enum { MAX_N = 9 };

typedef struct operands {
    ph_matrix weights; /* as in a file */
    ph_matrix packed;  /* the same, packed */
    ph_acts acts;
    uint8_t *data;
    uint8_t *panels;
    float *x;
} operands;

/* The weights a second time, packed. */
static void pack(operands *o)
{
    const ph_matrix *w = &o->weights;
    const size_t bytes = ph_panel_bytes(w->type, w->cols);

    o->panels = aligned_alloc(64, (w->rows + 15) / 16 * bytes);
    for (uint32_t row = 0; row < w->rows; row += 16)
        ph_pack_panel(w->type, w->data + row * w->row_bytes, w->row_bytes,
                      w->rows - row < 16 ? w->rows - row : 16, w->cols,
                      o->panels + row / 16 * bytes);
    o->packed = *w;
    o->packed.panel_bytes = bytes;
    o->packed.data = o->panels;
}

/* Row r of the weights starts pad bytes after the end of row r - 1. */
static operands make(uint64_t *state, ph_dtype type, uint32_t rows,
                     uint32_t cols, uint32_t n, size_t pad)
{
    size_t row_bytes = cols / type_elems(type) * type_bytes(type) + pad;
    operands o = {.data = malloc(rows * row_bytes),
                  .x = malloc((size_t)n * cols * sizeof(float))};

    for (uint32_t r = 0; r < rows; r++)
        random_blocks(state, type, o.data + r * row_bytes, cols, 0.05f);
    for (size_t i = 0; i < (size_t)n * cols; i++)
        o.x[i] = random_normal(state) * (random_below(state, 50) ? 1 : 40);
    o.weights = (ph_matrix){type, rows, cols, row_bytes, 0, o.data};
    o.acts = new_acts(o.x, n, cols);
    if (ph_dtype_is_quantized(type))
        quantize_all(kernels, &o.acts);
    pack(&o);
    return o;
}

static void drop(operands *o)
{
    free(o->data);
    free(o->panels);
    free(o->x);
    drop_acts(&o->acts);
}

static bool has_halves(ph_dtype type)
{
    return type == PH_Q2_K || type == PH_Q3_K || type == PH_Q6_K;
}

/* One output of quantised weights, as doc/numerics.md says. */
static float quantized_rule(const operands *o, uint32_t r, uint32_t t)
{
    ph_dtype type = o->weights.type;
    const uint8_t *row = o->data + r * o->weights.row_bytes;
    uint32_t cols = o->weights.cols, elems = type_elems(type);
    float acc = 0;

    for (uint32_t b = 0; b < cols / 32; b++) {
        int64_t isum = 0, msum = 0;
        const ph_act_block *block = &o->acts.blocks[t * (cols / 32) + b];
        float dx = block->scale;
        float w;
        element e = {0};

        for (uint32_t k = 32 * b; k < 32 * b + 32; k++) {
            int x = block->codes[k % 32];

            e = read_element(type, row + k / elems * type_bytes(type),
                             k % elems);
            isum += (int64_t)(has_halves(type) ? e.scale : 1) * e.code * x;
            msum += (int64_t)(has_halves(type) ? e.min : 1) * x;
        }
        ck_assert(isum > -(1 << 24) && isum < 1 << 24);
        ck_assert(msum > -(1 << 24) && msum < 1 << 24);
        w = has_halves(type) ? e.d : e.d * (float)e.scale;
        acc = fmaf(w * dx, (float)isum, acc);
        if (e.has_min && has_halves(type))
            acc = fmaf(-(e.dmin * dx), (float)msum, acc);
        else if (e.has_min)
            acc = fmaf(-(e.dmin * (float)e.min), dx * (float)msum, acc);
    }
    return acc;
}

static float float_rule(const operands *o, uint32_t r, uint32_t t)
{
    uint32_t cols = o->weights.cols;
    float *w = malloc(cols * sizeof *w);
    float total = 0;

    ph_dequantize(o->weights.type, o->data + r * o->weights.row_bytes, w, cols);
    for (uint32_t k0 = 0; k0 < cols; k0 += 256) {
        float sum = 0;

        for (uint32_t k = k0; k < cols && k < k0 + 256; k++)
            sum = fmaf(w[k], o->x[(size_t)t * cols + k], sum);
        total += sum;
    }
    free(w);
    return total;
}

/* The same operands, activations quantised where the kernel quantises them. */
static double exact(const operands *o, uint32_t r, uint32_t t)
{
    ph_dtype type = o->weights.type;
    const uint8_t *row = o->data + r * o->weights.row_bytes;
    uint32_t cols = o->weights.cols;
    double sum = 0;
    float w;

    for (uint32_t k = 0; k < cols; k++) {
        size_t at = (size_t)t * cols + k;

        if (ph_dtype_is_quantized(type)) {
            element e = read_element(
                type, row + k / type_elems(type) * type_bytes(type),
                k % type_elems(type));

            sum += ((double)e.d * e.scale * e.code - (double)e.dmin * e.min) *
                   o->acts.blocks[at / 32].scale *
                   o->acts.blocks[at / 32].codes[at % 32];
        } else {
            ph_dequantize(type, row + k * type_bytes(type), &w, 1);
            sum += (double)w * o->x[at];
        }
    }
    return sum;
}

START_TEST(every_type_follows_the_rule_bit_for_bit)
{
    static const uint32_t shapes[][2] = {
        {1, 256},  {2, 512},  {15, 256}, {16, 768}, {17, 1024},
        {40, 512}, {3, 32},   {5, 288},  {16, 96},  {1, 1},
        {7, 5},    {18, 255}, {2, 257},  {16, 513},
    };
    ph_dtype type = all_types[_i];
    uint64_t state = 7 + (uint64_t)_i;

    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (uint32_t n = 1; n <= 3; n++) {
            uint32_t rows = shapes[s][0], cols = shapes[s][1];
            operands o;
            float y[3 * 40];

            if (cols % type_elems(type))
                continue;
            o = make(&state, type, rows, cols, n, s % 3);
            kernels->matmul((s + n) % 2 ? &o.weights : &o.packed, &o.acts, 0,
                            rows, y, rows);
            for (uint32_t t = 0; t < n; t++)
                for (uint32_t r = 0; r < rows; r++) {
                    float want = ph_dtype_is_quantized(type)
                                     ? quantized_rule(&o, r, t)
                                     : float_rule(&o, r, t);

                    ck_assert_msg(same_float(y[t * rows + r], want),
                                  "%s %ux%u row %u: %a, not %a",
                                  ph_dtype_get(type)->name, rows, cols, r,
                                  (double)y[t * rows + r], (double)want);
                }
            drop(&o);
        }
}
END_TEST

START_TEST(the_error_to_double_precision_is_that_of_float_sums)
{
    enum { ROWS = 64, COLS = 3072, BATCH = 2 };
    ph_dtype type = all_types[_i];
    uint64_t state = 1000 + (uint64_t)_i;
    operands o = make(&state, type, ROWS, COLS, BATCH, 0);
    float y[BATCH * ROWS];
    double want[BATCH * ROWS], error;

    kernels->matmul(&o.weights, &o.acts, 0, ROWS, y, ROWS);
    for (uint32_t t = 0; t < BATCH; t++)
        for (uint32_t r = 0; r < ROWS; r++)
            want[t * ROWS + r] = exact(&o, r, t);
    error = error_of(y, want, BATCH * ROWS);
    ck_assert_msg(error <= 1e-12, "%s: NMSE %g", ph_dtype_get(type)->name,
                  error);
    drop(&o);
}
END_TEST

/* Whatever else is computed in the same call, and whatever lies around y. */
START_TEST(an_output_depends_on_its_own_row_and_activations_only)
{
    enum { ROWS = 37, COLS = 768, STRIDE = 41 };
    ph_dtype type = all_types[_i];
    uint64_t state = 2000 + (uint64_t)_i;
    operands o = make(&state, type, ROWS, COLS, MAX_N, 0);
    float whole[MAX_N * STRIDE], y[MAX_N * STRIDE];

    for (uint32_t t = 0; t < MAX_N; t++) {
        ph_acts one = row_of_acts(&o.acts, t);

        for (uint32_t r = 0; r < ROWS; r++)
            kernels->matmul(&o.weights, &one, r, r + 1, whole + t * STRIDE,
                            STRIDE);
    }
    for (uint32_t n = 1; n <= MAX_N; n++) {
        uint32_t cut = random_below(&state, ROWS + 1);

        for (int i = 0; i < MAX_N * STRIDE; i++)
            y[i] = 12345;
        o.acts.n = n;
        kernels->matmul(&o.packed, &o.acts, 0, cut, y, STRIDE);
        kernels->matmul(&o.weights, &o.acts, cut, ROWS, y, STRIDE);
        for (uint32_t t = 0; t < MAX_N; t++) {
            if (t < n)
                check_same(y + t * STRIDE, whole + t * STRIDE, ROWS);
            for (uint32_t r = t < n ? ROWS : 0; r < STRIDE; r++)
                ck_assert(y[t * STRIDE + r] == 12345);
        }
    }
    drop(&o);
}
END_TEST

/* The largest integer sums there can be: exact in float, so y is too. */
START_TEST(extreme_codes_do_not_overflow)
{
    static const struct {
        ph_dtype type;
        uint8_t fill;
    } cases[] = {{PH_Q6_K, 0x00}, {PH_Q3_K, 0x00},   {PH_Q2_K, 0xff},
                 {PH_Q8_0, 0x80}, {PH_IQ4_XS, 0x00}, {PH_Q5_K, 0xff}};
    ph_dtype type = cases[_i].type;
    uint8_t block[8 * 34];
    float y[2];
    operands o;

    memset(block, cases[_i].fill, sizeof block);
    if (type == PH_Q6_K) {
        memset(block + 192, 0x80, 16);
        block[208] = 0x00, block[209] = 0x3c; /* 1 */
    } else if (type == PH_Q3_K) {
        block[108] = 0x00, block[109] = 0x3c;
    } else if (type == PH_Q2_K) {
        block[80] = block[82] = 0x00, block[81] = block[83] = 0x3c;
    } else if (type == PH_Q8_0) {
        for (int b = 0; b < 8; b++)
            block[34 * b] = 0x00, block[34 * b + 1] = 0x3c;
    } else {
        block[0] = 0x00, block[1] = 0x3c;
        if (type == PH_Q5_K)
            block[2] = 0x00, block[3] = 0x3c;
    }
    o.data = block;
    o.weights = (ph_matrix){type, 1, 256, sizeof block, 0, block};
    o.acts = new_acts(NULL, 1, 256);
    for (int b = 0; b < 8; b++) {
        o.acts.blocks[b] = (ph_act_block){
            .scale = 1, .wsum = -32 * 127, .sums = {-16 * 127, -16 * 127}};
        memset(o.acts.blocks[b].codes, -127, 32);
    }
    pack(&o);
    kernels->matmul(&o.weights, &o.acts, 0, 1, &y[0], 1);
    kernels->matmul(&o.packed, &o.acts, 0, 1, &y[1], 1);
    for (int i = 0; i < 2; i++) {
        ck_assert(same_float(y[i], quantized_rule(&o, 0, 0)));
        ck_assert(fabs(y[i] - exact(&o, 0, 0)) <= 8 * 8);
    }
    drop_acts(&o.acts);
    free(o.panels);
}
END_TEST

START_TEST(blocks_of_any_bits_give_what_the_rule_says)
{
    ph_dtype type = all_types[_i];
    uint64_t state = 3000 + (uint64_t)_i;
    operands o = make(&state, type, 33, 512, 2, 0);
    float y[2 * 33];

    for (int repeat = 0; repeat < 20; repeat++) {
        any_blocks(&state, type, o.data, 33 * 512);
        free(o.panels);
        pack(&o);
        kernels->matmul(repeat % 2 ? &o.packed : &o.weights, &o.acts, 0, 33, y,
                        33);
        for (uint32_t i = 0; i < 66; i++)
            ck_assert(same_float(y[i], quantized_rule(&o, i % 33, i / 33)));
    }
    drop(&o);
}
END_TEST

START_TEST(a_nan_activation_reaches_its_own_outputs_only)
{
    ph_dtype type = all_types[_i];
    uint64_t state = 4000 + (uint64_t)_i;
    operands o = make(&state, type, 20, 256, 3, 0);
    float y[3 * 20];

    o.x[256 + 77] = _i % 2 ? NAN : -INFINITY;
    quantize_all(kernels, &o.acts);
    for (int packed = 0; packed < 2; packed++) {
        kernels->matmul(packed ? &o.packed : &o.weights, &o.acts, 0, 20, y, 20);
        for (int i = 0; i < 60; i++)
            ck_assert_int_eq(isfinite(y[i]) != 0, i / 20 != 1);
    }
    drop(&o);
}
END_TEST

TCase *matmul_tests(void)
{
    TCase *tc = tcase_create("matmul");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, every_type_follows_the_rule_bit_for_bit, 0,
                        N_TYPES);
    tcase_add_loop_test(tc, the_error_to_double_precision_is_that_of_float_sums,
                        0, N_TYPES);
    tcase_add_loop_test(
        tc, an_output_depends_on_its_own_row_and_activations_only, 0, N_TYPES);
    tcase_add_loop_test(tc, extreme_codes_do_not_overflow, 0, 6);
    tcase_add_loop_test(tc, blocks_of_any_bits_give_what_the_rule_says, 0,
                        N_BLOCK_TYPES);
    tcase_add_loop_test(tc, a_nan_activation_reaches_its_own_outputs_only, 0,
                        N_TYPES);
    return tc;
}
