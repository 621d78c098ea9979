/* SPDX-License-Identifier: MIT
 * PHIAL_MODEL_VERIFY: every weight of every tensor is a finite number. A model
 * is also safe to run without this; it may then compute a NaN, which the
 * forward pass reports, but not where it came from. */
#include "model/weights.h"

#include <math.h>

typedef struct verifier {
    const ph_gguf *gguf;
    const uint8_t *at; /* the weight's data */
    float *row;
} verifier;

static phial_status check_row(const verifier *v, const ph_weight *weight,
                              uint32_t row)
{
    for (uint32_t i = 0; i < weight->cols; i++) {
        if (!isfinite(v->row[i]))
            return ph_fail(
                PHIAL_E_NUMERIC, "%s: tensor %s: element %u of row %u is %s",
                ph_show_path(ph_gguf_path(v->gguf)).text,
                ph_show(weight->tensor->name).text, i, weight->first_row + row,
                isnan(v->row[i]) ? "NaN" : "infinite");
    }
    return PHIAL_OK;
}

static phial_status check_weight(void *user, const ph_weight *weight)
{
    verifier *v = user;
    const ph_matrix matrix = ph_weight_matrix(weight, v->at);

    for (uint32_t i = 0; i < weight->rows; i++) {
        ph_matrix_row(&matrix, i, v->row);
        PH_TRY(check_row(v, weight, i));
    }
    v->at += ph_weight_stride(weight);
    return PHIAL_OK;
}

phial_status ph_weights_verify(const ph_gguf *gguf, const ph_mix *mix,
                               const ph_model *model)
{
    const ph_hparams *hp = &model->hp;
    const uint32_t q_rows = hp->n_heads * hp->head_dim;
    size_t widest = hp->n_embd > hp->n_ff ? hp->n_embd : hp->n_ff;
    verifier v = {.gguf = gguf, .at = model->weights};
    phial_status status;

    widest = widest > q_rows ? widest : q_rows;
    v.row = ph_alloc(model->heap, widest, sizeof *v.row);
    if (!v.row)
        return ph_no_memory("verifying", widest * sizeof *v.row);
    status = ph_weights_walk(gguf, hp, mix, check_weight, &v);
    ph_free(model->heap, v.row);
    return status;
}
