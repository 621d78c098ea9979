/* SPDX-License-Identifier: MIT
 * Borrowed strings, little-endian numbers and half-precision conversion. */
#include "base/base.h"

ph_str ph_str_of(const char *c_string)
{
    return (ph_str){c_string, strlen(c_string)};
}

bool ph_str_eq(ph_str a, ph_str b)
{
    return a.len == b.len && (a.len == 0 || !memcmp(a.data, b.data, a.len));
}

bool ph_str_is(ph_str a, const char *c_string)
{
    return ph_str_eq(a, ph_str_of(c_string));
}

/* FNV-1a with a final avalanche: short keys, no tables. */
uint64_t ph_hash(const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ h >> 32;
}

uint16_t ph_le16(const void *p)
{
    const uint8_t *b = p;

    return (uint16_t)(b[0] | b[1] << 8);
}

uint32_t ph_le32(const void *p)
{
    const uint8_t *b = p;

    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
           (uint32_t)b[3] << 24;
}

uint64_t ph_le64(const void *p)
{
    return ph_le32(p) | (uint64_t)ph_le32((const uint8_t *)p + 4) << 32;
}

void ph_put_le32(void *p, uint32_t value)
{
    uint8_t *b = p;

    for (int i = 0; i < 4; i++)
        b[i] = (uint8_t)(value >> 8 * i);
}

void ph_put_le64(void *p, uint64_t value)
{
    ph_put_le32(p, (uint32_t)value);
    ph_put_le32((uint8_t *)p + 4, (uint32_t)(value >> 32));
}

static float float_of(uint32_t bits)
{
    float f;

    memcpy(&f, &bits, sizeof f);
    return f;
}

static uint32_t bits_of(float f)
{
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    return bits;
}

float ph_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t exponent = (uint32_t)h >> 10 & 31;
    uint32_t fraction = h & 0x3ffu;
    float magnitude;

    if (exponent == 31) /* infinity, or NaN made quiet as hardware does */
        return float_of(sign | 0x7f800000u | fraction << 13 |
                        (fraction ? 0x400000u : 0));
    if (exponent)
        return float_of(sign | (exponent + 112) << 23 | fraction << 13);
    magnitude = (float)fraction * 0x1p-24f;
    return float_of(sign | bits_of(magnitude));
}

uint16_t ph_f32_to_f16(float f)
{
    uint32_t bits = bits_of(f);
    uint32_t sign = bits >> 16 & 0x8000;
    uint32_t magnitude = bits & 0x7fffffffu;
    uint32_t half, rest, tie;

    if (magnitude > 0x7f800000u) /* NaN: quiet, top payload bits kept */
        return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
    if (magnitude >= 0x47800000u) /* 65536 and above */
        return (uint16_t)(sign | 0x7c00);
    if (magnitude >= 0x38800000u) { /* normal half */
        half = (magnitude - 0x38000000u) >> 13;
        rest = magnitude & 0x1fff;
        tie = 0x1000;
    } else if (magnitude >= 0x33000000u) { /* subnormal half */
        uint32_t shift = 126 - (magnitude >> 23);
        uint32_t fraction = (magnitude & 0x7fffff) | 0x800000;

        half = fraction >> shift;
        rest = fraction & ((1u << shift) - 1);
        tie = 1u << (shift - 1);
    } else {
        return (uint16_t)sign;
    }
    half += rest > tie || (rest == tie && (half & 1));
    return (uint16_t)(sign | half);
}

float ph_bf16_to_f32(uint16_t h)
{
    return float_of((uint32_t)h << 16);
}
