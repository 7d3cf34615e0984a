"""Train with a llama.cpp server as decomposer and judge, and with a proxy between that injects faults.

The server runs the default student's GGUF; what it says is of no use, but it is real text and real probabilities. It
finds no steps: in the run where it takes texts apart the rows bring the teacher's, and where verdicts are wanted rules take apart.
The learning rate is next to nothing, so that all runs sample the same completions: under faults a structure reward
must be the one of the run without, or missing.
"""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time

from check_step import write_config, write_rows
from check_trl import ROWS, student
from common import RLKD, ROOT, Failed, Report, rlkd
from faults import Proxy, free_port, wait_for

STEPS, PROMPTS, GENERATIONS = 3, 2, 2
TIMEOUT = 60    # seconds for a request that the server answers
IMPATIENT = 2   # the same where it does not
TEACHER = [{"number": 1, "meta": "First what is asked for.", "query": "the result", "answer": "5"}]
SURE = 0.1  # of yes, so that this judge says it at all, and a failure that counted as no would be seen
# What a completion's reward must name as the cause when it meets nothing but this fault.
CAUSES = {"refused": "unreachable", "killed": "unreachable", "500": "refused", "429": "refused", "hang": "timeout",
          "garbage": "unreadable", "empty": "unreadable", "huge": "unreadable"}


@contextlib.contextmanager
def llama_server(cache, log):
    """The URL of a server with the default student."""
    port = free_port()
    model = os.path.join(cache, "student/SmolLM2-135M-Instruct.Q4_1.gguf")
    with open(log, "w") as out:
        server = subprocess.Popen(
            [os.path.join(cache, "llamacpp/bin/python"), "-m", "llama_cpp.server", "--model", model, "--host", "127.0.0.1",
             "--port", str(port), "--logits_all", "true", "--n_ctx", "2048", "--n_threads", "2"], stdout=out, stderr=out)
        try:
            wait_for(f"http://127.0.0.1:{port}/v1/models", 180, lambda: server.poll() is None)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()  # told to end, it would first wait for every connection, those that the proxy broke too
            server.wait(timeout=30)


def structure(url, timeout, retries, max_missing=1.0, decomposer="openai"):
    """The section structure of a configuration whose models, or whose judge alone, are behind the URL."""
    model = {"backend": "openai", "model": "smollm2", "base_url": url + "/v1", "timeout": f"{timeout}s", "retries": retries, "concurrency": 2}
    by_model = {**model, "prompt": "few-shot", "max_tokens": 96}
    return {"max_missing": max_missing, "decomposer": by_model if decomposer == "openai" else {"backend": decomposer}, "judge": {**model, "threshold": SURE}}


class Checks:
    def __init__(self, work, url, model):
        self.work, self.url, self.model, self.clean = work, url, model, None

    def train(self, name, section, **columns):
        """A run: its exit code, the last line on stderr, its metrics and completions, and its seconds."""
        out, yaml, data = (os.path.join(self.work, name + end) for end in ("", ".yaml", ".jsonl"))
        write_rows(data, [{**r, **columns} for r in ROWS if r["generation"]])
        write_config(yaml, self.model, {
            "dataset": data, "output_dir": out, "system_prompt": "", "max_steps": STEPS, "prompts_per_step": PROMPTS,
            "num_generations": GENERATIONS, "max_prompt_length": 128, "max_completion_length": 120, "learning_rate": 1e-12, "structure": section})
        began = time.monotonic()
        done = subprocess.run([RLKD, "train", "--config", yaml], capture_output=True, text=True, cwd=ROOT, timeout=1500)
        took = time.monotonic() - began
        said = (done.stderr.strip().splitlines() or [""])[-1]
        rows = []
        for step in range(1, STEPS + 1):
            path = os.path.join(out, f"rollouts/step-{step:06d}.jsonl")
            if os.path.exists(path):
                with open(path) as f:
                    rows += [json.loads(line) for line in f]
        return done.returncode, said, rows, took

    def decomposed(self):
        code, said, rows, took = self.train("decomposed", structure(self.url, TIMEOUT, 2), steps=TEACHER)
        if code:
            return False, said
        unknown = [r["missing"]["structure"] for r in rows if r["structure"] is None]
        return len(rows) == STEPS * PROMPTS * GENERATIONS and not unknown, f"{len(rows)} completions, {len(unknown)} missing, {took:.0f} s {unknown[:1]}"

    def judged(self):
        code, said, rows, took = self.train("judged", structure(self.url, TIMEOUT, 2, decomposer="rules"))
        if code:
            return False, said
        self.clean = {(r["step"], r["group"], r["sample"]): r for r in rows}
        missing = sum(r["structure"] is None for r in rows)
        believed = [v["p"] for r in rows for s in r["steps"] or [] for v in (s.get("meta"), s.get("query")) if v and "p" in v]
        ok = len(rows) == STEPS * PROMPTS * GENERATIONS and missing == 0 and any(r["structure"] for r in rows) and believed and all(0 < p < 1 for p in believed)
        return bool(ok), f"{len(rows)} completions, {missing} missing, {len(believed)} verdicts, p from {min(believed, default=0):.3f} to {max(believed, default=0):.3f}, {took:.0f} s"

    def alone(self, fault):
        """One row, scored by `rlkd score`, each of its requests meeting the fault."""
        retries = 1
        proxy = Proxy(self.url, [fault])
        yaml = os.path.join(self.work, f"alone-{fault}.yaml")
        with open(yaml, "w") as f:
            f.write("structure: " + json.dumps(structure(proxy.url, IMPATIENT if fault == "hang" else TIMEOUT, retries)) + "\n")
        began = time.monotonic()
        try:
            score, = rlkd("score", "--config", yaml, rows=[{**ROWS[0], "completion": ROWS[0]["generation"]}])
        finally:
            proxy.close()
        took, why = time.monotonic() - began, score.get("missing", {}).get("structure", "")
        ok = score["structure"] is None and score["accuracy"] == 1 and CAUSES[fault] in why.split(": ")
        return ok and took < 60, f"null after {proxy.requests} requests, {took:.1f} s: {why[:70]}"

    def closed(self):
        """The same with nobody at the port."""
        yaml = os.path.join(self.work, "closed.yaml")
        with open(yaml, "w") as f:
            f.write("structure: " + json.dumps(structure(f"http://127.0.0.1:{free_port()}", TIMEOUT, 1)) + "\n")
        score, = rlkd("score", "--config", yaml, rows=[{**ROWS[0], "completion": ROWS[0]["generation"]}])
        why = score.get("missing", {}).get("structure", "")
        return score["structure"] is None and "unreachable" in why.split(": "), why[:90]

    def mixed(self):
        """Faults between good answers; retries get past some of them."""
        proxy = Proxy(self.url, [None, "500", None, "killed", "429", None, "garbage", "empty", None, "refused", "huge", None])
        try:
            code, said, rows, took = self.train("mixed", structure(proxy.url, TIMEOUT, 1, decomposer="rules"))
        finally:
            proxy.close()
        if code or not self.clean:
            return False, said
        invented = missing = 0
        for r in rows:
            want = self.clean[r["step"], r["group"], r["sample"]]
            if r["completion"] != want["completion"]:
                return False, "the runs sampled different completions"
            missing += r["structure"] is None
            invented += r["structure"] is not None and r["structure"] != want["structure"]
        note = f"{sum(proxy.faults.values())} faults in {proxy.requests} requests; {missing} of {len(rows)} missing, {invented} invented, {took:.0f} s"
        return len(rows) == len(self.clean) and invented == 0, note

    def goes_on(self):
        proxy = Proxy(self.url, ["500", "hang", "killed", "garbage"])
        try:
            code, said, rows, took = self.train("only-faults", structure(proxy.url, IMPATIENT, 0))
        finally:
            proxy.close()
        known = sum(r["structure"] is not None for r in rows)
        return code == 0 and len(rows) == STEPS * PROMPTS * GENERATIONS and known == 0, f"{known} of {len(rows)} scored, {took:.0f} s; {said[:40] if code else ''}"

    def stops(self):
        proxy = Proxy(self.url, ["500"])
        try:
            code, said, rows, took = self.train("stopped", structure(proxy.url, TIMEOUT, 0, max_missing=0.2))
        finally:
            proxy.close()
        return code == 1 and "max_missing" in said and not rows, f"exit {code}, {took:.0f} s: {said[:70]}"


def main():
    work = os.path.join(os.path.abspath(sys.argv[1]), "llamacpp")
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    cache = os.environ.get("RLKD_CACHE", os.path.join(ROOT, ".cache"))
    report = Report()
    try:
        with llama_server(cache, os.path.join(work, "server.log")) as url:
            checks = Checks(work, url, student(work))
            report.attempt("llama.cpp", f"train {STEPS} steps, decompose", checks.decomposed)
            report.attempt("llama.cpp", f"train {STEPS} steps, judge", checks.judged)
            report.attempt("llama.cpp, no server", "score: missing, not 0", checks.closed)
            for fault in CAUSES:
                report.attempt(f"llama.cpp, {fault}", "score: missing, not 0", checks.alone, fault)
            report.attempt("llama.cpp, faults", "train: no score invented", checks.mixed)
            report.attempt("llama.cpp, only faults", "train: max_missing 1 goes on", checks.goes_on)
            report.attempt("llama.cpp, only faults", "train: max_missing 0.2 stops", checks.stops)
    except (Failed, TimeoutError) as error:
        report.row("llama.cpp", "start", False, str(error))
    sys.exit(report.failed > 0)


if __name__ == "__main__":
    main()
