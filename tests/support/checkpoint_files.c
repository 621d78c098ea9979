/* SPDX-License-Identifier: MIT */
#include "checkpoint_files.h"

#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const names[] = {
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "model.safetensors",
    "model.safetensors.index.json",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "adapter_config.json",
    "adapter_model.safetensors",
};

enum { N_NAMES = sizeof names / sizeof *names, MAX_PATH = 200 };

static void must(bool good)
{
    if (!good)
        abort();
}

static void path_of(const char *folder, unsigned i, char path[MAX_PATH])
{
    snprintf(path, MAX_PATH, "%s/%s", folder, names[i]);
}

char *checkpoint_folder_new(void)
{
    char path[MAX_PATH];
    char *copy;

    snprintf(path, sizeof path, "%s/phial-checkpoint-XXXXXX",
             access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    must(mkdtemp(path) != NULL);
    copy = malloc(strlen(path) + 1);
    must(copy != NULL);
    return strcpy(copy, path);
}

void checkpoint_unpack(const char *folder, const uint8_t *data, size_t size)
{
    while (size >= 5) {
        const size_t n = ph_min(ph_le32(data + 1), size - 5);
        char path[MAX_PATH];
        FILE *f;

        path_of(folder, data[0] % N_NAMES, path);
        f = fopen(path, "wb");
        must(f && fwrite(data + 5, 1, n, f) == n && fclose(f) == 0);
        data += 5 + n;
        size -= 5 + n;
    }
}

const uint8_t *checkpoint_find(const uint8_t *data, size_t size,
                               const char *name, size_t *n)
{
    while (size >= 5) {
        *n = ph_min(ph_le32(data + 1), size - 5);
        if (strcmp(names[data[0] % N_NAMES], name) == 0)
            return data + 5;
        data += 5 + *n;
        size -= 5 + *n;
    }
    return NULL;
}

void checkpoint_empty(const char *folder)
{
    for (unsigned i = 0; i < N_NAMES; i++) {
        char path[MAX_PATH];

        path_of(folder, i, path);
        unlink(path);
    }
}
