/* SPDX-License-Identifier: MIT
 * Packed F32, F16 and BF16 weights times float activations: tiles of 16 rows x
 * 1 to 6 tokens. Every output has one chain of fused multiply-adds in each
 * span of PH_SPAN columns; the spans' sums are added up in y. */
#include "kernels/codes_avx2.h"

enum {
    MAX_TOKENS = 6,
    MAX_CHAINS = 2 * MAX_TOKENS,
    GROUP = 48 /* tokens, whose activations stay in the cache */
};

typedef enum float_format { FLOAT_32, FLOAT_16, BFLOAT_16 } float_format;

/* A panel's columns from some column on, and where its sums go. */
typedef struct float_tile {
    const uint8_t *weights;
    uint32_t n; /* columns */
    const float *x;
    size_t cols; /* floats from token to token of x */
    float *y;
    size_t y_stride;
    bool start; /* y is not yet set */
} float_tile;

/* Rows 8 h .. 8 h + 7 of column k. */
PH_INLINE __m256 read_floats(const float_format format, const uint8_t *weights,
                             size_t k, int h)
{
    __m128i half;

    if (format == FLOAT_32)
        return _mm256_loadu_ps((const float *)weights + 16 * k + 8 * h);
    half = _mm_loadu_si128((const __m128i *)(weights + 32 * k + 16 * h));
    if (format == FLOAT_16)
        return _mm256_cvtph_ps(half);
    return _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

PH_INLINE void float_span(const float_format format, const int tokens,
                          const float_tile *t)
{
    __m256 s[MAX_CHAINS];

#pragma GCC unroll 12
    for (int j = 0; j < 2 * tokens; j++)
        s[j] = _mm256_setzero_ps();
    for (size_t k = 0; k < t->n; k++) {
        const __m256 w0 = read_floats(format, t->weights, k, 0);
        const __m256 w1 = read_floats(format, t->weights, k, 1);

#pragma GCC unroll 6
        for (int i = 0; i < tokens; i++) {
            const __m256 x = _mm256_set1_ps(t->x[(size_t)i * t->cols + k]);

            s[2 * i] = _mm256_fmadd_ps(w0, x, s[2 * i]);
            s[2 * i + 1] = _mm256_fmadd_ps(w1, x, s[2 * i + 1]);
        }
    }
#pragma GCC unroll 12
    for (int j = 0; j < 2 * tokens; j++) {
        float *y = t->y + (size_t)(j / 2) * t->y_stride + 8 * (j % 2);
        const __m256 before =
            t->start ? _mm256_setzero_ps() : _mm256_loadu_ps(y);

        _mm256_storeu_ps(y, _mm256_add_ps(before, s[j]));
    }
}

#define SPAN(name, format, tokens)                                             \
    static void name##_x##tokens(const float_tile *t)                          \
    {                                                                          \
        float_span(format, tokens, t);                                         \
    }
#define SPANS(name, format)                                                    \
    SPAN(name, format, 1)                                                      \
    SPAN(name, format, 2)                                                      \
    SPAN(name, format, 3)                                                      \
    SPAN(name, format, 4)                                                      \
    SPAN(name, format, 6)

SPANS(float_32, FLOAT_32)
SPANS(float_16, FLOAT_16)
SPANS(bfloat_16, BFLOAT_16)

typedef void (*span_fn)(const float_tile *t);

#define NAMES(name)                                                            \
    {                                                                          \
        NULL, name##_x1, name##_x2, name##_x3, name##_x4, NULL, name##_x6      \
    }

static const span_fn span_fns[][MAX_TOKENS + 1] = {
    [FLOAT_32] = NAMES(float_32),
    [FLOAT_16] = NAMES(float_16),
    [BFLOAT_16] = NAMES(bfloat_16),
};

/* The span of t times all tokens, of which only the panel's rows first ..
 * first + n_rows - 1 are wanted. */
static void multiply_tokens(const span_fn *fns, float_tile t, uint32_t n_tokens,
                            uint32_t first, uint32_t n_rows)
{
    float all[MAX_TOKENS][PH_PANEL_ROWS];
    const size_t bytes = n_rows * sizeof(float);

    for (uint32_t n; n_tokens > 0; n_tokens -= n) {
        float *const y = t.y;
        const size_t y_stride = t.y_stride;

        n = n_tokens < MAX_TOKENS ? n_tokens : MAX_TOKENS;
        n = fns[n] ? n : n - 1;
        if (n_rows == PH_PANEL_ROWS) {
            fns[n](&t);
        } else {
            memset(all, 0, sizeof all);
            for (uint32_t i = 0; i < n && !t.start; i++)
                memcpy(all[i] + first, y + i * y_stride, bytes);
            t.y = all[0];
            t.y_stride = PH_PANEL_ROWS;
            fns[n](&t);
            for (uint32_t i = 0; i < n; i++)
                memcpy(y + i * y_stride, all[i] + first, bytes);
            t.y_stride = y_stride;
        }
        t.y = y + n * y_stride;
        t.x += n * t.cols;
    }
}

/* Tokens from .. to - 1. */
static void multiply_group(const ph_matrix *weights, const ph_acts *acts,
                           uint32_t begin, uint32_t end, uint32_t from,
                           uint32_t to, float *y, size_t y_stride)
{
    const span_fn *fns = span_fns[weights->type == PH_F32   ? FLOAT_32
                                  : weights->type == PH_F16 ? FLOAT_16
                                                            : BFLOAT_16];
    const size_t column = PH_PANEL_ROWS * (weights->type == PH_F32 ? 4 : 2);
    const uint32_t cols = weights->cols;
    uint32_t n;

    for (uint32_t row = begin; row < end; row += n) {
        const uint32_t first = row % PH_PANEL_ROWS;
        const uint32_t rest = PH_PANEL_ROWS - first;
        const uint8_t *panel_data =
            weights->data + row / PH_PANEL_ROWS * weights->panel_bytes;

        n = end - row < rest ? end - row : rest;
        for (uint32_t k = 0; k < cols; k += PH_SPAN) {
            const float_tile t = {panel_data + k * column,
                                  cols - k < PH_SPAN ? cols - k : PH_SPAN,
                                  acts->x + (size_t)from * cols + k,
                                  cols,
                                  y + from * y_stride + row,
                                  y_stride,
                                  k == 0};

            multiply_tokens(fns, t, to - from, first, n);
        }
    }
}

void ph_matmul_float_avx2(const ph_matrix *weights, const ph_acts *acts,
                          uint32_t begin, uint32_t end, float *y,
                          size_t y_stride)
{
    for (uint32_t t = 0; t < acts->n; t += GROUP)
        multiply_group(weights, acts, begin, end, t,
                       acts->n - t < GROUP ? acts->n : t + GROUP, y, y_stride);
}
