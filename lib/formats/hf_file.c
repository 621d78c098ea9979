/* SPDX-License-Identifier: MIT
 * The files of JSON in a checkpoint's folder. */
#include "formats/hf_folder.h"

char *ph_hf_path(const ph_heap *heap, const char *folder, const char *name)
{
    const size_t n = strlen(folder), size = n + strlen(name) + 2;
    char *path = ph_alloc_raw(heap, size);

    if (!path) {
        ph_no_memory("a path", size);
        return NULL;
    }
    memcpy(path, folder, n);
    path[n] = '/';
    memcpy(path + n + 1, name, size - n - 1);
    return path;
}

static phial_status read_text(const ph_heap *heap, size_t limit,
                              ph_hf_file *file)
{
    ph_file f;
    phial_status status;

    PH_TRY(ph_file_open(&f, file->path));
    if (f.size > limit) {
        status = ph_fail(
            PHIAL_E_UNSUPPORTED, "%s has %llu bytes, the limit is %zu",
            ph_show_path(file->path).text, (unsigned long long)f.size, limit);
    } else {
        file->text.data = ph_alloc_raw(heap, (size_t)f.size + 1);
        file->text.len = file->text.data ? (size_t)f.size : 0;
        status = file->text.data
                     ? ph_file_read(&f, file->path, 0, file->text.data,
                                    file->text.len)
                     : ph_no_memory("a file's text", (size_t)f.size + 1);
    }
    ph_file_close(&f);
    return status;
}

phial_status ph_hf_read_text(const ph_heap *heap, const char *folder,
                             const char *name, size_t limit, bool *found,
                             ph_hf_file *file)
{
    *file = (ph_hf_file){.text.heap = heap, .json.heap = heap};
    file->path = ph_hf_path(heap, folder, name);
    if (!file->path)
        return PHIAL_E_MEMORY;
    if (found) {
        *found = ph_path_exists(file->path);
        if (!*found)
            return PHIAL_OK;
    }
    return read_text(heap, limit, file);
}

phial_status ph_hf_read(const ph_heap *heap, const char *folder,
                        const char *name, size_t limit, bool *found,
                        ph_hf_file *file)
{
    const ph_json_limits limits = {limit, limit / 16};

    PH_TRY(ph_hf_read_text(heap, folder, name, limit, found, file));
    if (found && !*found)
        return PHIAL_OK;
    PH_TRY(ph_json_parse_within(heap, (ph_str){file->text.data, file->text.len},
                                ph_show_path(file->path).text, &limits,
                                &file->json));
    if (file->json.nodes[0].kind != PH_JSON_OBJECT)
        return ph_fail(PHIAL_E_FORMAT, "%s: an object was expected",
                       ph_show_path(file->path).text);
    return PHIAL_OK;
}

void ph_hf_close(ph_hf_file *file)
{
    ph_free(file->text.heap, file->path);
    ph_json_free(&file->json);
    ph_buf_free(&file->text);
    file->path = NULL;
}

phial_status ph_hf_wrong(const ph_hf_file *file, const char *key,
                         const char *expected)
{
    return ph_fail(PHIAL_E_FORMAT, "%s: \"%s\" is not %s",
                   ph_show_path(file->path).text, key, expected);
}

uint32_t ph_hf_find(const ph_hf_file *file, const char *key)
{
    const uint32_t node = ph_json_get(&file->json, 0, key);

    return file->json.nodes[node].kind == PH_JSON_NULL ? PH_JSON_NONE : node;
}
