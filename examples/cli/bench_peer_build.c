/* SPDX-License-Identifier: MIT
 * Runs the C compiler on the adapter's source, which is part of this program.
 * DIR is an installation of llama.cpp: headers in include, libraries in lib. */
#include "bench_peer_build.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_LIBRARIES = 12, MAX_ARGUMENTS = 16 + MAX_LIBRARIES };

extern char **environ;

/* Made from the files of these names. */
extern const char bench_peer_adapter_c[], bench_peer_variant_h[];

static const struct {
    const char *name, *text;
} sources[] = {{"bench_peer_adapter.c", bench_peer_adapter_c},
               {"bench_peer_variant.h", bench_peer_variant_h}};

enum { N_SOURCES = sizeof sources / sizeof *sources };

/* What is too long becomes a name that opens nothing. */
static void join(char *out, size_t cap, const char *folder, const char *name)
{
    int len = snprintf(out, cap, "%s/%s", folder, name);

    if (len < 0 || (size_t)len >= cap)
        out[0] = 0;
}

void peer_program_remove(const peer_program *program)
{
    static const char *const names[] = {"log", "adapter"};
    char path[300];

    for (size_t i = 0; i < N_SOURCES + 2; i++) {
        join(path, sizeof path, program->folder,
             i < N_SOURCES ? sources[i].name : names[i - N_SOURCES]);
        unlink(path);
    }
    rmdir(program->folder);
}

static int write_sources(const char *folder)
{
    for (size_t i = 0; i < N_SOURCES; i++) {
        char path[300];
        FILE *f;
        bool ok;

        join(path, sizeof path, folder, sources[i].name);
        f = fopen(path, "w");
        ok = f && fputs(sources[i].text, f) >= 0;
        if ((f && fclose(f)) || !ok) {
            complain("cannot write %s: %s", path, strerror(errno));
            return CLI_FAILED;
        }
    }
    return CLI_OK;
}

/* The libraries to link: found by pattern, because their names carry versions
 * and variants. llama-common is for llama.cpp's own programs. */
static size_t find_libraries(const char *folder, glob_t *found)
{
    static const char *const patterns[] = {"libllama.*", "libggml.*",
                                           "libggml-base.*"};
    int flags = 0;

    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        char pattern[PATH_MAX];

        join(pattern, sizeof pattern, folder, patterns[i]);
        glob(pattern, flags, NULL, found);
        flags = GLOB_APPEND;
    }
    return found->gl_pathc;
}

/* The compiler's first complaint, for the sentence. */
static void complain_compiler(const char *compiler, const char *log)
{
    FILE *f = fopen(log, "r");
    char line[400] = "no message";

    while (f && fgets(line, sizeof line, f) && !strstr(line, "error"))
        continue;
    if (f)
        fclose(f);
    line[strcspn(line, "\n")] = 0;
    complain("%s cannot compile the adapter for llama.cpp: %s", compiler, line);
}

static int run_compiler(const char **arguments, const char *log)
{
    posix_spawn_file_actions_t actions;
    pid_t child;
    int failed, status = 0;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log,
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    failed = posix_spawnp(&child, arguments[0], &actions, NULL,
                          (char *const *)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed) {
        complain("cannot run %s: %s", arguments[0], strerror(failed));
        return CLI_FAILED;
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return CLI_OK;
    complain_compiler(arguments[0], log);
    return CLI_FAILED;
}

static int compile(const char *dir, peer_program *p)
{
    const char *compiler = getenv("CC");
    char source[300], log[300], include[PATH_MAX], rpath[PATH_MAX + 16];
    const char *arguments[MAX_ARGUMENTS] = {NULL};
    size_t n = 0, n_libraries;
    glob_t found = {0};
    int code;

    join(source, sizeof source, p->folder, sources[0].name);
    join(log, sizeof log, p->folder, "log");
    join(include, sizeof include, dir, "include");
    snprintf(rpath, sizeof rpath, "-Wl,-rpath,%s", p->libraries);
    arguments[n++] = compiler && *compiler ? compiler : "cc";
    arguments[n++] = "-O2";
    arguments[n++] = "-I";
    arguments[n++] = include;
    arguments[n++] = "-o";
    arguments[n++] = p->path;
    arguments[n++] = source;
    n_libraries = find_libraries(p->libraries, &found);
    for (size_t i = 0; i < n_libraries && i < MAX_LIBRARIES; i++)
        arguments[n++] = found.gl_pathv[i];
    arguments[n++] = rpath;
    code = write_sources(p->folder);
    if (code == CLI_OK && !n_libraries) {
        complain("%s: no libllama and libggml are there", p->libraries);
        code = CLI_FAILED;
    }
    if (code == CLI_OK)
        code = run_compiler(arguments, log);
    globfree(&found);
    return code;
}

int peer_program_build(const char *dir, peer_program *out)
{
    const char *temporary = getenv("TMPDIR");
    char library[PATH_MAX];
    int code;

    join(library, sizeof library, dir, "lib");
    if (!realpath(library, out->libraries)) {
        complain("%s: %s", library, strerror(errno));
        return CLI_FAILED;
    }
    snprintf(out->folder, sizeof out->folder, "%.200s/phial-bench-XXXXXX",
             temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(out->folder)) {
        complain("cannot make %s: %s", out->folder, strerror(errno));
        return CLI_FAILED;
    }
    join(out->path, sizeof out->path, out->folder, "adapter");
    code = compile(dir, out);
    if (code != CLI_OK)
        peer_program_remove(out);
    return code;
}
