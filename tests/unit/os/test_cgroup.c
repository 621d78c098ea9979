/* SPDX-License-Identifier: MIT
 * CPU quotas, from directories that look like the kernel's. */
#include "base/base.h"
#include "check_main.h"
#include "os/cgroup.h"
#include "os_cases.h"

#include <stdio.h>

static char directory[64];

static void setup(void)
{
    scratch_make(directory, sizeof directory);
}

static void teardown(void)
{
    scratch_remove(directory);
}

static void put(const char *name, const char *text)
{
    scratch_write(directory, name, text, strlen(text));
}

static uint32_t cpus(const char *membership)
{
    char path[128];

    put("membership", membership);
    snprintf(path, sizeof path, "%s/membership", directory);
    return ph_cgroup_cpus(path, directory);
}

START_TEST(version_2_quota_is_rounded_up)
{
    put("a/b/cpu.max", "150000 100000\n");
    ck_assert_uint_eq(cpus("0::/a/b\n"), 2);
    put("a/b/cpu.max", "200000 100000\n");
    ck_assert_uint_eq(cpus("0::/a/b\n"), 2);
    put("a/b/cpu.max", "1000 100000\n");
    ck_assert_uint_eq(cpus("0::/a/b\n"), 1);
    put("a/b/cpu.max", "0 100000\n");
    ck_assert_uint_eq(cpus("0::/a/b\n"), 1);
}
END_TEST

START_TEST(the_least_quota_of_all_ancestors_counts)
{
    put("a/b/cpu.max", "800000 100000\n");
    put("a/cpu.max", "300000 100000\n");
    put("cpu.max", "500000 100000\n");
    ck_assert_uint_eq(cpus("0::/a/b\n"), 3);
    ck_assert_uint_eq(cpus("0::/\n"), 5);
    ck_assert_uint_eq(cpus("0::/gone/from/here\n"), 5);
}
END_TEST

START_TEST(no_quota_is_no_limit)
{
    ck_assert_uint_eq(cpus("0::/\n"), UINT32_MAX);
    put("cpu.max", "max 100000\n");
    ck_assert_uint_eq(cpus("0::/\n"), UINT32_MAX);
    ck_assert_uint_eq(ph_cgroup_cpus("/nonexistent", directory), UINT32_MAX);
}
END_TEST

START_TEST(version_1_quota_is_read_from_the_cpu_controller)
{
    const char *membership = "5:memory:/m\n4:cpu,cpuacct:/docker/x\n0::/\n";

    put("cpu/docker/x/cpu.cfs_quota_us", "250000\n");
    put("cpu/docker/x/cpu.cfs_period_us", "100000\n");
    ck_assert_uint_eq(cpus(membership), 3);
    ck_assert_uint_eq(cpus("4:cpuset:/docker/x\n"), UINT32_MAX);
    put("cpu/docker/x/cpu.cfs_quota_us", "-1\n");
    ck_assert_uint_eq(cpus(membership), UINT32_MAX);
}
END_TEST

START_TEST(nonsense_is_no_limit_and_no_crash)
{
    static const char *const texts[] = {
        "",
        "\n",
        "100000",
        "100000 0\n",
        "-5 100000\n",
        "x y\n",
        "99999999999999999999999 100000\n",
        "100000 99999999999999999999999\n",
    };
    static const char *const memberships[] = {
        "",       "\n\n",  "0",           "0:",
        "0::",    "::",    "0::relative", "0::/../..",
        ":::::/", "0:cpu", "1:cpu:",      "no newline 0::/",
    };
    char longest[3000];
    size_t n_texts = sizeof texts / sizeof *texts;

    for (size_t i = 0; i < n_texts; i++) {
        put("cpu.max", texts[i]);
        ck_assert_uint_eq(cpus("0::/\n"), UINT32_MAX);
    }
    for (size_t i = 0; i < sizeof memberships / sizeof *memberships; i++)
        cpus(memberships[i]);
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "0::/", 4);
    longest[sizeof longest - 1] = 0;
    put("cpu.max", "400000 100000\n");
    ck_assert_uint_eq(cpus(longest), 4);
    put("cpu.max", "18446744073709551615 1\n");
    ck_assert_uint_eq(cpus("0::/\n"), UINT32_MAX);
}
END_TEST

void cgroup_cases(Suite *suite)
{
    TCase *tc = tcase_create("cgroup");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, version_2_quota_is_rounded_up);
    tcase_add_test(tc, the_least_quota_of_all_ancestors_counts);
    tcase_add_test(tc, no_quota_is_no_limit);
    tcase_add_test(tc, version_1_quota_is_read_from_the_cpu_controller);
    tcase_add_test(tc, nonsense_is_no_limit_and_no_crash);
    suite_add_tcase(suite, tc);
}
