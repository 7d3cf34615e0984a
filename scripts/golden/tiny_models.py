"""Write model/testdata/tiny-*: small random models saved by transformers, and what transformers says of them.

Each directory holds config.json and safetensors as save_pretrained writes them, and
  golden.json        sequences (prompt_ids, completion_ids, the logits [tokens, vocab] that predict the
                     completion), loss (mean negative log-likelihood over all completion tokens), adamw_losses
                     (the losses that ten AdamW steps see: lr 1e-3, betas 0.9 and 0.999, eps 1e-8, weight decay
                     0.01, no clipping), greedy (12 tokens continuing each prompt)
  grads.safetensors  the gradient of that loss before the first step, fp32, named as the weights
All in fp32 on the CPU with eager attention. Sequences run one by one, so no padding is involved.
"""
import argparse
import json
import os
import shutil

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config, Qwen3Config
from transformers.utils import logging

# Wavelengths of a rotary head of size 16 are 6.3, 19.9, 62.8 …: an original context of 32 has some on
# either side of llama3's and yarn's limits, and the sequences go beyond it.
STRETCHED = dict(num_attention_heads=2, num_key_value_heads=1, head_dim=16)
ROPE = dict(rope_theta=10000.0, factor=4.0)

# name: (config class, its settings, how save_pretrained stores the weights)
MODELS = {
    # Pads with a token that prompts contain: the embedding gets no gradient there, the tied head does.
    "llama": (LlamaConfig, dict(tie_word_embeddings=True, pad_token_id=2), {}),
    "llama-untied-bias": (LlamaConfig, dict(attention_bias=True, mlp_bias=True), {}),
    "llama3-rope": (LlamaConfig, dict(STRETCHED, rope_parameters=dict(
        ROPE, rope_type="llama3", low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)), {}),
    "linear-rope": (LlamaConfig, dict(STRETCHED, num_hidden_layers=1, rope_parameters=dict(ROPE, rope_type="linear")), {}),
    "yarn": (Qwen2Config, dict(STRETCHED, rope_parameters=dict(
        ROPE, rope_type="yarn", original_max_position_embeddings=32)), {}),
    "qwen2": (Qwen2Config, dict(num_hidden_layers=3), {}),
    "qwen3": (Qwen3Config, dict(head_dim=16, tie_word_embeddings=True), {}),
    "sharded": (LlamaConfig, dict(num_hidden_layers=1), dict(max_shard_size="12KB")),
    "bf16": (Qwen2Config, dict(num_hidden_layers=1), dict(dtype=torch.bfloat16)),
    "f16": (LlamaConfig, dict(num_hidden_layers=1, tie_word_embeddings=True), dict(dtype=torch.float16)),
}
COMMON = dict(vocab_size=112, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
              num_key_value_heads=2, max_position_embeddings=128, tie_word_embeddings=False,
              bos_token_id=1, eos_token_id=2, attn_implementation="eager")
SHORT = [(5, (4, 9)), (11, (7,))]    # per prompt: its length, the lengths of its completions
LONG = [(29, (12, 3)), (3, (6,))]    # beyond the original context of 32


def build(name: str, seed: int):
    """A model with weights large enough that its logits are far from uniform."""
    kind, settings, _ = MODELS[name]
    model = AutoModelForCausalLM.from_config(kind(**{**COMMON, **settings}))
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=draw)
            if key.endswith("bias"):
                p.copy_(0.2 * noise)
            elif p.dim() == 1:
                p.copy_(1 + 0.2 * noise)
            elif "embed_tokens" in key or "lm_head" in key:
                p.copy_(0.3 * noise)
            else:
                p.copy_(noise / p.shape[1] ** 0.5)
    return model


def sequences(name: str, vocab: int, seed: int):
    draw = np.random.default_rng(seed)
    ids = lambda n: draw.integers(1, vocab, n).tolist()
    pairs = []
    for length, completions in LONG if MODELS[name][1].get("rope_parameters") else SHORT:
        prompt = ids(length)
        prompt[1] = 2
        pairs += [(prompt, ids(n)) for n in completions]
    return pairs


def completion_logits(model, prompt, completion):
    """The logits [len(completion), vocab] that predict a completion."""
    out = model(input_ids=torch.tensor([prompt + completion]), use_cache=False).logits[0]
    return out[len(prompt) - 1:-1]


def mean_nll(model, pairs):
    nll = sum(torch.nn.functional.cross_entropy(completion_logits(model, p, c), torch.tensor(c), reduction="sum")
              for p, c in pairs)
    return nll / sum(len(c) for _, c in pairs)


def greedy(model, prompt, count):
    ids = list(prompt)
    with torch.no_grad():
        for _ in range(count):
            best, at = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].topk(2)
            assert best[0] - best[1] > 1e-3, "too close to call: take another seed"
            ids.append(int(at[0]))
    return ids[len(prompt):]


def floats(tensor):
    """The shortest decimals that read back as the same fp32 numbers."""
    return [[float(str(x)) for x in row] for row in tensor.detach().numpy()]


def make(name: str, root: str, seed: int):
    where = os.path.join(root, f"tiny-{name}")
    shutil.rmtree(where, ignore_errors=True)
    stored = dict(MODELS[name][2])
    model = build(name, seed).to(stored.pop("dtype", torch.float32))
    model.save_pretrained(where, **stored)
    model = AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32, attn_implementation="eager")

    pairs = sequences(name, model.config.vocab_size, seed)
    golden = {"config": name, "sequences": [
        {"prompt_ids": p, "completion_ids": c, "logits": floats(completion_logits(model, p, c))} for p, c in pairs]}
    prompts = [p for i, (p, _) in enumerate(pairs) if p not in [q for q, _ in pairs[:i]]]
    golden["greedy"] = [{"prompt_ids": p, "ids": greedy(model, p, 12)} for p in prompts]

    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    losses = []
    for step in range(10):
        optimizer.zero_grad()
        loss = mean_nll(model, pairs)
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            save_file({k: p.grad.clone() for k, p in model.named_parameters()}, os.path.join(where, "grads.safetensors"))
        optimizer.step()
    golden["loss"], golden["adamw_losses"] = losses[0], losses
    with open(os.path.join(where, "golden.json"), "w") as f:
        f.write("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in golden.items()) + "\n}\n")
    print(f"{name}: loss {losses[0]:.4f} -> {losses[-1]:.4f}, {len(list(model.parameters()))} weights")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=os.path.join(os.path.dirname(__file__), "../../model/testdata"))
    args = parser.parse_args()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for number, name in enumerate(MODELS):
        make(name, args.out, seed=100 + number)
