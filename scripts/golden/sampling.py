"""Write model/testdata/sampling.json: the distribution that transformers' generate would sample from.

{"rows": logits, null = minus infinity; "cases": [{row, temperature, top_k, top_p, min_p, probs}]}. A filter
that is off is top_k 0, top_p 1, min_p 0. Cases where top_p would cut between equal logits, or within 1e-5 of
its limit, are left out: there the result depends on the order of a sort or on rounding.
"""
import argparse
import itertools
import json
import os

import numpy as np
import torch
from transformers import AutoModelForCausalLM, GenerationConfig
from transformers.utils import logging

VOCAB = 50
SETTINGS = [dict(temperature=t, top_k=k, top_p=p, min_p=m)
            for t, k, p, m in itertools.product((1.0, 0.7, 1.8), (0, 1, 5, 60), (1.0, 0.9, 0.35), (0.0, 0.1))]


def rows():
    draw = np.random.default_rng(7)
    plain = draw.normal(0, 2, VOCAB)
    tied = np.round(draw.normal(0, 1.5, VOCAB))               # many equal logits
    barred = draw.normal(0, 2, VOCAB)
    barred[draw.choice(VOCAB, 45, replace=False)] = -np.inf   # five tokens are possible
    sure = draw.normal(0, 1, VOCAB)
    sure[17] = 30                                             # one has all the probability
    return torch.tensor(np.stack([plain, tied, barred, sure]), dtype=torch.float32)


def processors(model, setting):
    """What generate itself would apply, in its order."""
    asked = GenerationConfig(do_sample=True, temperature=setting["temperature"], top_k=setting["top_k"],
                             top_p=setting["top_p"], min_p=setting["min_p"] or None)
    return model._get_logits_processor(generation_config=asked, input_ids_seq_length=1)


def settled(logits, setting):
    """Whether the tokens that top_p keeps do not depend on rounding or on the order among equals."""
    if setting["top_p"] == 1:
        return True
    scaled = logits.double() / setting["temperature"]
    if 0 < setting["top_k"] < VOCAB:
        scaled[scaled < scaled.topk(setting["top_k"])[0][-1]] = -torch.inf
    ranked = scaled.sort()[0]
    below = ranked.softmax(-1).cumsum(-1)
    limit = 1 - setting["top_p"]
    kept = ranked[(below > limit).nonzero()[0, 0]]
    dropped = ranked[below <= limit]
    return (below - limit).abs().min() > 1e-5 and (len(dropped) == 0 or dropped[-1] < kept)


def digits(row):
    return [None if np.isinf(x) else float(str(x)) for x in row.numpy()]


if __name__ == "__main__":
    here = os.path.dirname(__file__)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=os.path.join(here, "../../model/testdata/sampling.json"))
    args = parser.parse_args()
    logging.disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(os.path.join(here, "../../model/testdata/tiny-llama"))
    logits, cases = rows(), []
    for n, setting in itertools.product(range(len(logits)), SETTINGS):
        if settled(logits[n], setting):
            probs = processors(model, setting)(None, logits[n:n + 1].clone()).softmax(-1)[0]
            cases.append({"row": n, **setting, "probs": digits(probs)})
    with open(args.out, "w") as f:
        f.write('{"rows": [\n' + ",\n".join(json.dumps(digits(r)) for r in logits) + '\n], "cases": [\n'
                + ",\n".join(json.dumps(c) for c in cases) + "\n]}\n")
    print(f"{len(cases)} of {len(logits) * len(SETTINGS)} cases")
