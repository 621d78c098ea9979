/* SPDX-License-Identifier: MIT
 * A tile of the matrix product: 16 rows of weights times 1 to 4 rows of
 * activations, block after block of 32 columns. vpmaddubsw multiplies unsigned
 * codes by the activations and adds pairs; its 16-bit sums are added up as long
 * as they cannot overflow, then widened.
 *
 *   codes      largest sum of a run of g groups of 4 columns
 *   4 bits     8 groups: 15 * 127 * 2 * 8 = 30 480
 *   5 bits     4 groups: 31 * 127 * 2 * 4 = 31 496
 *   6 bits     2 groups: 63 * 127 * 2 * 2 = 32 004
 *   8 bits     two planes of 4 bits, the second 16 times */
#include "kernels/codes_avx2.h"

enum { MAX_SUMS = 2 * PH_TILE_TOKENS };

typedef enum mins { NO_MIN, ONE_MIN, HALVES_MIN } mins;

/* What a tile function is made for; always a constant. */
typedef struct plan {
    int tokens;
    code_format format;
    int run; /* groups that are summed in 16 bits */
    int planes;
    int offset; /* of the codes */
    bool halves;
    mins mins;
} plan;

PH_INLINE __m256i load(const void *p)
{
    return _mm256_load_si256(p);
}

PH_INLINE __m256i broadcast4(const void *p)
{
    int32_t four;

    memcpy(&four, p, sizeof four);
    return _mm256_set1_epi32(four);
}

/* Keeps the compiler from moving the products of one group among those of
 * the next, which would need more registers than there are. */
PH_INLINE void pin(int n, __m256i s[MAX_SUMS])
{
    if (n == 8)
        __asm__(""
                : "+x"(s[0]), "+x"(s[1]), "+x"(s[2]), "+x"(s[3]), "+x"(s[4]),
                  "+x"(s[5]), "+x"(s[6]), "+x"(s[7]));
    else if (n == 6)
        __asm__(""
                : "+x"(s[0]), "+x"(s[1]), "+x"(s[2]), "+x"(s[3]), "+x"(s[4]),
                  "+x"(s[5]));
    else if (n == 4)
        __asm__("" : "+x"(s[0]), "+x"(s[1]), "+x"(s[2]), "+x"(s[3]));
}

/* s[2 t + h]: 16-bit sums of the products of rows 8 h .. 8 h + 7 and token t
 * over p.run groups from first on. */
PH_INLINE void sum_run(const plan p, const uint8_t *block, int plane, int first,
                       const ph_act_block *x, size_t stride,
                       __m256i s[MAX_SUMS])
{
#pragma GCC unroll 8
    for (int g = first; g < first + p.run; g++) {
        const __m256i w0 = read_codes(p.format, block, plane, g, 0);
        const __m256i w1 = read_codes(p.format, block, plane, g, 1);

#pragma GCC unroll 4
        for (int t = 0; t < p.tokens; t++) {
            const __m256i y = broadcast4(x[(size_t)t * stride].codes + 4 * g);
            const __m256i a = _mm256_maddubs_epi16(w0, y);
            const __m256i b = _mm256_maddubs_epi16(w1, y);

            s[2 * t] = g > first ? _mm256_add_epi16(s[2 * t], a) : a;
            s[2 * t + 1] = g > first ? _mm256_add_epi16(s[2 * t + 1], b) : b;
        }
        pin(2 * p.tokens, s);
    }
}

/* total[2 t + h]: the sums over a block of unsigned codes times activations,
 * halves with their scales. */
PH_INLINE void sum_block(const plan p, const uint8_t *block,
                         const int16_t factor[2][PH_PANEL_ROWS][2],
                         const ph_act_block *x, size_t stride,
                         __m256i total[MAX_SUMS])
{
    const int runs = 8 / p.run;

#pragma GCC unroll 4
    for (int i = 0; i < runs * p.planes; i++) {
        const int first = i % runs * p.run, plane = i / runs;
        const __m256i unit = _mm256_set1_epi16(plane ? 16 : 1);
        __m256i s[MAX_SUMS];

        /* Hides that the second plane meets the same activations: keeping
         * them would cost the registers of the sums. */
        if (p.planes > 1)
            __asm__("" : "+r"(block), "+r"(x));
        sum_run(p, block, plane, first, x, stride, s);
#pragma GCC unroll 8
        for (int j = 0; j < 2 * p.tokens; j++) {
            const __m256i sum = _mm256_madd_epi16(
                s[j], p.halves ? load(factor[first / 4][8 * (j % 2)]) : unit);

            total[j] = i ? _mm256_add_epi32(total[j], sum) : sum;
        }
    }
}

/* One step of the chains of rows 8 h .. 8 h + 7. */
PH_INLINE __m256 step(const plan p, const ph_span_scales *w, uint32_t b, int h,
                      const ph_act_block *x, __m256i sum, __m256 acc)
{
    const __m256 scale = _mm256_load_ps(w->scale[b] + 8 * h);
    const __m256 dx = _mm256_set1_ps(x->scale);
    const __m256i offset = _mm256_set1_epi16((short)p.offset);
    const __m256i pair = p.halves ? load(w->pair[b][8 * h]) : offset;

    if (p.offset)
        sum =
            _mm256_sub_epi32(sum, _mm256_madd_epi16(broadcast4(x->sums), pair));
    acc =
        _mm256_fmadd_ps(_mm256_mul_ps(scale, dx), _mm256_cvtepi32_ps(sum), acc);
    if (p.mins == ONE_MIN) {
        acc = _mm256_fnmadd_ps(_mm256_load_ps(w->min[b] + 8 * h),
                               _mm256_set1_ps(x->wsum), acc);
    } else if (p.mins == HALVES_MIN) {
        sum = _mm256_madd_epi16(broadcast4(x->sums), pair);
        acc = _mm256_fnmadd_ps(
            _mm256_mul_ps(_mm256_load_ps(w->min[b] + 8 * h), dx),
            _mm256_cvtepi32_ps(sum), acc);
    }
    return acc;
}

/* The activations of the tile after this one, which lie too far apart for the
 * processor to guess. */
PH_INLINE void prefetch_next(const plan p, const ph_act_block *x, size_t stride)
{
#pragma GCC unroll 4
    for (int t = 0; t < p.tokens; t++)
        _mm_prefetch((const char *)&x[(size_t)(p.tokens + t) * stride],
                     _MM_HINT_T0);
}

PH_INLINE void tile(const plan p, const uint8_t *codes, const ph_span_scales *w,
                    uint32_t n_blocks, const ph_tile_acts *x, float *acc)
{
    const ph_act_block *block = x->blocks;
    __m256 a[MAX_SUMS];

#pragma GCC unroll 8
    for (int j = 0; j < 2 * p.tokens; j++)
        a[j] = _mm256_load_ps(acc + 8 * j);
    for (uint32_t b = 0; b < n_blocks; b++, block++) {
        __m256i sums[MAX_SUMS];

        if (p.format >= CELLS)
            prefetch_next(p, block, x->stride);
        sum_block(p, codes + b * code_bytes(p.format), w->factor[b], block,
                  x->stride, sums);
#pragma GCC unroll 8
        for (int j = 0; j < 2 * p.tokens; j++)
            a[j] = step(p, w, b, j % 2, &block[(size_t)(j / 2) * x->stride],
                        sums[j], a[j]);
    }
#pragma GCC unroll 8
    for (int j = 0; j < 2 * p.tokens; j++)
        _mm256_store_ps(acc + 8 * j, a[j]);
}

#define TILE(name, tokens, format, ...)                                        \
    static void name(const uint8_t *codes, const ph_span_scales *scales,       \
                     uint32_t n_blocks, const ph_tile_acts *x, float *acc)     \
    {                                                                          \
        tile((plan){tokens, format, __VA_ARGS__}, codes, scales, n_blocks, x,  \
             acc);                                                             \
    }
#define TILES(name, format, cells, ...)                                        \
    TILE(name##_x1, 1, format, __VA_ARGS__)                                    \
    TILE(name##_x2, 2, format, __VA_ARGS__)                                    \
    TILE(name##_x3, 3, format, __VA_ARGS__)                                    \
    TILE(name##_x4, 4, format, __VA_ARGS__)                                    \
    TILE(name##_cells, 4, cells, __VA_ARGS__)

TILES(product_4, CODES_4, CELLS, 8, 1, 8, false, NO_MIN)
TILES(product_4_min, CODES_4, CELLS, 8, 1, 0, false, ONE_MIN)
TILES(product_5, CODES_5, CELLS, 4, 1, 16, false, NO_MIN)
TILES(product_5_min, CODES_5, CELLS, 4, 1, 0, false, ONE_MIN)
TILES(product_8, CODES_8, CELL_PAIRS, 8, 2, 128, false, NO_MIN)
TILES(product_iq4, CODES_IQ4, CELL_PAIRS, 8, 2, 128, false, NO_MIN)
TILES(product_6, CODES_6, CELLS, 2, 1, 32, true, NO_MIN)
TILES(product_2, CODES_4, CELLS, 4, 1, 0, true, HALVES_MIN)

#define NAMES(name)                                                            \
    {                                                                          \
        name##_x1, name##_x2, name##_x3, name##_x4, name##_cells               \
    }

/* By tokens less 1; the last is the one on cells. */
static const ph_tile_fn tiles[PH_N_PRODUCTS][PH_TILE_TOKENS + 1] = {
    [PH_PRODUCT_4] = NAMES(product_4),
    [PH_PRODUCT_4_MIN] = NAMES(product_4_min),
    [PH_PRODUCT_5] = NAMES(product_5),
    [PH_PRODUCT_5_MIN] = NAMES(product_5_min),
    [PH_PRODUCT_8] = NAMES(product_8),
    [PH_PRODUCT_IQ4] = NAMES(product_iq4),
    [PH_PRODUCT_6] = NAMES(product_6),
    [PH_PRODUCT_2] = NAMES(product_2),
};

ph_tile_fn ph_tile_avx2(ph_product product, uint32_t n_tokens)
{
    return tiles[product][n_tokens - 1];
}

ph_tile_fn ph_tile_cells_avx2(ph_product product)
{
    return tiles[product][PH_TILE_TOKENS];
}
