/* SPDX-License-Identifier: MIT
 * Packed panels: against the layout as kernels/packing.h states it, written
 * here one bit at a time with the tests' own reader of blocks. */
#include "kernels_testing.h"

#include "kernels/packing.h"

static void set_half(uint8_t *to, const uint8_t *block, int place)
{
    to[0] = block[place];
    to[1] = block[place + 1];
}

/* Column k of 32 of row r. */
static void set_code(const ph_packing *how, uint8_t *codes, uint32_t r,
                     uint32_t k, int code)
{
    const uint32_t g = k / 4, byte = 4 * r + k % 4;

    if (how->code_bits == 8) {
        codes[64 * g + byte] = (uint8_t)code;
        return;
    }
    codes[64 * (g % 4) + byte] |= (uint8_t)((code & 15) << 4 * (g / 4));
    if (how->code_bits == 5)
        codes[256 + byte] |= (uint8_t)(code >> 4 << g);
    if (how->code_bits == 6)
        codes[256 + 64 * (g / 4) + byte] |= (uint8_t)(code >> 4 << 2 * (g % 4));
}

/* Scales of the block b that column k of the record is in. */
static void set_scales(ph_dtype type, uint8_t *record, uint32_t r, uint32_t k,
                       const element *e)
{
    const uint32_t b = k / 32, sub = k / 16;
    uint8_t *at = record + 64;
    int scale = e->scale;

    switch (type) {
    case PH_Q4_K:
    case PH_Q5_K:
        at[16 * b + r] = (uint8_t)((scale & 15) | (e->min & 15) << 4);
        at[128 + 16 * (b % 4) + r] |=
            (uint8_t)((scale >> 4 | e->min >> 4 << 2) << 4 * (b / 4));
        break;
    case PH_IQ4_XS:
        scale += 32;
        record[32 + 16 * (b % 4) + r] |= (uint8_t)((scale & 15) << 4 * (b / 4));
        record[96 + 16 * (b % 2) + r] |= (uint8_t)(scale >> 4 << 2 * (b / 2));
        break;
    case PH_Q6_K:
    case PH_Q3_K:
        record[16 * sub + r] = (uint8_t)scale;
        break;
    case PH_Q2_K:
        at[16 * sub + r] = (uint8_t)(scale | e->min << 4);
        break;
    default:
        break;
    }
}

static int code_of(const ph_packing *how, const element *e)
{
    static const int iq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                1,    13,   25,  38,  53,  69,  89,  113};
    int i = 0;

    if (how->type != PH_IQ4_NL && how->type != PH_IQ4_XS)
        return e->code + how->offset;
    while (iq4[i] != e->code)
        i++;
    return i;
}

/* A block of the file. */
static void pack_block(const ph_packing *how, const uint8_t *block, uint32_t r,
                       uint8_t *side, uint8_t *record)
{
    const ph_dtype type = how->type;
    const bool in_record = how->side == 0 || type == PH_Q2_K;
    int places[2];

    scale_places(type, places);
    set_half((in_record ? record : side) + 2 * r, block, places[0]);
    if (places[1] >= 0)
        set_half((in_record ? record : side) + 32 + 2 * r, block, places[1]);
    for (uint32_t k = 0; k < type_elems(type); k++) {
        const element e = read_element(type, block, k);

        if (k % 32 == 0 || (k % 16 == 0 && how->code_bits == 6) ||
            (k % 16 == 0 && type == PH_Q2_K))
            set_scales(type, record, r, k, &e);
        set_code(how, record + how->head + k / 32 * 64 * how->code_bits, r,
                 k % 32, code_of(how, &e));
    }
}

static void pack_row(ph_dtype type, const uint8_t *row, uint32_t r,
                     uint32_t cols, uint8_t *panel)
{
    const ph_packing *how = ph_packing_of(type);
    const size_t side = (cols / how->columns * how->side + 63u) / 64 * 64;
    const uint32_t bytes = type_bytes(type);

    for (uint32_t n = 0; n < cols / how->columns; n++) {
        if (how->code_bits)
            pack_block(how, row + n * bytes, r, panel + n * how->side,
                       panel + side + n * how->record);
        else
            memcpy(panel + (16 * n + r) * bytes, row + n * bytes, bytes);
    }
}

static void check_panel(uint64_t *state, ph_dtype type, uint32_t rows,
                        uint32_t cols, size_t pad)
{
    const size_t row_bytes = cols / type_elems(type) * type_bytes(type) + pad;
    const size_t n = ph_panel_bytes(type, cols);
    uint8_t *src = malloc(rows * row_bytes);
    uint8_t *want = calloc(1, n + 64), *panel = malloc(n + 64);

    ck_assert_uint_eq(n % 64, 0);
    for (uint32_t r = 0; r < rows; r++) {
        any_blocks(state, type, src + r * row_bytes, cols);
        pack_row(type, src + r * row_bytes, r, cols, want);
    }
    memset(panel, 0xa5, n + 64);
    ph_pack_panel(type, src, row_bytes, rows, cols, panel);
    memset(want + n, 0xa5, 64); /* nothing is written behind the panel */
    for (size_t i = 0; i < n + 64; i++)
        if (panel[i] != want[i])
            ck_abort_msg("%s %ux%u byte %zu: %02x, not %02x",
                         ph_dtype_get(type)->name, rows, cols, i, panel[i],
                         want[i]);
    free(src);
    free(want);
    free(panel);
}

START_TEST(a_panel_is_what_the_layout_says_for_any_bits)
{
    static const uint32_t cols[] = {256, 512, 768, 1280, 32, 96,  288,
                                    1,   5,   31,  33,   63, 255, 321};
    const ph_dtype type = all_types[_i];
    uint64_t state = 5000 + (uint64_t)_i;

    for (size_t c = 0; c < sizeof cols / sizeof *cols; c++)
        for (uint32_t rows = 1; rows <= 16; rows++)
            if (cols[c] % type_elems(type) == 0)
                check_panel(&state, type, rows, cols[c], rows % 3);
}
END_TEST

/* ph_matrix_row reads both forms. */
START_TEST(a_packed_matrix_has_the_rows_of_the_file)
{
    enum { COLS = 512, MAX_ROWS = 33 };
    const ph_dtype type = all_types[_i];
    const size_t row_bytes = COLS / type_elems(type) * type_bytes(type);
    const size_t panel_bytes = ph_panel_bytes(type, COLS);
    uint64_t state = 6000 + (uint64_t)_i;
    uint8_t *data = malloc(MAX_ROWS * row_bytes);
    uint8_t *panels = malloc(3 * panel_bytes);
    float a[COLS], b[COLS];

    any_blocks(&state, type, data, MAX_ROWS * COLS);
    for (uint32_t rows = 1; rows <= MAX_ROWS; rows++) {
        const ph_matrix file = {type, rows, COLS, row_bytes, 0, data};
        ph_matrix packed = {type, rows, COLS, 0, panel_bytes, panels};

        for (uint32_t r = 0; r < rows; r += 16)
            ph_pack_panel(type, data + r * row_bytes, row_bytes,
                          rows - r < 16 ? rows - r : 16, COLS,
                          panels + r / 16 * panel_bytes);
        for (uint32_t r = 0; r < rows; r++) {
            ph_matrix_row(&file, r, a);
            ph_matrix_row(&packed, r, b);
            if (memcmp(a, b, sizeof a) != 0) /* but for the bits of NaN */
                check_same(a, b, COLS);
        }
    }
    free(data);
    free(panels);
}
END_TEST

TCase *packing_tests(void)
{
    TCase *tc = tcase_create("packing");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_panel_is_what_the_layout_says_for_any_bits, 0,
                        N_TYPES);
    tcase_add_loop_test(tc, a_packed_matrix_has_the_rows_of_the_file, 0,
                        N_TYPES);
    return tc;
}
