/* SPDX-License-Identifier: MIT
 * Picks the instruction with the most 8-bit multiply-adds. */
#include "probes.h"
#include "terminal.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#define SECONDS 0.1

typedef struct unit {
    const char *instruction;
    uint64_t (*run)(void);
} unit;

#if defined(__x86_64__)

static unit find_unit(int32_t isa)
{
    __builtin_cpu_init();
    if (isa != PHIAL_ISA_AVX2 && __builtin_cpu_supports("avx512vnni"))
        return (unit){"vpdpbusd", probe_int8_avx512};
    if (__builtin_cpu_supports("avx2"))
        return (unit){"vpmaddubsw", probe_int8_avx2};
    return (unit){"none", NULL};
}

#elif defined(__aarch64__)

static unit find_unit(int32_t isa)
{
    bool has = true;

    (void)isa;
#if defined(__linux__)
    has = getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
#endif
    return has ? (unit){"sdot", probe_int8_neon} : (unit){"none", NULL};
}

#else

static unit find_unit(int32_t isa)
{
    (void)isa;
    return (unit){"none", NULL};
}

#endif

static double multiply(void *context, uint32_t thread, double until)
{
    const unit *u = context;
    double done = 0;

    (void)thread;
    while (clock_seconds() < until)
        done += (double)u->run();
    return done;
}

double probe_int8(uint32_t n_threads, int32_t isa, const char **instruction)
{
    unit u = find_unit(isa);

    *instruction = u.instruction;
    return u.run ? probe_rate(n_threads, SECONDS, multiply, &u) : 0;
}
