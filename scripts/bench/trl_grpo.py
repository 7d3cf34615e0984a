"""Take GRPO steps by TRL's GRPOTrainer and say how long they took.

The request has {model, shape, texts, ids, seed, steps, setting}; setting is "fp32", TRL's defaults on weights in fp32, or the
fastest way TRL has on a CPU: "bf16", weights, gradients and moments in bf16 without gradient checkpointing, where the CPU
multiplies bf16, else "whole", fp32 without gradient checkpointing.
Completions do not end early, so that the work is the same on both sides, and rewards are a function of a completion's place.
"""
import tempfile
import time

from common import age, answer, own_stdout, peak_bytes, request

out = own_stdout()  # before the imports, which print

from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

SETTINGS = {
    "fp32": {"model_init_kwargs": {"dtype": "float32"}},
    "whole": {"model_init_kwargs": {"dtype": "float32"}, "gradient_checkpointing": False},
    "bf16": {"model_init_kwargs": {"dtype": "bfloat16"}, "gradient_checkpointing": False},
}


class Clock(TrainerCallback):
    """Times of steps; a step's rollout is what the trainer spends in the model's generate."""

    def __init__(self):
        self.startup, self.steps, self.rollout = None, [], 0.0

    def on_step_begin(self, *_, **__):
        if self.startup is None:
            self.startup = age()
        self.began, self.rollout = time.monotonic(), 0.0

    def on_step_end(self, *_, **__):
        took = time.monotonic() - self.began
        self.steps.append({"rollout_s": self.rollout, "train_s": took - self.rollout, "step_s": took})

    def timed(self, generate):
        def run(*arguments, **settings):
            began = time.monotonic()
            try:
                return generate(*arguments, **settings)
            finally:
                self.rollout += time.monotonic() - began
        return run


def place(completions, **_):
    """Rewards that cost nothing, and differ within each group."""
    return [float(i % 2) for i in range(len(completions))]


def main():
    r = request()
    shape, clock = r["shape"], Clock()
    lengths = set()

    def reward(completion_ids, **columns):
        lengths.update(len(ids) for ids in completion_ids)
        return place(**columns)

    with tempfile.TemporaryDirectory() as work:
        args = GRPOConfig(
            output_dir=work, max_steps=r["steps"], seed=r["seed"], use_cpu=True, bf16=False, report_to="none", save_strategy="no",
            disable_tqdm=True, per_device_train_batch_size=shape["rows"], num_generations=shape["group"],
            max_completion_length=shape["completion"], generation_kwargs={"min_new_tokens": shape["completion"]}, shuffle_dataset=False,
            **SETTINGS[r["setting"]])
        trainer = GRPOTrainer(model=r["model"], reward_funcs=reward, args=args, callbacks=[clock],
                              train_dataset=Dataset.from_dict({"prompt": r["texts"]}))
        for text, ids in zip(r["texts"], r["ids"]):
            if trainer.processing_class(text)["input_ids"] != ids:
                raise SystemExit(f"the tokenizers differ on {text!r}")
        trainer.model.generate = clock.timed(trainer.model.generate)
        trainer.train()
    if lengths != {shape["completion"]}:
        raise SystemExit(f"completions of {sorted(lengths)} tokens, not {shape['completion']}")
    answer(out, {"startup_s": clock.startup, "steps": clock.steps, "peak_bytes": peak_bytes()})


if __name__ == "__main__":
    main()
