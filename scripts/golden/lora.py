"""Write model/testdata/lora-*: adapters made by PEFT for tiny models, and what PEFT says of them.

Run after tiny_models.py. Each directory holds adapter_config.json and adapter_model.safetensors as save_pretrained
writes them, for the model tiny-NAME beside it, and
  golden.json        base (the name of that model), logits [tokens, vocab] for the sequences of the model's own
                     golden.json with the adapter active, adamw_losses (what ten AdamW steps on the adapter see: as in
                     tiny_models.py)
  grads.safetensors  the gradient of the mean negative log-likelihood, fp32, named as the adapter's tensors
B is random, not zero as in a new adapter. All in fp32 on the CPU.
"""
import argparse
import json
import os
import shutil

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM
from transformers.utils import logging

from tiny_models import completion_logits, floats, mean_nll

# name: (model, settings, how the weights are stored)
ADAPTERS = {
    "llama": ("llama", dict(r=4, lora_alpha=8, target_modules="all-linear"), torch.float32),
    "qwen2": ("qwen2", dict(r=3, lora_alpha=5, target_modules=["q_proj", "v_proj", "down_proj"]), torch.float32),
    "qwen3": ("qwen3", dict(r=4, lora_alpha=16, use_rslora=True, target_modules=["self_attn.k_proj", "o_proj", "gate_proj"]),
              torch.float32),
    "bf16": ("llama-untied-bias", dict(r=2, lora_alpha=2, lora_dropout=0.1, target_modules=["up_proj", "q_proj"]), torch.bfloat16),
    "f16": ("qwen3", dict(r=2, lora_alpha=4, target_modules="all-linear"), torch.float16),
}


def gradients(model):
    """By the names the tensors have in adapter_model.safetensors."""
    return {key.replace(".default", ""): p.grad.clone() for key, p in model.named_parameters() if p.requires_grad}


def make(name: str, root: str, seed: int):
    base, settings, dtype = ADAPTERS[name]
    where = os.path.join(root, f"lora-{name}")
    shutil.rmtree(where, ignore_errors=True)
    source = os.path.join(root, f"tiny-{base}")
    load = lambda: AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, attn_implementation="eager")
    torch.manual_seed(seed)
    model = get_peft_model(load(), LoraConfig(task_type="CAUSAL_LM", **settings))
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, p in model.named_parameters():
            if "lora_B" in key:
                p.copy_(0.3 * torch.randn(p.shape, generator=draw))
    model.peft_config["default"].base_model_name_or_path = f"tiny-{base}"
    model.save_pretrained(where, safe_serialization=True)
    os.remove(os.path.join(where, "README.md"))
    if dtype != torch.float32:
        state = {key: value.to(dtype).contiguous() for key, value in get_peft_model_state_dict(model).items()}
        save_file(state, os.path.join(where, "adapter_model.safetensors"), metadata={"format": "pt"})

    model = PeftModel.from_pretrained(load(), where, is_trainable=True).eval()  # eval: no dropout
    with open(os.path.join(source, "golden.json")) as f:
        pairs = [(s["prompt_ids"], s["completion_ids"]) for s in json.load(f)["sequences"]]
    golden = {"base": f"tiny-{base}", "logits": [row for p, c in pairs for row in floats(completion_logits(model, p, c))]}
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad],
                                  lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    losses = []
    for step in range(10):
        optimizer.zero_grad()
        loss = mean_nll(model, pairs)
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            save_file(gradients(model), os.path.join(where, "grads.safetensors"))
        optimizer.step()
    golden["adamw_losses"] = losses
    with open(os.path.join(where, "golden.json"), "w") as f:
        f.write("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in golden.items()) + "\n}\n")
    print(f"{name}: loss {losses[0]:.4f} -> {losses[-1]:.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=os.path.join(os.path.dirname(__file__), "../../model/testdata"))
    args = parser.parse_args()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for number, name in enumerate(ADAPTERS):
        make(name, args.out, seed=200 + number)
