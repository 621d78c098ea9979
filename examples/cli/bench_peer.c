/* SPDX-License-Identifier: MIT
 * Talks to the adapter: a command is a line, and so is the answer. */
#include "bench_names.h"
#include "bench_peer.h"
#include "bench_peer_build.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct bench_peer {
    peer_program program;
    pid_t process; /* 0: none runs */
    FILE *commands, *answers;
    char option[32]; /* its two ways are without and with this */
};

int bench_peer_build(const char *dir, bench_peer **out)
{
    bench_peer *peer = must_alloc(1, sizeof *peer);
    int code = peer_program_build(dir, &peer->program);

    if (code != CLI_OK) {
        free(peer);
        return code;
    }
    signal(SIGPIPE, SIG_IGN); /* its end is found where answers are read */
    *out = peer;
    return CLI_OK;
}

void bench_peer_free(bench_peer *peer)
{
    if (!peer)
        return;
    bench_peer_stop(peer);
    peer_program_remove(&peer->program);
    free(peer);
}

static int failed(void)
{
    if (interrupt_seen())
        return CLI_INTERRUPTED;
    complain("llama.cpp failed; what it says about that is above, if anything");
    return CLI_FAILED;
}

/* Neither end may stay open in a process that is started later. */
static bool make_pipe(int ends[2])
{
    if (pipe(ends))
        return false;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return true;
}

/* Starts the adapter; extra is one more argument, or NULL. */
static int launch(bench_peer *peer, const char *model, const char *extra)
{
    int in[2], out[2];

    if (!make_pipe(in) || !make_pipe(out)) {
        complain("cannot make a pipe: %s", strerror(errno));
        return CLI_FAILED;
    }
    peer->process = fork();
    if (peer->process == 0) {
        interrupt_release();
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        execl(peer->program.path, peer->program.path, model,
              peer->program.libraries, extra, (char *)NULL);
        _exit(CLI_FAILED);
    }
    close(in[0]);
    close(out[1]);
    peer->commands = fdopen(in[1], "w");
    peer->answers = fdopen(out[0], "r");
    if (peer->process > 0 && peer->commands && peer->answers)
        return CLI_OK;
    complain("cannot make a process: %s", strerror(errno));
    peer->process = 0;
    return CLI_FAILED;
}

static int finish(bench_peer *peer, struct rusage *usage)
{
    int status = 0;

    if (peer->commands)
        fclose(peer->commands);
    if (peer->answers)
        fclose(peer->answers);
    peer->commands = peer->answers = NULL;
    while (wait4(peer->process, &status, 0, usage) < 0 && errno == EINTR)
        continue;
    peer->process = 0;
    return WIFEXITED(status) && !WEXITSTATUS(status) ? CLI_OK : CLI_FAILED;
}

void bench_peer_stop(bench_peer *peer)
{
    struct rusage usage;

    if (peer->process)
        finish(peer, &usage);
}

int bench_peer_first(bench_peer *peer, const char *model, bench_engine *e)
{
    struct rusage usage;
    char threads[16], line[128];
    double load, first;
    bool ok;
    int code;

    snprintf(threads, sizeof threads, "%u", (unsigned)e->n_threads);
    code = launch(peer, model, threads);
    if (code != CLI_OK)
        return code;
    ok = fgets(line, sizeof line, peer->answers) &&
         sscanf(line, "%lf %lf", &load, &first) == 2;
    if (finish(peer, &usage) != CLI_OK || !ok)
        return failed();
    series_add(&e->peer_load, load);
    series_add(&e->peer_first_token, first);
    if (bench_resident(&usage) > e->peer_peak_bytes)
        e->peer_peak_bytes = bench_resident(&usage);
    return CLI_OK;
}

int bench_peer_start(bench_peer *peer, const char *model)
{
    char line[128];
    int code;

    if (peer->process)
        return CLI_OK;
    code = launch(peer, model, NULL);
    if (code == CLI_OK && (!fgets(line, sizeof line, peer->answers) ||
                           sscanf(line, "ready %31[^\n]", peer->option) != 1))
        code = failed();
    return code;
}

/* Sends a command and reads the seconds that it took; below 0: the peer is not
 * able to. */
static int ask(bench_peer *peer, const char *question, double *seconds)
{
    char line[128];

    *seconds = -1;
    fputs(question, peer->commands);
    fflush(peer->commands);
    if (!fgets(line, sizeof line, peer->answers) ||
        (strcmp(line, "unable\n") != 0 && sscanf(line, "%lf", seconds) != 1))
        return failed();
    return CLI_OK;
}

/* Without and with the option, for n sequences. *able: the peer takes them. */
static int open_both(bench_peer *peer, int id, const bench_engine *e,
                     const bench_stage *stage, size_t n, bool *able)
{
    int code = CLI_OK;

    *able = true;
    for (int with = 0; with < 2 && code == CLI_OK && *able; with++) {
        char question[160];
        double seconds;

        snprintf(question, sizeof question, "open %d %u %u %s %d %llu %zu\n",
                 2 * id + with, (unsigned)e->n_threads,
                 (unsigned)stage->n_context, bench_cache_name(stage->cache),
                 with, (unsigned long long)stage->depth, n);
        code = ask(peer, question, &seconds);
        *able = seconds >= 0;
    }
    return code;
}

int bench_peer_open(bench_peer *peer, const bench_engine *e,
                    const bench_stage *stage)
{
    bool able;
    int code = open_both(peer, stage->id, e, stage, 1, &able);

    return code == CLI_OK && !able ? failed() : code;
}

static int measure_both(bench_peer *peer, const char *work, int id,
                        bench_task *task, size_t n_sequences)
{
    int code = CLI_OK;

    for (int with = 0; with < 2 && code == CLI_OK; with++) {
        char question[128];
        double seconds;

        snprintf(question, sizeof question, "%s %d %llu\n", work, 2 * id + with,
                 (unsigned long long)task->n_tokens);
        code = ask(peer, question, &seconds);
        if (code == CLI_OK && seconds > 0)
            series_add(&task->peer[with],
                       (double)n_sequences * (double)task->n_tokens / seconds);
    }
    return code;
}

static int measure_batch(bench_peer *peer, const bench_engine *e,
                         const bench_stage *stage, bench_task *task)
{
    int code = CLI_OK;
    bool able = true;

    if (task->peer_lacks)
        return CLI_OK;
    if (!task->peer_open)
        code = open_both(peer, task->id, e, stage, task->n_sessions, &able);
    task->peer_open = able;
    task->peer_lacks = !able;
    if (code != CLI_OK || !able)
        return code;
    return measure_both(peer, "batch", task->id, task, task->n_sessions);
}

int bench_peer_measure(bench_peer *peer, const bench_engine *e,
                       const bench_stage *stage, bench_task *task)
{
    switch (task->kind) {
    case BENCH_PREFILL:
        return measure_both(peer, "prefill", stage->id, task, 1);
    case BENCH_DECODE:
        return measure_both(peer, "decode", stage->id, task, 1);
    case BENCH_BATCH:
        return measure_batch(peer, e, stage, task);
    default:
        return CLI_OK;
    }
}

const char *bench_peer_option(const bench_peer *peer)
{
    return peer->option;
}

int bench_peer_best(const bench_task *task)
{
    return series_median(&task->peer[1]) > series_median(&task->peer[0]);
}
