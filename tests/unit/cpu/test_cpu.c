/* SPDX-License-Identifier: MIT
 * cpu: the tiers against what the kernel says of the processor. */
#include "check_main.h"
#include "cpu/cpu.h"

#include <stdio.h>

static bool has_tier(int isa)
{
    return ph_cpu_tiers() >> isa & 1;
}

START_TEST(the_portable_tier_is_always_there)
{
    ck_assert(has_tier(PHIAL_ISA_PORTABLE));
    ck_assert(!has_tier(PHIAL_ISA_BEST));
#if defined(__aarch64__)
    ck_assert(has_tier(PHIAL_ISA_NEON));
#else
    ck_assert(!has_tier(PHIAL_ISA_NEON));
#endif
    ck_assert(has_tier(PHIAL_ISA_AVX2) || !has_tier(PHIAL_ISA_AVX512));
}
END_TEST

START_TEST(extensions_build_on_each_other)
{
    const uint32_t extensions = ph_cpu_extensions();

#if !defined(__aarch64__)
    ck_assert_uint_eq(extensions, 0);
#endif
    ck_assert(extensions & PH_CPU_DOTPROD || !(extensions & PH_CPU_I8MM));
}
END_TEST

/* Linux lists a flag only if it saves the registers. */
static bool flags_contain(const char *flags, const char *const *names)
{
    for (; *names; names++) {
        const char *found = strstr(flags, *names);
        size_t len = strlen(*names);

        while (found && found[len] != ' ' && found[len] != '\n')
            found = strstr(found + 1, *names);
        if (!found)
            return false;
    }
    return true;
}

static void compare_with_flags(const char *flags)
{
#if defined(__x86_64__)
    static const char *const avx2[] = {" avx2", " fma", " f16c", NULL};
    static const char *const avx512[] = {
        " avx2",     " fma",      " f16c",        " avx512f", " avx512bw",
        " avx512vl", " avx512dq", " avx512_vnni", NULL};

    ck_assert_int_eq(has_tier(PHIAL_ISA_AVX2), flags_contain(flags, avx2));
    ck_assert_int_eq(has_tier(PHIAL_ISA_AVX512), flags_contain(flags, avx512));
#elif defined(__aarch64__)
    static const char *const dotprod[] = {" asimddp", NULL};
    static const char *const i8mm[] = {" i8mm", NULL};
    const uint32_t extensions = ph_cpu_extensions();

    ck_assert_int_eq((extensions & PH_CPU_DOTPROD) != 0,
                     flags_contain(flags, dotprod));
    ck_assert_int_eq((extensions & PH_CPU_I8MM) != 0,
                     flags_contain(flags, i8mm));
#else
    (void)flags;
    (void)flags_contain;
#endif
}

/* An emulator may show the file of its host: hence the key by architecture. */
START_TEST(what_there_is_is_what_proc_cpuinfo_says)
{
#if defined(__aarch64__)
    static const char key[] = "Features";
#else
    static const char key[] = "flags";
#endif
    char line[8192];
    FILE *file = fopen("/proc/cpuinfo", "r");

    if (!file)
        return;
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, key, strlen(key))) {
            compare_with_flags(line);
            break;
        }
    fclose(file);
}
END_TEST

START_TEST(the_name_fits_the_buffer)
{
    char name[64], small[5] = "????";

    ph_cpu_name(name, sizeof name);
    ck_assert_uint_gt(strlen(name), 0);
    ck_assert_int_ne(name[0], ' ');
    ck_assert_int_ne(name[strlen(name) - 1], ' ');
    ph_cpu_name(small, sizeof small);
    ck_assert_uint_le(strlen(small), 4);
    ck_assert_int_eq(strncmp(small, name, strlen(small)), 0);
    ph_cpu_name(NULL, 0);
}
END_TEST

static Suite *cpu_suite(void)
{
    Suite *suite = suite_create("cpu");
    TCase *tc = tcase_create("cpu");

    tcase_add_test(tc, the_portable_tier_is_always_there);
    tcase_add_test(tc, extensions_build_on_each_other);
    tcase_add_test(tc, what_there_is_is_what_proc_cpuinfo_says);
    tcase_add_test(tc, the_name_fits_the_buffer);
    suite_add_tcase(suite, tc);
    return suite;
}

PH_CHECK_MAIN(cpu_suite())
