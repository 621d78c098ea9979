/* SPDX-License-Identifier: MIT
 * Random weights in every type, from a counter-based generator. */
#include "tiny_model.h"
#include "gguf_bytes.h"

#include <stdlib.h>

uint64_t tiny_random(uint64_t key, uint64_t i)
{
    uint64_t z = key + (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

float tiny_uniform(uint64_t key, uint64_t i)
{
    const int32_t n = (int32_t)(tiny_random(key, i) >> 40) - (1 << 23);

    return (float)n * 0x1p-23f;
}

/* Where a block's half-precision scales lie, and what they are for a unit
 * standard deviation and mean zero when every other byte is random. */
static const struct {
    ph_dtype type;
    struct {
        int at; /* byte of the block; -1: none */
        float value;
    } scales[2];
} scaled[] = {
    {PH_Q4_0, {{0, 1 / 4.61f}, {-1, 0}}},
    {PH_Q4_1, {{0, 1 / 4.61f}, {2, -7.5f / 4.61f}}},
    {PH_Q5_0, {{0, 1 / 9.23f}, {-1, 0}}},
    {PH_Q5_1, {{0, 1 / 9.23f}, {2, -15.5f / 9.23f}}},
    {PH_Q8_0, {{0, 1 / 73.9f}, {-1, 0}}},
    {PH_Q2_K, {{80, 1 / 13.9f}, {82, 1.5f / 13.9f}}},
    {PH_Q3_K, {{108, 1 / 43.3f}, {-1, 0}}},
    {PH_Q4_K, {{0, 1 / 255.0f}, {2, 7.5f / 255}}},
    {PH_Q5_K, {{0, 1 / 521.0f}, {2, 15.5f / 521}}},
    {PH_Q6_K, {{208, 1 / 1366.0f}, {-1, 0}}},
    {PH_IQ4_NL, {{0, 1 / 67.4f}, {-1, 0}}},
    {PH_IQ4_XS, {{0, 1 / 1246.0f}, {-1, 0}}},
};

static void put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static uint16_t to_bf16(float f)
{
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void put_float(ph_dtype type, uint8_t *p, size_t i, float f)
{
    if (type == PH_F32)
        memcpy(p + 4 * i, &f, sizeof f);
    else
        put_u16(p + 2 * i, type == PH_F16 ? ph_f32_to_f16(f) : to_bf16(f));
}

static void put_blocks(ph_dtype type, uint8_t *p, size_t n_bytes, float std,
                       uint64_t key)
{
    const size_t block = ph_dtype_get((uint32_t)type)->block_bytes;
    size_t row = 0;

    while (scaled[row].type != type)
        row++;
    for (size_t i = 0; i < n_bytes; i++)
        p[i] = (uint8_t)(tiny_random(key, i / 8) >> (i % 8 * 8));
    for (size_t at = 0; at < n_bytes; at += block) {
        for (int s = 0; s < 2; s++) {
            const int offset = scaled[row].scales[s].at;

            if (offset >= 0)
                put_u16(p + at + offset,
                        ph_f32_to_f16(scaled[row].scales[s].value * std));
        }
    }
}

uint8_t *tiny_weights(ph_dtype type, uint32_t rows, uint32_t cols, float std,
                      uint64_t key)
{
    const uint64_t n = (uint64_t)rows * cols;
    uint64_t n_bytes = 0;
    uint8_t *data;

    if (!ph_dtype_bytes(type, n, &n_bytes))
        abort();
    data = support_must(malloc(n_bytes ? (size_t)n_bytes : 1));
    if (type != PH_F32 && type != PH_F16 && type != PH_BF16) {
        put_blocks(type, data, (size_t)n_bytes, std, key);
        return data;
    }
    for (uint64_t i = 0; i < n; i++)
        put_float(type, data, (size_t)i,
                  1.7320508f * std * tiny_uniform(key, i));
    return data;
}
