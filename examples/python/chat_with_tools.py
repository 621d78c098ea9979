#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A conversation: chat_with_tools.py MODEL QUESTION... Each question is asked
with what was said before; only what is new is computed."""
import sys

import phial

TOOLS = [{"type": "function", "function": {
    "name": "get_weather", "description": "The weather in a city",
    "parameters": {"type": "object", "required": ["city"],
                   "properties": {"city": {"type": "string"}}}}}]


def main(path, *questions):
    chat = phial.Chat(tools=TOOLS)
    with phial.Model(path) as model, model.session() as session:
        for question in questions:
            chat.add("user", question)
            answer = session.complete(chat)
            chat.add("assistant", answer)
            print(f"> {question}\n{answer}")
        print(f"{session.stats.n_prompt} tokens were read")


if __name__ == "__main__":
    main(*sys.argv[1:])
