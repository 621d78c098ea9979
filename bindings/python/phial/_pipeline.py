# SPDX-License-Identifier: MIT
"""Text generation as transformers' pipeline has it: arguments and results."""
from __future__ import annotations

import os
from typing import Any, Mapping, Optional, Sequence, Union

from ._background import Path
from ._errors import ArgumentError, UnsupportedError
from ._model import Model
from ._session import Session
from ._stream import Stream, together

TASK = "text-generation"
SIDE_BY_SIDE = 8  # prompts of a list in a pass
Messages = Sequence[Mapping[str, Any]]


def is_chat(prompt: Any) -> bool:
    return isinstance(prompt, (list, tuple)) and bool(prompt) and all(
        isinstance(m, Mapping) for m in prompt)


def is_begun(prompt: Any) -> bool:
    """Messages of which the last is an answer's beginning, to be gone on
    with, which is how transformers takes an assistant's message at the end."""
    return is_chat(prompt) and prompt[-1].get("role") == "assistant"


def turn_of(session: Session, prompt: Any, tools: Optional[Messages],
            options: dict[str, Any]) -> Stream:
    if not is_begun(prompt):
        return session.generate(prompt, tools=tools, **options)
    session.set_chat(prompt[:-1], tools=tools)
    session.add(prompt[-1]["content"], bos=False)
    return session.generate(**options)


def sampling_options(do_sample: bool, temperature: float, top_k: int,
                     top_p: float, min_p: Optional[float],
                     repetition_penalty: float) -> dict[str, Any]:
    """transformers looks at the others only if it samples."""
    options: dict[str, Any] = {"repeat_penalty": repetition_penalty}
    if do_sample:
        options.update(temperature=temperature, top_k=top_k, top_p=top_p,
                       min_p=min_p or 0.0)
    return options


def result(prompt: Any, text: str, full: bool) -> dict[str, Any]:
    if not full:
        return {"generated_text": text}
    if is_begun(prompt):
        answer = {**prompt[-1], "content": prompt[-1]["content"] + text}
        return {"generated_text": [*prompt[:-1], answer]}
    if is_chat(prompt):
        answer = {"role": "assistant", "content": text}
        return {"generated_text": [*prompt, answer]}
    return {"generated_text": prompt + text}


class TextGenerationPipeline:
    """What pipeline("text-generation", ...) makes. Calls take a text, a list of
    messages, or a list of either, which is computed side by side."""

    def __init__(self, model: Union[Model, Path]) -> None:
        self._owns = not isinstance(model, Model)
        self.model = model if isinstance(model, Model) else Model(model)

    def close(self) -> None:
        """Closes the model, if it was opened here."""
        if self._owns:
            self.model.close()

    def __enter__(self) -> TextGenerationPipeline:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __call__(self, text_inputs: Any, *, max_new_tokens: int = 256,
                 do_sample: bool = False, temperature: float = 1.0,
                 top_k: int = 50, top_p: float = 1.0,
                 min_p: Optional[float] = None,
                 repetition_penalty: float = 1.0,
                 num_return_sequences: int = 1, return_full_text: bool = True,
                 stop_strings: Union[str, Sequence[str], None] = None,
                 seed: Optional[int] = None,
                 tools: Optional[Messages] = None) -> list[Any]:
        """A list of {"generated_text": ...}, one for each sequence that is to
        be returned; for a list of inputs, a list of such lists. As in
        transformers the text includes the prompt, or the messages, unless
        return_full_text is False, and an answer that the messages end with is
        gone on with."""
        options = sampling_options(do_sample, temperature, top_k, top_p, min_p,
                                   repetition_penalty)
        options.update(max_tokens=max_new_tokens, stop=stop_strings, seed=seed)
        if num_return_sequences > 1 and not do_sample:
            raise ArgumentError("num_return_sequences is "
                                f"{num_return_sequences}, which greedy "
                                "decoding would make all alike; pass do_sample=True")
        if max_new_tokens < 1 or num_return_sequences < 1:
            raise ArgumentError("max_new_tokens and num_return_sequences must "
                                "be above 0")
        single = isinstance(text_inputs, str) or is_chat(text_inputs)
        prompts = [text_inputs] if single else list(text_inputs)
        wanted = [p for p in prompts for _ in range(num_return_sequences)]
        texts: list[str] = []
        for at in range(0, len(wanted), SIDE_BY_SIDE):
            texts += self._answers(wanted[at:at + SIDE_BY_SIDE], tools, options,
                                   at)
        done = [result(p, t, return_full_text) for p, t in zip(wanted, texts)]
        n = num_return_sequences
        grouped = [done[i:i + n] for i in range(0, len(done), n)]
        return grouped[0] if single else grouped

    def _answers(self, prompts: Sequence[Any], tools: Optional[Messages],
                 options: dict[str, Any], at: int) -> list[str]:
        """One for each prompt; at is the number of the first, which a seed
        counts on from, so that sequences of one prompt differ."""
        sessions, turns, texts = [], [], [""] * len(prompts)
        seed = options["seed"]
        try:
            for i, prompt in enumerate(prompts):
                session = self.model.session()
                sessions.append(session)
                mine = dict(options, seed=None if seed is None
                            else (seed + at + i) % (1 << 64))
                turns.append(turn_of(session, prompt, tools, mine))
            for index, piece in together(*turns):
                texts[index] += piece
        finally:
            for session in sessions:
                session.close()
        return texts


def pipeline(task: Optional[str] = TASK,
             model: Union[Model, Path, None] = None) -> TextGenerationPipeline:
    """transformers.pipeline for text generation. model: a Model, or the path of
    one."""
    if task not in (None, TASK):
        raise UnsupportedError(f"task is {task!r}; phial has {TASK!r}")
    if not isinstance(model, (Model, str, bytes, os.PathLike)):
        raise ArgumentError("model is to be a phial.Model or the path of one")
    return TextGenerationPipeline(model)


TextGenerationPipeline.__module__ = "phial"
