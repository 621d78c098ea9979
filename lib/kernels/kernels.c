/* SPDX-License-Identifier: MIT
 * The choice of an instruction set's kernels. */
#include "cpu/cpu.h"
#include "kernels/tier.h"

/* Fastest first. */
static const struct {
    int32_t isa;
    uint32_t needs; /* PH_CPU_*, beyond the tier */
    const ph_kernels *kernels;
} tiers[] = {
#if defined(__x86_64__)
    {PHIAL_ISA_AVX512, 0, &ph_kernels_avx512},
    {PHIAL_ISA_AVX2, 0, &ph_kernels_avx2},
#elif defined(__aarch64__)
    {PHIAL_ISA_NEON, PH_CPU_I8MM, &ph_kernels_neon_i8mm},
    {PHIAL_ISA_NEON, PH_CPU_DOTPROD, &ph_kernels_neon_dotprod},
    {PHIAL_ISA_NEON, 0, &ph_kernels_neon_base},
#endif
    {PHIAL_ISA_PORTABLE, 0, &ph_kernels_portable},
};

const ph_kernels *ph_kernels_get(int32_t isa)
{
    const uint32_t has = ph_cpu_tiers();
    const uint32_t extensions = ph_cpu_extensions();

    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++)
        if ((isa == PHIAL_ISA_BEST || isa == tiers[i].isa) &&
            has >> tiers[i].isa & 1 && !(tiers[i].needs & ~extensions))
            return tiers[i].kernels;
    return NULL;
}
