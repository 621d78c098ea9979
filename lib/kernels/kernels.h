/* SPDX-License-Identifier: MIT
 * kernels.h - the arithmetic, as pure functions on spans of memory.
 *
 * The portable C of each function is the specification of its bits: every
 * other tier must give the same ones, so which tier runs is never visible in a
 * result. The rules, with the reasons, are in doc/numerics.md. In short:
 *
 * - No result depends on how work is split among threads, rows or calls.
 * - Sums of int8 products are exact int32. Each float output is one chain of
 *   fused multiply-adds in ascending order of the summed index.
 * - Reductions to a scalar run in 16 virtual lanes (element i in lane i mod
 *   16, ascending), then lane l += lane l + 8, then + 4, + 2, + 1.
 * - exp, log, sin and cos are our own; division and sqrt are IEEE's.
 *
 * Callers set the floating-point environment (ph_fp_enter, or ph_pool_run).
 * Nothing here allocates, fails or keeps state. Stack: below 24 KiB.
 *
 * Each instruction set has a table of the operations that are worth it; which
 * table runs is never visible in a result. */
#ifndef PH_KERNELS_H
#define PH_KERNELS_H

#include "base/base.h"
#include "base/dtype.h"

enum {
    PH_PANEL_ROWS = 16, /* rows of a packed panel */
    PH_ACT_BLOCK = 32,  /* activations share one scale per 32 elements */
    PH_PAGE = 64,       /* cached tokens per page */
    PH_UNIT = 1024,     /* keys per softmax unit, a multiple of PH_PAGE */
    PH_MAX_HEAD_DIM = 512
};

/* ---- Weights ----------------------------------------------------------- */

/* rows x cols of a type of the file; cols is a whole number of its blocks.
 * Either rows of the file's blocks, or panels of PH_PANEL_ROWS rows interleaved
 * as packing.h says, the last one padded. */
typedef struct ph_matrix {
    ph_dtype type;
    uint32_t rows;
    uint32_t cols;
    size_t row_bytes;   /* from row to row; unused in a packed matrix */
    size_t panel_bytes; /* from panel to panel; 0: not packed */
    const uint8_t *data;
} ph_matrix;

/* Rows first .. first + n - 1 as a matrix; first is a multiple of
 * PH_PANEL_ROWS. */
static inline ph_matrix ph_matrix_rows(const ph_matrix *weights, uint32_t first,
                                       uint32_t n)
{
    ph_matrix rows = *weights;

    rows.rows = n;
    rows.data += weights->panel_bytes
                     ? first / PH_PANEL_ROWS * weights->panel_bytes
                     : first * weights->row_bytes;
    return rows;
}

/* n elements (whole blocks) as float, by the published formula of the type:
 * bit-equal to ggml's dequantize_row. */
void ph_dequantize(ph_dtype type, const void *src, float *dst, size_t n);

/* A row of a matrix as float. */
void ph_matrix_row(const ph_matrix *weights, uint32_t row, float *out);

/* Bytes of a packed panel of PH_PANEL_ROWS rows, a multiple of 64; 0 for a type
 * that cannot be packed. cols is a whole number of blocks. */
size_t ph_panel_bytes(ph_dtype type, uint32_t cols);

/* Packs n_rows <= PH_PANEL_ROWS rows of the file's blocks; missing rows become
 * zeros. src and panel do not overlap. */
void ph_pack_panel(ph_dtype type, const uint8_t *src, size_t row_bytes,
                   uint32_t n_rows, uint32_t cols, uint8_t *panel);

/* True for types whose rows are multiplied as integers, with the activations
 * in int8; false for F32, F16 and BF16, which take float activations. */
bool ph_dtype_is_quantized(ph_dtype type);

/* ---- Activations ------------------------------------------------------- */

/* PH_ACT_BLOCK activations in int8: x ~ scale * code. The sums of codes serve
 * weights with an offset or a minimum. All in one place, because products read
 * all of it; of a size that leaves few rows whole pages apart, where they would
 * contend for a set of the cache. */
typedef struct ph_act_block {
    int8_t codes[PH_ACT_BLOCK];
    float scale;
    float wsum;      /* scale * sum of the codes */
    int16_t sums[2]; /* of the codes of each half */
} ph_act_block;

/* n rows of cols activations, as float and, for quantised weights, in int8. A
 * product reads one of the two; the other may be NULL. */
typedef struct ph_acts {
    uint32_t n;
    uint32_t cols;
    const float *x;       /* [n][cols] */
    ph_act_block *blocks; /* [n][cols / PH_ACT_BLOCK] */
} ph_acts;

/* ---- Rotary position --------------------------------------------------- */

/* The reference's frequencies: 1 / (factor[i] * theta^(2i/n_rot)), rounded to
 * float; factors NULL: all 1. n_rot / 2 results. */
void ph_rope_frequencies(float theta, uint32_t n_rot, const float *factors,
                         float *freqs);

/* cos and sin of (float)(freq * (float)pos), times scale; n_rot / 2 each. The
 * angle is rounded to float as the reference does. */
void ph_rope_angles(const float *freqs, uint32_t n_rot, uint32_t pos,
                    float scale, float *cos_out, float *sin_out);

/* ---- Attention --------------------------------------------------------- */

/* Where one layer's and one kv head's keys and values lie. Page p holds tokens
 * 64p..64p+63: keys as [head_dim][64], values as [64][head_dim], so that both
 * products run along the contiguous axis. In a Q8 cache these are int8, and
 * behind them 64 floats are the scales of the tokens. pages[p] + offset must be
 * aligned for float. */
typedef struct ph_cache_view {
    int32_t format; /* PHIAL_CACHE_F32, _F16 or _Q8 */
    uint32_t head_dim;
    uint8_t *const *pages;
    size_t k_offset; /* of this layer and head in each page */
    size_t v_offset;
} ph_cache_view;

/* Bytes of one page's keys, or values, of one layer and head. */
size_t ph_cache_panel_bytes(int32_t format, uint32_t head_dim);

/* Of keys, or values, in a Q8 cache. */
static inline float *ph_cache_scales(const void *panel, size_t head_dim)
{
    return (float *)((uintptr_t)panel + PH_PAGE * head_dim);
}

/* Queries of consecutive tokens, of the n_heads heads that share a kv head.
 * They are already scaled. */
typedef struct ph_queries {
    uint32_t n_tokens;
    uint32_t n_heads;
    uint32_t
        position;    /* of the first token; each sees the keys up to itself, */
    uint32_t window; /* and at most this many of them; 0: all */
    const float *q;  /* [n_heads][head_dim] of a token */
    size_t q_stride; /* floats from token to token */
    float *out;      /* as q */
    size_t out_stride;
} ph_queries;

/* The first key that the token at position last sees. */
static inline uint32_t ph_first_key(uint32_t window, uint32_t last)
{
    return window > 0 && last >= window ? last - window + 1 : 0;
}

/* ---- The kernels of an instruction set ---------------------------------- */

typedef struct ph_kernels {
    const char *name;

    /* Makes n blocks of as many times PH_ACT_BLOCK floats. Of each: a = max
     * |x|; scale = a / 127; code = round-half-even(x * (127 / a)). A block
     * whose a is below 2^-100 is all zero; one with NaN or infinity gets a NaN
     * scale. */
    void (*quantize_acts)(const float *x, size_t n, ph_act_block *blocks);

    /* y[t * y_stride + r] = dot(weights row r, activations row t) for all rows
     * t and begin <= r < end. */
    void (*matmul)(const ph_matrix *weights, const ph_acts *acts,
                   uint32_t begin, uint32_t end, float *y, size_t y_stride);

    /* y = x / sqrt(mean(x^2) + eps) * weight, n elements. y may be x. */
    void (*rms_norm)(const float *x, const float *weight, float eps, size_t n,
                     float *y);

    /* x += y. */
    void (*add_to)(float *x, const float *y, size_t n);

    /* out = gate / (1 + exp(-gate)) * up. out may be gate or up. */
    void (*swiglu)(const float *gate, const float *up, size_t n, float *out);

    /* Rotates the first n_rot of a head's elements, pairs (i, i + n_rot / 2).
     */
    void (*rope)(float *head, const float *cos_in, const float *sin_in,
                 uint32_t n_rot);

    /* Rotates a head by the orthonormal Hadamard matrix of the largest power
     * of two that divides n <= PH_MAX_HEAD_DIM, block by block: what was large
     * in one element is then spread over many, and eight bits are enough
     * (Ashkboos et al. 2024). Its own inverse; a product of two heads stays. */
    void (*hadamard)(float *head, uint32_t n);

    /* Stores the key and value of token pos. Of a Q8 cache: scale and codes are
     * made as in quantize_acts. */
    void (*cache_put)(const ph_cache_view *cache, uint32_t pos,
                      const float *key, const float *value);

    /* out = softmax(q . keys) . values for each token and head. Keys are taken
     * in pages; softmax is online within units of PH_UNIT keys, counted from
     * position 0, and the units are merged in ascending order. head_dim <=
     * PH_MAX_HEAD_DIM. */
    void (*attend)(const ph_cache_view *cache, const ph_queries *queries);
} ph_kernels;

/* The table of PHIAL_ISA_*; NULL if this build or this processor has none.
 * PHIAL_ISA_BEST: the fastest there is. */
const ph_kernels *ph_kernels_get(int32_t isa);

/* ---- Functions --------------------------------------------------------- */

float ph_expf(float x); /* within 1 ulp; 0 below -87, infinity above 88.72 */
double ph_ln(double x); /* natural logarithm, x > 0 */
void ph_sincos(double x, double *sin_out, double *cos_out); /* |x| < 2^20 */

#endif /* PH_KERNELS_H */
