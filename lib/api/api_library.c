/* SPDX-License-Identifier: MIT
 * What the library says about itself: version, build, statuses, last error. */
#include "base/base.h"
#include "cpu/cpu.h"
#include "kernels/kernels.h"

#include <stdio.h>

#if defined(__has_include)
#if __has_include("api/commit.h")
#include "api/commit.h"
#endif
#endif
#ifndef PH_COMMIT /* built outside Meson */
#define PH_COMMIT "unknown"
#endif

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

uint32_t phial_version(void)
{
    return (uint32_t)PHIAL_VERSION_MAJOR << 16 |
           (uint32_t)PHIAL_VERSION_MINOR << 8 | (uint32_t)PHIAL_VERSION_PATCH;
}

/* Copies name without what would have to be escaped in JSON. */
static void put_name(char *out, size_t cap, const char *name)
{
    size_t n = 0;

    for (; *name && n + 1 < cap; name++)
        if (*name >= ' ' && *name <= '~' && *name != '"' && *name != '\\')
            out[n++] = *name;
    out[n] = 0;
}

/* The kernels of this build that this processor runs, as a JSON array. */
static void put_kernels(char *out, size_t cap)
{
    size_t n = 0;

    for (int32_t isa = PHIAL_ISA_PORTABLE; isa <= PHIAL_ISA_NEON; isa++) {
        const ph_kernels *kernels = ph_kernels_get(isa);

        if (kernels)
            n += (size_t)snprintf(out + n, cap - n, "%s\"%s\"", n ? "," : "[",
                                  kernels->name);
    }
    snprintf(out + n, cap - n, "]");
}

/* Per thread, so that it needs neither a lock nor a mutable global. */
const char *phial_build_info(void)
{
    static _Thread_local char line[512];
    char name[128], cpu[128], kernels[128];

    ph_cpu_name(name, sizeof name);
    put_name(cpu, sizeof cpu, name);
    put_kernels(kernels, sizeof kernels);
    snprintf(line, sizeof line,
             "{\"version\":\"%d.%d.%d\",\"commit\":\"%s\","
             "\"compiler\":\"%s\",\"kernels\":%s,"
             "\"cpu\":\"%s\",\"cpu_tiers\":%u}",
             PHIAL_VERSION_MAJOR, PHIAL_VERSION_MINOR, PHIAL_VERSION_PATCH,
             PH_COMMIT, COMPILER, kernels, cpu, ph_cpu_tiers());
    return line;
}

const char *phial_status_name(phial_status status)
{
    return ph_status_name(status);
}

const char *phial_last_error(void)
{
    return ph_error_text();
}
