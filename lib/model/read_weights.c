/* SPDX-License-Identifier: MIT
 * Reading the weights in pieces of whole panels: each goes from the file into
 * a buffer that stays in the processor's cache, and from there packed to its
 * place. There is never a second copy of a tensor. */
#include "model/loader.h"

enum { PIECE = 512 << 10 }; /* bytes of the file that are read at once */

typedef struct reading {
    const ph_loader *l;
    uint8_t *staging;
    uint64_t done;
} reading;

static phial_status report(const ph_loader *l, uint64_t done)
{
    const ph_model_config *config = l->config;
    const uint64_t total = l->model->weight_bytes;
    const float fraction = (float)((double)done / (double)total);

    if (config->progress && config->progress(config->progress_user, fraction))
        return ph_fail(PHIAL_E_CANCELLED,
                       "%s: loading was cancelled by the progress hook",
                       ph_show_path(ph_gguf_path(l->gguf)).text);
    return PHIAL_OK;
}

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

static phial_status read_vector(const ph_loader *l, const ph_part *part)
{
    const ph_weight *w = &part->weight;
    const size_t bytes = (size_t)w->bytes;

    PH_TRY(ph_gguf_read(l->gguf, w->tensor, 0,
                        part->to + (bytes - w->row_bytes), w->row_bytes));
    if (w->row_bytes != bytes)
        widen((ph_dtype)w->tensor->type, part->to, w->cols);
    return PHIAL_OK;
}

/* n rows from row on, which starts a panel if there are any. */
static phial_status read_rows(const ph_loader *l, const ph_part *part,
                              uint32_t row, uint32_t n, uint8_t *staging)
{
    const ph_weight *w = &part->weight;
    const ph_dtype type = (ph_dtype)w->tensor->type;
    const uint64_t from = ((uint64_t)w->first_row + row) * w->row_bytes;
    uint8_t *panel;

    if (!w->panel_bytes)
        return ph_gguf_read(l->gguf, w->tensor, from,
                            part->to + row * w->row_bytes, n * w->row_bytes);
    PH_TRY(ph_gguf_read(l->gguf, w->tensor, from, staging, n * w->row_bytes));
    panel = part->to + row / PH_PANEL_ROWS * w->panel_bytes;
    for (uint32_t i = 0; i < n; i += PH_PANEL_ROWS) {
        ph_pack_panel(type, staging + i * w->row_bytes, w->row_bytes,
                      n - i < PH_PANEL_ROWS ? n - i : PH_PANEL_ROWS, w->cols,
                      panel);
        panel += w->panel_bytes;
    }
    return PHIAL_OK;
}

/* Rows of a piece: whole panels, at least one. */
static uint32_t piece_rows(const ph_weight *w)
{
    const size_t panels = PIECE / (PH_PANEL_ROWS * w->row_bytes);

    return PH_PANEL_ROWS * (panels ? (uint32_t)panels : 1);
}

static phial_status read_part(reading *r, const ph_part *part)
{
    const ph_weight *w = &part->weight;
    const uint32_t step = piece_rows(w);

    if (ph_role_is_vector(w->role)) {
        PH_TRY(read_vector(r->l, part));
        return report(r->l, r->done += ph_weight_stride(w));
    }
    for (uint32_t row = 0; row < w->rows; row += step) {
        const uint32_t n = w->rows - row < step ? w->rows - row : step;

        PH_TRY(read_rows(r->l, part, row, n, r->staging));
        PH_TRY(
            report(r->l, r->done + w->bytes * ((uint64_t)row + n) / w->rows));
    }
    r->done += ph_weight_stride(w);
    return PHIAL_OK;
}

/* The longest piece. */
static size_t staging_bytes(const ph_loader *l)
{
    size_t most = 0;

    for (size_t i = 0; i < l->n_parts; i++) {
        const ph_weight *w = &l->parts[i].weight;
        const size_t bytes = piece_rows(w) * w->row_bytes;

        if (w->panel_bytes && bytes > most)
            most = bytes;
    }
    return most;
}

phial_status ph_weights_read(const ph_loader *l)
{
    const size_t bytes = staging_bytes(l);
    reading r = {.l = l, .staging = ph_alloc_raw(l->model->heap, bytes)};
    phial_status status;

    if (!r.staging)
        return ph_no_memory("reading", bytes);
    status = report(l, 0);
    for (size_t i = 0; i < l->n_parts && status == PHIAL_OK; i++)
        status = read_part(&r, &l->parts[i]);
    ph_free(l->model->heap, r.staging);
    if (status == PHIAL_OK)
        status = report(l, l->model->weight_bytes);
    return status;
}
