/* SPDX-License-Identifier: MIT
 * attention_product.h - the products of attention: rows of queries, or of
 * weights, times a panel of the cache, as tiles of sums that stay in registers.
 * An element is one chain of fused multiply-adds in ascending order, so neither
 * the tile nor its neighbours change its bits. The includer includes vec_ISA.h
 * before. Private to lib/kernels. */
#ifndef PH_ATTENTION_PRODUCT_H
#define PH_ATTENTION_PRODUCT_H

#include "kernels/cache_read.h"

#define INLINE static inline __attribute__((always_inline))

/* Row k of b starts at element k * step: floats, halves, or codes as the
 * cache's format has them. */
typedef struct panel {
    const void *data;
    int32_t format;
    size_t step;
    const uint8_t *next; /* the panel that comes after, or NULL */
} panel;

/* n_rows <= TILE_ROWS rows: row i of a starts at a[i], that of the sums at
 * c + i * c_step. */
typedef struct tile_product {
    uint32_t n_rows;
    const float *const *a;
    float *c;
    size_t c_step;
} tile_product;

INLINE vec load_floats(const panel *b, size_t at, const int32_t format)
{
    if (format == PHIAL_CACHE_Q8)
        return vec_load_codes((const int8_t *)b->data + at);
    if (format == PHIAL_CACHE_F16)
        return vec_load_half((const uint16_t *)b->data + at);
    return vec_load((const float *)b->data + at);
}

/* Asks for what lies in the next panel where n elements from at on lie in this
 * one. Pages are far apart: the processor does not guess the next. */
INLINE void read_next(const panel *b, size_t at, size_t n, const int32_t format)
{
    const size_t bytes = format == PHIAL_CACHE_Q8    ? 1
                         : format == PHIAL_CACHE_F16 ? 2
                                                     : 4;

    for (size_t i = 0; i < n * bytes; i += 64)
        __builtin_prefetch(b->next + at * bytes + i, 0, 2);
}

/* c[i][at..] += sum of a[i][k] * b[k][at..] over k, n_vecs vectors wide. With
 * constant arguments; registers hold all sums. */
INLINE void add_tile(const tile_product *t, const panel *b, uint32_t begin,
                     uint32_t end, size_t at, const int n_rows,
                     const int n_vecs, const int32_t format)
{
    vec sums[TILE_ROWS][TILE_VECS];
    const float *a[TILE_ROWS];

    for (int i = 0; i < n_rows; i++) {
        a[i] = t->a[i];
        for (int v = 0; v < n_vecs; v++)
            sums[i][v] = vec_load(t->c + (size_t)i * t->c_step + at + v * VEC);
    }
    for (size_t k = begin; k < end; k++) {
        vec floats[TILE_VECS];

        if (n_rows < TILE_ROWS && b->next)
            read_next(b, k * b->step + at, (size_t)n_vecs * VEC, format);
        for (int v = 0; v < n_vecs; v++)
            floats[v] =
                load_floats(b, k * b->step + at + (size_t)v * VEC, format);
        for (int i = 0; i < n_rows; i++) {
            const vec x = vec_set(a[i][k]);

            for (int v = 0; v < n_vecs; v++)
                sums[i][v] = vec_fma(x, floats[v], sums[i][v]);
        }
    }
    for (int i = 0; i < n_rows; i++)
        for (int v = 0; v < n_vecs; v++)
            vec_store(t->c + (size_t)i * t->c_step + at + v * VEC, sums[i][v]);
}

/* Columns at..n_columns-1, too few for a vector. */
static void add_columns(const tile_product *t, const panel *b, uint32_t begin,
                        uint32_t end, size_t at, size_t n_columns)
{
    for (uint32_t i = 0; i < t->n_rows; i++) {
        for (size_t d = at; d < n_columns; d++) {
            float *sum = t->c + i * t->c_step + d;

            for (size_t k = begin; k < end; k++)
                *sum = ph_fmaf(
                    t->a[i][k],
                    ph_cache_float(b->format, b->data, k * b->step + d), *sum);
        }
    }
}

/* A tile of fewer rows is that of one token, which may need the panel faster
 * than memory gives it. It goes through the panel once, STREAM_ROWS at a time
 * and all columns of those, since processors fetch ahead what is read in order
 * only. */
INLINE void add_rows(const tile_product *t, const panel *b, uint32_t begin,
                     uint32_t end, size_t n_columns, const int n_rows,
                     const int32_t format)
{
    const uint32_t step = n_rows < TILE_ROWS ? STREAM_ROWS : end;

    for (uint32_t k = begin; k < end; k += step) {
        const uint32_t stop = end - k < step ? end : k + step;
        size_t at = 0;

        for (; at + TILE_VECS * VEC <= n_columns; at += TILE_VECS * VEC)
            add_tile(t, b, k, stop, at, n_rows, TILE_VECS, format);
        for (; at + VEC <= n_columns; at += VEC)
            add_tile(t, b, k, stop, at, n_rows, 1, format);
        if (at < n_columns)
            add_columns(t, b, k, stop, at, n_columns);
    }
}

#define ADD_ROWS(rows)                                                         \
    static __attribute__((noinline)) void add_##rows##_rows(                   \
        const tile_product *t, const panel *b, uint32_t begin, uint32_t end,   \
        size_t n_columns)                                                      \
    {                                                                          \
        if (b->format == PHIAL_CACHE_Q8)                                       \
            add_rows(t, b, begin, end, n_columns, rows, PHIAL_CACHE_Q8);       \
        else if (b->format == PHIAL_CACHE_F16)                                 \
            add_rows(t, b, begin, end, n_columns, rows, PHIAL_CACHE_F16);      \
        else                                                                   \
            add_rows(t, b, begin, end, n_columns, rows, PHIAL_CACHE_F32);      \
    }

ADD_ROWS(1)
ADD_ROWS(2)
ADD_ROWS(3)
ADD_ROWS(4)
ADD_ROWS(5)
#if TILE_ROWS > 5
ADD_ROWS(6)
#endif

/* c += a[.][begin..end-1] b[begin..end-1][.] */
static void add_product(const tile_product *t, const panel *b, uint32_t begin,
                        uint32_t end, size_t n_columns)
{
    static void (*const add[TILE_ROWS + 1])(const tile_product *, const panel *,
                                            uint32_t, uint32_t, size_t) = {
        NULL,
        add_1_rows,
        add_2_rows,
        add_3_rows,
        add_4_rows,
        add_5_rows,
#if TILE_ROWS > 5
        add_6_rows,
#endif
    };

    add[t->n_rows](t, b, begin, end, n_columns);
}

#endif /* PH_ATTENTION_PRODUCT_H */
