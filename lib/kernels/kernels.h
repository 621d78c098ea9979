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
 * Faster tiers will be reached through these same functions. What a tier needs
 * to know travels with the operands: how weights are packed in ph_matrix, how
 * keys lie in ph_cache_view. */
#ifndef PH_KERNELS_H
#define PH_KERNELS_H

#include "base/base.h"
#include "base/dtype.h"

enum {
    PH_ACT_BLOCK = 32, /* activations share one scale per 32 elements */
    PH_PAGE = 64,      /* cached tokens per page */
    PH_UNIT = 1024     /* keys per softmax unit, a multiple of PH_PAGE */
};

/* ---- Weights ----------------------------------------------------------- */

/* rows x cols, row-major in the file's blocks. cols is a whole number of
 * blocks. */
typedef struct ph_matrix {
    ph_dtype type;
    uint32_t rows;
    uint32_t cols;
    size_t row_bytes;
    const uint8_t *data;
} ph_matrix;

/* n elements (whole blocks) as float, by the published formula of the type:
 * bit-equal to ggml's dequantize_row. */
void ph_dequantize(ph_dtype type, const void *src, float *dst, size_t n);

/* True for types whose rows are multiplied as integers, with the activations
 * in int8; false for F32, F16 and BF16, which take float activations. */
bool ph_dtype_is_quantized(ph_dtype type);

/* ---- Activations ------------------------------------------------------- */

/* n rows of cols activations, as float and, for quantised weights, as int8
 * codes with one scale per PH_ACT_BLOCK: x ~ scale * code. A product reads
 * either x or codes and scales; the others may be NULL. */
typedef struct ph_acts {
    uint32_t n;
    uint32_t cols;
    const float *x; /* [n][cols] */
    int8_t *codes;
    float *scales; /* [n][cols / PH_ACT_BLOCK] */
} ph_acts;

/* Fills codes and scales from x for rows begin..end-1. Per block: a = max |x|;
 * scale = a / 127; code = round-half-even(x * (127 / a)). A block whose a is
 * below 2^-100 is all zero; one with NaN or infinity gets a NaN scale. cols is
 * a multiple of PH_ACT_BLOCK. */
void ph_quantize_acts(const ph_acts *acts, uint32_t begin, uint32_t end);

/* y[t * y_stride + r] = dot(weights row r, activations row t) for all rows t
 * and begin <= r < end. */
void ph_matmul(const ph_matrix *weights, const ph_acts *acts, uint32_t begin,
               uint32_t end, float *y, size_t y_stride);

/* ---- Elementwise and norms --------------------------------------------- */

/* y = x / sqrt(mean(x^2) + eps) * weight, n elements. y may be x. */
void ph_rms_norm(const float *x, const float *weight, float eps, size_t n,
                 float *y);

/* x += y. */
void ph_add_to(float *x, const float *y, size_t n);

/* out = gate / (1 + exp(-gate)) * up. out may be gate or up. */
void ph_swiglu(const float *gate, const float *up, size_t n, float *out);

/* ---- Rotary position --------------------------------------------------- */

/* The reference's frequencies: 1 / (factor[i] * theta^(2i/n_rot)), rounded to
 * float; factors NULL: all 1. n_rot / 2 results. */
void ph_rope_frequencies(float theta, uint32_t n_rot, const float *factors,
                         float *freqs);

/* cos and sin of (float)(freq * (float)pos), times scale; n_rot / 2 each. The
 * angle is rounded to float as the reference does. */
void ph_rope_angles(const float *freqs, uint32_t n_rot, uint32_t pos,
                    float scale, float *cos_out, float *sin_out);

/* Rotates the first n_rot of a head's elements, pairs (i, i + n_rot / 2). */
void ph_rope(float *head, const float *cos_in, const float *sin_in,
             uint32_t n_rot);

/* ---- Attention --------------------------------------------------------- */

/* Where one layer's and one kv head's keys and values lie. Page p holds tokens
 * 64p..64p+63: keys as [head_dim][64], values as [64][head_dim], so that both
 * products run along the contiguous axis. pages[p] + offset must be aligned for
 * float. */
typedef struct ph_cache_view {
    int32_t format; /* PHIAL_CACHE_F32 or PHIAL_CACHE_F16 */
    uint32_t head_dim;
    uint8_t *const *pages;
    size_t k_offset; /* of this layer and head in each page */
    size_t v_offset;
} ph_cache_view;

/* Bytes of one page's keys, or values, of one layer and head. */
size_t ph_cache_panel_bytes(int32_t format, uint32_t head_dim);

/* Stores the key and value of token pos. */
void ph_cache_put(const ph_cache_view *cache, uint32_t pos, const float *key,
                  const float *value);

/* out = softmax(q . keys) . values over keys first..last, both included, for
 * n_heads query heads that share this kv head. q is already scaled. Keys are
 * taken in pages; softmax is online within units of PH_UNIT keys, counted from
 * position 0, and the units are merged in ascending order. head_dim <= 512. */
void ph_attend(const ph_cache_view *cache, uint32_t n_heads, const float *q,
               size_t q_stride, uint32_t first, uint32_t last, float *out,
               size_t out_stride);

/* ---- Functions --------------------------------------------------------- */

float ph_expf(float x); /* within 1 ulp; 0 below -87, infinity above 88.72 */
double ph_ln(double x); /* natural logarithm, x > 0 */
void ph_sincos(double x, double *sin_out, double *cos_out); /* |x| < 2^20 */

#endif /* PH_KERNELS_H */
