/* SPDX-License-Identifier: MIT
 * Thousands of mixed requests to one model, in groups of one to eight sessions:
 * memory stays what it is, and a sample of them gives, alone, in a fresh
 * session of a model of portable kernels, the same bits. Reproducible by its
 * seed.
 *
 * usage: soak [-n REQUESTS] [-s SEED] [-t THREADS] [-a ALONE] MODEL
 *
 * One in ALONE requests is compared. */
#include "soak.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Between samples the cache should fill up. */
enum { FEW = 4000, FEW_SAMPLES = 8 };

typedef struct soak {
    uint64_t n_requests, seed, every;
    uint32_t n_threads;
    phial_model *model, *reference;
    uint64_t cache_limit, most_cached; /* bytes */
    tally served, alone;
    uint64_t n_groups, n_compared, n_different;
} soak;

/* ---- Serving ----------------------------------------------------------- */

static uint64_t number_of(const soak *s, uint64_t request)
{
    uint64_t state = s->seed ^ (request + 1) * 0xd1342543de82ef95;

    return draw(&state);
}

static void compare_alone(soak *s, uint64_t request, uint64_t digest)
{
    static talk t;

    talk_begin(&t, s->reference, number_of(s, request), true, &s->alone);
    while (talk_say(&t))
        while (!talk_hear(&t))
            continue;
    talk_end(&t);
    s->n_compared++;
    if (t.digest == digest)
        return;
    s->n_different++;
    fprintf(stderr, "soak: request %llu of seed %llu is another alone\n",
            (unsigned long long)request, (unsigned long long)s->seed);
}

/* One step of those that speak. One that is left over may go on without. */
static void step(talk **speaking, size_t n)
{
    phial_session *sessions[MAX_GROUP];

    for (size_t i = 0; i < n; i++)
        sessions[i] = speaking[i]->session;
    if (n > 1 || draw(&speaking[0]->fate) % 2)
        if (phial_step(sessions, n) < 0)
            give_up(phial_last_error());
    for (size_t i = 0; i < n; i++)
        talk_meet(speaking[i]);
}

static void serve(soak *s, uint64_t first, size_t n)
{
    static talk talks[MAX_GROUP];
    talk *speaking[MAX_GROUP];
    size_t n_speaking = 0;

    for (size_t i = 0; i < n; i++) {
        talk *t = &talks[i];

        talk_begin(t, s->model, number_of(s, first + i), false, &s->served);
        canceller_show(NULL, t->session);
        if (talk_say(t))
            speaking[n_speaking++] = t;
    }
    while (n_speaking > 0) {
        size_t still = 0;

        step(speaking, n_speaking);
        for (size_t i = 0; i < n_speaking; i++)
            if (!talk_hear(speaking[i]) || talk_say(speaking[i]))
                speaking[still++] = speaking[i];
        n_speaking = still;
    }
    for (size_t i = 0; i < n; i++) {
        talk_end(&talks[i]);
        if ((first + i) % s->every == 0)
            compare_alone(s, first + i, talks[i].digest);
    }
    fate_end();
    s->n_groups++;
}

/* Of a state that can be compared: no sessions, and nothing kept of any. */
static void sample(soak *s, uint64_t n_done)
{
    const uint64_t cache = cache_bytes(s->model);

    if (cache > s->cache_limit)
        give_up("the cache has grown beyond its limit");
    s->most_cached = cache > s->most_cached ? cache : s->most_cached;
    cache_empty(s->model);
    memory_sample(n_done, cache);
}

static void serve_all(soak *s)
{
    const uint64_t n_samples = s->n_requests < FEW ? FEW_SAMPLES : MAX_SAMPLES;
    uint64_t random = s->seed, done = 0;

    for (uint64_t i = 1; i <= n_samples; i++) {
        const uint64_t goal = s->n_requests * i / n_samples;

        while (done < goal) {
            const uint64_t n = 1 + draw(&random) % MAX_GROUP;
            const uint64_t left = goal - done;

            serve(s, done, (size_t)(n < left ? n : left));
            done += n < left ? n : left;
        }
        sample(s, done);
    }
}

/* ---- The program ------------------------------------------------------- */

static phial_model *open_model(const char *path, uint32_t n_threads,
                               int32_t isa, uint64_t cache_limit)
{
    phial_model_options o = PHIAL_INIT(phial_model_options);
    phial_model *model = NULL;

    o.n_threads = n_threads;
    o.isa = isa;
    o.mem_alloc = counting_alloc;
    o.mem_free = counting_free;
    o.cache_limit = cache_limit;
    must_be(phial_model_open(path, &o, &model), PHIAL_OK, "opening");
    return model;
}

/* Room for a group, three more for what befalls it, and one for what is kept.
 */
static void open_all(soak *s, const char *path)
{
    s->reference = open_model(path, 1, PHIAL_ISA_PORTABLE, 0);
    s->cache_limit = (MAX_GROUP + 4) * cache_prepare(s->reference);
    s->model = open_model(path, s->n_threads, PHIAL_ISA_BEST, s->cache_limit);
}

static void report(const soak *s, uint64_t n_cancels)
{
    const tally *t = &s->served;

    printf("%llu requests in %llu groups, %llu turns (%llu talks filled their "
           "context)\n"
           "%llu tokens read, %llu reused, %llu generated, %llu guessed, %llu "
           "of these right\n"
           "ends: %llu model, %llu text, %llu length, %llu context\n"
           "%llu cancelled (%llu times by the other thread), %llu forks, %llu "
           "loads, %llu rewinds, %llu refused\n"
           "at most %llu KiB of keys and values, the limit is %llu\n"
           "%llu requests alone: %llu differ\n",
           (unsigned long long)s->n_requests, (unsigned long long)s->n_groups,
           (unsigned long long)t->n_turns, (unsigned long long)t->n_full,
           (unsigned long long)t->n_prompt, (unsigned long long)t->n_reused,
           (unsigned long long)t->n_generated, (unsigned long long)t->n_drafted,
           (unsigned long long)t->n_accepted,
           (unsigned long long)t->n_stops[PHIAL_STOP_EOS],
           (unsigned long long)t->n_stops[PHIAL_STOP_TEXT],
           (unsigned long long)t->n_stops[PHIAL_STOP_LENGTH],
           (unsigned long long)t->n_stops[PHIAL_STOP_CONTEXT],
           (unsigned long long)t->n_cancelled, (unsigned long long)n_cancels,
           (unsigned long long)t->n_forks, (unsigned long long)t->n_loads,
           (unsigned long long)t->n_rewinds, (unsigned long long)t->n_refused,
           (unsigned long long)s->most_cached / 1024,
           (unsigned long long)s->cache_limit / 1024,
           (unsigned long long)s->n_compared,
           (unsigned long long)s->n_different);
}

static soak read_arguments(int argc, char **argv)
{
    soak s = {.n_requests = 10000, .seed = 1, .every = 16};
    int c;

    while ((c = getopt(argc, argv, "n:s:t:a:")) != -1) {
        const uint64_t value = optarg ? strtoull(optarg, NULL, 10) : 0;

        if (c == 'n' && value >= FEW_SAMPLES)
            s.n_requests = value;
        else if (c == 's')
            s.seed = value;
        else if (c == 't')
            s.n_threads = (uint32_t)value;
        else if (c == 'a' && value)
            s.every = value;
        else
            give_up(
                "usage: soak [-n REQUESTS] [-s SEED] [-t THREADS] [-a ALONE] "
                "MODEL");
    }
    if (optind + 1 != argc)
        give_up("one model, please");
    return s;
}

int main(int argc, char **argv)
{
    soak s = read_arguments(argc, argv);
    uint64_t n_cancels;
    bool good;

    setvbuf(stdout, NULL, _IOLBF, 0);
    memory_begin();
    open_all(&s, argv[optind]);
    canceller_start();
    serve_all(&s);
    n_cancels = canceller_stop();
    report(&s, n_cancels);
    good = memory_is_steady() && !s.n_different;
    phial_model_free(s.model);
    phial_model_free(s.reference);
    cache_end();
    printf("blocks when all is closed: %ld\n", memory_hook_blocks());
    return good && !memory_hook_blocks() ? EXIT_SUCCESS : EXIT_FAILURE;
}
