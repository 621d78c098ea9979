/* SPDX-License-Identifier: MIT
 * Operands and references for the tests of the kernels. */
#include "kernels_testing.h"

uint64_t random_bits(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

double random_unit(uint64_t *state)
{
    return (double)(random_bits(state) >> 11) * 0x1p-53;
}

float random_normal(uint64_t *state)
{
    double sum = -2;

    for (int i = 0; i < 4; i++)
        sum += random_unit(state);
    return (float)(sum * 1.75);
}

uint32_t random_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)(random_bits(state) % n);
}

bool same_float(float a, float b)
{
    return float_bits(a) == float_bits(b) || (isnan(a) && isnan(b));
}

void check_same(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(same_float(a[i], b[i]), "element %zu: %a is not %a", i,
                      (double)a[i], (double)b[i]);
}

double error_of(const float *a, const double *b, size_t n)
{
    double error = 0, power = 0;

    for (size_t i = 0; i < n; i++) {
        error += (a[i] - b[i]) * (a[i] - b[i]);
        power += b[i] * b[i];
    }
    return error / power;
}

const ph_dtype all_types[N_TYPES] = {
    PH_Q4_0, PH_Q4_1, PH_Q5_0,   PH_Q5_1,   PH_Q8_0, PH_Q2_K, PH_Q3_K, PH_Q4_K,
    PH_Q5_K, PH_Q6_K, PH_IQ4_NL, PH_IQ4_XS, PH_F32,  PH_F16,  PH_BF16,
};

uint32_t type_elems(ph_dtype type)
{
    return ph_dtype_get(type)->block_elems;
}

uint32_t type_bytes(ph_dtype type)
{
    return ph_dtype_get(type)->block_bytes;
}

static float half_at(const uint8_t *p)
{
    return ph_f16_to_f32(ph_le16(p));
}

static int bits_at(const uint8_t *p, uint32_t shift, uint32_t width)
{
    return (int)((uint32_t)*p >> shift & ((1u << width) - 1));
}

static int iq4_value(int code)
{
    static const int values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                   1,    13,   25,  38,  53,  69,  89,  113};

    return values[code];
}

/* Four-bit code of element i of 32, low halves first. */
static int nibble(const uint8_t *codes, uint32_t i)
{
    return bits_at(codes + i % 16, 4 * (i / 16), 4);
}

static int fifth_bit(const uint8_t *high, uint32_t i)
{
    return bits_at(high + i / 8, i % 8, 1) << 4;
}

static element small_element(ph_dtype type, const uint8_t *b, uint32_t i)
{
    element e = {.d = half_at(b), .scale = 1};

    switch (type) {
    case PH_Q4_0:
        e.code = nibble(b + 2, i) - 8;
        break;
    case PH_Q4_1:
        e.code = nibble(b + 4, i);
        break;
    case PH_Q5_0:
        e.code = nibble(b + 6, i) + fifth_bit(b + 2, i) - 16;
        break;
    case PH_Q5_1:
        e.code = nibble(b + 8, i) + fifth_bit(b + 4, i);
        break;
    case PH_Q8_0:
        e.code = (int8_t)b[2 + i];
        break;
    default:
        e.code = iq4_value(nibble(b + 2, i));
    }
    if (type == PH_Q4_1 || type == PH_Q5_1) {
        e.has_min = true;
        e.min = 1;
        e.dmin = -half_at(b + 2);
    }
    return e;
}

static void six_bit_scales(const uint8_t *s, uint32_t j, element *e)
{
    if (j < 4) {
        e->scale = s[j] & 63;
        e->min = s[j + 4] & 63;
    } else {
        e->scale = (s[j + 4] & 15) + 16 * (s[j - 4] >> 6);
        e->min = (s[j + 4] >> 4) + 16 * (s[j] >> 6);
    }
    e->has_min = true;
}

/* The published way: three little-endian words, masked and shifted. */
static int q3_k_scale(const uint8_t *s, uint32_t k)
{
    uint32_t a[2] = {ph_le32(s), ph_le32(s + 4)};
    uint32_t t = ph_le32(s + 8);
    uint32_t word = (a[k / 4 % 2] >> (k / 8 ? 4 : 0) & 0x0f0f0f0f) |
                    (t >> 2 * (k / 4) & 0x03030303) << 4;

    return (int)(word >> 8 * (k % 4) & 255) - 32;
}

static element large_element(ph_dtype type, const uint8_t *b, uint32_t i)
{
    uint32_t half = i / 128, j = i / 32, l = i % 32;
    uint32_t at = i % 128;
    element e = {0};

    switch (type) {
    case PH_Q2_K:
        e = (element){.d = half_at(b + 80), .dmin = half_at(b + 82)};
        e.scale = b[i / 16] & 15;
        e.min = b[i / 16] >> 4;
        e.has_min = true;
        e.code = bits_at(b + 16 + 32 * half + l, 2 * (at / 32), 2);
        break;
    case PH_Q3_K:
        e.d = half_at(b + 108);
        e.scale = q3_k_scale(b + 96, i / 16);
        e.code = bits_at(b + 32 + 32 * half + l, 2 * (at / 32), 2) -
                 (bits_at(b + l, 4 * half + at / 32, 1) ? 0 : 4);
        break;
    case PH_Q4_K:
    case PH_Q5_K:
        e = (element){.d = half_at(b), .dmin = half_at(b + 2)};
        six_bit_scales(b + 4, j, &e);
        e.code = bits_at(b + (type == PH_Q4_K ? 16 : 48) + 32 * (i / 64) + l,
                         i % 64 < 32 ? 0 : 4, 4);
        if (type == PH_Q5_K)
            e.code += 16 * bits_at(b + 16 + l, j, 1);
        break;
    case PH_Q6_K:
        e.d = half_at(b + 208);
        e.scale = (int8_t)b[192 + i / 16];
        e.code = bits_at(b + 64 * half + at % 64, at < 64 ? 0 : 4, 4) +
                 16 * bits_at(b + 128 + 32 * half + l, 2 * (at / 32), 2) - 32;
        break;
    default: /* IQ4_XS */
        e.d = half_at(b);
        e.scale = bits_at(b + 4 + j / 2, 4 * (j % 2), 4) +
                  16 * bits_at(b + 2 + j / 4, 2 * (j % 4), 2) - 32;
        e.code = iq4_value(nibble(b + 8 + 16 * j, l));
    }
    return e;
}

element read_element(ph_dtype type, const uint8_t *block, uint32_t i)
{
    return type_elems(type) == 32 ? small_element(type, block, i)
                                  : large_element(type, block, i);
}

void any_blocks(uint64_t *state, ph_dtype type, uint8_t *dst, size_t n)
{
    size_t bytes = n / type_elems(type) * type_bytes(type);

    for (size_t i = 0; i < bytes; i++)
        dst[i] = (uint8_t)random_bits(state);
}

static void put_half(uint8_t *dst, float f)
{
    uint16_t h = ph_f32_to_f16(f);

    dst[0] = (uint8_t)h;
    dst[1] = (uint8_t)(h >> 8);
}

void scale_places(ph_dtype type, int places[2])
{
    places[0] = type == PH_Q2_K   ? 80
                : type == PH_Q3_K ? 108
                : type == PH_Q6_K ? 208
                                  : 0;
    places[1] = type == PH_Q2_K ? 82
                : type == PH_Q4_1 || type == PH_Q5_1 || type == PH_Q4_K ||
                        type == PH_Q5_K
                    ? 2
                    : -1;
}

static void random_floats(uint64_t *state, ph_dtype type, uint8_t *dst,
                          size_t n, float size)
{
    for (size_t i = 0; i < n; i++) {
        float f = size * random_normal(state);
        uint32_t bits = float_bits(f);

        if (type == PH_F32) {
            for (int k = 0; k < 4; k++)
                dst[4 * i + (size_t)k] = (uint8_t)(bits >> 8 * k);
        } else if (type == PH_F16) {
            put_half(dst + 2 * i, f);
        } else {
            dst[2 * i] = (uint8_t)(bits >> 16);
            dst[2 * i + 1] = (uint8_t)(bits >> 24);
        }
    }
}

void random_blocks(uint64_t *state, ph_dtype type, uint8_t *dst, size_t n,
                   float size)
{
    uint32_t bytes = type_bytes(type);
    int places[2];

    if (type_elems(type) == 1) {
        random_floats(state, type, dst, n, size);
        return;
    }
    any_blocks(state, type, dst, n);
    scale_places(type, places);
    for (size_t i = 0; i < n / type_elems(type); i++)
        for (int k = 0; k < 2; k++)
            if (places[k] >= 0)
                put_half(dst + i * bytes + (size_t)places[k],
                         size * random_normal(state));
}

ph_acts new_acts(const float *x, uint32_t n, uint32_t cols)
{
    return (ph_acts){
        n, cols, x,
        calloc((size_t)n * cols / PH_ACT_BLOCK + 1, sizeof(ph_act_block))};
}

void quantize_all(const ph_kernels *with, const ph_acts *acts)
{
    with->quantize_acts(acts->x, (size_t)acts->n * acts->cols / PH_ACT_BLOCK,
                        acts->blocks);
}

void drop_acts(ph_acts *acts)
{
    free(acts->blocks);
}

ph_acts row_of_acts(const ph_acts *acts, uint32_t t)
{
    const size_t at = (size_t)t * acts->cols;

    return (ph_acts){1, acts->cols, acts->x + at,
                     acts->blocks + at / PH_ACT_BLOCK};
}

void attend_keys(const ph_cache_view *cache, uint32_t n_heads, const float *q,
                 uint32_t first, uint32_t last, float *out)
{
    const ph_queries queries = {.n_tokens = 1,
                                .n_heads = n_heads,
                                .position = last,
                                .window = last - first + 1,
                                .q = q,
                                .out = out};

    kernels->attend(cache, &queries);
}
