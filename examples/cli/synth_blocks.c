/* SPDX-License-Identifier: MIT
 * Random blocks, made from random words: codes and small scales are taken as
 * they come, and only what sets a block's size is put in afterwards. Layouts:
 * ggml's ggml-common.h. */
#include "synth_blocks.h"

#include <math.h>
#include <string.h>

/* Where the half-precision scales of a block lie, and what they are for a
 * standard deviation of 1 and a mean of 0 when every other byte is random. */
static const struct format {
    uint32_t gguf_type;
    uint16_t elements, bytes;
    int16_t scale_at, min_at; /* -1: none */
    double scale, min;
} formats[] = {
    [BLOCK_F32] = {0, 1, 4, -1, -1, 0, 0},
    [BLOCK_F16] = {1, 1, 2, -1, -1, 0, 0},
    [BLOCK_BF16] = {30, 1, 2, -1, -1, 0, 0},
    [BLOCK_Q4_0] = {2, 32, 18, 0, -1, 1 / 4.64, 0},
    [BLOCK_Q8_0] = {8, 32, 34, 0, -1, 1 / 73.9, 0},
    [BLOCK_Q4_K] = {12, 256, 144, 0, 2, 1 / 255.0, 7.5 / 255},
    [BLOCK_Q5_K] = {13, 256, 176, 0, 2, 1 / 521.0, 15.5 / 521},
    [BLOCK_Q6_K] = {14, 256, 210, 208, -1, 1 / 1366.0, 0},
    [BLOCK_IQ4_XS] = {23, 256, 136, 0, -1, 1 / 1246.0, 0},
};

uint32_t block_gguf_type(block_format format)
{
    return formats[format].gguf_type;
}

size_t block_elements(block_format format)
{
    return formats[format].elements;
}

size_t block_bytes(block_format format)
{
    return formats[format].bytes;
}

/* SplitMix64 (Steele, Lea, Flood 2014), which a counter can drive. */
uint64_t random_word(uint64_t key, uint64_t i)
{
    uint64_t z = key + (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void put_word(uint8_t *p, uint64_t word)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(word >> (8 * i));
}

/* The half-precision number nearest to x, which is positive and small. */
static uint16_t to_half(double x)
{
    int exponent;
    double fraction = frexp(x, &exponent); /* 0.5 to 1 */

    if (x < 0x1p-14)
        return (uint16_t)lrint(x * 0x1p24); /* subnormal */
    return (uint16_t)((exponent + 13) * 1024 + (int)lrint(fraction * 2048));
}

/* Random signs and fractions under one exponent: +-(1 to 2) * 2^e, whose
 * standard deviation is sqrt(7/3) * 2^e. */
static void fill_floats(block_format format, uint8_t *p, size_t n_words,
                        uint64_t first, double std, uint64_t key)
{
    int e = (int)lrint(log2(std / 1.5275));
    uint64_t keep = format == BLOCK_F16 ? 0x83ff : 0x807f;
    uint64_t put = format == BLOCK_F16 ? (uint64_t)(e + 15) << 10
                                       : (uint64_t)(e + 127) << 7;
    const uint64_t four = UINT64_C(0x0001000100010001);

    for (size_t i = 0; i < n_words; i++)
        put_word(p + 8 * i,
                 (random_word(key, first + i) & keep * four) | put * four);
}

static void put_half(uint8_t *p, uint16_t half)
{
    p[0] = (uint8_t)half;
    p[1] = (uint8_t)(half >> 8);
}

/* The five low bits of a scale stay random, some percent of it, and so does its
 * sign where there is no minimum. */
static void put_scales(const struct format *f, uint8_t *p, size_t n, double std)
{
    uint16_t scale = to_half(f->scale * std);
    uint16_t min = f->min_at < 0 ? 0 : to_half(f->min * std);

    for (size_t i = 0; i < n; i++, p += f->bytes) {
        uint16_t vary = p[f->scale_at] & 31;

        if (f->min_at >= 0) {
            put_half(p + f->scale_at, (uint16_t)(scale + vary));
            put_half(p + f->min_at, (uint16_t)(min + vary));
        } else {
            uint16_t sign = (uint16_t)((p[f->scale_at + 1] & 0x80) << 8);

            put_half(p + f->scale_at, (uint16_t)(sign | (scale + vary)));
        }
    }
}

void blocks_fill(block_format format, uint8_t *p, size_t n, uint64_t first,
                 double std, uint64_t key)
{
    const struct format *f = &formats[format];
    uint64_t word = first * f->bytes / 8;
    size_t n_words = (n * f->bytes + 7) / 8;

    if (f->scale_at < 0) {
        fill_floats(format, p, n_words, word, std, key);
        return;
    }
    for (size_t i = 0; i < n_words; i++)
        put_word(p + 8 * i, random_word(key, word + i));
    put_scales(f, p, n, std);
}
