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
 *   8 bits     two runs of 4 bits, the second 16 times */
#include "kernels/matmul_avx2.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { MAX_SUMS = 2 * PH_TILE_TOKENS };

typedef enum mins { NO_MIN, ONE_MIN, HALVES_MIN } mins;

/* What a tile function is made for; always a constant. */
typedef struct plan {
    int tokens;
    int run;    /* groups that are summed in 16 bits */
    int planes; /* cells per block */
    int offset; /* of the codes */
    bool halves;
    mins mins;
} plan;

/* Keeps the compiler from moving the products of one group among those of
 * the next, which would need more registers than there are. */
#define PIN(s)                                                                 \
    __asm__(""                                                                 \
            : "+x"((s)[0]), "+x"((s)[1]), "+x"((s)[2]), "+x"((s)[3]),          \
              "+x"((s)[4]), "+x"((s)[5]), "+x"((s)[6]), "+x"((s)[7]))

INLINE __m256i load(const void *p)
{
    return _mm256_load_si256(p);
}

INLINE __m256i broadcast4(const void *p)
{
    int32_t four;

    memcpy(&four, p, sizeof four);
    return _mm256_set1_epi32(four);
}

/* s[2 t + h]: 16-bit sums of the products of rows 8 h .. 8 h + 7 and token t
 * over p.run groups. */
INLINE void sum_run(const plan p, const uint8_t *codes, const int8_t *x,
                    size_t stride, __m256i s[MAX_SUMS])
{
#pragma GCC unroll 8
    for (int g = 0; g < p.run; g++) {
        const __m256i w0 = load(codes + 64 * g);
        const __m256i w1 = load(codes + 64 * g + 32);

#pragma GCC unroll 4
        for (int t = 0; t < p.tokens; t++) {
            const __m256i y = broadcast4(x + (size_t)t * stride + 4 * g);
            const __m256i a = _mm256_maddubs_epi16(w0, y);
            const __m256i b = _mm256_maddubs_epi16(w1, y);

            s[2 * t] = g ? _mm256_add_epi16(s[2 * t], a) : a;
            s[2 * t + 1] = g ? _mm256_add_epi16(s[2 * t + 1], b) : b;
        }
        if (p.tokens == PH_TILE_TOKENS)
            PIN(s);
    }
}

/* total[2 t + h]: the sums over block b of unsigned codes times activations,
 * with the scales of halves. */
INLINE void sum_block(const plan p, const ph_span_avx2 *w, uint32_t b,
                      const ph_tile_acts *x, __m256i total[MAX_SUMS])
{
    const uint8_t *codes = w->codes + (size_t)b * (size_t)p.planes * PH_CELL;
    const int8_t *from = x->codes + (size_t)b * PH_QK;
    const int runs = 8 / p.run;

#pragma GCC unroll 4
    for (int i = 0; i < runs * p.planes; i++) {
        const int first = i % runs * p.run; /* group */
        const __m256i unit = _mm256_set1_epi16(i < runs ? 1 : 16);
        __m256i s[MAX_SUMS];

        sum_run(p, codes + 64 * first + PH_CELL * (i / runs), from + 4 * first,
                x->cols, s);
#pragma GCC unroll 8
        for (int j = 0; j < 2 * p.tokens; j++) {
            const __m256i factor =
                p.halves ? load(w->factor[b][first / 4][8 * (j % 2)]) : unit;
            const __m256i sum = _mm256_madd_epi16(s[j], factor);

            total[j] = i ? _mm256_add_epi32(total[j], sum) : sum;
        }
    }
}

/* One step of the chains of token t's rows 8 h .. 8 h + 7. */
INLINE __m256 step(const plan p, const ph_span_avx2 *w, uint32_t b,
                   size_t block, int h, const ph_tile_acts *x, __m256i sum,
                   __m256 acc)
{
    const __m256 scale = _mm256_load_ps(w->scale[b] + 8 * h);
    const __m256 min = _mm256_load_ps(w->min[b] + 8 * h);
    const __m256 dx = _mm256_set1_ps(x->scales[block]);
    const __m256i halves = broadcast4(x->sums + 2 * block);
    const __m256i pair = load(w->pair[b][8 * h]);

    if (p.offset && p.halves)
        sum = _mm256_sub_epi32(sum, _mm256_madd_epi16(halves, pair));
    else if (p.offset)
        sum = _mm256_sub_epi32(
            sum, _mm256_madd_epi16(halves, _mm256_set1_epi16((short)p.offset)));
    acc =
        _mm256_fmadd_ps(_mm256_mul_ps(scale, dx), _mm256_cvtepi32_ps(sum), acc);
    if (p.mins == ONE_MIN)
        acc = _mm256_fnmadd_ps(min, _mm256_set1_ps(x->wsums[block]), acc);
    else if (p.mins == HALVES_MIN)
        acc = _mm256_fnmadd_ps(
            _mm256_mul_ps(min, dx),
            _mm256_cvtepi32_ps(_mm256_madd_epi16(halves, pair)), acc);
    return acc;
}

INLINE void tile(const plan p, const ph_span_avx2 *w, uint32_t n_blocks,
                 const ph_tile_acts *x, float *acc)
{
    const size_t stride = x->cols / PH_ACT_BLOCK;
    __m256 a[MAX_SUMS];

#pragma GCC unroll 8
    for (int j = 0; j < 2 * p.tokens; j++)
        a[j] = _mm256_load_ps(acc + 8 * j);
    for (uint32_t b = 0; b < n_blocks; b++) {
        __m256i sums[MAX_SUMS];

        sum_block(p, w, b, x, sums);
#pragma GCC unroll 8
        for (int j = 0; j < 2 * p.tokens; j++)
            a[j] = step(p, w, b, (size_t)(j / 2) * stride + b, j % 2, x,
                        sums[j], a[j]);
    }
#pragma GCC unroll 8
    for (int j = 0; j < 2 * p.tokens; j++)
        _mm256_store_ps(acc + 8 * j, a[j]);
}

#define TILE(name, tokens, ...)                                                \
    static void name##_x##tokens(const ph_span_avx2 *w, uint32_t n_blocks,     \
                                 const ph_tile_acts *x, float *acc)            \
    {                                                                          \
        tile((plan){tokens, __VA_ARGS__}, w, n_blocks, x, acc);                \
    }
#define TILES(name, ...)                                                       \
    TILE(name, 1, __VA_ARGS__)                                                 \
    TILE(name, 2, __VA_ARGS__)                                                 \
    TILE(name, 3, __VA_ARGS__)                                                 \
    TILE(name, 4, __VA_ARGS__)

TILES(sum_4, 8, 1, 8, false, NO_MIN)
TILES(sum_4_min, 8, 1, 0, false, ONE_MIN)
TILES(sum_5, 4, 1, 16, false, NO_MIN)
TILES(sum_5_min, 4, 1, 0, false, ONE_MIN)
TILES(sum_8, 8, 2, 128, false, NO_MIN)
TILES(sum_6, 2, 1, 32, true, NO_MIN)
TILES(sum_2, 4, 1, 0, true, HALVES_MIN)

ph_tile_fn ph_tile_avx2(ph_sum_avx2 sum, uint32_t n_tokens)
{
    static const ph_tile_fn tiles[PH_N_SUMS][PH_TILE_TOKENS] = {
        [PH_SUM_4] = {sum_4_x1, sum_4_x2, sum_4_x3, sum_4_x4},
        [PH_SUM_4_MIN] = {sum_4_min_x1, sum_4_min_x2, sum_4_min_x3,
                          sum_4_min_x4},
        [PH_SUM_5] = {sum_5_x1, sum_5_x2, sum_5_x3, sum_5_x4},
        [PH_SUM_5_MIN] = {sum_5_min_x1, sum_5_min_x2, sum_5_min_x3,
                          sum_5_min_x4},
        [PH_SUM_8] = {sum_8_x1, sum_8_x2, sum_8_x3, sum_8_x4},
        [PH_SUM_6] = {sum_6_x1, sum_6_x2, sum_6_x3, sum_6_x4},
        [PH_SUM_2] = {sum_2_x1, sum_2_x2, sum_2_x3, sum_2_x4},
    };

    return tiles[sum][n_tokens - 1];
}
