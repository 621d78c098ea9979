/* SPDX-License-Identifier: MIT
 * The table of tensor types: the ids of ggml (ggml.h, enum ggml_type) with
 * those that it withdrew, and the private ones of ik_llama.cpp above 100. A
 * type that we do not run has only a name, for the message that refuses it. */
#include "base/dtype.h"

typedef struct type_row {
    uint32_t id;
    ph_dtype_info info;
} type_row;

/* Ascending ids. The first rows equal their index, up to FIRST_GAP. */
enum { FIRST_GAP = 43 };

static const type_row types[] = {
    {PH_F32, {"F32", 1, 4}},
    {PH_F16, {"F16", 1, 2}},
    {PH_Q4_0, {"Q4_0", 32, 18}},
    {PH_Q4_1, {"Q4_1", 32, 20}},
    {4, {"Q4_2", 0, 0}},
    {5, {"Q4_3", 0, 0}},
    {PH_Q5_0, {"Q5_0", 32, 22}},
    {PH_Q5_1, {"Q5_1", 32, 24}},
    {PH_Q8_0, {"Q8_0", 32, 34}},
    {9, {"Q8_1", 0, 0}},
    {PH_Q2_K, {"Q2_K", 256, 84}},
    {PH_Q3_K, {"Q3_K", 256, 110}},
    {PH_Q4_K, {"Q4_K", 256, 144}},
    {PH_Q5_K, {"Q5_K", 256, 176}},
    {PH_Q6_K, {"Q6_K", 256, 210}},
    {15, {"Q8_K", 0, 0}},
    {16, {"IQ2_XXS", 0, 0}},
    {17, {"IQ2_XS", 0, 0}},
    {18, {"IQ3_XXS", 0, 0}},
    {19, {"IQ1_S", 0, 0}},
    {PH_IQ4_NL, {"IQ4_NL", 32, 18}},
    {21, {"IQ3_S", 0, 0}},
    {22, {"IQ2_S", 0, 0}},
    {PH_IQ4_XS, {"IQ4_XS", 256, 136}},
    {24, {"I8", 0, 0}},
    {25, {"I16", 0, 0}},
    {26, {"I32", 0, 0}},
    {27, {"I64", 0, 0}},
    {28, {"F64", 0, 0}},
    {29, {"IQ1_M", 0, 0}},
    {PH_BF16, {"BF16", 1, 2}},
    {31, {"Q4_0_4_4", 0, 0}},
    {32, {"Q4_0_4_8", 0, 0}},
    {33, {"Q4_0_8_8", 0, 0}},
    {34, {"TQ1_0", 0, 0}},
    {35, {"TQ2_0", 0, 0}},
    {36, {"IQ4_NL_4_4", 0, 0}},
    {37, {"IQ4_NL_4_8", 0, 0}},
    {38, {"IQ4_NL_8_8", 0, 0}},
    {39, {"MXFP4", 0, 0}},
    {40, {"NVFP4", 0, 0}},
    {41, {"Q1_0", 0, 0}},
    {42, {"Q2_0", 0, 0}},
    {133, {"Q6_0", 0, 0}},
    {134, {"IQ1_BN", 0, 0}},
    {135, {"IQ2_BN", 0, 0}},
    {136, {"Q8_K64", 0, 0}},
    {137, {"IQ2_K", 0, 0}},
    {138, {"IQ3_K", 0, 0}},
    {139, {"IQ4_K", 0, 0}},
    {140, {"IQ5_K", 0, 0}},
    {141, {"IQ6_K", 0, 0}},
    {144, {"IQ4_KS", 0, 0}},
    {145, {"IQ2_KS", 0, 0}},
    {146, {"IQ4_KSS", 0, 0}},
    {147, {"Q8_K16", 0, 0}},
    {148, {"Q8_K32", 0, 0}},
    {149, {"Q8_KR8", 0, 0}},
    {150, {"Q8_K128", 0, 0}},
    {151, {"Q8_KV", 0, 0}},
    {152, {"IQ5_KS", 0, 0}},
    {153, {"IQ2_KT", 0, 0}},
    {154, {"IQ3_KT", 0, 0}},
    {155, {"IQ4_KT", 0, 0}},
    {156, {"IQ3_KS", 0, 0}},
    {157, {"IQ2_KL", 0, 0}},
    {158, {"IQ1_KT", 0, 0}},
    {202, {"Q4_0_R8", 0, 0}},
    {206, {"Q5_0_R4", 0, 0}},
    {208, {"Q8_0_R8", 0, 0}},
    {210, {"Q2_K_R4", 0, 0}},
    {211, {"Q3_K_R4", 0, 0}},
    {212, {"Q4_K_R4", 0, 0}},
    {213, {"Q5_K_R4", 0, 0}},
    {214, {"Q6_K_R4", 0, 0}},
    {216, {"IQ2_XXS_R4", 0, 0}},
    {217, {"IQ2_XS_R4", 0, 0}},
    {218, {"IQ3_XXS_R4", 0, 0}},
    {219, {"IQ1_S_R4", 0, 0}},
    {220, {"IQ4_NL_R4", 0, 0}},
    {221, {"IQ3_S_R4", 0, 0}},
    {222, {"IQ2_S_R4", 0, 0}},
    {223, {"IQ4_XS_R8", 0, 0}},
    {229, {"IQ1_M_R4", 0, 0}},
    {230, {"BF16_R16", 0, 0}},
    {233, {"Q6_0_R4", 0, 0}},
    {335, {"IQ2_BN_R4", 0, 0}},
    {337, {"IQ2_K_R4", 0, 0}},
    {338, {"IQ3_K_R4", 0, 0}},
    {339, {"IQ4_K_R4", 0, 0}},
    {340, {"IQ5_K_R4", 0, 0}},
    {344, {"IQ4_KS_R4", 0, 0}},
    {352, {"IQ5_KS_R4", 0, 0}},
    {397, {"Q8_K_R16", 0, 0}},
    {398, {"Q8_KV_R8", 0, 0}},
    {399, {"Q8_K_R8", 0, 0}},
};

const ph_dtype_info *ph_dtype_get(uint32_t id)
{
    const size_t n = sizeof types / sizeof *types;

    if (id < FIRST_GAP)
        return &types[id].info;
    for (size_t i = FIRST_GAP; i < n; i++) {
        if (types[i].id == id)
            return &types[i].info;
    }
    return NULL;
}

bool ph_dtype_bytes(ph_dtype type, uint64_t n, uint64_t *bytes)
{
    const ph_dtype_info *info = ph_dtype_get((uint32_t)type);

    if (!info || !info->block_elems || n % info->block_elems)
        return false;
    return ph_mul64(n / info->block_elems, info->block_bytes, bytes);
}
