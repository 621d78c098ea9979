/* SPDX-License-Identifier: MIT
 * phial inspect: what is in a model file, as the library describes it. Which
 * keys there are is doc/describe.md's matter: this file prints any. */
#include "loading.h"
#include "options.h"
#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 72, MOST_ITEMS = 8, DEEPEST = 8, COLUMN = 32 };

static void print_string(const char *text, size_t len)
{
    size_t line = strcspn(text, "\n");

    if (len <= LONGEST && line == len) {
        output_text(text, len);
        return;
    }
    output_text(text, line < LONGEST - 20 ? line : LONGEST - 20);
    printf("... (%zu bytes)", len);
}

static void print_scalar(const json_t *value)
{
    char *dump;

    if (json_is_string(value)) {
        print_string(json_string_value(value), json_string_length(value));
        return;
    }
    dump = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
    fputs(dump ? dump : "?", stdout);
    free(dump);
}

static void print_array(const json_t *array)
{
    size_t n = json_array_size(array);

    for (size_t i = 0; i < n && i < MOST_ITEMS; i++) {
        fputs(i ? ", " : "", stdout);
        print_scalar(json_array_get(array, i));
    }
    if (n > MOST_ITEMS)
        printf(", ... (%zu)", n);
}

/* Small objects of plain values, such as counts, fit on a line. */
static bool fits_line(json_t *object)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        if (!json_is_number(value))
            return false;
    }
    return json_object_size(object) <= 3;
}

static void print_line(json_t *object)
{
    const char *separator = "";
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        printf("%s%s ", separator, key);
        print_scalar(value);
        separator = ", ";
    }
}

static void print_object(json_t *object, int depth);

static void print_member(const char *key, json_t *value, int depth)
{
    if (json_is_object(value) && !fits_line(value)) {
        printf("%s%*s%s:\n", depth ? "" : "\n", depth * 2, "", key);
        print_object(value, depth + 1);
        return;
    }
    printf("%*s%-*s  ", depth * 2, "", COLUMN - depth * 2, key);
    if (json_is_object(value))
        print_line(value);
    else if (json_is_array(value))
        print_array(value);
    else
        print_scalar(value);
    putchar('\n');
}

/* The document is the library's own and a few levels deep. */
static void print_object(json_t *object, int depth)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        if (depth < DEEPEST)
            print_member(key, value, depth);
    }
}

static int describe(const phial_model *model, char **json)
{
    size_t n = 0;
    phial_status status = phial_model_describe(model, NULL, 0, &n);

    if (status == PHIAL_E_BUFFER) {
        *json = must_alloc(n + 1, 1);
        status = phial_model_describe(model, *json, n, &n);
    }
    return status < 0 ? library_error(status) : CLI_OK;
}

static int print_description(const settings *s, const char *json)
{
    json_t *object = json_loads(json, 0, NULL);

    if (!json_is_object(object)) {
        complain("the library's description is not a JSON object");
        return CLI_FAILED;
    }
    if (s->json)
        return output_json(object);
    print_object(object, 0);
    json_decref(object);
    return CLI_OK;
}

static int inspect(const settings *s)
{
    phial_model *model = NULL;
    char *json = NULL;
    int code = load_model(s, &model, NULL);

    if (code == CLI_OK)
        code = describe(model, &json);
    if (code == CLI_OK)
        code = print_description(s, json);
    free(json);
    phial_model_free(model);
    return code;
}

static const option table[] = {
    {"json", OPTION_FLAG, offsetof(settings, json), NULL,
     "print one JSON object, complete", 0, 0, 0},
};
static const option_group inspect_options = OPTION_GROUP("Output", table);
static const option_group *const groups[] = {&inspect_options, &model_options,
                                             NULL};

const command command_inspect = {
    "inspect",
    "MODEL",
    1,
    1,
    "describe a model",
    "Describes a model: its name, shape, tensor formats, vocabulary and the "
    "metadata of its file. Long values are cut; --json prints all.",
    groups,
    inspect};
