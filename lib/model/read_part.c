/* SPDX-License-Identifier: MIT
 * From the file to a weight's place in memory: rows of blocks, quantised if
 * that is asked for, to panels, and vectors to floats. */
#include "model/loader.h"

/* Half-precision numbers that fill the upper half of the space become floats
 * in all of it: ascending, a result never covers a number still to be read. */
static void widen(ph_dtype type, uint8_t *space, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint16_t h = ph_le16(space + 2 * n + 2 * i);
        const float f = type == PH_F16 ? ph_f16_to_f32(h) : ph_bf16_to_f32(h);

        memcpy(space + 4 * i, &f, sizeof f);
    }
}

static phial_status read_vector(const ph_gguf *gguf, const ph_part *part,
                                uint64_t *sample)
{
    const ph_weight *w = &part->weight;
    const ph_dtype type = (ph_dtype)w->tensor->type;
    const size_t bytes = (size_t)w->bytes;
    uint8_t *raw = part->to + (bytes - w->file_row_bytes);

    PH_TRY(ph_gguf_read(gguf, w->tensor, 0, raw, w->file_row_bytes));
    if (w->type == type)
        *sample += ph_fingerprint_rows(w, 0, 1, raw);
    if (w->file_row_bytes != bytes)
        widen(type, part->to, w->cols);
    if (w->type != type)
        *sample += ph_fingerprint_rows(w, 0, 1, part->to);
    return PHIAL_OK;
}

/* Rows as the weight's type has them. */
static phial_status read_rows(const ph_gguf *gguf, const ph_weight *w,
                              uint32_t row, uint32_t n,
                              const ph_staging *staging, uint8_t *to)
{
    const uint64_t first = (uint64_t)w->first_row + row;
    const ph_recoding what = {gguf, w->tensor, w->type, NULL, NULL};

    if (!ph_weight_is_recoded(w))
        return ph_gguf_read(gguf, w->tensor, first * w->row_bytes, to,
                            n * w->row_bytes);
    return ph_recode(&what, first * w->cols, (size_t)n * w->cols,
                     &staging->recoder, to);
}

phial_status ph_part_read(const ph_gguf *gguf, const ph_part *part,
                          uint32_t row, uint32_t n, const ph_staging *staging,
                          uint64_t *sample)
{
    const ph_weight *w = &part->weight;
    uint8_t *rows, *panel;

    if (ph_role_is_vector(w->role))
        return read_vector(gguf, part, sample);
    rows = w->panel_bytes ? staging->rows : part->to + row * w->row_bytes;
    PH_TRY(read_rows(gguf, w, row, n, staging, rows));
    *sample += ph_fingerprint_rows(w, row, n, rows);
    if (!w->panel_bytes)
        return PHIAL_OK;
    panel = part->to + row / PH_PANEL_ROWS * w->panel_bytes;
    for (uint32_t i = 0; i < n; i += PH_PANEL_ROWS) {
        ph_pack_panel(w->type, rows + i * w->row_bytes, w->row_bytes,
                      n - i < PH_PANEL_ROWS ? n - i : PH_PANEL_ROWS, w->cols,
                      panel);
        panel += w->panel_bytes;
    }
    return PHIAL_OK;
}
