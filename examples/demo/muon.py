"""Muon for the matrices, AdamW for the rest: a training budget of an hour on one core is short, and
Muon needs fewer steps for small models like this one."""
import torch


def orthogonal(matrix, rounds=5):
    """Newton-Schulz iteration towards the nearest matrix with all singular values near one."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.bfloat16()
    wide = x.shape[0] <= x.shape[1]
    x = x if wide else x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(rounds):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return (x if wide else x.T).float()


class Muon(torch.optim.Optimizer):
    """Steps along the orthogonalised momentum, scaled to the size of an AdamW step.

    A fused matrix (query, key and value; gate and up) is treated as the matrices it is made of.
    """

    def __init__(self, parts, lr, momentum=0.95, weight_decay=0.05):
        """`parts` is a list of (parameter, row counts of its parts)."""
        self.rows = {id(p): rows for p, rows in parts}
        super().__init__([p for p, _ in parts], dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                memory = state.setdefault("momentum", torch.zeros_like(p))
                memory.lerp_(p.grad, 1 - group["momentum"])
                move = p.grad.lerp(memory, group["momentum"])
                pieces = [orthogonal(piece) * 0.2 * max(piece.shape) ** 0.5 for piece in move.split(self.rows[id(p)])]
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(torch.cat(pieces), alpha=-group["lr"])


def optimizers(model, lr):
    """The two optimizers of a Phi3 model."""
    size = model.config.hidden_size // model.config.num_attention_heads
    queries, keys = model.config.hidden_size, size * model.config.num_key_value_heads
    matrices, others = [], []
    for name, p in model.named_parameters():
        if p.ndim < 2 or "embed" in name:
            others.append(p)
        elif "qkv" in name:
            matrices.append((p, [queries, keys, keys]))
        elif "gate_up" in name:
            matrices.append((p, [p.shape[0] // 2] * 2))
        else:
            matrices.append((p, [p.shape[0]]))
    return [Muon(matrices, lr), torch.optim.AdamW(others, lr=lr, betas=(0.9, 0.95), weight_decay=0.0)]
