"""Write trainer/testdata/schedule.json: [{type, steps, warmup, rates}], the learning rates that transformers'
schedules give an optimizer with a peak rate of 1 at each of its steps."""
import argparse
import json
import os

import torch
from transformers import (get_constant_schedule_with_warmup, get_cosine_schedule_with_warmup,
                          get_linear_schedule_with_warmup)

SCHEDULES = {
    "constant": lambda optimizer, warmup, steps: get_constant_schedule_with_warmup(optimizer, warmup),
    "linear": get_linear_schedule_with_warmup,
    "cosine": get_cosine_schedule_with_warmup,
}
RUNS = [(10, 0), (10, 1), (25, 3), (20, 20), (1, 0), (1, 1)]  # steps, warmup


def rates(schedule, warmup, steps):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = schedule(optimizer, warmup, steps)
    out = []
    for _ in range(steps):
        out.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return out


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=os.path.join(os.path.dirname(__file__), "../../trainer/testdata/schedule.json"))
    args = parser.parse_args()
    cases = [{"type": name, "steps": steps, "warmup": warmup, "rates": rates(schedule, warmup, steps)}
             for name, schedule in SCHEDULES.items() for steps, warmup in RUNS]
    with open(args.out, "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
