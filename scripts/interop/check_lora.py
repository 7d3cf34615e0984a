"""Check that PEFT and rlkd agree about adapters on one model: one that rlkd trained, the same merged by rlkd and
by PEFT, and one that PEFT made. What is compared are log-probabilities, in fp32 on the CPU.
"""
import argparse
import os
import random
import shutil
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM
from transformers.utils import logging

import grpo
from common import Report, rlkd

TOLERANCE = 1e-3  # of a log-probability
CPU = ("--device", "cpu", "--dtype", "f32")


def rows(vocab):
    draw = random.Random(1)
    ids = lambda n: [draw.randrange(3, vocab) for _ in range(n)]
    return [{"prompt_ids": ids(p), "completion_ids": ids(c)} for p, c in ((1, 1), (7, 12), (40, 20))]


def load(where):
    return AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32, attn_implementation="eager")


def log_probs(model, row):
    with torch.no_grad():
        return grpo.log_probs(model.eval(), row, 1)


def agree(model, base, *flags):
    """How far what rlkd says, called with flags, is from model; which must itself be far from base."""
    questions = rows(base.config.vocab_size)
    off, moved = 0.0, 0.0
    for row, answer in zip(questions, rlkd("logprobs", *flags, *CPU, rows=questions), strict=True):
        want = log_probs(model, row)
        off = max(off, (torch.tensor(answer["logprobs"]) - want).abs().max().item())
        moved = max(moved, (log_probs(base, row) - want).abs().max().item())
    return off < TOLERANCE < moved, f"within {off:.1e}; the adapter changes {moved:.2f}"


def ours(where, adapter, base):
    return agree(PeftModel.from_pretrained(load(where), adapter), base, "--model", where, "--adapter", adapter)


def merged(where, adapter, base, out):
    shutil.rmtree(out, ignore_errors=True)
    rlkd("merge", "--model", where, "--adapter", adapter, "--out", out)
    theirs = PeftModel.from_pretrained(load(where), adapter).merge_and_unload()
    off = max((a - b).abs().max().item() for a, b in zip(load(out).parameters(), theirs.parameters(), strict=True))
    ok, note = agree(theirs, base, "--model", out)
    return ok and off < 1e-5, f"{note}; weights within {off:.1e}"


def theirs(where, base, out, settings):
    torch.manual_seed(1)
    model = get_peft_model(load(where), LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **settings))
    model.save_pretrained(out)
    return agree(model, base, "--model", where, "--adapter", out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("adapter", help="one that rlkd trained on the model")
    parser.add_argument("work", help="a directory for what is written")
    given = parser.parse_args()
    base, report = load(given.model), Report()
    out = lambda name: os.path.join(given.work, name)
    report.attempt("lora", "PEFT loads ours", ours, given.model, given.adapter, base)
    report.attempt("lora", "merged as PEFT does", merged, given.model, given.adapter, base, out("merged"))
    report.attempt("lora", "PEFT's all-linear", theirs, given.model, base, out("peft-all"),
                   dict(r=4, lora_alpha=2, target_modules="all-linear"))
    report.attempt("lora", "PEFT's default targets, rslora", theirs, given.model, base, out("peft-default"),
                   dict(r=8, lora_alpha=4, use_rslora=True))
    sys.exit(report.failed > 0)


if __name__ == "__main__":
    logging.disable_progress_bar()
    main()
