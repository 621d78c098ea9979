/* SPDX-License-Identifier: MIT
 * What can be written, and by which of the encoders. */
#include "quantize/encoders.h"
#include "quantize/quantize.h"

#include "cpu/cpu.h"

#include <float.h>

bool ph_can_encode(ph_dtype type)
{
    static const ph_dtype types[] = {PH_F32,  PH_F16,    PH_BF16,  PH_Q4_0,
                                     PH_Q4_1, PH_Q5_0,   PH_Q5_1,  PH_Q8_0,
                                     PH_Q2_K, PH_Q3_K,   PH_Q4_K,  PH_Q5_K,
                                     PH_Q6_K, PH_IQ4_NL, PH_IQ4_XS};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i] == type)
            return true;
    return false;
}

/* Scales and offsets are in half precision, and none is above the largest
 * element. */
float ph_encode_limit(ph_dtype type)
{
    return type == PH_F32 ? FLT_MAX : type == PH_BF16 ? 0x1.fep127f : 65504.0f;
}

/* Fastest first. */
static const struct {
    int32_t isa;
    const ph_encoders *encoders;
} tiers[] = {
#if defined(__x86_64__)
    {PHIAL_ISA_AVX512, &ph_encoders_avx512},
    {PHIAL_ISA_AVX2, &ph_encoders_avx2},
#endif
    {PHIAL_ISA_PORTABLE, &ph_encoders_portable},
};

const ph_encoders *ph_encoders_get(int32_t isa)
{
    const uint32_t has = ph_cpu_tiers();

    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++)
        if ((isa == PHIAL_ISA_BEST || isa == tiers[i].isa) &&
            has >> tiers[i].isa & 1)
            return tiers[i].encoders;
    return NULL;
}

void ph_encode(const ph_encoders *encoders, ph_dtype type, const float *src,
               const float *importance, uint8_t *dst, size_t n)
{
    encoders->encode(type, src, importance, dst, n);
}

uint32_t ph_decode(const ph_encoders *encoders, ph_dtype type,
                   const uint8_t *src, float *dst, size_t n)
{
    return encoders->load(type, src, dst, n);
}
