/* SPDX-License-Identifier: MIT
 * Adding low-rank products to weights. Each element's sum over the rank is its
 * own, in order and in double precision, and is rounded once: neither the
 * threads nor the width of the vectors change a bit. */
#include "quantize/merge.h"

enum { WIDTH = 64 }; /* columns whose sums stay in registers or near them */

static inline void accumulate(double *restrict sum, const float *restrict a,
                              double b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += b * (double)a[i];
}

/* Columns of a row; a and b are where they begin. */
static void add_columns(const ph_delta *d, uint64_t cols, const float *a,
                        const float *b, float *x, size_t n)
{
    double sum[WIDTH] = {0};

    for (uint32_t k = 0; k < d->rank; k++, a += cols) {
        if (n == WIDTH)
            accumulate(sum, a, (double)b[k], WIDTH);
        else
            accumulate(sum, a, (double)b[k], n);
    }
    for (size_t i = 0; i < n; i++)
        x[i] = (float)((double)x[i] + (double)d->factor * sum[i]);
}

static bool has_row(const ph_delta *d, uint64_t row)
{
    return row >= d->first_row && row - d->first_row < d->n_rows;
}

static void add_row(const ph_delta *d, uint64_t cols, uint64_t row,
                    uint64_t col, float *x, size_t n)
{
    const float *b = d->b + (row - d->first_row) * d->rank;

    for (size_t at = 0; at < n; at += WIDTH)
        add_columns(d, cols, d->a + col + at, b, x + at, ph_min(n - at, WIDTH));
}

static uint32_t largest(const float *x, size_t n)
{
    uint32_t most = 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t bits;

        memcpy(&bits, &x[i], sizeof bits);
        bits &= 0x7fffffff;
        most = bits > most ? bits : most;
    }
    return most;
}

uint32_t ph_merge_add(const ph_recoding *what, uint64_t first, float *x,
                      size_t n)
{
    const uint64_t cols = what->tensor->dims[0];

    for (size_t at = 0, part; at < n; at += part) {
        const uint64_t row = (first + at) / cols, col = (first + at) % cols;

        part = n - at < cols - col ? n - at : (size_t)(cols - col);
        for (const ph_delta *d = what->deltas; d; d = d->next)
            if (has_row(d, row))
                add_row(d, cols, row, col, x + at, part);
    }
    return largest(x, n);
}

static bool is_changed(const ph_recoding *what, uint64_t row)
{
    const ph_delta *d = what->deltas;

    while (d && !has_row(d, row))
        d = d->next;
    return d != NULL;
}

void ph_merge_keep(const ph_recoding *what, uint64_t first, size_t n,
                   const uint8_t *stored, uint8_t *out)
{
    const ph_dtype_info *info = ph_dtype_get(what->tensor->type);
    const uint64_t cols = what->tensor->dims[0];

    /* A row is whole blocks, and so is what is written at once. */
    for (size_t at = 0, part; at < n; at += part) {
        const uint64_t row = (first + at) / cols, col = (first + at) % cols;
        const size_t from = at / info->block_elems * info->block_bytes;

        part = n - at < cols - col ? n - at : (size_t)(cols - col);
        if (!is_changed(what, row))
            memcpy(out + from, stored + from,
                   part / info->block_elems * info->block_bytes);
    }
}
