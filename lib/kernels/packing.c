/* SPDX-License-Identifier: MIT
 * The layouts of packed weights, and reading them one block at a time. */
#include "kernels/packing.h"
#include "kernels/arith.h"

/* Codes of 32 columns take 64 bytes per bit. */
static const ph_packing packings[] = {
    {PH_Q4_0, 4, 8, 32, 32, 0, 256},
    {PH_Q4_1, 4, 0, 32, 64, 0, 256},
    {PH_Q5_0, 5, 16, 32, 32, 0, 320},
    {PH_Q5_1, 5, 0, 32, 64, 0, 320},
    {PH_Q8_0, 8, 128, 32, 32, 0, 512},
    {PH_IQ4_NL, 4, 0, 32, 32, 0, 256},
    {PH_Q4_K, 4, 0, 256, 0, 256, 256 + 8 * 256},
    {PH_Q5_K, 5, 0, 256, 0, 256, 256 + 8 * 320},
    {PH_IQ4_XS, 4, 0, 256, 0, 128, 128 + 8 * 256},
    {PH_Q6_K, 6, 32, 256, 32, 256, 256 + 8 * 384},
    {PH_Q3_K, 6, 32, 256, 32, 256, 256 + 8 * 384},
    {PH_Q2_K, 4, 0, 256, 0, 320, 320 + 8 * 256},
    {PH_F32, 0, 0, 1, 0, 0, 64},
    {PH_F16, 0, 0, 1, 0, 0, 32},
    {PH_BF16, 0, 0, 1, 0, 0, 32},
};

const ph_packing *ph_packing_of(ph_dtype type)
{
    for (size_t i = 0; i < sizeof packings / sizeof *packings; i++)
        if (packings[i].type == type)
            return &packings[i];
    return NULL;
}

size_t ph_panel_bytes(ph_dtype type, uint32_t cols)
{
    const ph_packing *how = ph_packing_of(type);

    if (!how)
        return 0;
    return (ph_side_bytes(how, cols) +
            (size_t)cols / how->columns * how->record + 63) /
           64 * 64;
}

/* Unsigned code of column k of row r in codes of 32 columns. */
static int code_at(const ph_packing *how, const uint8_t *codes, uint32_t r,
                   uint32_t k)
{
    const uint32_t byte = 4 * r + k % 4, g = k / 4;
    int code;

    if (how->code_bits == 8)
        return codes[64 * g + byte];
    code = codes[64 * (g % 4) + byte] >> 4 * (g / 4) & 15;
    if (how->code_bits == 5)
        code |= (codes[256 + byte] >> g & 1) << 4;
    else if (how->code_bits == 6)
        code |= (codes[256 + 64 * (g / 4) + byte] >> 2 * (g % 4) & 3) << 4;
    return code;
}

/* Scales and minimums of row r, block b of a record. */
static void read_scales(ph_dtype type, const uint8_t *side,
                        const uint8_t *record, uint32_t r, uint32_t b,
                        ph_block *out)
{
    const uint8_t *bytes = record + 64;
    int low, high;

    out->scale[0] = out->scale[1] = 1;
    out->min[0] = out->min[1] = 1;
    switch (type) {
    case PH_Q4_K:
    case PH_Q5_K:
        low = bytes[16 * b + r];
        high = bytes[128 + 16 * (b % 4) + r] >> 4 * (b / 4) & 15;
        out->d = ph_load_half(record + 2 * r);
        out->dmin = ph_load_half(record + 32 + 2 * r);
        out->scale[0] = out->scale[1] = (low & 15) | (high & 3) << 4;
        out->min[0] = out->min[1] = low >> 4 | (high >> 2) << 4;
        break;
    case PH_IQ4_XS:
        low = record[32 + 16 * (b % 4) + r] >> 4 * (b / 4) & 15;
        high = record[96 + 16 * (b % 2) + r] >> 2 * (b / 2) & 3;
        out->d = ph_load_half(record + 2 * r);
        out->scale[0] = out->scale[1] = (low | high << 4) - 32;
        break;
    case PH_Q6_K:
    case PH_Q3_K:
        out->d = ph_load_half(side + 2 * r);
        for (uint32_t h = 0; h < 2; h++)
            out->scale[h] = (int8_t)record[16 * (2 * b + h) + r];
        break;
    case PH_Q2_K:
        out->d = ph_load_half(record + 2 * r);
        out->dmin = ph_load_half(record + 32 + 2 * r);
        for (uint32_t h = 0; h < 2; h++) {
            out->scale[h] = bytes[16 * (2 * b + h) + r] & 15;
            out->min[h] = bytes[16 * (2 * b + h) + r] >> 4;
        }
        break;
    case PH_Q4_1:
    case PH_Q5_1:
        out->dmin = -ph_load_half(side + 32 + 2 * r);
        /* fallthrough */
    default:
        out->d = ph_load_half(side + 2 * r);
    }
}

void ph_matrix_block(const ph_matrix *weights, uint32_t row, uint32_t block,
                     ph_block *out)
{
    const ph_packing *how = ph_packing_of(weights->type);
    const ph_block_type *file = ph_block_type_of(weights->type);
    const bool iq4 = weights->type == PH_IQ4_NL || weights->type == PH_IQ4_XS;
    const uint32_t r = row % PH_PANEL_ROWS, k = block * PH_QK;
    const uint8_t *panel, *record, *codes;
    uint32_t n, b;

    if (!weights->panel_bytes) {
        file->read(weights->data + row * weights->row_bytes +
                       (size_t)(k / file->elems) * file->bytes,
                   k % file->elems / PH_QK, out);
        return;
    }
    n = k / how->columns;
    b = k % how->columns / PH_QK;
    panel = weights->data + row / PH_PANEL_ROWS * weights->panel_bytes;
    record =
        panel + ph_side_bytes(how, weights->cols) + (size_t)n * how->record;
    codes = record + how->head + b * 64u * how->code_bits;
    read_scales(weights->type, panel + (size_t)n * how->side, record, r, b,
                out);
    for (uint32_t i = 0; i < PH_QK; i++) {
        const int code = code_at(how, codes, r, i);

        out->codes[i] =
            iq4 ? ph_iq4_values[code] : (int8_t)(code - how->offset);
    }
}

static void packed_floats(const ph_matrix *weights, uint32_t row, uint32_t k0,
                          uint32_t n, float *out)
{
    const size_t size = weights->type == PH_F32 ? 4 : 2;
    const uint8_t *from = weights->data +
                          row / PH_PANEL_ROWS * weights->panel_bytes +
                          size * (row % PH_PANEL_ROWS);

    for (size_t k = k0; k < (size_t)k0 + n; k++)
        ph_dequantize(weights->type, from + size * PH_PANEL_ROWS * k, out++, 1);
}

void ph_matrix_floats(const ph_matrix *weights, uint32_t row, uint32_t k0,
                      uint32_t n, float *out)
{
    const ph_block_type *how = ph_block_type_of(weights->type);
    ph_block block;

    if (!how && weights->panel_bytes) {
        packed_floats(weights, row, k0, n, out);
        return;
    }
    if (!how) {
        const size_t size = weights->type == PH_F32 ? 4 : 2;

        ph_dequantize(weights->type,
                      weights->data + row * weights->row_bytes + k0 * size, out,
                      n);
        return;
    }
    for (uint32_t k = 0; k < n; k += PH_QK) {
        ph_matrix_block(weights, row, (k0 + k) / PH_QK, &block);
        ph_block_floats(how, &block, out + k);
    }
}

void ph_matrix_row(const ph_matrix *weights, uint32_t row, float *out)
{
    ph_matrix_floats(weights, row, 0, weights->cols, out);
}
