/* SPDX-License-Identifier: MIT
 * How fast the kernels of an instruction set are, in processor time, for
 * whoever changes one. Not a test: nothing depends on the figures. Arguments:
 * the instruction set (all that there are), the type of weights (all; or none),
 * seconds for each measurement (0.1). */
#include "base/dtype.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum {
    ROWS = 128, /* of weights that stay in a level 2 cache */
    COLS = 3072,
    BATCH = 512,
    HEADS = 3,
    DIM = 128,
    KEYS = 4096,
    PROMPT = 64,       /* tokens that look at those keys */
    STREAM = 192 << 20 /* bytes of weights that are read from memory */
};

static const uint32_t widths[] = {1, 4, 8, 32, BATCH};

static double seconds = 0.1;
static double cycles_per_second;
static uint8_t *weights;
static const ph_kernels *kernels;
static float x[BATCH * COLS], *y;
static ph_act_block blocks[BATCH * COLS / PH_ACT_BLOCK];

typedef struct bench {
    ph_matrix matrix;
    ph_acts acts;
    ph_cache_view cache;
} bench;

static double processor_time(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Additions that wait for each other take a cycle each. */
static void calibrate(void)
{
    enum { ADDITIONS = 1 << 20 };

    for (int repeat = 0; repeat < 20; repeat++) {
        const double begin = processor_time();
        uint32_t sum = 1;
        double spent;

        for (uint32_t i = 0; i < ADDITIONS / 16; i++)
            for (int k = 0; k < 16; k++) {
                sum += 3;
                __asm__ volatile("" : "+r"(sum));
            }
        spent = processor_time() - begin;
        if (ADDITIONS / spent > cycles_per_second)
            cycles_per_second = ADDITIONS / spent;
    }
}

static void fill(void *dst, size_t n)
{
    uint32_t state = 1;

    for (size_t i = 0; i < n; i++) {
        state = state * 1664525 + 1013904223;
        ((uint8_t *)dst)[i] = (uint8_t)(state >> 24);
    }
}

static void matmul(bench *b)
{
    kernels->matmul(&b->matrix, &b->acts, 0, b->matrix.rows, y, b->matrix.rows);
}

/* From rows of a file, at the start of the weights, to panels. */
static void pack(bench *b)
{
    const ph_matrix *m = &b->matrix;
    const ph_dtype_info *info = ph_dtype_get(m->type);
    const size_t bytes = COLS / info->block_elems * (size_t)info->block_bytes;

    for (uint32_t r = 0; r < ROWS; r += PH_PANEL_ROWS)
        ph_pack_panel(m->type, weights + r * bytes, bytes, PH_PANEL_ROWS, COLS,
                      (uint8_t *)y);
}

static void quantize(bench *b)
{
    kernels->quantize_acts(x, sizeof blocks / sizeof *blocks, b->acts.blocks);
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

static void attend_tokens(const bench *b, uint32_t n)
{
    kernels->attend(&b->cache, &(ph_queries){.n_tokens = n,
                                             .n_heads = HEADS,
                                             .position = KEYS - n,
                                             .q = x,
                                             .q_stride = HEADS * DIM,
                                             .out = y,
                                             .out_stride = HEADS * DIM});
}

static void attend(bench *b)
{
    attend_tokens(b, 1);
}

static void attend_prompt(bench *b)
{
    attend_tokens(b, PROMPT);
}

static void put(bench *b)
{
    for (uint32_t pos = 0; pos < PROMPT; pos++)
        kernels->cache_put(&b->cache, pos, x + pos * DIM, x + pos * DIM);
}

/* Of a run, in the fastest of several samples; the clock is too coarse for
 * one of less than some 200 us. */
static double time_of(void (*run)(bench *), bench *b)
{
    const double begin = processor_time();
    double best = 1e9;
    int runs = 1;

    run(b);
    do {
        const double start = processor_time();
        double spent;

        for (int i = 0; i < runs; i++)
            run(b);
        spent = processor_time() - start;
        if (spent < 200e-6)
            runs *= 2;
        else if (spent / runs < best)
            best = spent / runs;
    } while (processor_time() - begin < seconds);
    return best;
}

static void measure(const char *name, void (*run)(bench *), bench *b,
                    double work)
{
    const double rate = work / time_of(run, b);

    printf("%-24s %7.2f G/s %7.2f /cycle\n", name, rate / 1e9,
           rate / cycles_per_second);
}

/* Bytes that are small normal numbers in every float type. */
static void fill_weights(void)
{
    weights = aligned_alloc(2 << 20, STREAM + (2 << 20));
    y = malloc(STREAM);
    if (!weights || !y)
        exit(EXIT_FAILURE);
    madvise(weights, STREAM, MADV_HUGEPAGE);
    fill(weights, STREAM);
    for (size_t i = 1; i < STREAM; i += 2)
        weights[i] = (uint8_t)((weights[i] & 0x83) | 0x28);
}

static void matmul_line(bench *b, ph_dtype type)
{
    const size_t panel = ph_panel_bytes(type, COLS);
    double rate = 0, one = 0;

    b->matrix = (ph_matrix){type, ROWS, COLS, 0, panel, weights};
    printf("%-8s", ph_dtype_get(type)->name);
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        b->acts.n = widths[i];
        rate = (double)ROWS * COLS * widths[i] / time_of(matmul, b);
        printf(" %7.1f", rate / 1e9);
        fflush(stdout);
    }
    printf(" %9.1f", rate / cycles_per_second);
    printf(" %6.2f", ROWS * COLS / time_of(pack, b) / 1e9);
    b->matrix.rows = (uint32_t)(STREAM / panel * PH_PANEL_ROWS);
    for (size_t i = 0; i < 3; i++) {
        b->acts.n = widths[i];
        rate = time_of(matmul, b);
        one = i ? one : rate;
        printf(i ? " %5.2f" : " %9.1f", i ? rate / one : STREAM / rate / 1e9);
        fflush(stdout);
    }
    putchar('\n');
}

static void measure_matmuls(bench *b, const char *only)
{
    printf("         G multiply-adds per second with activations   per   "
           " packed GB/s of     time of\n"
           "type    ");
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        printf(" %7u", widths[i]);
    printf("     cycle    G/s memory, 1     4     8\n");
    for (uint32_t type = 0; type < 64; type++)
        if (ph_panel_bytes((ph_dtype)type, COLS) &&
            (!only || !strcmp(only, ph_dtype_get((ph_dtype)type)->name)))
            matmul_line(b, (ph_dtype)type);
}

static void measure_attention(bench *b, int32_t format, const char *type)
{
    const double products = 2.0 * HEADS * DIM;
    char name[32];
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
    snprintf(name, sizeof name, "attention, %s, 1", type);
    measure(name, attend, b, products * KEYS);
    snprintf(name, sizeof name, "attention, %s, %d", type, PROMPT);
    measure(name, attend_prompt, b,
            products * PROMPT * (KEYS - (PROMPT - 1) / 2.0));
    snprintf(name, sizeof name, "cache, %s (elements)", type);
    measure(name, put, b, 2.0 * PROMPT * DIM);
}

static void measure_all(bench *b, const char *only)
{
    printf("\n%s, %.2f GHz\n", kernels->name, cycles_per_second / 1e9);
    measure_matmuls(b, only);
    b->acts.n = BATCH;
    if (only && strcmp(only, "none"))
        return;
    measure("quantise (elements)", quantize, b, BATCH * COLS);
    measure("norm (elements)", norm, b, COLS);
    measure("swiglu (elements)", swiglu, b, COLS);
    measure_attention(b, PHIAL_CACHE_F32, "f32");
    measure_attention(b, PHIAL_CACHE_F16, "f16");
    measure_attention(b, PHIAL_CACHE_Q8, "q8");
}

int main(int argc, char **argv)
{
    bench b = {.acts = {BATCH, COLS, x, blocks}};

    if (argc > 3)
        seconds = atof(argv[3]);
    calibrate();
    fill_weights();
    for (size_t i = 0; i < BATCH * COLS; i++)
        x[i] = (float)(weights[i] % 128) / 64 - 1;
    ph_kernels_get(PHIAL_ISA_PORTABLE)
        ->quantize_acts(x, sizeof blocks / sizeof *blocks, blocks);
    for (int32_t isa = PHIAL_ISA_BEST + 1; isa <= PHIAL_ISA_NEON; isa++) {
        kernels = ph_kernels_get(isa);
        if (kernels && (argc < 2 || !strcmp(argv[1], kernels->name)))
            measure_all(&b, argc > 2 ? argv[2] : NULL);
    }
    return 0;
}
