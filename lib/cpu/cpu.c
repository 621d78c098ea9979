/* SPDX-License-Identifier: MIT
 * What the processor can do, by CPUID (Intel SDM volume 2A) and, on AArch64, by
 * the architecture itself and what the operating system says. A vector
 * extension counts only if the operating system saves its registers too (XCR0,
 * Intel SDM volume 1, 13.3). */
#include "cpu/cpu.h"

#include <stdio.h>

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

#if defined(__x86_64__) || defined(__i386__)

#include <cpuid.h>

enum {
    XCR0_AVX = 0x06,   /* SSE and AVX registers */
    XCR0_AVX512 = 0xe6 /* and mask registers, upper halves, registers 16-31 */
};

static uint32_t enabled_registers(void)
{
    uint32_t low, high;

    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static bool has(uint32_t word, uint32_t bits)
{
    return (word & bits) == bits;
}

uint32_t ph_cpu_tiers(void)
{
    uint32_t tiers = 1u << PHIAL_ISA_PORTABLE;
    uint32_t a, b, c, d, b7, c7, xcr0;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, bit_OSXSAVE))
        return tiers;
    xcr0 = enabled_registers();
    if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d))
        return tiers;
    if (!has(xcr0, XCR0_AVX) || !has(c, bit_AVX | bit_FMA | bit_F16C) ||
        !has(b7, bit_AVX2))
        return tiers;
    tiers |= 1u << PHIAL_ISA_AVX2;
    if (has(xcr0, XCR0_AVX512) &&
        has(b7, bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ) &&
        has(c7, bit_AVX512VNNI))
        tiers |= 1u << PHIAL_ISA_AVX512;
    return tiers;
}

uint32_t ph_cpu_extensions(void)
{
    return 0;
}

/* 48 bytes in leaves 0x80000002..4, padded with spaces or NULs. */
static bool read_name(char name[49])
{
    uint32_t words[12];

    for (uint32_t i = 0; i < 3; i++) {
        uint32_t *w = words + 4 * i;

        if (!__get_cpuid(0x80000002 + i, &w[0], &w[1], &w[2], &w[3]))
            return false;
    }
    memcpy(name, words, 48);
    name[48] = '\0';
    return true;
}

#else

uint32_t ph_cpu_tiers(void)
{
    uint32_t tiers = 1u << PHIAL_ISA_PORTABLE;

#if defined(__aarch64__)
    tiers |= 1u << PHIAL_ISA_NEON; /* part of the base architecture */
#endif
    return tiers;
}

#if defined(__aarch64__) && defined(__APPLE__)
static bool sysctl_says(const char *name)
{
    int value = 0;
    size_t size = sizeof value;

    return !sysctlbyname(name, &value, &size, NULL, 0) && value;
}
#endif

uint32_t ph_cpu_extensions(void)
{
    uint32_t extensions = 0;

#if defined(__aarch64__) && defined(__linux__)
    /* Bits of Linux's arch/arm64/include/uapi/asm/hwcap.h. */
    if (getauxval(AT_HWCAP) >> 20 & 1) /* HWCAP_ASIMDDP */
        extensions |= PH_CPU_DOTPROD;
    if (getauxval(AT_HWCAP2) >> 13 & 1) /* HWCAP2_I8MM */
        extensions |= PH_CPU_I8MM;
#elif defined(__aarch64__) && defined(__APPLE__)
    if (sysctl_says("hw.optional.arm.FEAT_DotProd"))
        extensions |= PH_CPU_DOTPROD;
    if (sysctl_says("hw.optional.arm.FEAT_I8MM"))
        extensions |= PH_CPU_I8MM;
#endif
    return extensions;
}

static bool read_name(char name[49])
{
#if defined(__aarch64__)
    memcpy(name, "AArch64", sizeof "AArch64");
    return true;
#else
    (void)name;
    return false;
#endif
}

#endif

void ph_cpu_name(char *buf, size_t cap)
{
    char name[49];
    const char *begin = name;
    size_t len;

    if (!read_name(name))
        memcpy(name, "unknown", sizeof "unknown");
    while (*begin == ' ')
        begin++;
    len = strlen(begin);
    while (len && begin[len - 1] == ' ')
        len--;
    if (!len) {
        begin = "unknown";
        len = 7;
    }
    if (cap)
        snprintf(buf, cap, "%.*s", (int)len, begin);
}
