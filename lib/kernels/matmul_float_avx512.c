/* SPDX-License-Identifier: MIT
 * Packed F32, F16 and BF16 weights times float activations with AVX-512: over
 * pairs of panels, spans of PH_SPAN columns, whose sums doc/numerics.md adds
 * up, and tiles of activations. y holds the totals of the spans. */
#include "kernels/matmul_avx512.h"
#include "kernels/packing.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum {
    WIDTH = 6,   /* rows of activations of a tile */
    AHEAD = 4096 /* bytes that memory is asked for in advance */
};

/* A span of two panels, and some rows of activations. */
typedef struct span {
    const uint8_t *panels[2];
    uint32_t columns;
    const float *x;
    size_t x_stride;
    float *y;
    size_t y_stride;
    __mmask16 rows[2]; /* wanted of each panel */
    bool first;        /* span of its panels: y is not yet set */
} span;

/* A column of sixteen rows. */
INLINE __m512 column(ph_dtype type, const uint8_t *p)
{
    __m256i halves;

    if (type == PH_F32)
        return _mm512_loadu_ps(p);
    halves = _mm256_loadu_si256((const __m256i *)p);
    if (type == PH_F16)
        return _mm512_cvtph_ps(halves);
    return _mm512_castsi512_ps(
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

INLINE void add_span(ph_dtype type, const span *s, int width)
{
    const size_t bytes = type == PH_F32 ? 64 : 32;
    __m512 sums[WIDTH][2];

    for (int i = 0; i < width; i++)
        sums[i][0] = sums[i][1] = _mm512_setzero_ps();
    for (size_t k = 0; k < s->columns; k++) {
        __m512 w[2];

        for (int p = 0; p < 2; p++) {
            const uint8_t *from = s->panels[p] + bytes * k;

            _mm_prefetch((const char *)from + AHEAD, _MM_HINT_T1);
            w[p] = column(type, from);
        }
        for (int i = 0; i < width; i++) {
            const __m512 x = _mm512_set1_ps(s->x[(size_t)i * s->x_stride + k]);

            sums[i][0] = _mm512_fmadd_ps(w[0], x, sums[i][0]);
            sums[i][1] = _mm512_fmadd_ps(w[1], x, sums[i][1]);
        }
    }
    for (int i = 0; i < width; i++)
        for (int p = 0; p < 2; p++) {
            float *y = s->y + (size_t)i * s->y_stride + 16 * p;
            const __m512 total = s->first
                                     ? _mm512_setzero_ps()
                                     : _mm512_maskz_loadu_ps(s->rows[p], y);

            _mm512_mask_storeu_ps(y, s->rows[p],
                                  _mm512_add_ps(total, sums[i][p]));
        }
}

INLINE void add_span_of(ph_dtype type, const span *s, uint32_t width)
{
    switch (width) {
    case 1:
        add_span(type, s, 1);
        break;
    case 2:
        add_span(type, s, 2);
        break;
    case 3:
        add_span(type, s, 3);
        break;
    case 4:
        add_span(type, s, 4);
        break;
    case 5:
        add_span(type, s, 5);
        break;
    default:
        add_span(type, s, 6);
    }
}

static void add_f32(const span *s, uint32_t width)
{
    add_span_of(PH_F32, s, width);
}

static void add_f16(const span *s, uint32_t width)
{
    add_span_of(PH_F16, s, width);
}

static void add_bf16(const span *s, uint32_t width)
{
    add_span_of(PH_BF16, s, width);
}

/* All activations times one span; y is that of the first panel. */
static void span_times_acts(ph_dtype type, span *s, const ph_acts *acts,
                            uint32_t k, float *y)
{
    const uint32_t n = acts->n, tiles = (n + WIDTH - 1) / WIDTH;

    for (uint32_t i = 0; i < tiles; i++) {
        const uint32_t first = (uint32_t)((uint64_t)n * i / tiles);
        const uint32_t next = (uint32_t)((uint64_t)n * (i + 1) / tiles);

        s->x = acts->x + (size_t)first * acts->cols + k;
        s->y = y + first * s->y_stride;
        if (type == PH_F32)
            add_f32(s, next - first);
        else if (type == PH_F16)
            add_f16(s, next - first);
        else
            add_bf16(s, next - first);
    }
}

void ph_matmul_float_avx512(const ph_matrix *weights, const ph_acts *acts,
                            uint32_t begin, uint32_t end, float *y,
                            size_t y_stride)
{
    const uint32_t last = (end + PH_PANEL_ROWS - 1) / PH_PANEL_ROWS;
    const size_t column_bytes = ph_packing_of(weights->type)->record;
    span s = {.x_stride = weights->cols, .y_stride = y_stride};

    for (uint32_t i = begin / PH_PANEL_ROWS; i < last; i += 2) {
        const uint32_t second = i + 1 < last ? i + 1 : i;

        s.rows[0] = ph_panel_mask_avx512(i, begin, end);
        s.rows[1] = ph_panel_mask_avx512(i + 1, begin, end);
        for (uint32_t k = 0; k < weights->cols; k += PH_SPAN) {
            const uint32_t rest = weights->cols - k;

            s.first = k == 0;
            s.columns = rest < PH_SPAN ? rest : PH_SPAN;
            s.panels[0] =
                weights->data + i * weights->panel_bytes + k * column_bytes;
            s.panels[1] = weights->data + second * weights->panel_bytes +
                          k * column_bytes;
            span_times_acts(weights->type, &s, acts, k,
                            y + (size_t)i * PH_PANEL_ROWS);
        }
    }
}
