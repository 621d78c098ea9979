/* SPDX-License-Identifier: MIT
 * How many CPUs this process may use: a default for the size of the pool. */
#include "os/os.h"

#include <unistd.h>

#if defined(__linux__)

#include "os/cgroup.h"

#include <sched.h>

/* Room for 8192 CPUs: the call fails when the set is smaller than the
 * kernel's. */
static uint32_t allowed_by_affinity(void)
{
    cpu_set_t sets[8];
    int count;

    memset(sets, 0, sizeof sets);
    if (sched_getaffinity(0, sizeof sets, sets))
        return UINT32_MAX;
    count = CPU_COUNT_S(sizeof sets, sets);
    return count > 0 ? (uint32_t)count : UINT32_MAX;
}

static uint32_t allowed_by_quota(void)
{
    return ph_cgroup_cpus("/proc/self/cgroup", "/sys/fs/cgroup");
}

#else

static uint32_t allowed_by_affinity(void)
{
    return UINT32_MAX;
}

static uint32_t allowed_by_quota(void)
{
    return UINT32_MAX;
}

#endif

uint32_t ph_usable_cpus(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t cpus = online > 0 ? (uint32_t)online : 1;
    uint32_t affinity = allowed_by_affinity();
    uint32_t quota = allowed_by_quota();

    if (affinity < cpus)
        cpus = affinity;
    return quota < cpus ? quota : cpus;
}
