/* SPDX-License-Identifier: MIT
 * The rotary hyper-parameters. LongRoPE (Ding et al. 2024) as Phi3Config has
 * it: a model is a LongRoPE one if its file brings the two factor arrays. */
#include "model/hparams.h"

#include <math.h>

#define FACTORS_SHORT "rope_factors_short.weight"
#define FACTORS_LONG "rope_factors_long.weight"

static phial_status read_scaling_type(const ph_gguf *gguf)
{
    const ph_str none = PH_STR("none");
    ph_str type;

    PH_TRY(ph_gguf_str(gguf, "phi3.rope.scaling.type", &none, &type));
    if (ph_str_is(type, "none") || ph_str_is(type, "longrope"))
        return PHIAL_OK;
    return ph_fail(PHIAL_E_UNSUPPORTED,
                   "%s: key phi3.rope.scaling.type is \"%s\", expected "
                   "\"longrope\" or none",
                   ph_show_path(ph_gguf_path(gguf)).text, ph_show(type).text);
}

/* Converters before March 2025 wrote the whole head here even for a model
 * that rotates a part of it; the factor arrays, one factor per rotated pair,
 * then tell. */
static phial_status read_dimensions(const ph_gguf *gguf, ph_hparams *hp)
{
    static const char key[] = "phi3.rope.dimension_count";
    const ph_gguf_tensor *l = ph_gguf_find_tensor(gguf, FACTORS_LONG);
    const ph_gguf_tensor *s = ph_gguf_find_tensor(gguf, FACTORS_SHORT);

    hp->longrope = l || s;
    PH_TRY(
        ph_hparam_count(gguf, key, &hp->head_dim, PH_MAX_HEAD_DIM, &hp->n_rot));
    if (hp->n_rot > hp->head_dim || hp->n_rot % 2 != 0)
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: key %s is %u, expected an even number up to the "
                       "head's %u",
                       ph_show_path(ph_gguf_path(gguf)).text, key, hp->n_rot,
                       hp->head_dim);
    if (l && s && hp->n_rot == hp->head_dim && l->dims[0] > 0 &&
        l->dims[0] == s->dims[0] && l->dims[0] < hp->n_rot / 2)
        hp->n_rot = 2 * (uint32_t)l->dims[0];
    return PHIAL_OK;
}

/* Phi3Config's attention factor, for a file that does not state it. */
static float computed_scale(const ph_hparams *hp)
{
    const double factor =
        (double)hp->n_context / (double)hp->n_context_original;

    if (factor <= 1)
        return 1;
    return (float)sqrt(1 +
                       ph_ln(factor) / ph_ln((double)hp->n_context_original));
}

static phial_status read_longrope(const ph_gguf *gguf, ph_hparams *hp)
{
    static const char original[] = "phi3.rope.scaling.original_context_length";
    static const char factor[] = "phi3.rope.scaling.attn_factor";
    float scale;

    hp->n_context_original = hp->n_context;
    if (hp->longrope)
        PH_TRY(ph_hparam_count(gguf, original, NULL, PH_MAX_CONTEXT,
                               &hp->n_context_original));
    if (hp->n_context_original < 2 && hp->longrope)
        return ph_fail(PHIAL_E_FORMAT, "%s: key %s is 1, expected at least 2",
                       ph_show_path(ph_gguf_path(gguf)).text, original);
    scale = hp->longrope ? computed_scale(hp) : 1;
    PH_TRY(ph_gguf_f32(gguf, factor, &scale, &hp->rope_scale));
    if (!(hp->rope_scale > 0 && isfinite(hp->rope_scale)))
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: key %s is not a positive finite number",
                       ph_show_path(ph_gguf_path(gguf)).text, factor);
    return PHIAL_OK;
}

phial_status ph_hparams_read_rope(const ph_gguf *gguf, ph_hparams *hp)
{
    static const char base[] = "phi3.rope.freq_base";
    const float fallback = 10000;

    PH_TRY(ph_gguf_f32(gguf, base, &fallback, &hp->rope_theta));
    if (!(hp->rope_theta >= 1 && isfinite(hp->rope_theta)))
        return ph_fail(PHIAL_E_FORMAT,
                       "%s: key %s is not a finite number of at least 1",
                       ph_show_path(ph_gguf_path(gguf)).text, base);
    PH_TRY(read_scaling_type(gguf));
    PH_TRY(read_dimensions(gguf, hp));
    return read_longrope(gguf, hp);
}
