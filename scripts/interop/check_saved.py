"""Check that transformers understands directories that rlkd saved, and agrees with rlkd about them.

For each directory: every weight is loaded, log-probabilities, greedy generation, tokens of texts, and prompts
rendered by the chat template. All in fp32 on the CPU. One named student holds the default student as it was
in GGUF; what transformers says of it is also compared with what it said of the GGUF file.
"""
import argparse
import json
import os
import random
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

import grpo
from common import ROOT, Report, rlkd

# The tiny models' tokenizer knows printable ASCII alone; other texts are for those that know all bytes.
ASCII = ["the other thing", "Add 12 and 345: 357.", "  two  spaces\n\nand\nlines ", "</s> is special; <s>so</s>", "it's 'quoted'", "x"]
OTHER = ["naïve café, 3 €", "数学 问题 42", "tab\tand\r\nreturn", "emoji 🙂👩‍👧", "e\u0301 combining", "<|im_start|>user\nhi<|im_end|>\n"]
CHATS = [
    [{"role": "user", "content": "What is 2 + 3?"}],
    [{"role": "system", "content": "Answer in one word."}, {"role": "user", "content": "  the other\nthing "}],
    [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "So?"}, {"role": "user", "content": "And?"}],
]
TOLERANCE = 1e-3  # of a log-probability
CPU = ("--device", "cpu", "--dtype", "f32")


class Checks:
    def __init__(self, where):
        self.where = where
        self.model, loading = AutoModelForCausalLM.from_pretrained(
            where, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
        self.odd = {k: v for k, v in loading.items() if v}
        self.tokenizer = AutoTokenizer.from_pretrained(where)
        self.texts = ASCII + (OTHER if len(self.tokenizer) > 256 else [])

    def loads(self):
        return not self.odd, f"{self.odd}" if self.odd else f"{self.model.num_parameters():,} weights"

    def log_probs(self):
        draw = random.Random(1)
        ids = lambda n: [draw.randrange(3, self.model.config.vocab_size) for _ in range(n)]
        rows = [{"prompt_ids": ids(p), "completion_ids": ids(c)} for p, c in ((1, 1), (7, 12), (40, 20))]
        worst = 0.0
        for temperature in (1.0, 0.6):
            got = rlkd("logprobs", "--model", self.where, "--temperature", temperature, *CPU, rows=rows)
            for row, answer in zip(rows, got, strict=True):
                with torch.no_grad():
                    want = grpo.log_probs(self.model, row, temperature)
                worst = max(worst, (torch.tensor(answer["logprobs"]) - want).abs().max().item())
        return worst < TOLERANCE, f"within {worst:.1e}"

    def student(self):
        with open(os.path.join(ROOT, "model/testdata/smollm2-fp32.json")) as f:
            rows = json.load(f)
        worst = 0.0
        for row in rows:
            with torch.no_grad():
                got = grpo.log_probs(self.model, row, 1)
            worst = max(worst, (got - torch.tensor(row["completion_logprobs"])).abs().max().item())
        return worst < TOLERANCE, f"within {worst:.1e}"

    def encodes(self, special):
        flags = ["--special"] if special else []
        got = rlkd("tokenize", "--model", self.where, *flags, rows=[{"text": t} for t in self.texts])
        want = [self.tokenizer.encode(t, add_special_tokens=special) for t in self.texts]
        return self.equal(self.texts, [g["ids"] for g in got], want)

    def decodes(self):
        plain = [t for t in self.texts if "<" not in t]  # texts that hold no special token
        rows = [{"ids": self.tokenizer.encode(t, add_special_tokens=False)} for t in plain]
        got = [g["text"] for g in rlkd("tokenize", "--model", self.where, "--decode", rows=rows)]
        want = [self.tokenizer.decode(r["ids"], clean_up_tokenization_spaces=False) for r in rows]
        return self.equal(plain, got, want)

    def generate(self, tokens):
        return rlkd("generate", "--model", self.where, "--max-tokens", tokens, "--temperature", 0, "--n", 1, *CPU,
                    rows=[{"messages": m} for m in CHATS])

    def prompts(self):
        got = [g["prompt_ids"] for g in self.generate(1)]
        want = [self.tokenizer.apply_chat_template(m, add_generation_prompt=True, return_dict=False) for m in CHATS]
        return self.equal(CHATS, got, want)

    def greedy(self):
        got = self.generate(24)
        stop = {i for i in torch.tensor(self.model.generation_config.eos_token_id or []).flatten().tolist()}
        tokens = 0
        for n, answer in enumerate(got):
            completion = answer["completions"][0]
            want = self.model.generate(torch.tensor([answer["prompt_ids"]]), do_sample=False, max_new_tokens=24,
                                       pad_token_id=0)[0, len(answer["prompt_ids"]):].tolist()
            if completion["ids"] != want:
                return False, f"conversation {n}: {completion['ids']}, not {want}"
            if completion["finished"] != (want[-1] in stop):
                return False, f"conversation {n}: finished is {completion['finished']}, stop tokens are {sorted(stop)}"
            tokens += len(want)
        return True, f"{tokens} tokens"

    @staticmethod
    def equal(of, got, want):
        if len(got) != len(want):
            return False, f"{len(got)} rows, not {len(want)}"
        wrong = [f"{o!r}: {g}, not {w}" for o, g, w in zip(of, got, want) if g != w]
        return not wrong, wrong[0] if wrong else f"{len(want)} of {len(want)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directories", nargs="+")
    report = Report()
    for where in map(os.path.abspath, parser.parse_args().directories):
        name = os.path.basename(where)
        try:
            checks = Checks(where)
        except Exception as error:
            report.row(name, "opens in transformers", False, f"{type(error).__name__}: {str(error).splitlines()[0]}")
            continue
        report.attempt(name, "all weights load", checks.loads)
        report.attempt(name, "log-probabilities", checks.log_probs)
        if name == "student":
            report.attempt(name, "log-probabilities of the GGUF", checks.student)
        report.attempt(name, "greedy generation", checks.greedy)
        report.attempt(name, "encode", checks.encodes, False)
        report.attempt(name, "encode with special tokens", checks.encodes, True)
        report.attempt(name, "decode", checks.decodes)
        report.attempt(name, "chat template", checks.prompts)
    sys.exit(report.failed > 0)


if __name__ == "__main__":
    logging.disable_progress_bar()
    main()
