/* SPDX-License-Identifier: MIT
 * tier.h - the tables of the instruction sets. A file tier_ISA.c is compiled
 * for its instruction set and includes the *_generic.h files: each operation is
 * written once in plain C that compilers vectorise, and again by hand, in
 * files named after the operation and the set, only where that pays. Private
 * to lib/kernels. */
#ifndef PH_TIER_H
#define PH_TIER_H

#include "kernels/kernels.h"

extern const ph_kernels ph_kernels_portable;
#if defined(__x86_64__)
extern const ph_kernels ph_kernels_avx2;
extern const ph_kernels ph_kernels_avx512;

void ph_attend_avx2(const ph_cache_view *cache, const ph_queries *queries);
void ph_attend_avx512(const ph_cache_view *cache, const ph_queries *queries);
#elif defined(__aarch64__)
extern const ph_kernels ph_kernels_neon_base;
extern const ph_kernels ph_kernels_neon_dotprod;
extern const ph_kernels ph_kernels_neon_i8mm;

void ph_attend_neon(const ph_cache_view *cache, const ph_queries *queries);
#endif

#endif /* PH_TIER_H */
