/* SPDX-License-Identifier: MIT
 * The inner loops of the matrix product with AVX-512 VNNI: one function per
 * kind of codes, each with a body for every number of activation rows whose
 * sums, 2 x 16 rows of weights wide, stay in registers. */
#include "kernels/tile_avx512.h"
#include "kernels/codes_avx512.h"

#define INLINE static inline __attribute__((always_inline))

typedef struct kind {
    codes_kind codes;
    bool halves;  /* a scale for each half block */
    bool minimum; /* one of each block; with halves one of each half */
    bool start;   /* sums start at other values than 0 */
} kind;

/* Four columns at a time of the activations, broadcast to all rows. */
INLINE __m512i broadcast_4(const int8_t *x)
{
    int32_t four;

    memcpy(&four, x, sizeof four);
    return _mm512_set1_epi32(four);
}

/* Adds columns 4 g .. 4 g + 3 of the halves from h to last of a block. The
 * pointers are hidden from the compiler, which would else load what several g
 * share once and run out of registers. */
INLINE void sum_columns(kind k, const tile *t, const uint8_t *const codes[2],
                        const int8_t *x, int g, int h, int last, int width,
                        __m512i sums[TILE_WIDTH][2])
{
    const uint8_t *at[2] = {codes[0], codes[1]};

    if (k.codes == CODES_5 || k.codes == CODES_6)
        __asm__("" : "+r"(at[0]), "+r"(at[1]));
    for (int half = h; half <= last; half++) {
        const __m512i first = four_columns(k.codes, at[0], g, half);
        const __m512i second = four_columns(k.codes, at[1], g, half);

        for (int i = 0; i < width; i++) {
            const __m512i four =
                broadcast_4(x + (size_t)i * t->x_stride + 16 * half + 4 * g);

            sums[i][0] = _mm512_dpbusd_epi32(sums[i][0], first, four);
            sums[i][1] = _mm512_dpbusd_epi32(sums[i][1], second, four);
        }
    }
}

/* Sums over the halves from h to last of a block. */
INLINE void sum_block(kind k, const tile *t, const uint8_t *const codes[2],
                      const int8_t *x, uint32_t b, int h, int last, int width,
                      __m512i sums[TILE_WIDTH][2])
{
    for (int i = 0; i < width; i++) {
        const int32_t *start = h ? t->second_start[i] : t->start[i];

        sums[i][0] = sums[i][1] =
            k.start ? _mm512_set1_epi32(start[b]) : _mm512_setzero_si512();
    }
    sum_columns(k, t, codes, x, 0, h, last, width, sums);
    sum_columns(k, t, codes, x, 1, h, last, width, sums);
    sum_columns(k, t, codes, x, 2, h, last, width, sums);
    sum_columns(k, t, codes, x, 3, h, last, width, sums);
}

/* Sixteen bytes as 32-bit integers. */
INLINE __m512i widen(kind k, const uint8_t *bytes)
{
    const __m128i v = _mm_loadu_si128((const __m128i *)bytes);

    return k.minimum ? _mm512_cvtepu8_epi32(_mm_and_si128(v, _mm_set1_epi8(15)))
                     : _mm512_cvtepi8_epi32(v);
}

/* The same for types with a scale of each half. */
INLINE void sum_halves(kind k, const tile *t, const uint8_t *const codes[2],
                       const uint8_t *const scales[2], const int8_t *x,
                       uint32_t b, int width, __m512i sums[TILE_WIDTH][2])
{
    __m512i low[TILE_WIDTH][2];

    sum_block(k, t, codes, x, b, 0, 0, width, low);
    for (int p = 0; p < 2; p++) {
        const __m512i scale = widen(k, scales[p]);

        for (int i = 0; i < width; i++)
            low[i][p] = _mm512_mullo_epi32(low[i][p], scale);
    }
    sum_block(k, t, codes, x, b, 1, 1, width, sums);
    for (int p = 0; p < 2; p++) {
        const __m512i scale = widen(k, scales[p] + 16);

        for (int i = 0; i < width; i++)
            sums[i][p] = _mm512_add_epi32(_mm512_mullo_epi32(sums[i][p], scale),
                                          low[i][p]);
    }
}

/* The steps of the chains for the minimums of half blocks. */
INLINE void add_minimums(const tile *t, const uint8_t *const scales[2],
                         uint32_t b, int width, __m512 acc[TILE_WIDTH][2])
{
    const __m128i fifteen = _mm_set1_epi8(15);

    for (int p = 0; p < 2; p++) {
        const __m128i *bytes = (const __m128i *)scales[p];
        const __m128i low =
            _mm_and_si128(_mm_srli_epi16(_mm_loadu_si128(bytes), 4), fifteen);
        const __m128i high = _mm_and_si128(
            _mm_srli_epi16(_mm_loadu_si128(bytes + 1), 4), fifteen);
        const __m512i pairs =
            _mm512_or_si512(_mm512_cvtepu8_epi32(low),
                            _mm512_slli_epi32(_mm512_cvtepu8_epi32(high), 16));
        const __m512 dmin = _mm512_loadu_ps(t->m[b][p]);

        for (int i = 0; i < width; i++) {
            const __m512i sum =
                _mm512_madd_epi16(pairs, _mm512_set1_epi32(t->sums[i][b]));
            const __m512 m = _mm512_mul_ps(dmin, _mm512_set1_ps(t->dx[i][b]));

            acc[i][p] = _mm512_fnmadd_ps(m, _mm512_cvtepi32_ps(sum), acc[i][p]);
        }
    }
}

/* The steps of the chains of all outputs. */
INLINE void add_block(kind k, const tile *t, const uint8_t *const codes[2],
                      const uint8_t *const scales[2], const int8_t *x,
                      uint32_t b, int width, __m512 acc[TILE_WIDTH][2])
{
    __m512i sums[TILE_WIDTH][2];

    if (k.halves)
        sum_halves(k, t, codes, scales, x, b, width, sums);
    else
        sum_block(k, t, codes, x, b, 0, 1, width, sums);
    for (int p = 0; p < 2; p++) {
        const __m512 w = _mm512_loadu_ps(t->w[b][p]);

        for (int i = 0; i < width; i++)
            acc[i][p] =
                _mm512_fmadd_ps(_mm512_mul_ps(w, _mm512_set1_ps(t->dx[i][b])),
                                _mm512_cvtepi32_ps(sums[i][p]), acc[i][p]);
    }
    if (k.minimum && k.halves)
        add_minimums(t, scales, b, width, acc);
    else if (k.minimum)
        for (int p = 0; p < 2; p++) {
            const __m512 m = _mm512_loadu_ps(t->m[b][p]);

            for (int i = 0; i < width; i++)
                acc[i][p] = _mm512_fnmadd_ps(m, _mm512_set1_ps(t->wsum[i][b]),
                                             acc[i][p]);
        }
}

/* A share of what is read next. */
INLINE void read_ahead(const tile *t, uint32_t b)
{
    const size_t first = (size_t)b * t->ahead_lines;

    for (int p = 0; p < 2; p++)
        for (size_t i = first; i < first + t->ahead_lines; i++)
            _mm_prefetch((const char *)t->ahead[p] + 64 * i, _MM_HINT_T1);
}

INLINE void add_chunk(kind k, const tile *t, int width)
{
    const uint32_t n_block = t->how->code_bits * 64u;
    const uint8_t *codes[2], *scales[2];
    const int8_t *x = t->x;
    __m512 acc[TILE_WIDTH][2];

    for (int p = 0; p < 2; p++) {
        codes[p] = t->records[p] + t->how->head;
        scales[p] = codes[p] - 256;
    }
    for (int i = 0; i < width; i++)
        for (int p = 0; p < 2; p++)
            acc[i][p] = t->first ? _mm512_setzero_ps()
                                 : _mm512_maskz_loadu_ps(
                                       t->rows[p],
                                       t->y + (size_t)i * t->y_stride + 16 * p);
    for (uint32_t b = 0; b < t->n_blocks; b++) {
        if (t->ahead_lines)
            read_ahead(t, b);
        add_block(k, t, codes, scales, x, b, width, acc);
        x += PH_QK;
        for (int p = 0; p < 2; p++) {
            codes[p] += n_block;
            scales[p] += 32;
            if (b % 8 == 7) {
                codes[p] += t->how->head;
                scales[p] += t->how->record - 256;
            }
        }
    }
    for (int i = 0; i < width; i++)
        for (int p = 0; p < 2; p++)
            _mm512_mask_storeu_ps(t->y + (size_t)i * t->y_stride + 16 * p,
                                  t->rows[p], acc[i][p]);
}

INLINE void add_chunk_of(kind k, const tile *t, uint32_t width)
{
    switch (width) {
    case 1:
        add_chunk(k, t, 1);
        break;
    case 2:
        add_chunk(k, t, 2);
        break;
    case 3:
        add_chunk(k, t, 3);
        break;
    case 4:
        add_chunk(k, t, 4);
        break;
    case 5:
        add_chunk(k, t, 5);
        break;
    default:
        add_chunk(k, t, 6);
    }
}

static void add_q4_0(const tile *t, uint32_t width)
{
    add_chunk_of((kind){CODES_4, false, false, true}, t, width);
}

static void add_q4_k(const tile *t, uint32_t width)
{
    add_chunk_of((kind){CODES_4, false, true, false}, t, width);
}

static void add_q5_0(const tile *t, uint32_t width)
{
    add_chunk_of((kind){CODES_5, false, false, true}, t, width);
}

static void add_q5_k(const tile *t, uint32_t width)
{
    add_chunk_of((kind){CODES_5, false, true, false}, t, width);
}

static void add_q8_0(const tile *t, uint32_t width)
{
    add_chunk_of((kind){CODES_8, false, false, true}, t, width);
}

static void add_iq4(const tile *t, uint32_t width)
{
    add_chunk_of((kind){CODES_IQ4, false, false, true}, t, width);
}

static void add_q6_k(const tile *t, uint32_t width)
{
    add_chunk_of((kind){CODES_6, true, false, true}, t, width);
}

static void add_q2_k(const tile *t, uint32_t width)
{
    add_chunk_of((kind){CODES_4, true, true, false}, t, width);
}

ph_tile_function *ph_tile_function_avx512(ph_dtype type)
{
    switch (type) {
    case PH_Q4_0:
        return add_q4_0;
    case PH_Q4_1:
    case PH_Q4_K:
        return add_q4_k;
    case PH_Q5_0:
        return add_q5_0;
    case PH_Q5_1:
    case PH_Q5_K:
        return add_q5_k;
    case PH_Q8_0:
        return add_q8_0;
    case PH_IQ4_NL:
    case PH_IQ4_XS:
        return add_iq4;
    case PH_Q3_K:
    case PH_Q6_K:
        return add_q6_k;
    default: /* Q2_K */
        return add_q2_k;
    }
}
