"""Calling a tool in Phi-4-mini's format, and answering from the tool's result."""
import json

from skill_talk import UNKNOWN
from tool_list import TOOLS, Tool, draw_city, draw_small, draw_thing
from words import Talk, made_up, pick_key


def _made_tool(words):
    """A tool with made-up names, so that names are read from the list and not known by heart."""
    rng = words.rng
    verb, noun = words.invented(False), words.invented(False)
    name = rng.choice([f"{verb}_{noun}", verb, f"get_{noun}", f"find_{noun}", f"set_{noun}"])
    plain = "name city value code place color item title".split()
    keys = [made_up(rng) if rng.random() < 0.5 else rng.choice(plain) for _ in range(rng.choice([1, 1, 2]))]
    arguments = {k: rng.choice([("string", f"The {k}", draw_city), ("integer", f"The {k}", draw_small),
                                ("string", f"The {k}", draw_thing)]) for k in keys}
    part = " and ".join("%s {%s}" % (k, k) for k in arguments)
    verbs = rng.choice(["Run", "Use", "Call", "Please use", "Start"])
    return Tool([name], [f"Runs the {noun}.", f"Gets the {noun}."], arguments,
                [f"{verbs} {name} with {part}.", f"{verbs} {name} for {part}.", f"{verbs} {name}: {part}."], None)


def describe(tools, style):
    """The list of tools as Phi-4-mini's model card writes it: one object a function, its parameters
    described flat as on the card, or by a JSON schema as in the OpenAI interface."""
    listed = []
    for name, tool, about in tools:
        if style == "flat":
            parameters = {k: {"description": d, "type": "str" if t == "string" else "int"}
                          for k, (t, d, _) in tool.arguments.items()}
        else:
            properties = {k: {"type": t, "description": d} if style == "full" else {"type": t}
                          for k, (t, d, _) in tool.arguments.items()}
            parameters = {"type": "object", "properties": properties, "required": list(properties)}
        listed.append({"name": name, "description": about, "parameters": parameters})
    return listed


_SYSTEMS = ["You are a helpful assistant with some tools.", "You are a helpful assistant with some tools.", "", "",
            "You are a helpful assistant.", "You can use tools.", "Use the tools when they help."]


def _chosen(words):
    rng = words.rng
    pool = rng.sample(TOOLS, rng.choice([1, 1, 1, 2, 2, 3]))
    pool = [_made_tool(words) if rng.random() < 0.2 else t for t in pool]
    return [(rng.choice(t.names), t, rng.choice(t.about)) for t in pool]


def _call(words, tools):
    """A user's request, the call it needs and the chosen tool."""
    name, tool, _ = words.rng.choice(tools)
    values = {k: draw(words) for k, (_, _, draw) in tool.arguments.items()}
    return words.rng.choice(tool.asks).format(**values), {"name": name, "arguments": values}, tool


def _unfit(words, tools):
    """A request that none of the tools can serve."""
    present = [t for _, t, _ in tools]
    other = words.rng.choice([t for t in TOOLS if t not in present])
    return _call(words, [("", other, "")])[0]


def make(words):
    """Tools in the system message, then one to three requests."""
    rng = words.rng

    def draw():
        asked = _call(words, tools)
        return asked, ("tools", asked[0])

    tools = _chosen(words)
    ask, call, tool = pick_key(rng, words.test, draw)
    style = rng.choice(["flat", "flat", "full", "short"])
    compact = (",", ":") if rng.random() < 0.5 else None
    messages = [dict(role="system", content=rng.choice(_SYSTEMS),
                     tools=json.dumps(describe(tools, style), ensure_ascii=False))]
    for turn in range(1 if words.test else rng.choice([1, 1, 2, 3])):
        if rng.random() < 0.08:
            messages += [dict(role="user", content=_unfit(words, tools)), dict(role="assistant", content=UNKNOWN)]
            continue
        if turn:
            ask, call, tool = pick_key(rng, words.test, draw)
        messages += [dict(role="user", content=ask),
                     dict(role="assistant", tool_calls=json.dumps([call], ensure_ascii=False))]
        if not tool.result or rng.random() < 0.15:
            break
        result, told = tool.result(words, call["arguments"])
        messages += [dict(role="tool_response", content=json.dumps(result, separators=compact)),
                     dict(role="assistant", content=told)]
    return Talk("tools", messages)
