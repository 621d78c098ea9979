/* SPDX-License-Identifier: MIT
 * Runs a fuzz target over files, so that its corpus is an ordinary test with
 * any compiler. Arguments: files and directories. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    long size;
    uint8_t *data;

    if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0) {
        perror(path);
        return 1;
    }
    rewind(f);
    /* An exact-size block, so that sanitizers see the first byte too many. */
    data = malloc((size_t)size);
    if (size && (!data || fread(data, 1, (size_t)size, f) != (size_t)size)) {
        perror(path);
        return 1;
    }
    fclose(f);
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    return 0;
}

static int replay_directory(const char *path, size_t *count)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    char name[4096];
    int bad = 0;

    if (!dir) {
        perror(path);
        return 1;
    }
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        bad |= replay_file(name);
        ++*count;
    }
    closedir(dir);
    return bad;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    int bad = 0;

    for (int i = 1; i < argc; i++) {
        struct stat st;

        if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode)) {
            bad |= replay_directory(argv[i], &count);
        } else {
            bad |= replay_file(argv[i]);
            count++;
        }
    }
    printf("%zu inputs replayed\n", count);
    return bad || count == 0;
}
