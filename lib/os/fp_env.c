/* SPDX-License-Identifier: MIT
 * The floating-point control register. Leaving restores it whole, sticky
 * exception flags too, so that the host cannot tell that we computed. */
#include "os/os.h"

#if defined(__x86_64__) || defined(__SSE__)

#include <xmmintrin.h>

/* Every exception masked, round to nearest, neither flush-to-zero nor
 * denormals-are-zero: the state in which a process starts (Intel SDM 10.2.3).
 * A host may have unmasked exceptions, which would turn into SIGFPE. */
enum { MXCSR_DEFAULT = 0x1f80 };

ph_fpenv ph_fp_enter(void)
{
    ph_fpenv saved = {_mm_getcsr()};

    _mm_setcsr(MXCSR_DEFAULT);
    return saved;
}

void ph_fp_leave(ph_fpenv saved)
{
    _mm_setcsr((unsigned int)saved.control);
}

#elif defined(__aarch64__)

/* FPCR in the low, FPSR in the high half. FPCR 0: round to nearest, subnormals
 * kept, default NaN off, no traps (Arm ARM, FPCR). */
ph_fpenv ph_fp_enter(void)
{
    uint64_t control, flags;

    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    __asm__ volatile("mrs %0, fpsr" : "=r"(flags));
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0));
    return (ph_fpenv){(control & 0xffffffffu) | flags << 32};
}

void ph_fp_leave(ph_fpenv saved)
{
    __asm__ volatile("msr fpsr, %0" : : "r"(saved.control >> 32));
    __asm__ volatile("msr fpcr, %0" : : "r"(saved.control & 0xffffffffu));
}

#else

ph_fpenv ph_fp_enter(void)
{
    return (ph_fpenv){0};
}

void ph_fp_leave(ph_fpenv saved)
{
    (void)saved;
}

#endif
