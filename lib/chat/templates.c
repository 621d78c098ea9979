/* SPDX-License-Identifier: MIT
 * The chat templates that are recognised, as data: none is ever executed. Each
 * belongs to the format that renders the same; tests/golden/chat_templates.json
 * has them again, and tests compare both with Jinja's rendering. */
#include "chat/format.h"

#define PREAMBLE                                                               \
    "You are Phi, a language model trained by Microsoft to help users. Your "  \
    "role as an assistant involves thoroughly exploring questions through a "  \
    "systematic thinking process before providing the final precise and "      \
    "accurate solutions. This requires engaging in a comprehensive cycle of "  \
    "analysis, summarizing, exploration, reassessment, reflection, "           \
    "backtracing, and iteration to develop well-considered thinking "          \
    "process. Please structure your response into two main sections: "         \
    "Thought and Solution using the specified format: <think> {Thought "       \
    "section} </think> {Solution section}. In the Thought section, detail "    \
    "your reasoning process in steps. Each step should include detailed "      \
    "considerations such as analysing questions, summarizing relevant "        \
    "findings, brainstorming new ideas, verifying the accuracy of the "        \
    "current steps, refining any errors, and revisiting previous steps. In "   \
    "the Solution section, based on various attempts, explorations, and "      \
    "reflections from the Thought section, systematically present the final "  \
    "solution that you deem correct. The Solution section should be "          \
    "logical, accurate, and concise and detail necessary steps needed to "     \
    "reach the conclusion. Now, try to solve the following question through "  \
    "the above guidelines:"

const char ph_reasoning_preamble[] = PREAMBLE;

/* microsoft/onnxruntime-extensions test/data/phi-4-base */
static const char phi_4[] =
    "{% for message in messages %}{% if (message['role'] == 'system') %}"
    "{{'<|im_start|>system<|im_sep|>' + message['content'] + '<|im_end|>'}}"
    "{% elif (message['role'] == 'user') %}"
    "{{'<|im_start|>user<|im_sep|>' + message['content'] + '<|im_end|>'}}"
    "{% elif (message['role'] == 'assistant') %}"
    "{{'<|im_start|>assistant<|im_sep|>' + message['content'] + "
    "'<|im_end|>'}}{% endif %}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant<|im_sep|>' }}{% endif %}";

/* ggml-org/llama.cpp tests/test-chat-template.cpp */
static const char phi_4_first[] =
    "{% for message in messages %}{% if (message['role'] == 'system') %}"
    "{{'<|im_start|>system<|im_sep|>' + message['content'] + '<|im_end|>'}}"
    "{% elif (message['role'] == 'user') %}"
    "{{'<|im_start|>user<|im_sep|>' + message['content'] + "
    "'<|im_end|><|im_start|>assistant<|im_sep|>'}}"
    "{% elif (message['role'] == 'assistant') %}"
    "{{message['content'] + '<|im_end|>'}}{% endif %}{% endfor %}";

/* microsoft/onnxruntime-extensions test/data/phi-4-mini */
static const char phi_4_mini[] =
    "{% for message in messages %}"
    "{% if message['role'] == 'system' and 'tools' in message and "
    "message['tools'] is not none %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|tool|>' + "
    "message['tools'] + '<|/tool|>' + '<|end|>' }}{% else %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}";

/* the same before tools could be none; microsoft/onnxruntime-genai models */
static const char phi_4_mini_2[] =
    "{% for message in messages %}"
    "{% if message['role'] == 'system' and 'tools' in message %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|tool|>' + "
    "message['tools'] + '<|/tool|>' + '<|end|>' }}{% else %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}";

/* microsoft/onnxruntime-extensions test/data/phi-4-mini-reasoning */
static const char phi_4_mini_reasoning[] =
    "{{ '<|system|>Your name is Phi, an AI math expert developed by "
    "Microsoft.' }}{% for message in messages %}"
    "{% if message['role'] == 'system' %} {{ message['content'] }}"
    "{% if 'tools' in message and message['tools'] is not none %}"
    "{{ '<|tool|>' + message['tools'] + '<|/tool|>' }}{% endif %}{% endif %}"
    "{% endfor %}{{ '<|end|>' }}{% for message in messages %}"
    "{% if message['role'] != 'system' %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}";

/* microsoft/onnxruntime-genai test/c_api_tests.cpp */
static const char phi_3_5[] =
    "{% for message in messages %}"
    "{% if message['role'] == 'system' and message['content'] %}"
    "{{'<|system|>\n' + message['content'] + '<|end|>\n'}}"
    "{% elif message['role'] == 'user' %}"
    "{{'<|user|>\n' + message['content'] + '<|end|>\n'}}"
    "{% elif message['role'] == 'assistant' %}"
    "{{'<|assistant|>\n' + message['content'] + '<|end|>\n'}}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}"
    "{% else %}{{ eos_token }}{% endif %}";

/* the same with newlines escaped */
static const char phi_3_5_2[] =
    "{% for message in messages %}"
    "{% if message['role'] == 'system' and message['content'] %}"
    "{{'<|system|>\\n' + message['content'] + '<|end|>\\n'}}"
    "{% elif message['role'] == 'user' %}"
    "{{'<|user|>\\n' + message['content'] + '<|end|>\\n'}}"
    "{% elif message['role'] == 'assistant' %}"
    "{{'<|assistant|>\\n' + message['content'] + '<|end|>\\n'}}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}"
    "{% else %}{{ eos_token }}{% endif %}";

/* microsoft/onnxruntime-extensions test/data/phi-3-mini */
static const char phi_3[] =
    "{% for message in messages %}{% if message['role'] == 'system' %}"
    "{{'<|system|>\n' + message['content'] + '<|end|>\n'}}"
    "{% elif message['role'] == 'user' %}"
    "{{'<|user|>\n' + message['content'] + '<|end|>\n'}}"
    "{% elif message['role'] == 'assistant' %}"
    "{{'<|assistant|>\n' + message['content'] + '<|end|>\n'}}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}"
    "{% else %}{{ eos_token }}{% endif %}";

/* the same with newlines escaped */
static const char phi_3_2[] =
    "{% for message in messages %}{% if message['role'] == 'system' %}"
    "{{'<|system|>\\n' + message['content'] + '<|end|>\\n'}}"
    "{% elif message['role'] == 'user' %}"
    "{{'<|user|>\\n' + message['content'] + '<|end|>\\n'}}"
    "{% elif message['role'] == 'assistant' %}"
    "{{'<|assistant|>\\n' + message['content'] + '<|end|>\\n'}}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}"
    "{% else %}{{ eos_token }}{% endif %}";

/* microsoft/onnxruntime-extensions test/data/phi-3-medium */
static const char phi_3_first[] =
    "{% for message in messages %}{% if (message['role'] == 'user') %}"
    "{{'<|user|>' + '\n' + message['content'] + '<|end|>' + '\n' + "
    "'<|assistant|>' + '\n'}}{% elif (message['role'] == 'assistant') %}"
    "{{message['content'] + '<|end|>' + '\n'}}{% endif %}{% endfor %}";

/* the same with newlines escaped */
static const char phi_3_first_2[] =
    "{% for message in messages %}{% if (message['role'] == 'user') %}"
    "{{'<|user|>' + '\\n' + message['content'] + '<|end|>' + '\\n' + "
    "'<|assistant|>' + '\\n'}}{% elif (message['role'] == 'assistant') %}"
    "{{message['content'] + '<|end|>' + '\\n'}}{% endif %}{% endfor %}";

/* microsoft/onnxruntime-extensions test/data/phi-3 */
static const char phi_3_first_128k[] =
    "{{ bos_token }}{% for message in messages %}"
    "{% if (message['role'] == 'user') %}"
    "{{'<|user|>' + '\n' + message['content'] + '<|end|>' + '\n' + "
    "'<|assistant|>' + '\n'}}{% elif (message['role'] == 'assistant') %}"
    "{{message['content'] + '<|end|>' + '\n'}}{% endif %}{% endfor %}";

/* the same with newlines escaped */
static const char phi_3_first_128k_2[] =
    "{{ bos_token }}{% for message in messages %}"
    "{% if (message['role'] == 'user') %}"
    "{{'<|user|>' + '\\n' + message['content'] + '<|end|>' + '\\n' + "
    "'<|assistant|>' + '\\n'}}{% elif (message['role'] == 'assistant') %}"
    "{{message['content'] + '<|end|>' + '\\n'}}{% endif %}{% endfor %}";

/* as the model card describes it; the published text was not at hand */
static const char phi_4_reasoning_fixed[] =
    "<|im_start|>system<|im_sep|>" PREAMBLE
    "<|im_end|>{% for message in messages %}"
    "{% if (message['role'] == 'user') %}"
    "{{'<|im_start|>user<|im_sep|>' + message['content'] + '<|im_end|>'}}"
    "{% elif (message['role'] == 'assistant') %}"
    "{{'<|im_start|>assistant<|im_sep|>'}}{% generation %}"
    "{{message['content'] + '<|im_end|>'}}{% endgeneration %}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant<|im_sep|>' }}{% endif %}";

/* as the model card describes it; the published text was not at hand */
static const char phi_4_reasoning_fixed_2[] =
    "{{'<|im_start|>system<|im_sep|>" PREAMBLE
    "<|im_end|>'}}{% for message in messages %}"
    "{% if (message['role'] == 'user') %}"
    "{{'<|im_start|>user<|im_sep|>' + message['content'] + '<|im_end|>'}}"
    "{% elif (message['role'] == 'assistant') %}"
    "{{'<|im_start|>assistant<|im_sep|>'}}{% generation %}"
    "{{message['content'] + '<|im_end|>'}}{% endgeneration %}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant<|im_sep|>' }}{% endif %}";

/* as above, from a copy that was extended by a switch */
static const char phi_4_reasoning_insist[] =
    "<|im_start|>system<|im_sep|>" PREAMBLE
    "<|im_end|>{% for message in messages %}"
    "{% if (message['role'] == 'user') %}"
    "{{'<|im_start|>user<|im_sep|>' + message['content'] + '<|im_end|>'}}"
    "{% elif (message['role'] == 'system') %}"
    "{{'<|im_start|>system<|im_sep|>' + message['content'] + '<|im_end|>'}}"
    "{% elif (message['role'] == 'assistant') %}"
    "{{'<|im_start|>assistant<|im_sep|>'}}{% generation %}"
    "{{message['content'] + '<|im_end|>'}}{% endgeneration %}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant<|im_sep|>' }}{% endif %}";

/* as above, from a copy that was extended by a switch */
static const char phi_4_reasoning_insist_2[] =
    "{{'<|im_start|>system<|im_sep|>" PREAMBLE
    "<|im_end|>'}}{% for message in messages %}"
    "{% if (message['role'] == 'user') %}"
    "{{'<|im_start|>user<|im_sep|>' + message['content'] + '<|im_end|>'}}"
    "{% elif (message['role'] == 'system') %}"
    "{{'<|im_start|>system<|im_sep|>' + message['content'] + '<|im_end|>'}}"
    "{% elif (message['role'] == 'assistant') %}"
    "{{'<|im_start|>assistant<|im_sep|>'}}{% generation %}"
    "{{message['content'] + '<|im_end|>'}}{% endgeneration %}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant<|im_sep|>' }}{% endif %}";

const ph_format *ph_template_format(ph_str text)
{
    static const struct {
        const char *format;
        const char *text;
    } known[] = {
        {"phi-4", phi_4},
        {"phi-4-first", phi_4_first},
        {"phi-4-mini", phi_4_mini},
        {"phi-4-mini", phi_4_mini_2},
        {"phi-4-mini-reasoning", phi_4_mini_reasoning},
        {"phi-3.5", phi_3_5},
        {"phi-3.5", phi_3_5_2},
        {"phi-3", phi_3},
        {"phi-3", phi_3_2},
        {"phi-3-first", phi_3_first},
        {"phi-3-first", phi_3_first_2},
        {"phi-3-first-128k", phi_3_first_128k},
        {"phi-3-first-128k", phi_3_first_128k_2},
        {"phi-4-reasoning-fixed", phi_4_reasoning_fixed},
        {"phi-4-reasoning-fixed", phi_4_reasoning_fixed_2},
        {"phi-4-reasoning-insist", phi_4_reasoning_insist},
        {"phi-4-reasoning-insist", phi_4_reasoning_insist_2},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (ph_str_is(text, known[i].text))
            return ph_format_by_name(known[i].format);
    }
    return NULL;
}
