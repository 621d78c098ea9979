/* SPDX-License-Identifier: MIT
 * os: clock, CPUs, entropy, threads, floating-point environment; and the
 * scratch directories of this program. */
#include "os/os.h"
#include "check_main.h"
#include "os_cases.h"

#include <fenv.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void scratch_make(char *path, size_t cap)
{
    snprintf(path, cap, "/tmp/phial-test-os-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(path));
}

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void scratch_remove(const char *path)
{
    ck_assert_int_eq(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void scratch_write(const char *directory, const char *name, const void *data,
                   size_t n)
{
    char path[4096];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    for (char *p = path + strlen(directory) + 1; *p; p++) {
        if (*p == '/') {
            *p = 0;
            mkdir(path, 0700);
            *p = '/';
        }
    }
    f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
}

START_TEST(clock_is_monotonic_and_in_nanoseconds)
{
    uint64_t start = ph_now_ns(), now = start;

    while (now - start < 2000000) {
        uint64_t next = ph_now_ns();

        ck_assert_uint_ge(next, now);
        now = next;
    }
    usleep(20000);
    ck_assert_uint_ge(ph_now_ns() - now, 20000000);
    ck_assert_uint_lt(ph_now_ns() - now, 20000000000u);
}
END_TEST

START_TEST(usable_cpus_follow_the_affinity)
{
    cpu_set_t one, before;

    ck_assert_uint_ge(ph_usable_cpus(), 1);
    ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
    ck_assert_uint_le(ph_usable_cpus(), (uint32_t)CPU_COUNT(&before));
    CPU_ZERO(&one);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &before)) {
            CPU_SET(cpu, &one);
            break;
        }
    }
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_uint_eq(ph_usable_cpus(), 1);
}
END_TEST

START_TEST(process_id_differs_in_a_child)
{
    ck_assert_int_eq(ph_process_id(), getpid());
}
END_TEST

START_TEST(entropy_fills_every_byte_and_no_more)
{
    uint8_t bytes[702] = {0}, ever[700] = {0};

    bytes[0] = bytes[701] = 0x5a;
    for (int round = 0; round < 64; round++) {
        ck_status(ph_entropy(bytes + 1, 700), PHIAL_OK);
        for (int i = 0; i < 700; i++)
            ever[i] |= bytes[i + 1];
    }
    /* A byte that no round filled is still 0; by chance: 2^-512. */
    for (int i = 0; i < 700; i++)
        ck_assert_uint_ne(ever[i], 0);
    ck_assert_uint_eq(bytes[0], 0x5a);
    ck_assert_uint_eq(bytes[701], 0x5a);
    ck_status(ph_entropy(NULL, 0), PHIAL_OK);
}
END_TEST

START_TEST(locking_memory_works_or_says_why_not)
{
    void *page = ph_alloc_raw(&ph_libc_heap, 4096);
    phial_status status = ph_lock_memory(page, 4096);

    if (status == PHIAL_OK)
        ph_unlock_memory(page, 4096);
    else
        ck_status(status, PHIAL_E_IO);
    ph_free(&ph_libc_heap, page);
    /* Nothing is mapped there; the address sanitizer ignores mlock(). */
    if (ph_lock_memory((void *)16, 1 << 20) != PHIAL_OK)
        ck_assert_ptr_nonnull(strstr(ph_error_text(), "lock 1048576 bytes"));
}
END_TEST

static void *report_mask(void *arg)
{
    pthread_sigmask(SIG_SETMASK, NULL, arg);
    return NULL;
}

START_TEST(threads_start_with_every_signal_blocked)
{
    sigset_t before, after, inside;
    ph_thread thread;

    sigemptyset(&inside);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    ck_status(ph_thread_start(&thread, report_mask, &inside), PHIAL_OK);
    ph_thread_join(thread);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int sig = 1; sig < 32; sig++) {
        ck_assert_int_eq(sigismember(&before, sig), sigismember(&after, sig));
        if (sig != SIGKILL && sig != SIGSTOP)
            ck_assert_msg(sigismember(&inside, sig) == 1, "signal %d", sig);
    }
}
END_TEST

/* 1 + 2^-24 is a tie; the quotient of the smallest normal is subnormal. */
static float tie(void)
{
    volatile float one = 1, half_ulp = 0x1p-24f;

    return one + half_ulp;
}

static float subnormal(void)
{
    volatile float least = 0x1p-126f, two = 2;

    return least / two;
}

START_TEST(arithmetic_inside_does_not_depend_on_the_hosts_rounding)
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD,
                                FE_TOWARDZERO};

    for (size_t i = 0; i < 4; i++) {
        ph_fpenv saved;

        ck_assert_int_eq(fesetround(modes[i]), 0);
        saved = ph_fp_enter();
        ck_assert(tie() == 1.0f);
        ck_assert(-tie() == -1.0f);
        ck_assert(subnormal() == 0x1p-127f);
        ph_fp_leave(saved);
        ck_assert_int_eq(fegetround(), modes[i]);
        if (modes[i] == FE_UPWARD)
            ck_assert(tie() == 1.0f + 0x1p-23f);
    }
}
END_TEST

#if defined(__SSE__)
#include <xmmintrin.h>

START_TEST(flush_to_zero_and_traps_are_off_inside_and_back_outside)
{
    /* Flush-to-zero, denormals-are-zero, and division by zero unmasked. */
    const unsigned host = (0x1f80u | 1u << 15 | 1u << 6) & ~(1u << 9);
    ph_fpenv saved;

    _mm_setcsr(host);
    ck_assert(subnormal() == 0);
    saved = ph_fp_enter();
    ck_assert(subnormal() == 0x1p-127f);
    {
        volatile float zero = 0, one = 1;

        ck_assert(one / zero > 1e38f);
    }
    ph_fp_leave(saved);
    /* Underflow and inexact are the host's own flags, from the line above. */
    ck_assert_uint_eq(_mm_getcsr() & ~0x3fu, host);
    ck_assert_uint_eq(_mm_getcsr() & 4u, 0);
    _mm_setcsr(0x1f80);
}
END_TEST
#endif

static Suite *os_suite(void)
{
    Suite *suite = suite_create("os");
    TCase *tc = tcase_create("machine");

    tcase_add_test(tc, clock_is_monotonic_and_in_nanoseconds);
    tcase_add_test(tc, usable_cpus_follow_the_affinity);
    tcase_add_test(tc, process_id_differs_in_a_child);
    tcase_add_test(tc, entropy_fills_every_byte_and_no_more);
    tcase_add_test(tc, locking_memory_works_or_says_why_not);
    tcase_add_test(tc, threads_start_with_every_signal_blocked);
    tcase_add_test(tc, arithmetic_inside_does_not_depend_on_the_hosts_rounding);
#if defined(__SSE__)
    tcase_add_test(tc, flush_to_zero_and_traps_are_off_inside_and_back_outside);
#endif
    suite_add_tcase(suite, tc);
    file_cases(suite);
    cgroup_cases(suite);
    return suite;
}

PH_CHECK_MAIN(os_suite())
