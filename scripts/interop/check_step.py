"""Check `rlkd step` against a GRPO step in PyTorch, on random rollouts of the tiny models.

Each case compares what every update prints, and the log-probabilities that the saved weights give the rollouts.
The directories that `rlkd step --out` saved stay in WORK/saved for check_saved.py.
"""
import argparse
import json
import os
import random
import shutil
import sys

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging

import grpo
from common import ROOT, Report, rlkd

BASE = dict(loss_type="dapo", beta=0.0, epsilon=0.2, epsilon_high=0.2, num_iterations=1, temperature=1.0,
            learning_rate=5e-4, weight_decay=0.0, adam_beta1=0.9, adam_beta2=0.999, adam_epsilon=1e-8,
            max_grad_norm=1.0, max_completion_length=24, scale_rewards="group", mask_truncated_completions=False)
LOSSES = ("grpo", "bnpo", "dapo", "dr_grpo")
CASES = {
    **{f"{loss}": dict(loss_type=loss) for loss in LOSSES},
    **{f"{loss} beta clip x2": dict(loss_type=loss, beta=0.04, epsilon_high=0.28, num_iterations=2) for loss in LOSSES},
    "no clipping of gradients x3": dict(num_iterations=3, max_grad_norm=0.0, weight_decay=0.1),
    "temperature 0.7, batch scale": dict(temperature=0.7, scale_rewards="batch", num_iterations=2),
    "masked truncated, no scale": dict(mask_truncated_completions=True, scale_rewards="none", num_iterations=2),
    "small micro-batches x3": dict(micro_batch_tokens=32, beta=0.1, num_iterations=3),
}
TINY = ("llama", "llama-untied-bias", "llama3-rope", "linear-rope", "yarn", "qwen2", "qwen3", "sharded", "bf16", "f16")
TEMPLATE = "{% for m in messages %}<s>{{ m.role }}\n{{ m.content }}</s>\n{% endfor %}" \
           "{% if add_generation_prompt %}<s>assistant\n{% endif %}"


def tokenizer():
    """A byte-level BPE of 112 tokens: three special ones, printable ASCII, and a few merges."""
    merges = [("t", "h"), ("th", "e"), ("Ġ", "a"), ("i", "n"), ("e", "r"), ("o", "n"), ("s", "t"), ("a", "n"),
              ("Ġ", "the"), ("r", "e"), ("in", "g"), ("o", "r"), ("an", "d")]
    tokens = ["<unk>", "<s>", "</s>"] + [chr(c) for c in range(33, 127)] + ["Ġ", "Ċ"] + ["".join(m) for m in merges]
    bpe = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    bpe.add_special_tokens(tokens[:3])
    return PreTrainedTokenizerFast(tokenizer_object=bpe, unk_token="<unk>", bos_token="<s>", eos_token="</s>",
                                   chat_template=TEMPLATE)


def random_rollouts(vocab, seed):
    """Four groups of three: one has equal rewards, some completions were cut."""
    draw = random.Random(seed)
    rows = []
    for group in range(4):
        prompt = [draw.randrange(3, vocab) for _ in range(draw.randrange(2, 40))]
        for _ in range(3):
            rows.append({"group": group, "prompt_ids": prompt,
                         "completion_ids": [draw.randrange(3, vocab) for _ in range(draw.randrange(1, 24))],
                         "reward": 5.0 if group == 2 else draw.choice([0.0, 1.5, 10.0, 15.25]),
                         "finished": draw.random() < 0.7})
    return rows


def write_config(path, model, settings):
    with open(path, "w") as f:
        for key, value in {"model": model, "device": "cpu", "dtype": "f32", "warmup_ratio": 0, **settings}.items():
            f.write(f"{key}: {json.dumps(value)}\n")


def write_rows(path, rows):
    with open(path, "w") as f:
        f.writelines(json.dumps(row) + "\n" for row in rows)


def close(got, want):
    """The name of the first number that is off, or None: 0.1 % and 1e-5, whole numbers and shares exactly."""
    if len(got) != len(want):
        return f"{len(got)} updates, not {len(want)}"
    for a, b in zip(got, want):
        for key, value in b.items():
            if abs(a[key] - value) > (1e-9 if key in ("update", "tokens", "clip_ratio") else 1e-5 + 1e-3 * abs(value)):
                return f"update {b['update']}: {key} is {a[key]:.6g}, not {value:.6g}"
    return None


def check(source, settings, rollouts, work, out):
    """One step by both; (ok, note)."""
    config, rows = os.path.join(work, "config.yaml"), os.path.join(work, "rollouts.jsonl")
    write_config(config, source, settings)
    write_rows(rows, rollouts)
    shutil.rmtree(out, ignore_errors=True)
    got = rlkd("step", "--config", config, "--rollouts", rows, "--out", out)
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, attn_implementation="eager")
    want = grpo.step(model, rollouts, {**BASE, **settings})
    if wrong := close(got, want):
        return False, wrong
    saved = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32, attn_implementation="eager")
    with torch.no_grad():
        off = max((grpo.log_probs(model, r, 1) - grpo.log_probs(saved, r, 1)).abs().max().item() for r in rollouts)
    clipped = max(u["clip_ratio"] for u in want)
    return off < 2e-3, f"clip_ratio up to {clipped:.3f}; log-probs after it within {off:.1e}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", help="a directory for what is written")
    work = os.path.abspath(parser.parse_args().work)
    torch.set_num_threads(1)
    report = Report()
    os.makedirs(os.path.join(work, "saved"), exist_ok=True)
    for seed, name in enumerate(TINY):
        source = os.path.join(work, f"tiny-{name}")
        shutil.copytree(os.path.join(ROOT, "model/testdata", f"tiny-{name}"), source, dirs_exist_ok=True)
        os.remove(os.path.join(source, "grads.safetensors"))  # not weights
        tokenizer().save_pretrained(source)
        out = os.path.join(work, "saved", f"tiny-{name}")
        cases = CASES if name == "llama" else {"grpo beta clip x2": CASES["grpo beta clip x2"]}
        for case, settings in cases.items():
            report.attempt(f"tiny-{name}", f"step: {case}", check, source, {**BASE, **settings},
                           random_rollouts(112, seed), work, out)
    sys.exit(report.failed > 0)


if __name__ == "__main__":
    logging.disable_progress_bar()
    main()
