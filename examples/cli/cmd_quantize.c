/* SPDX-License-Identifier: MIT
 * phial quantize: a model with weights of other types; and what merge does in
 * the same way. */
#include "output.h"
#include "progress.h"
#include "quantizing.h"
#include "terminal.h"
#include "units.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int32_t on_progress(void *user, float fraction)
{
    (void)user;
    progress_update((double)fraction);
    return interrupt_seen();
}

/* A model takes long to download, so none is overwritten unasked. */
static bool may_write(const settings *s)
{
    if (s->force || access(s->text, F_OK))
        return true;
    complain("%s exists; --force overwrites it", s->text);
    return false;
}

static phial_status convert(const settings *s, int32_t type, uint32_t flags,
                            const char *doing)
{
    phial_quantize_options o = PHIAL_INIT(phial_quantize_options);
    phial_status status;

    o.type = type;
    o.flags = flags;
    o.n_threads = (uint32_t)s->threads;
    o.overrides = s->tensors.items;
    o.n_overrides = s->tensors.n;
    o.adapters = (const char *const *)s->adapters.paths;
    o.adapter_scales = s->adapters.scales;
    o.n_adapters = s->adapters.n;
    o.imatrix = s->imatrix_file;
    o.progress = on_progress;
    interrupt_catch(NULL, true);
    progress_begin(doing);
    status = phial_quantize(s->model, s->text, &o);
    progress_clear();
    interrupt_release();
    return status;
}

static int report(const settings *s, double seconds)
{
    phial_model_options o = PHIAL_INIT(phial_model_options);
    phial_memory memory = PHIAL_INIT(phial_memory);
    char size[32];
    struct stat info;
    uint64_t bytes = stat(s->text, &info) ? 0 : (uint64_t)info.st_size;
    phial_status status = phial_estimate(s->text, &o, NULL, &memory);
    double bits;

    if (status < 0)
        return library_error(status);
    if (!bits_per_weight(s->text, &bits)) {
        complain("%s: what was written cannot be read", s->text);
        return CLI_FAILED;
    }
    if (s->json)
        return output_json(
            json_pack("{s:o, s:I, s:f, s:I, s:f}", "file",
                      json_text(s->text, strlen(s->text)), "bytes",
                      (json_int_t)bytes, "bits_per_weight", bits, "weights",
                      (json_int_t)memory.weights, "seconds", seconds));
    units_bytes(size, sizeof size, bytes);
    output_text(s->text, strlen(s->text));
    printf(": %s, %.2f bits per weight, written in %.1f s\n", size, bits,
           seconds);
    return CLI_OK;
}

int quantize_file(const settings *s, int32_t type, uint32_t flags,
                  const char *doing)
{
    double start = clock_seconds();
    phial_status status;

    if (!may_write(s))
        return CLI_FAILED;
    status = convert(s, type, flags, doing);
    if (status == PHIAL_E_CANCELLED)
        return CLI_INTERRUPTED;
    if (status == PHIAL_E_FORMAT || status == PHIAL_E_UNSUPPORTED)
        return model_error(status);
    if (status < 0)
        return library_error(status);
    return report(s, clock_seconds() - start);
}

static int quantize(const settings *s)
{
    return quantize_file(s, s->weights, 0, "quantising the model");
}

#define FIELD(name) offsetof(settings, name)

static const option written_table[] = {
    {"tensor", OPTION_LIST, FIELD(tensors), "PATTERN=TYPE",
     "the type of the matrices whose name matches, where * is any text and ? "
     "one character; may be repeated, the first that matches counts",
     0, 0, 0},
    {"imatrix", OPTION_TEXT, FIELD(imatrix_file), "FILE",
     "an importance matrix, of phial imatrix or llama-imatrix: errors of what "
     "the model uses much count more",
     0, 0, 0},
    {"threads", OPTION_COUNT, FIELD(threads), "N",
     "threads to compute with; 0: one per processor (default 0)", 0, 4096, 't'},
    {"force", OPTION_FLAG, FIELD(force), NULL, "overwrite the file", 0, 0, 'f'},
    {"json", OPTION_FLAG, FIELD(json), NULL, "print one JSON object", 0, 0, 0},
};
const option_group written_options = OPTION_GROUP("Model file", written_table);

static const option table[] = {
    {"type", OPTION_CHOICE, FIELD(weights), WEIGHT_TYPES,
     "the mix of tensor formats that files of this name have (default q4_k_m)",
     0, 0, 0},
};
static const option_group quantize_options = OPTION_GROUP("Types", table);
static const option_group *const groups[] = {&quantize_options,
                                             &written_options, NULL};

const command command_quantize = {
    "quantize",
    "MODEL OUT.gguf",
    2,
    2,
    "write a model with its weights in other types",
    "Reads a GGUF file or the folder of a checkpoint and writes a GGUF file "
    "whose matrices have other types. The same model and options give the same "
    "file on every machine. What each type loses is in doc/quantisation.md.",
    groups,
    quantize};
