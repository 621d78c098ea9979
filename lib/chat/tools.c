/* SPDX-License-Identifier: MIT
 * The tools a chat offers: an OpenAI-shaped list, kept as the list of function
 * objects that Phi's prompt wants, in one spelling of JSON. */
#include "json/json.h"
#include "chat/messages.h"

static phial_status wrong_type(size_t number)
{
    return ph_fail(PHIAL_E_UNSUPPORTED,
                   "tool %zu: \"type\" is not \"function\", which is the only "
                   "one supported",
                   number);
}

/* {"type": "function", "function": {...}}, or the function's object itself. */
static phial_status put_tool(const ph_json *json, uint32_t tool, size_t number,
                             ph_buf *out)
{
    uint32_t type, function, name;

    if (json->nodes[tool].kind != PH_JSON_OBJECT)
        return ph_fail(PHIAL_E_FORMAT, "tool %zu: is no object", number);
    type = ph_json_get(json, tool, "type");
    if (type && !ph_json_is(json, type, "function"))
        return wrong_type(number);
    function = ph_json_get(json, tool, "function");
    if (!function)
        function = tool;
    if (json->nodes[function].kind != PH_JSON_OBJECT)
        return ph_fail(PHIAL_E_FORMAT, "tool %zu: \"function\" is no object",
                       number);
    name = ph_json_get(json, function, "name");
    if (!name || json->nodes[name].kind != PH_JSON_STRING ||
        ph_json_is(json, name, ""))
        return ph_fail(PHIAL_E_FORMAT,
                       "tool %zu: \"name\" is missing, empty or no string",
                       number);
    return ph_json_dump(json, function, out);
}

static phial_status put_tools(const ph_json *json, ph_buf *out)
{
    size_t number = 0;

    if (json->nodes[0].kind == PH_JSON_NULL)
        return PHIAL_OK;
    if (json->nodes[0].kind != PH_JSON_ARRAY)
        return ph_fail(PHIAL_E_FORMAT, "the tools are no list");
    if (json->n_nodes == 1)
        return PHIAL_OK;
    if (ph_json_count(json, 0) > PH_CHAT_MAX_CALLS)
        return ph_fail(PHIAL_E_MEMORY, "%u tools, at most %d are allowed",
                       ph_json_count(json, 0), PH_CHAT_MAX_CALLS);
    PH_TRY(ph_buf_puts(out, "["));
    for (uint32_t i = 1; i < json->n_nodes; i = json->nodes[i].end) {
        if (number)
            PH_TRY(ph_buf_puts(out, ", "));
        PH_TRY(put_tool(json, i, number++, out));
    }
    return ph_buf_puts(out, "]");
}

phial_status ph_chat_set_tools(ph_chat *chat, ph_str text)
{
    ph_buf tools = {.heap = chat->heap};
    ph_json json;
    phial_status status;

    PH_TRY(ph_json_parse(chat->heap, text, "tools", &json));
    status = put_tools(&json, &tools);
    ph_json_free(&json);
    if (status < 0) {
        ph_buf_free(&tools);
        return status;
    }
    ph_buf_free(&chat->tools);
    chat->tools = tools;
    return PHIAL_OK;
}
