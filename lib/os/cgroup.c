/* SPDX-License-Identifier: MIT
 * CPU quotas of control groups, version 2 (cpu.max) and version 1
 * (cpu.cfs_quota_us, cpu.cfs_period_us); Linux Documentation, cgroup-v2 and
 * sched-bwc. Whatever cannot be read is no limit: this only picks a default. */
#include "os/cgroup.h"

#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { MAX_TEXT = 3072, MAX_PATH = 1024 };

/* The beginning of a small file as a C string; false if there is none. */
static bool read_text(const char *path, char *text, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t len = 0;
    ssize_t got = 0;

    if (fd < 0)
        return false;
    while (len < cap - 1) {
        got = read(fd, text + len, cap - 1 - len);
        if (got > 0)
            len += (size_t)got;
        else if (got == 0 || errno != EINTR)
            break;
    }
    close(fd);
    text[len] = 0;
    return got >= 0;
}

/* Skips blanks and reads digits; no sign, no locale. */
static bool read_number(const char **at, uint64_t *value)
{
    const char *p = *at;
    uint64_t v = 0;

    while (*p == ' ')
        p++;
    if (*p < '0' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (!ph_mul64(v, 10, &v) || !ph_add64(v, (uint64_t)(*p - '0'), &v))
            return false;
    }
    *at = p;
    *value = v;
    return true;
}

static uint32_t cpus_of(uint64_t quota, uint64_t period)
{
    uint64_t cpus;

    if (!period)
        return UINT32_MAX;
    cpus = quota / period + (quota % period != 0);
    if (cpus < 1)
        return 1;
    return cpus < UINT32_MAX ? (uint32_t)cpus : UINT32_MAX;
}

static bool read_number_file(const char *directory, const char *name,
                             uint64_t *value)
{
    char path[MAX_PATH], text[64];
    const char *at = text;
    int n = snprintf(path, sizeof path, "%s/%s", directory, name);

    return n > 0 && (size_t)n < sizeof path &&
           read_text(path, text, sizeof text) && read_number(&at, value);
}

/* "max 100000" or "150000 100000". */
static uint32_t directory_v2(const char *directory)
{
    char path[MAX_PATH], text[64];
    const char *at = text;
    uint64_t quota, period;
    int n = snprintf(path, sizeof path, "%s/cpu.max", directory);

    if (n < 0 || (size_t)n >= sizeof path ||
        !read_text(path, text, sizeof text) || !read_number(&at, &quota) ||
        !read_number(&at, &period))
        return UINT32_MAX;
    return cpus_of(quota, period);
}

static uint32_t directory_v1(const char *directory)
{
    uint64_t quota, period;

    /* No quota is written -1, which is not a number to read_number(). */
    if (!read_number_file(directory, "cpu.cfs_quota_us", &quota) ||
        !read_number_file(directory, "cpu.cfs_period_us", &period))
        return UINT32_MAX;
    return cpus_of(quota, period);
}

/* The least quota from base/group up to base: every ancestor limits. Inside a
 * container the group's own path is often not visible; base still counts. */
static uint32_t least_quota(const char *base, ph_str group,
                            uint32_t (*quota_of)(const char *))
{
    char path[MAX_PATH];
    size_t base_len = strlen(base);
    uint32_t least = UINT32_MAX;
    int n = snprintf(path, sizeof path, "%s%.*s", base,
                     (int)(group.len < MAX_PATH ? group.len : MAX_PATH),
                     group.data);

    if (n < 0 || (size_t)n >= sizeof path)
        path[base_len < sizeof path ? base_len : 0] = 0;
    for (;;) {
        uint32_t cpus = quota_of(path);
        char *slash;

        if (cpus < least)
            least = cpus;
        if (strlen(path) <= base_len)
            return least;
        slash = strrchr(path, '/');
        if (!slash)
            return least;
        *slash = 0;
    }
}

/* Whether the comma-separated list of controllers has "cpu". */
static bool lists_cpu(ph_str list)
{
    size_t start = 0;

    for (size_t i = 0; i <= list.len; i++) {
        if (i < list.len && list.data[i] != ',')
            continue;
        if (ph_str_is((ph_str){list.data + start, i - start}, "cpu"))
            return true;
        start = i + 1;
    }
    return false;
}

/* One line of /proc/self/cgroup: "ID:CONTROLLERS:/PATH". */
static uint32_t line_quota(const char *root, const char *line, size_t len)
{
    const char *first = memchr(line, ':', len);
    const char *second;
    char base[MAX_PATH];
    ph_str list, group;
    int n;

    if (!first)
        return UINT32_MAX;
    first++;
    second = memchr(first, ':', len - (size_t)(first - line));
    if (!second)
        return UINT32_MAX;
    list = (ph_str){first, (size_t)(second - first)};
    group = (ph_str){second + 1, len - (size_t)(second + 1 - line)};
    if (list.len == 0)
        return least_quota(root, group, directory_v2);
    if (!lists_cpu(list))
        return UINT32_MAX;
    n = snprintf(base, sizeof base, "%s/cpu", root);
    if (n < 0 || (size_t)n >= sizeof base)
        return UINT32_MAX;
    return least_quota(base, group, directory_v1);
}

uint32_t ph_cgroup_cpus(const char *membership, const char *root)
{
    char text[MAX_TEXT];
    uint32_t least = UINT32_MAX;
    const char *line = text;

    if (!read_text(membership, text, sizeof text))
        return UINT32_MAX;
    while (*line) {
        size_t len = strcspn(line, "\n");
        uint32_t cpus = line_quota(root, line, len);

        if (cpus < least)
            least = cpus;
        line += len + (line[len] == '\n');
    }
    return least;
}
