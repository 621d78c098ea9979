/* SPDX-License-Identifier: MIT
 * The choice of an instruction set's kernels. */
#include "cpu/cpu.h"
#include "kernels/tier.h"

/* Fastest first. */
static const struct {
    int32_t isa;
    const ph_kernels *kernels;
} tiers[] = {
#if defined(__x86_64__)
    {PHIAL_ISA_AVX512, &ph_kernels_avx512},
    {PHIAL_ISA_AVX2, &ph_kernels_avx2},
#elif defined(__aarch64__)
    {PHIAL_ISA_NEON, &ph_kernels_neon},
#endif
    {PHIAL_ISA_PORTABLE, &ph_kernels_portable},
};

const ph_kernels *ph_kernels_get(int32_t isa)
{
    const uint32_t has = ph_cpu_tiers();

    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++)
        if ((isa == PHIAL_ISA_BEST || isa == tiers[i].isa) &&
            has >> tiers[i].isa & 1)
            return tiers[i].kernels;
    return NULL;
}
