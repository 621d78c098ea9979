/* SPDX-License-Identifier: MIT
 * Readers of 32-element blocks (ggml-common.h: block_q4_0 .. block_q8_0,
 * block_iq4_nl), and the table of all quantised types. In all of them the low
 * half of a code byte is element j and the high half element j + 16. */
#include "kernels/arith.h"
#include "kernels/blocks.h"

const int8_t ph_iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                  1,    13,   25,  38,  53,  69,  89,  113};

static void set_plain(ph_block *out, float d)
{
    out->d = d;
    out->scale[0] = out->scale[1] = 1;
}

static void set_min(ph_block *out, float d, float m)
{
    set_plain(out, d);
    out->dmin = -m;
    out->min[0] = out->min[1] = 1;
}

static void read_nibbles(const uint8_t *src, int offset, int8_t *codes)
{
    for (uint32_t i = 0; i < 16; i++) {
        codes[i] = (int8_t)((src[i] & 15) - offset);
        codes[i + 16] = (int8_t)((src[i] >> 4) - offset);
    }
}

/* The fifth bit of element i is bit i % 8 of byte i / 8. */
static void read_five_bits(const uint8_t *src, const uint8_t *high, int offset,
                           int8_t *codes)
{
    static const uint8_t bits[8] = {1, 2, 4, 8, 16, 32, 64, 128};

    read_nibbles(src, offset, codes);
    for (uint32_t byte = 0; byte < 4; byte++)
        for (uint32_t i = 0; i < 8; i++)
            codes[8 * byte + i] =
                (int8_t)(codes[8 * byte + i] + (high[byte] & bits[i] ? 16 : 0));
}

/* d, codes[16] */
static void read_q4_0(const uint8_t *src, uint32_t j, ph_block *out)
{
    (void)j;
    read_nibbles(src + 2, 8, out->codes);
    set_plain(out, ph_load_half(src));
}

/* d, m, codes[16] */
static void read_q4_1(const uint8_t *src, uint32_t j, ph_block *out)
{
    (void)j;
    read_nibbles(src + 4, 0, out->codes);
    set_min(out, ph_load_half(src), ph_load_half(src + 2));
}

/* d, high bits (32), codes[16] */
static void read_q5_0(const uint8_t *src, uint32_t j, ph_block *out)
{
    (void)j;
    read_five_bits(src + 6, src + 2, 16, out->codes);
    set_plain(out, ph_load_half(src));
}

/* d, m, high bits (32), codes[16] */
static void read_q5_1(const uint8_t *src, uint32_t j, ph_block *out)
{
    (void)j;
    read_five_bits(src + 8, src + 4, 0, out->codes);
    set_min(out, ph_load_half(src), ph_load_half(src + 2));
}

/* d, signed codes[32] */
static void read_q8_0(const uint8_t *src, uint32_t j, ph_block *out)
{
    (void)j;
    memcpy(out->codes, src + 2, PH_QK);
    set_plain(out, ph_load_half(src));
}

/* d, codes[16] */
static void read_iq4_nl(const uint8_t *src, uint32_t j, ph_block *out)
{
    (void)j;
    for (uint32_t i = 0; i < 16; i++) {
        out->codes[i] = ph_iq4_values[src[2 + i] & 15];
        out->codes[i + 16] = ph_iq4_values[src[2 + i] >> 4];
    }
    set_plain(out, ph_load_half(src));
}

const ph_block_type *ph_block_type_of(ph_dtype type)
{
    static const struct {
        ph_dtype type;
        ph_block_type how;
    } types[] = {
        {PH_Q4_0, {PH_QK, 18, false, false, read_q4_0}},
        {PH_Q4_1, {PH_QK, 20, false, true, read_q4_1}},
        {PH_Q5_0, {PH_QK, 22, false, false, read_q5_0}},
        {PH_Q5_1, {PH_QK, 24, false, true, read_q5_1}},
        {PH_Q8_0, {PH_QK, 34, false, false, read_q8_0}},
        {PH_IQ4_NL, {PH_QK, 18, false, false, read_iq4_nl}},
        {PH_Q2_K, {PH_QKK, 84, true, true, ph_read_q2_k}},
        {PH_Q3_K, {PH_QKK, 110, true, false, ph_read_q3_k}},
        {PH_Q4_K, {PH_QKK, 144, false, true, ph_read_q4_k}},
        {PH_Q5_K, {PH_QKK, 176, false, true, ph_read_q5_k}},
        {PH_Q6_K, {PH_QKK, 210, true, false, ph_read_q6_k}},
        {PH_IQ4_XS, {PH_QKK, 136, false, false, ph_read_iq4_xs}},
    };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].type == type)
            return &types[i].how;
    return NULL;
}

bool ph_dtype_is_quantized(ph_dtype type)
{
    return ph_block_type_of(type) != NULL;
}
