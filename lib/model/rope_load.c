/* SPDX-License-Identifier: MIT
 * The rotary frequencies of a model, from its base and LongRoPE's factors. */
#include "model/hparams.h"
#include "model/weights.h"
#include "os/os.h"

#include <math.h>

static const char *const factor_names[] = {"rope_factors_short.weight",
                                           "rope_factors_long.weight"};

/* Angles stay below 2^20 radians, where ph_sincos is accurate; every real
 * model's frequencies are at most 1. */
static phial_status check(const ph_gguf *gguf, const ph_model *model,
                          const float *factors, int which)
{
    const float *freqs = model->rope_freqs[which];

    for (uint32_t i = 0; i < model->hp.n_rot / 2; i++) {
        if (factors && !(factors[i] > 0 && isfinite(factors[i])))
            return ph_fail(PHIAL_E_FORMAT,
                           "%s: tensor %s: element %u is not a positive "
                           "finite number",
                           ph_show_path(ph_gguf_path(gguf)).text,
                           factor_names[which], i);
        if (!((double)freqs[i] * model->hp.n_context <= PH_MAX_CONTEXT))
            return ph_fail(PHIAL_E_UNSUPPORTED,
                           "%s: rotary frequency %u is too high for %u tokens; "
                           "its factor must be larger",
                           ph_show_path(ph_gguf_path(gguf)).text, i,
                           model->hp.n_context);
    }
    return PHIAL_OK;
}

phial_status ph_rope_load(const ph_gguf *gguf, const float *factors[2],
                          ph_model *model)
{
    const ph_hparams *hp = &model->hp;
    const ph_fpenv saved = ph_fp_enter();
    phial_status status = PHIAL_OK;

    model->rope_freqs[0] = ph_alloc(model->heap, hp->n_rot, sizeof(float));
    if (!model->rope_freqs[0])
        status = ph_no_memory("rotary frequencies", hp->n_rot * sizeof(float));
    for (int which = 0; which < 2 && status == PHIAL_OK; which++) {
        model->rope_freqs[which] =
            model->rope_freqs[0] + (size_t)which * (hp->n_rot / 2);
        ph_rope_frequencies(hp->rope_theta, hp->n_rot, factors[which],
                            model->rope_freqs[which]);
        status = check(gguf, model, factors[which], which);
    }
    ph_fp_leave(saved);
    return status;
}
