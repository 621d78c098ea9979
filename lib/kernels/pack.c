/* SPDX-License-Identifier: MIT
 * Rows of a file's blocks into a panel. */
#include "kernels/arith.h"
#include "kernels/packing.h"

/* Where block b of a record lies. */
typedef struct place {
    uint8_t *side;
    uint8_t *record;
    uint32_t r;
    uint32_t b;
} place;

static void put_half(uint8_t *dst, uint32_t r, float value)
{
    const uint16_t h = ph_f32_to_f16(value);

    dst[2 * r] = (uint8_t)h;
    dst[2 * r + 1] = (uint8_t)(h >> 8);
}

static void put_scales(ph_dtype type, const place *at, const ph_block *block)
{
    uint8_t *bytes = at->record + 64;
    const uint32_t r = at->r, b = at->b;
    const int scale = block->scale[0], min = block->min[0];

    switch (type) {
    case PH_Q4_K:
    case PH_Q5_K:
        put_half(at->record, r, block->d);
        put_half(at->record + 32, r, block->dmin);
        bytes[16 * b + r] = (uint8_t)((scale & 15) | (min & 15) << 4);
        bytes[128 + 16 * (b % 4) + r] |=
            (uint8_t)((scale >> 4 | min >> 4 << 2) << 4 * (b / 4));
        break;
    case PH_IQ4_XS:
        put_half(at->record, r, block->d);
        at->record[32 + 16 * (b % 4) + r] |=
            (uint8_t)(((scale + 32) & 15) << 4 * (b / 4));
        at->record[96 + 16 * (b % 2) + r] |=
            (uint8_t)((scale + 32) >> 4 << 2 * (b / 2));
        break;
    case PH_Q6_K:
    case PH_Q3_K:
        put_half(at->side, r, block->d);
        for (uint32_t h = 0; h < 2; h++)
            at->record[16 * (2 * b + h) + r] = (uint8_t)block->scale[h];
        break;
    case PH_Q2_K:
        put_half(at->record, r, block->d);
        put_half(at->record + 32, r, block->dmin);
        for (uint32_t h = 0; h < 2; h++)
            bytes[16 * (2 * b + h) + r] =
                (uint8_t)(block->scale[h] | block->min[h] << 4);
        break;
    case PH_Q4_1:
    case PH_Q5_1:
        put_half(at->side + 32, r, -block->dmin);
        /* fallthrough */
    default:
        put_half(at->side, r, block->d);
    }
}

static int iq4_index(int8_t value)
{
    int i = 0;

    while (ph_iq4_values[i] != value)
        i++;
    return i;
}

static void put_codes(const ph_packing *how, const place *at,
                      const ph_block *block)
{
    const bool iq4 = how->type == PH_IQ4_NL || how->type == PH_IQ4_XS;
    uint8_t *codes = at->record + how->head + at->b * 64u * how->code_bits;

    for (uint32_t k = 0; k < PH_QK; k++) {
        const uint32_t byte = 4 * at->r + k % 4, g = k / 4;
        const int code =
            iq4 ? iq4_index(block->codes[k]) : block->codes[k] + how->offset;

        if (how->code_bits == 8) {
            codes[64 * g + byte] = (uint8_t)code;
            continue;
        }
        codes[64 * (g % 4) + byte] |= (uint8_t)((code & 15) << 4 * (g / 4));
        if (how->code_bits == 5)
            codes[256 + byte] |= (uint8_t)(code >> 4 << g);
        else if (how->code_bits == 6)
            codes[256 + 64 * (g / 4) + byte] |=
                (uint8_t)(code >> 4 << 2 * (g % 4));
    }
}

static void pack_floats(const ph_packing *how, const uint8_t *src,
                        size_t row_bytes, uint32_t n_rows, uint32_t cols,
                        uint8_t *panel)
{
    const size_t size = how->record / PH_PANEL_ROWS;

    for (size_t r = 0; r < n_rows; r++)
        for (size_t k = 0; k < cols; k++)
            memcpy(panel + k * how->record + r * size,
                   src + r * row_bytes + k * size, size);
}

void ph_pack_panel(ph_dtype type, const uint8_t *src, size_t row_bytes,
                   uint32_t n_rows, uint32_t cols, uint8_t *panel)
{
    const ph_packing *how = ph_packing_of(type);
    const ph_block_type *file = ph_block_type_of(type);
    const size_t side = ph_side_bytes(how, cols);
    ph_block block;

    memset(panel, 0, ph_panel_bytes(type, cols));
    if (!file) {
        pack_floats(how, src, row_bytes, n_rows, cols, panel);
        return;
    }
    for (uint32_t r = 0; r < n_rows; r++) {
        for (uint32_t k = 0; k < cols; k += PH_QK) {
            const uint32_t n = k / how->columns;
            const place at = {panel + (size_t)n * how->side,
                              panel + side + (size_t)n * how->record, r,
                              k % how->columns / PH_QK};

            file->read(src + r * row_bytes +
                           (size_t)(k / file->elems) * file->bytes,
                       k % file->elems / PH_QK, &block);
            put_scales(type, &at, &block);
            put_codes(how, &at, &block);
        }
    }
}
