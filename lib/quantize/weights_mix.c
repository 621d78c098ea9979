/* SPDX-License-Identifier: MIT
 * The mixes of types that files of these names have, as llama.cpp's quantiser
 * gives them to models of this architecture (llama-quant.cpp): the head, and
 * the matrices whose errors a model feels most, in better types. */
#include "quantize/quantize.h"

/* Which layers' ffn_down, and attn_v where it stands alone, are better. */
typedef enum which_layers {
    NO_LAYERS,
    SOME_LAYERS,
    FIRST_EIGHTH,
    FIRST_SIXTEENTH
} which_layers;

struct ph_mix {
    uint32_t file_type;
    ph_dtype base, head, qkv;
    ph_dtype output; /* of attention */
    ph_dtype down;
    which_layers which;
    ph_dtype better;
};

#define ALL(file_type, type, head)                                             \
    {                                                                          \
        file_type, type, head, type, type, type, NO_LAYERS, type               \
    }

/* clang-format off */
static const ph_mix mixes[] = {
    [PHIAL_WEIGHTS_F32] = ALL(0, PH_F32, PH_F32),
    [PHIAL_WEIGHTS_F16] = ALL(1, PH_F16, PH_F16),
    [PHIAL_WEIGHTS_BF16] = ALL(32, PH_BF16, PH_BF16),
    [PHIAL_WEIGHTS_Q8_0] = ALL(7, PH_Q8_0, PH_Q8_0),
    [PHIAL_WEIGHTS_Q6_K] = ALL(18, PH_Q6_K, PH_Q6_K),
    [PHIAL_WEIGHTS_Q5_K_M] = {17, PH_Q5_K, PH_Q6_K, PH_Q6_K, PH_Q5_K, PH_Q5_K,
                              SOME_LAYERS, PH_Q6_K},
    [PHIAL_WEIGHTS_Q5_K_S] = ALL(16, PH_Q5_K, PH_Q6_K),
    [PHIAL_WEIGHTS_Q5_1] = ALL(9, PH_Q5_1, PH_Q6_K),
    [PHIAL_WEIGHTS_Q5_0] = ALL(8, PH_Q5_0, PH_Q6_K),
    [PHIAL_WEIGHTS_Q4_K_M] = {15, PH_Q4_K, PH_Q6_K, PH_Q5_K, PH_Q4_K, PH_Q4_K,
                              SOME_LAYERS, PH_Q6_K},
    [PHIAL_WEIGHTS_Q4_K_S] = {14, PH_Q4_K, PH_Q6_K, PH_Q4_K, PH_Q4_K, PH_Q4_K,
                              FIRST_EIGHTH, PH_Q5_K},
    [PHIAL_WEIGHTS_Q4_1] = ALL(3, PH_Q4_1, PH_Q6_K),
    [PHIAL_WEIGHTS_Q4_0] = ALL(2, PH_Q4_0, PH_Q6_K),
    [PHIAL_WEIGHTS_IQ4_NL] = {25, PH_IQ4_NL, PH_Q6_K, PH_IQ4_NL, PH_IQ4_NL,
                              PH_IQ4_NL, FIRST_EIGHTH, PH_Q5_K},
    [PHIAL_WEIGHTS_IQ4_XS] = {30, PH_IQ4_XS, PH_Q6_K, PH_IQ4_XS, PH_IQ4_XS,
                              PH_IQ4_XS, FIRST_EIGHTH, PH_Q5_K},
    [PHIAL_WEIGHTS_Q3_K_L] = {13, PH_Q3_K, PH_Q6_K, PH_Q4_K, PH_Q5_K, PH_Q5_K,
                              NO_LAYERS, PH_Q5_K},
    [PHIAL_WEIGHTS_Q3_K_M] = {12, PH_Q3_K, PH_Q6_K, PH_Q4_K, PH_Q4_K, PH_Q4_K,
                              FIRST_SIXTEENTH, PH_Q5_K},
    [PHIAL_WEIGHTS_Q3_K_S] = ALL(11, PH_Q3_K, PH_Q6_K),
    [PHIAL_WEIGHTS_Q2_K] = {10, PH_Q2_K, PH_Q6_K, PH_Q2_K, PH_Q3_K, PH_Q3_K,
                            NO_LAYERS, PH_Q3_K},
};
/* clang-format on */

phial_status ph_mix_get(const char *field, int32_t weights, const ph_mix **out)
{
    const int32_t n = sizeof mixes / sizeof *mixes;

    if (weights < 0 || weights >= n)
        return ph_fail(PHIAL_E_UNSUPPORTED,
                       "%s is %d, which this version does not have; expected "
                       "one of PHIAL_WEIGHTS_*",
                       field, (int)weights);
    *out = weights == PHIAL_WEIGHTS_STORED ? NULL : &mixes[weights];
    return PHIAL_OK;
}

uint32_t ph_mix_file_type(const ph_mix *mix)
{
    return mix->file_type;
}

bool ph_mix_of_one(ph_dtype type, uint32_t *file_type)
{
    for (size_t i = 1; i < sizeof mixes / sizeof *mixes; i++)
        if (mixes[i].base == type && mixes[i].head == type) {
            *file_type = mixes[i].file_type;
            return true;
        }
    return false;
}

static bool is_better(which_layers which, uint32_t layer, uint32_t n_layers)
{
    const uint32_t eighth = n_layers / 8;

    if (which == FIRST_EIGHTH)
        return layer < eighth;
    if (which == FIRST_SIXTEENTH)
        return layer < n_layers / 16;
    return which == SOME_LAYERS &&
           (layer < eighth || layer >= (uint64_t)n_layers * 7 / 8 ||
            (layer - eighth) % 3 == 2);
}

static ph_dtype wanted(const ph_mix *mix, const ph_mix_model *model,
                       ph_str name)
{
    ph_str rest = PH_STR("");
    uint32_t layer = 0;

    if (ph_str_is(name, "output.weight") ||
        (model->tied && ph_str_is(name, "token_embd.weight")))
        return mix->head;
    if (!ph_gguf_layer(name, &layer, &rest))
        return mix->base;
    if (ph_str_is(rest, "attn_qkv.weight"))
        return mix->qkv;
    if (ph_str_is(rest, "ffn_down.weight") || ph_str_is(rest, "attn_v.weight"))
        return is_better(mix->which, layer, model->n_layers) ? mix->better
                                                             : mix->down;
    if (ph_str_is(rest, "attn_output.weight"))
        return mix->output;
    return mix->base;
}

/* A type near this one with smaller blocks. */
static ph_dtype smaller(ph_dtype type)
{
    switch (type) {
    case PH_Q4_K:
        return PH_Q5_0;
    case PH_Q5_K:
        return PH_Q5_1;
    case PH_Q6_K:
        return PH_Q8_0;
    case PH_Q2_K:
    case PH_Q3_K:
    case PH_IQ4_XS:
        return PH_IQ4_NL;
    default:
        return PH_F16;
    }
}

ph_dtype ph_mix_type(const ph_mix *mix, const ph_mix_model *model,
                     const ph_gguf_tensor *tensor)
{
    ph_dtype type;

    if (tensor->n_dims <= 1)
        return PH_F32;
    type = wanted(mix, model, tensor->name);
    while (tensor->dims[0] % ph_dtype_get(type)->block_elems)
        type = smaller(type);
    return type;
}
