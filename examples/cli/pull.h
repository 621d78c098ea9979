/* SPDX-License-Identifier: MIT
 * pull.h - phial pull: what all of its parts share. They return exit codes;
 * a failure is a sentence in http.problem, which is printed at the end. */
#ifndef PULL_H
#define PULL_H

#include "pull_http.h"
#include "pull_name.h"
#include "settings.h"

#include <jansson.h>

/* A file of the repository. Texts belong to the list. */
typedef struct hub_file {
    const char *path;
    const char *etag; /* its checksum; NULL if the hub does not say */
    uint64_t size;
    bool wanted;
} hub_file;

typedef struct hub_list {
    json_t *root;
    const char *commit; /* 40 digits */
    hub_file *files;
    size_t n;
} hub_list;

typedef struct pull {
    const settings *s;
    pull_name name;
    char *endpoint, *token;
    char *cache;  /* folder of the cache; NULL with --output */
    char *folder; /* of the repository, in the cache */
    http http;
    hub_list list;
    char *result; /* what phial run takes */

    /* progress */
    uint64_t n_wanted, n_pulled;       /* files */
    uint64_t bytes_wanted, bytes_done; /* of files that are there */
    uint64_t bytes_at;                 /* of the file at work */
    uint64_t bytes_received;
    const char *doing; /* the name of the file at work */
    double began;
} pull;

/* ---- What there is: pull_hub.c, pull_choose.c --------------------------- */

int hub_list_get(pull *p);
void hub_list_free(hub_list *list);

/* Marks the files that the user wants, and what a checkpoint consists of. If
 * there is nothing to choose, the problem says what there is. */
int pull_choose(pull *p);

/* ---- Where it goes: pull_store.c, pull_target.c ------------------------- */

/* Sets folder and result; checks what is there. */
int target_prepare(pull *p);

/* Where a file goes, to be freed. */
char *target_path(const pull *p, const hub_file *file);

/* Which file keeps others from writing to path, to be freed. */
char *target_lock(const pull *p, const hub_file *file, const char *path);

/* Whether the disk holds what is missing. */
int target_space(pull *p);

/* After all files: links and the reference, by which others find them. */
int store_links(pull *p);

/* The folders above path. */
bool store_folders(pull *p, const char *path);

/* Without the hub: what the cache has. */
int store_offline(pull *p);

/* What was written and renamed in the folder of path survives a power cut. */
bool store_sync_folder(const char *path);

/* ---- One file: pull_file.c, pull_part.c --------------------------------- */

int pull_file(pull *p, const hub_file *file);

/* A file while it grows beside its place, as path.incomplete. */
typedef struct part {
    pull *p;
    const hub_file *file;
    char *path, *part_path;
    int lock, fd;
    struct pull_hash *hash;
    uint64_t have; /* bytes that are written and in the hash */
} part;

/* Takes the lock and up what an earlier pull left. */
int part_open(pull *p, const hub_file *file, const char *path, part *out);
bool part_restart(part *t);
bool part_add(part *t, const char *data, size_t n);

/* Checks the checksum and moves the file to its place; a wrong one is
 * removed. */
int part_finish(part *t);
void part_close(part *t);

/* Whether the file at path has the checksum: CLI_OK if so, CLI_FAILED with or
 * without a problem if not. */
int part_check(pull *p, const hub_file *file, const char *path);

/* ---- What is said: pull_report.c ---------------------------------------- */

void pull_tick(void *user);
int pull_report(pull *p);

#endif /* PULL_H */
