/* SPDX-License-Identifier: MIT
 * pool: jobs, barriers, shares, callers on several threads, fork. */
#include "check_main.h"
#include "os/os.h"
#include "pool/pool.h"

#include <fenv.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_TEAM = 16, ROUNDS = 200 };

static ph_pool *new_pool(uint32_t n_threads)
{
    ph_pool *pool = NULL;

    ck_status(ph_pool_new(&ph_libc_heap, n_threads, &pool), PHIAL_OK);
    return pool;
}

/* Each thread writes its slot, and after the barrier checks everybody's: plain
 * memory, so that ThreadSanitizer proves the barrier orders it. */
typedef struct rounds_job {
    int slots[MAX_TEAM];
    atomic_int wrong;
    atomic_int runs;
} rounds_job;

static void run_rounds(void *arg, const ph_team *team)
{
    rounds_job *job = arg;

    atomic_fetch_add(&job->runs, 1);
    for (int round = 1; round <= ROUNDS; round++) {
        job->slots[team->index] = round;
        ph_team_sync(team);
        for (uint32_t i = 0; i < team->count; i++)
            if (job->slots[i] != round)
                atomic_fetch_add(&job->wrong, 1);
        ph_team_sync(team);
    }
}

static const uint32_t thread_counts[] = {1, 2, 3, 5, 8};

START_TEST(every_thread_runs_the_job_once_and_barriers_order_memory)
{
    ph_pool *pool = new_pool(thread_counts[_i]);

    for (int repeat = 0; repeat < 20; repeat++) {
        rounds_job job = {0};

        ck_status(ph_pool_run(pool, run_rounds, &job), PHIAL_OK);
        ck_assert_int_eq(atomic_load(&job.runs), (int)thread_counts[_i]);
        ck_assert_int_eq(atomic_load(&job.wrong), 0);
    }
    ck_assert_uint_eq(ph_pool_threads(pool), thread_counts[_i]);
    ph_pool_free(pool);
}
END_TEST

/* Jobs of no length, back to back and with pauses in which workers fall
 * asleep: a lost wake-up would hang. */
static void count_up(void *arg, const ph_team *team)
{
    (void)team;
    atomic_fetch_add((atomic_int *)arg, 1);
}

START_TEST(no_job_is_lost_between_spinning_and_sleeping)
{
    ph_pool *pool = new_pool(3);
    atomic_int count = 0;

    for (int i = 0; i < 20000; i++) {
        ck_status(ph_pool_run(pool, count_up, &count), PHIAL_OK);
        if (i % 500 == 0)
            usleep(5000);
    }
    ck_assert_int_eq(atomic_load(&count), 3 * 20000);
    ph_pool_free(pool);
}
END_TEST

/* Of any length, which need not be whole lines. */
static void meet_reading_ahead(void *arg, const ph_team *team)
{
    static const char text[1000];

    for (size_t i = 0; i < 100; i++) {
        ph_team_read_ahead(team, text, i * 10);
        if (i % team->count == team->index)
            usleep(100);
        ph_team_sync(team);
    }
    atomic_fetch_add((atomic_int *)arg, 1);
}

/* Two threads: with more than processors nobody spins. */
START_TEST(threads_may_read_ahead_while_they_wait)
{
    ph_pool *pool = new_pool(2);
    atomic_int count = 0;

    ck_status(ph_pool_run(pool, meet_reading_ahead, &count), PHIAL_OK);
    ck_assert_int_eq(atomic_load(&count), 2);
    ph_pool_free(pool);
}
END_TEST

START_TEST(more_threads_than_processors_still_finish)
{
    ph_pool *pool = new_pool(64);
    atomic_int count = 0;

    for (int i = 0; i < 50; i++)
        ck_status(ph_pool_run(pool, count_up, &count), PHIAL_OK);
    ck_assert_int_eq(atomic_load(&count), 64 * 50);
    ph_pool_free(pool);
}
END_TEST

START_TEST(a_pool_that_never_ran_a_job_is_freed)
{
    ph_pool_free(new_pool(8));
    ph_pool_free(new_pool(0));
    ph_pool_free(NULL);
}
END_TEST

START_TEST(too_many_threads_are_refused)
{
    ph_pool *pool = NULL;

    ck_status(ph_pool_new(&ph_libc_heap, PH_MAX_THREADS + 1, &pool),
              PHIAL_E_ARGUMENT);
    ck_assert_ptr_null(pool);
    pool = new_pool(PH_MAX_THREADS);
    ck_assert_uint_eq(ph_pool_threads(pool), PH_MAX_THREADS);
    ph_pool_free(pool);
}
END_TEST

static void *no_alloc(void *user, size_t size, size_t alignment)
{
    (void)user;
    (void)size;
    (void)alignment;
    return NULL;
}

START_TEST(no_memory_is_reported)
{
    ph_heap heap = {no_alloc, ph_libc_heap.free, NULL};
    ph_pool *pool = NULL;

    ck_status(ph_pool_new(&heap, 2, &pool), PHIAL_E_MEMORY);
    ck_assert_ptr_null(pool);
}
END_TEST

START_TEST(shares_are_contiguous_and_tile)
{
    for (uint32_t count = 1; count < 20; count++)
        for (size_t n = 0; n < 130; n++)
            for (size_t grain = 1; grain < 20; grain += 3) {
                size_t at = 0, most = 0, least = SIZE_MAX;

                for (uint32_t i = 0; i < count; i++) {
                    ph_team team = {NULL, i, count};
                    size_t begin, end;

                    ph_team_share(&team, n, grain, &begin, &end);
                    ck_assert_uint_eq(begin, at);
                    ck_assert_uint_ge(end, begin);
                    ck_assert(end == n || end % grain == 0);
                    most = end - begin > most ? end - begin : most;
                    least = end - begin < least ? end - begin : least;
                    at = end;
                }
                ck_assert_uint_eq(at, n);
                ck_assert_uint_le(most - least, 2 * grain - 1);
            }
}
END_TEST

START_TEST(shares_of_huge_counts_do_not_overflow)
{
    ph_team last = {NULL, 255, 256};
    size_t begin, end;

    ph_team_share(&last, SIZE_MAX, 1, &begin, &end);
    ck_assert_uint_eq(end, SIZE_MAX);
    ck_assert_uint_gt(end - begin, SIZE_MAX / 257);
}
END_TEST

/* Deals n items to count threads, of which the first is too slow to come again
 * before the others are done, and counts how often each item was dealt. */
static void deal_all(uint32_t count, size_t n, size_t grain, uint8_t *dealt,
                     size_t *of_first)
{
    atomic_uint taken = 0;

    *of_first = 0;
    for (uint32_t i = count; i-- > 0;) {
        ph_team team = {NULL, i, count};
        ph_deal deal = ph_team_deal(&team, &taken, n, grain);
        size_t begin, end;

        while (ph_deal_next(&deal, &begin, &end)) {
            ck_assert_uint_lt(begin, end);
            ck_assert_uint_le(end, n);
            ck_assert(begin % grain == 0 && (end == n || end % grain == 0));
            for (size_t k = begin; k < end; k++)
                dealt[k]++;
            *of_first += i == 0 ? end - begin : 0;
        }
        ck_assert(!ph_deal_next(&deal, &begin, &end));
    }
}

START_TEST(everything_is_dealt_once_and_the_quick_take_more)
{
    for (uint32_t count = 1; count < 9; count++)
        for (size_t n = 0; n < 300; n += 7)
            for (size_t grain = 1; grain < 20; grain += 3) {
                uint8_t dealt[300] = {0};
                const size_t grains = (n + grain - 1) / grain;
                size_t of_first;

                deal_all(count, n, grain, dealt, &of_first);
                for (size_t k = 0; k < n; k++)
                    ck_assert_int_eq(dealt[k], 1);
                if (count > 1)
                    ck_assert_uint_le(
                        of_first, ((grains - grains / 8) / count + 1) * grain);
            }
}
END_TEST

/* Several callers use one pool: each job must see its own argument only. */
typedef struct caller {
    ph_pool *pool;
    ph_thread thread;
    atomic_int count;
} caller;

static void *call_often(void *arg)
{
    caller *c = arg;

    for (int i = 0; i < 300; i++)
        if (ph_pool_run(c->pool, count_up, &c->count) != PHIAL_OK)
            return arg;
    return NULL;
}

START_TEST(callers_on_several_threads_take_turns)
{
    ph_pool *pool = new_pool(3);
    caller callers[4];

    for (int i = 0; i < 4; i++) {
        callers[i].pool = pool;
        atomic_init(&callers[i].count, 0);
        ck_status(ph_thread_start(&callers[i].thread, call_often, &callers[i]),
                  PHIAL_OK);
    }
    for (int i = 0; i < 4; i++) {
        ph_thread_join(callers[i].thread);
        ck_assert_int_eq(atomic_load(&callers[i].count), 900);
    }
    ph_pool_free(pool);
}
END_TEST

START_TEST(a_forked_child_is_told_and_can_free_the_pool)
{
    ph_pool *pool = new_pool(3);
    atomic_int count = 0;
    pid_t child;
    int status = -1;

    ck_status(ph_pool_run(pool, count_up, &count), PHIAL_OK);
    child = fork();
    if (child == 0) {
        phial_status got = ph_pool_run(pool, count_up, &count);

        ph_pool_free(pool);
        _exit(got == PHIAL_E_STATE ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_status(ph_pool_run(pool, count_up, &count), PHIAL_OK);
    ck_assert_int_eq(atomic_load(&count), 6);
    ph_pool_free(pool);
}
END_TEST

/* 1 + 2^-30 is above 1 only if sums are rounded upward. (fegetround would read
 * the x87 control word, which nothing here uses.) */
static float rounded_sum(void)
{
    volatile float one = 1.0f, tiny = 0x1p-30f;

    return one + tiny;
}

static void note_rounding(void *arg, const ph_team *team)
{
    ((float *)arg)[team->index] = rounded_sum();
}

START_TEST(jobs_round_to_nearest_whatever_the_host_set)
{
    ph_pool *pool = new_pool(3);
    float sums[3] = {0};

    fesetround(FE_UPWARD);
    ck_status(ph_pool_run(pool, note_rounding, sums), PHIAL_OK);
    ck_assert(rounded_sum() > 1);
    fesetround(FE_TONEAREST);
    for (int i = 0; i < 3; i++)
        ck_assert(sums[i] == 1);
    ph_pool_free(pool);
}
END_TEST

/* In a child, because a limit on threads would hit the test's own. Run by root
 * the limit does not bind and the pool simply has all its threads. */
START_TEST(threads_that_cannot_be_started_are_done_without)
{
    pid_t child = fork();
    int status = -1;

    if (child == 0) {
        struct rlimit none = {1, 1};
        ph_pool *pool = new_pool(4);
        atomic_int count = 0;
        uint32_t n;

        setrlimit(RLIMIT_NPROC, &none);
        if (setuid(65534) != 0)
            _exit(2);
        if (ph_pool_run(pool, count_up, &count) != PHIAL_OK)
            _exit(3);
        n = ph_pool_threads(pool);
        if (n != 1 || atomic_load(&count) != 1)
            _exit(4);
        ph_pool_free(pool);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, geteuid() == 0 ? 0 : status);
}
END_TEST

static Suite *pool_suite(void)
{
    Suite *suite = suite_create("pool");
    TCase *tc = tcase_create("pool");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(
        tc, every_thread_runs_the_job_once_and_barriers_order_memory, 0, 5);
    tcase_add_test(tc, no_job_is_lost_between_spinning_and_sleeping);
    tcase_add_test(tc, threads_may_read_ahead_while_they_wait);
    tcase_add_test(tc, more_threads_than_processors_still_finish);
    tcase_add_test(tc, a_pool_that_never_ran_a_job_is_freed);
    tcase_add_test(tc, too_many_threads_are_refused);
    tcase_add_test(tc, no_memory_is_reported);
    tcase_add_test(tc, shares_are_contiguous_and_tile);
    tcase_add_test(tc, shares_of_huge_counts_do_not_overflow);
    tcase_add_test(tc, everything_is_dealt_once_and_the_quick_take_more);
    tcase_add_test(tc, callers_on_several_threads_take_turns);
    tcase_add_test(tc, a_forked_child_is_told_and_can_free_the_pool);
    tcase_add_test(tc, jobs_round_to_nearest_whatever_the_host_set);
    tcase_add_test(tc, threads_that_cannot_be_started_are_done_without);
    suite_add_tcase(suite, tc);
    return suite;
}

PH_CHECK_MAIN(pool_suite())
