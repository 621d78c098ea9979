/* SPDX-License-Identifier: MIT
 * Asks a model one question and streams the answer.
 * usage: hello MODEL QUESTION */
#include <phial/phial.h>

#include <stdio.h>

static phial_status ask(const char *path, const char *question)
{
    phial_model *model = NULL;
    phial_session *session = NULL;
    phial_chat *chat = NULL;
    phial_event event = PHIAL_INIT(phial_event);
    phial_status status;

    status = phial_model_open(path, NULL, &model);
    if (status >= 0)
        status = phial_session_new(model, NULL, &session);
    if (status >= 0)
        status = phial_chat_new(&chat);
    if (status >= 0)
        status = phial_chat_add(chat, PHIAL_ROLE_USER, question,
                                PHIAL_NUL_TERMINATED);
    if (status >= 0)
        status = phial_session_set_chat(session, chat);
    while (status == PHIAL_OK) {
        status = phial_session_next(session, &event);
        if (status == PHIAL_OK && event.kind == PHIAL_EVENT_TEXT) {
            fwrite(event.text, 1, event.text_len, stdout);
            fflush(stdout);
        }
    }
    phial_chat_free(chat);
    phial_session_free(session);
    phial_model_free(model);
    return status; /* PHIAL_END, or the first error */
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s MODEL QUESTION\n", argv[0]);
        return 2;
    }
    if (ask(argv[1], argv[2]) < 0) {
        fprintf(stderr, "%s: %s\n", argv[0], phial_last_error());
        return 1;
    }
    putchar('\n');
    return 0;
}
