/* SPDX-License-Identifier: MIT
 * cgroup.h - the CPU quota that a container or service manager set. */
#ifndef PH_CGROUP_H
#define PH_CGROUP_H

#include <stdint.h>

/* How many CPUs' worth of time the quota allows, rounded up; UINT32_MAX
 * without one. membership is "/proc/self/cgroup", root "/sys/fs/cgroup"; tests
 * pass directories of their own. */
uint32_t ph_cgroup_cpus(const char *membership, const char *root);

#endif /* PH_CGROUP_H */
