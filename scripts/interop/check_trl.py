"""Train two steps by TRL's GRPOTrainer on the rewards of `rlkd serve-reward`, and compare what TRL logged with
`rlkd score`.

The student is a tiny model that has learnt two texts by heart, imperfectly, so that its samples earn different
rewards. A third problem has no teacher's text: its rewards cannot be known, and TRL must see None.
"""
import contextlib
import json
import math
import os
import shutil
import sys

import pandas
import torch
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

import trl_reward
from check_step import tokenizer, write_config, write_rows
from common import ROOT, Report, rlkd
from serving import serve_reward

STEPS, GENERATIONS, LIMIT = 2, 4, 110


def row(problem, meta, sum_, answer):
    text = f"<think>\n{meta} {sum_} = {answer}, so {answer} in all.\n</think>\n<answer>\n\\boxed{{{answer}}}\n</answer>"
    return {"problem": problem, "answer": str(answer), "generation": text}


ROWS = [row("Add two to three.", "First I need the sum.", "2 + 3", 5), row("Take four from ten.", "I look for what is left.", "10 - 4", 6),
        {"problem": "Of this nobody knows the way.", "answer": "7", "generation": ""}]


def student(work):
    """A directory with the tiny llama, after a short warm-up on the rows that have a teacher's text."""
    source, out = os.path.join(work, "source"), os.path.join(work, "sft")
    shutil.copytree(os.path.join(ROOT, "model/testdata/tiny-llama"), source)
    os.remove(os.path.join(source, "grads.safetensors"))  # not weights
    tokenizer().save_pretrained(source)
    config = os.path.join(source, "config.json")
    with open(config) as f:
        settings = json.load(f)
    with open(config, "w") as f:
        json.dump({**settings, "max_position_embeddings": 512}, f)
    rows, yaml = os.path.join(work, "rows.jsonl"), os.path.join(work, "sft.yaml")
    write_rows(rows, [r for r in ROWS if r["generation"]])
    write_config(yaml, source, {"output_dir": out, "system_prompt": "", "sft": {
        "dataset": rows, "max_steps": 120, "max_length": 512, "batch_size": 2, "learning_rate": 1e-2}})
    rlkd("sft", "--config", yaml)
    return os.path.join(out, "final")


def rlkd_reward(completion_ids, log_extra, **columns):
    """The reward function of README, which also keeps in TRL's table which completions were cut."""
    log_extra("cut", [len(ids) >= LIMIT for ids in completion_ids])
    return trl_reward.rlkd_reward(completion_ids=completion_ids, **columns)


def train(model, work):
    """The rewards TRL logged as means, and its table of completions."""
    data = Dataset.from_list([{"prompt": [{"role": "user", "content": r["problem"]}], **r} for r in ROWS])
    args = GRPOConfig(
        output_dir=os.path.join(work, "trl"), max_steps=STEPS, per_device_train_batch_size=len(ROWS) * GENERATIONS,
        num_generations=GENERATIONS, max_completion_length=LIMIT, temperature=1.2, learning_rate=1e-4, logging_steps=1,
        log_completions=True, report_to="none", use_cpu=True, bf16=False, save_strategy="no", seed=1, disable_tqdm=True)
    trainer = GRPOTrainer(model=model, reward_funcs=rlkd_reward, args=args, train_dataset=data)
    with contextlib.redirect_stdout(sys.stderr):  # its tables
        trainer.train()
    logged = [h["rewards/rlkd_reward/mean"] for h in trainer.state.log_history if "rewards/rlkd_reward/mean" in h]
    tables = [pandas.read_parquet(os.path.join(work, "trl/completions", f"completions_{n:05d}.parquet")) for n in range(1, STEPS + 1)]
    return logged, tables


def compare(logged, tables):
    """(ok, note): each reward of TRL's table, and its means, against `rlkd score`."""
    by_problem = {r["problem"]: r for r in ROWS}
    got, want, means, cuts = [], [], [], 0
    for table in tables:
        rows = [{**by_problem[p[0]["content"]], "completion": c[0]["content"], "cut": bool(cut)}
                for p, c, cut in zip(table["prompt"], table["completion"], table["cut"])]
        scores = rlkd("score", rows=rows)
        cuts += sum(row["cut"] for row in rows)
        step = [math.nan if s.get("missing") else s["total"] for s in scores]
        means.append(sum(x for x in step if x == x) / max(1, sum(x == x for x in step)))
        want += step
        got += list(table["rlkd_reward"])
    if len(got) != STEPS * len(ROWS) * GENERATIONS:
        return False, f"{len(got)} completions, not {STEPS * len(ROWS) * GENERATIONS}"
    off = [i for i, (a, b) in enumerate(zip(got, want)) if not (math.isclose(a, b, rel_tol=1e-6) or a != a and b != b)]
    wrong = [i for i, (a, b) in enumerate(zip(logged, means)) if not math.isclose(a, b, rel_tol=1e-5)]
    distinct, unknown = len({x for x in want if x == x}), sum(x != x for x in want)
    note = f"{len(got)} rewards, {distinct} different ones, {unknown} None, {cuts} cut; {len(off)} differ, {len(wrong)} of {len(logged)} means differ"
    return not off and not wrong and len(logged) == STEPS and distinct > 1 and unknown == STEPS * GENERATIONS, note


def check(work):
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    model = student(work)
    with serve_reward() as url:
        os.environ["RLKD_URL"], trl_reward.LIMIT = url, LIMIT
        return compare(*train(model, work))


if __name__ == "__main__":
    torch.set_num_threads(1)
    report = Report()
    report.attempt("TRL GRPOTrainer", "rewards of serve-reward", check, os.path.join(os.path.abspath(sys.argv[1]), "trl"))
    sys.exit(report.failed > 0)
