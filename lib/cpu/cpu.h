/* SPDX-License-Identifier: MIT
 * cpu.h - which kernel tiers this processor runs. No other module looks at the
 * processor. */
#ifndef PH_CPU_H
#define PH_CPU_H

#include "base/base.h"

/* A bit per PHIAL_ISA_* tier that the processor and the operating system
 * support: bit PHIAL_ISA_AVX2 and so on. PHIAL_ISA_PORTABLE is always set. */
uint32_t ph_cpu_tiers(void);

/* Instructions within a tier that not every processor of the tier has. */
enum {
    PH_CPU_DOTPROD = 1, /* AArch64: SDOT (FEAT_DotProd) */
    PH_CPU_I8MM = 2     /* AArch64: SMMLA (FEAT_I8MM) */
};

uint32_t ph_cpu_extensions(void);

/* The processor's own name, or "unknown"; stored in buf. */
void ph_cpu_name(char *buf, size_t cap);

#endif /* PH_CPU_H */
