/* SPDX-License-Identifier: MIT
 * From one model file, or folder, to another. */
#include "quantize/quantize.h"

#include "quantize/plan.h"

phial_status ph_quantize(const char *in, const char *out,
                         const ph_quantize_config *config)
{
    ph_plan plan = {.config = config};
    ph_imatrix *imatrix = NULL;
    ph_gguf *gguf;
    phial_status status;

    PH_TRY(ph_mix_get("type", config->weights, &plan.mix));
    PH_TRY(ph_override_check(config));
    if (config->imatrix)
        PH_TRY(ph_imatrix_open(config->heap, config->imatrix, &imatrix));
    status = ph_gguf_open(config->heap, in, &gguf);
    if (status < 0) {
        ph_imatrix_free(imatrix);
        return status;
    }
    plan.gguf = gguf;
    plan.imatrix = imatrix;
    status = ph_plan_make(&plan);
    if (status >= 0)
        status = ph_plan_write(&plan, out);
    ph_plan_free(&plan);
    ph_gguf_free(gguf);
    ph_imatrix_free(imatrix);
    return status;
}
