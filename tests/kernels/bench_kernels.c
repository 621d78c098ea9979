/* SPDX-License-Identifier: MIT
 * Multiply-adds per second of processor time of each kernel, for whoever
 * changes one. Not a test: nothing depends on the figures. Argument: seconds
 * for each measurement (0.2). */
#include "base/dtype.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROWS = 256, COLS = 3072, BATCH = 32, HEADS = 3, DIM = 128, KEYS = 2048 };

static double seconds = 0.2;
static uint8_t weights[ROWS * COLS * 4];
static const ph_kernels *kernels;
static float x[BATCH * COLS], y[BATCH * ROWS], scales[BATCH * COLS / 32];
static float wsums[BATCH * COLS / 32];
static int16_t sums[BATCH * COLS / 16];
static int8_t codes[BATCH * COLS];

static void fill(void *dst, size_t n)
{
    uint32_t state = 1;

    for (size_t i = 0; i < n; i++) {
        state = state * 1664525 + 1013904223;
        ((uint8_t *)dst)[i] = (uint8_t)(state >> 24);
    }
}

typedef struct bench {
    ph_matrix matrix;
    ph_acts acts;
    ph_cache_view cache;
} bench;

static void matmul(bench *b)
{
    kernels->matmul(&b->matrix, &b->acts, 0, ROWS, y, ROWS);
}

static void pack(bench *b)
{
    static uint8_t panel[PH_PANEL_ROWS * COLS * 4];
    const ph_matrix *m = &b->matrix;

    for (uint32_t r = 0; r < ROWS; r += PH_PANEL_ROWS)
        ph_pack_panel(m->type, m->data + r * m->row_bytes, m->row_bytes,
                      PH_PANEL_ROWS, COLS, panel);
}

static void quantize(bench *b)
{
    kernels->quantize_acts(&b->acts, 0, BATCH);
}

static void norm(bench *b)
{
    (void)b;
    kernels->rms_norm(x, x, 1e-5f, COLS, y);
}

static void swiglu(bench *b)
{
    (void)b;
    kernels->swiglu(x, x, COLS, y);
}

static void attend(bench *b)
{
    kernels->attend(&b->cache, &(ph_queries){.n_tokens = 1,
                                             .n_heads = HEADS,
                                             .position = KEYS - 1,
                                             .q = x,
                                             .out = y});
}

static void measure(const char *name, void (*run)(bench *), bench *b,
                    double work)
{
    clock_t begin;
    double spent;
    long runs = 0;

    run(b);
    begin = clock();
    do {
        run(b);
        runs++;
        spent = (double)(clock() - begin) / CLOCKS_PER_SEC;
    } while (spent < seconds);
    printf("%-20s %8.3f G/s\n", name, work * (double)runs / spent / 1e9);
}

/* Bytes that are small normal numbers in every float type. */
static void fill_weights(void)
{
    fill(weights, sizeof weights);
    for (size_t i = 1; i < sizeof weights; i += 2)
        weights[i] = (uint8_t)((weights[i] & 0x83) | 0x28);
}

static void measure_matmuls(bench *b)
{
    for (uint32_t type = 0; type < 64; type++) {
        const ph_dtype_info *info = ph_dtype_get(type);
        char name[32];

        if (!info || !info->block_elems)
            continue;
        b->matrix = (ph_matrix){(ph_dtype)type,
                                ROWS,
                                COLS,
                                COLS / info->block_elems * info->block_bytes,
                                0,
                                weights};
        b->acts.n = 1;
        snprintf(name, sizeof name, "%s x 1", info->name);
        measure(name, matmul, b, (double)ROWS * COLS);
        b->acts.n = BATCH;
        snprintf(name, sizeof name, "%s x %d", info->name, BATCH);
        measure(name, matmul, b, (double)ROWS * COLS * BATCH);
    }
}

/* Bytes of the file per second. */
static void measure_packing(bench *b)
{
    for (uint32_t type = 0; type < 64; type++) {
        const ph_dtype_info *info = ph_dtype_get(type);
        size_t row_bytes;
        char name[32];

        if (!info || !info->block_elems)
            continue;
        row_bytes = COLS / info->block_elems * info->block_bytes;
        b->matrix =
            (ph_matrix){(ph_dtype)type, ROWS, COLS, row_bytes, 0, weights};
        snprintf(name, sizeof name, "pack %s (bytes)", info->name);
        measure(name, pack, b, (double)ROWS * (double)row_bytes);
    }
}

static void measure_attention(bench *b, int32_t format, const char *name)
{
    static float key[DIM], value[DIM];
    static uint8_t memory[KEYS / PH_PAGE][2 * PH_PAGE * DIM * 4];
    static uint8_t *pages[KEYS / PH_PAGE];

    for (int p = 0; p < KEYS / PH_PAGE; p++)
        pages[p] = memory[p];
    b->cache =
        (ph_cache_view){format, DIM, pages, 0, PH_PAGE * DIM * sizeof(float)};
    for (uint32_t pos = 0; pos < KEYS; pos++) {
        key[pos % DIM] = value[pos % DIM] = (float)(pos % 100) / 100;
        kernels->cache_put(&b->cache, pos, key, value);
    }
    measure(name, attend, b, 2.0 * HEADS * DIM * KEYS);
}

int main(int argc, char **argv)
{
    bench b = {.acts = {BATCH, COLS, x, codes, scales, sums, wsums}};

    if (argc > 1)
        seconds = atof(argv[1]);
    kernels = ph_kernels_get(PHIAL_ISA_BEST);
    fill_weights();
    fill(codes, sizeof codes);
    for (size_t i = 0; i < BATCH * COLS; i++)
        x[i] = (float)codes[i] / 64;
    for (size_t i = 0; i < BATCH * COLS / 32; i++)
        scales[i] = 0.01f;
    measure_matmuls(&b);
    measure_packing(&b);
    measure("quantise (elements)", quantize, &b, BATCH * COLS);
    measure("norm (elements)", norm, &b, COLS);
    measure("swiglu (elements)", swiglu, &b, COLS);
    measure_attention(&b, PHIAL_CACHE_F32, "attention, f32 cache");
    measure_attention(&b, PHIAL_CACHE_F16, "attention, f16 cache");
    return 0;
}
