"""Ways to get the model's answer to a list of messages: transformers, or the phial program."""
import json
import pathlib
import subprocess
import tempfile

MAX_NEW = 220


class Transformers:
    """Answers greedily with transformers, from a checkpoint folder or from a GGUF file."""

    def __init__(self, folder=None, file=None):
        import torch

        import vocabulary
        from transformers import Phi3ForCausalLM
        self.torch = torch
        torch.set_num_threads(1)
        if file:
            self.model, self.tokenizer = from_gguf(file)
        else:
            self.model = Phi3ForCausalLM.from_pretrained(folder, torch_dtype=torch.float32)
            self.tokenizer = vocabulary.load(str(pathlib.Path(folder) / "tokenizer.json"))
        self.model.eval()
        self.end = [self.tokenizer.token_to_id(t) for t in ("<|end|>", "<|endoftext|>")]

    def answers(self, prompts, batch=32):
        """Texts in the order of the prompts; control tokens of tool calls stay visible."""
        from conversations import encode
        starts = [ids + [self.tokenizer.token_to_id("<|assistant|>")]
                  for ids, _ in encode(self.tokenizer, prompts)]
        order = sorted(range(len(starts)), key=lambda i: len(starts[i]))
        texts = [None] * len(starts)
        for at in range(0, len(order), batch):
            part = order[at:at + batch]
            for i, ids in zip(part, self._generate([starts[i] for i in part])):
                texts[i] = self.tokenizer.decode(ids, skip_special_tokens=False)
        return texts

    def _generate(self, starts):
        torch, pad = self.torch, self.end[1]
        width = max(map(len, starts))
        ids = torch.tensor([[pad] * (width - len(s)) + s for s in starts])
        seen = torch.tensor([[0] * (width - len(s)) + [1] * len(s) for s in starts])
        with torch.no_grad():
            out = self.model.generate(ids, attention_mask=seen, do_sample=False, max_new_tokens=MAX_NEW,
                                      eos_token_id=self.end, pad_token_id=pad)
        for row in out[:, width:].tolist():
            stops = [i for i, t in enumerate(row) if t in self.end]
            yield row[:stops[0]] if stops else row


def from_gguf(file):
    """A transformers model with the dequantised weights, and the tokenizer built from the file."""
    import gguf
    import torch
    from transformers import Phi3ForCausalLM

    import export
    import model as demo
    import vocabulary
    reader = gguf.GGUFReader(file)
    value = lambda key: reader.fields[key].contents()
    settings = demo.config(len(value("tokenizer.ggml.tokens")), value("tokenizer.ggml.eos_token_id"),
                           value("phi3.block_count"))
    model = Phi3ForCausalLM(settings)
    tensors = {t.name: torch.from_numpy(gguf.dequantize(t.data, t.tensor_type).copy()) for t in reader.tensors}
    state = {n: tensors[export.gguf_name(n)] for n in model.state_dict() if n != "lm_head.weight"}
    model.load_state_dict(state, strict=False)
    model.tie_weights()
    merges = [tuple(m.split(" ")) for m in value("tokenizer.ggml.merges")]
    kinds = value("tokenizer.ggml.token_type")
    plain = {t: i for i, t in enumerate(value("tokenizer.ggml.tokens")) if kinds[i] == gguf.TokenType.NORMAL}
    return model, vocabulary.from_merges(plain, merges)


class Phial:
    """Runs the phial program once per prompt."""

    def __init__(self, program, model):
        self.program, self.model = program, model

    def answers(self, prompts):
        return [self._answer(messages) for messages in prompts]

    def _answer(self, messages):
        """The one place that knows the program's options and output."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(openai_shape(messages), file)
            file.flush()
            command = [self.program, "run", self.model, "--json", "--temp", "0", "--max-tokens", str(MAX_NEW),
                       "--messages", file.name]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        reply = json.loads(done.stdout)
        calls = reply.get("tool_calls")
        if not calls:
            return reply["text"]
        calls = [c.get("function", c) for c in calls]
        parsed = [{"name": c["name"], "arguments": json.loads(c["arguments"]) if isinstance(c["arguments"], str)
                   else c["arguments"]} for c in calls]
        return f"<|tool_call|>{json.dumps(parsed)}<|/tool_call|>"


def openai_shape(messages):
    """The messages as the OpenAI interface writes them; tools stand beside the messages."""
    shaped, tools = [], None
    for message in messages:
        tools = json.loads(message["tools"]) if message.get("tools") else tools
        if message.get("tool_calls"):
            calls = [{"id": f"call_{i}", "type": "function",
                      "function": {"name": c["name"], "arguments": json.dumps(c["arguments"])}}
                     for i, c in enumerate(json.loads(message["tool_calls"]))]
            shaped.append({"role": "assistant", "content": None, "tool_calls": calls})
        elif message["role"] == "tool_response":
            shaped.append({"role": "tool", "tool_call_id": "call_0", "content": message["content"]})
        else:
            shaped.append({"role": message["role"], "content": message["content"]})
    return {"messages": shaped, "tools": tools} if tools else shaped
