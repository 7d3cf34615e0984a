"""Ask `rlkd serve-reward` as OpenRLHF 0.11 asks a remote reward model (openrlhf/utils/agent.py,
_fetch_rewards_via_http): one query a request, many at once, five tries a second apart; and use the answer as
samples_generator.py does. The rewards must be those of `rlkd score`.
"""
import concurrent.futures
import json
import os
import sys
import time

import requests
import torch

from check_step import write_rows
from common import ROOT, Report, rlkd
from serving import serve_reward

END = "<|im_end|>"


def fetch(url, query, prompt, label, tries=5):
    """What the client gets for one rollout, or an error after its last try."""
    for _ in range(tries):
        reply = requests.post(url, json={"query": [query], "prompts": [prompt], "labels": [label]}, timeout=180)
        if reply.ok:
            return reply.json()
        time.sleep(1)
    raise RuntimeError(f"{reply.status_code} {reply.text.strip()}")


def experience(info):
    """The tensors that OpenRLHF makes of an answer; null or a part that comes and goes would fail here or later."""
    return {"reward": torch.tensor([info["rewards"]]), "score": torch.tensor([info["scores"]]),
            **{key: torch.tensor([value]) for key, value in info["extra_logs"].items()}}


def rollouts():
    """Dataset rows, each with a completion: the teacher's, another row's, and nonsense."""
    with open(os.path.join(ROOT, "trainer/recipes/quickstart/train.jsonl")) as f:
        rows = [json.loads(line) for line, _ in zip(f, range(12))]
    for i, row in enumerate(rows):
        row["completion"] = (row["generation"], rows[i - 1]["generation"], "I do not know.")[i % 3]
    return rows


def check(work, label, arguments):
    """(ok, note) for labels that label makes of a row."""
    rows = rollouts()
    want = rlkd("score", rows=rows)
    with serve_reward(*arguments) as url, concurrent.futures.ThreadPoolExecutor(8) as pool:
        def ask(row):
            prompt = f"<|im_start|>user\n{row['problem']}{END}\n<|im_start|>assistant\n"
            return experience(fetch(url + "/get_reward", prompt + row["completion"] + END, prompt, label(row)))
        got = list(pool.map(ask, rows))
    keys = {tuple(g) for g in got}
    off = sum(abs(g["reward"].item() - w["total"]) > 1e-9 or abs(g["structure"].item() - w["structure"]) > 1e-9 for g, w in zip(got, want))
    return off == 0 and len(keys) == 1, f"{len(got)} rewards, {len({w['total'] for w in want})} different ones; {off} differ; logs {', '.join(list(got[0])[2:])}"


def missing():
    """A reward that cannot be known is an error after all tries: OpenRLHF has no other way to be told."""
    with serve_reward() as url:
        try:
            answer = fetch(url + "/get_reward", "pc", "p", json.dumps({"answer": "1", "generation": ""}), tries=2)
            return False, f"got {answer}"
        except RuntimeError as error:
            return str(error).startswith("503") and "no reward: teacher" in str(error), str(error)


def main():
    work = os.path.join(os.path.abspath(sys.argv[1]), "openrlhf")
    os.makedirs(work, exist_ok=True)
    data = os.path.join(work, "data.jsonl")
    write_rows(data, rollouts())
    report = Report()
    report.attempt("OpenRLHF's form", "labels of JSON text", check, work, lambda r: json.dumps({k: r[k] for k in ("problem", "answer", "generation")}), ())
    report.attempt("OpenRLHF's form", "labels of answers, --data", check, work, lambda r: r["answer"], ("--data", data))
    report.attempt("OpenRLHF's form", "a missing reward is an error", missing)
    sys.exit(report.failed > 0)


if __name__ == "__main__":
    main()
