"""Decode by llama.cpp, several sequences at once, and say how long it took.

The request has {model, ids, rows, completion, seed, steps, quantize}; ids are prompts, one a row. quantize, if there, is
the path of a copy of the model in bf16 to be made first. Each sequence samples at temperature 1 from the whole vocabulary.
"""
import ctypes
import os
import time

import llama_cpp as llama
from common import age, answer, own_stdout, peak_bytes, request

out = own_stdout()
GGML_TYPE_BF16 = 30  # ggml.h; the binding has the types of whole files only


def to_bf16(source, target):
    params = llama.llama_model_quantize_default_params()
    params.ftype, params.allow_requantize, params.nthread, params.pure = llama.LLAMA_FTYPE_MOSTLY_BF16, True, 2, True
    params.output_tensor_type = params.token_embedding_type = GGML_TYPE_BF16
    if llama.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(params)):
        raise SystemExit(f"llama.cpp cannot write {target}")


class Decoder:
    def __init__(self, r):
        self.rows, self.prompts, self.tokens = r["rows"], r["ids"], r["completion"]
        llama.llama_backend_init()
        self.model = llama.llama_model_load_from_file(r["model"].encode(), llama.llama_model_default_params())
        params = llama.llama_context_default_params()
        params.n_seq_max, params.n_ctx = self.rows, self.rows * (len(self.prompts[0]) + self.tokens)
        params.n_batch = params.n_ubatch = 512
        params.n_threads = params.n_threads_batch = os.cpu_count()
        self.context = llama.llama_init_from_model(self.model, params)
        if not self.context:
            raise SystemExit("llama.cpp makes no context")
        self.samplers = []
        for row in range(self.rows):
            chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
            llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_temp(1.0))
            llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_dist(r["seed"] + row))
            self.samplers.append(chain)
        self.batch = llama.llama_batch_init(512, 0, 1)

    def feed(self, entries):
        """Run (token, position, row, wants logits); the rows' places in the batch are those of entries."""
        b = self.batch
        b.n_tokens = len(entries)
        for i, (token, position, row, logits) in enumerate(entries):
            b.token[i], b.pos[i], b.n_seq_id[i], b.logits[i] = token, position, 1, logits
            b.seq_id[i][0] = row
        if llama.llama_decode(self.context, b):
            raise SystemExit("llama_decode failed")

    def run(self):
        """Seconds until the first tokens are there, and for all."""
        llama.llama_memory_clear(llama.llama_get_memory(self.context), True)
        began, last = time.monotonic(), []
        for row, ids in enumerate(self.prompts):
            self.feed([(token, i, row, i == len(ids) - 1) for i, token in enumerate(ids)])
            last.append(llama.llama_sampler_sample(self.samplers[row], self.context, len(ids) - 1))
        first = time.monotonic() - began
        for step in range(self.tokens - 1):
            self.feed([(token, len(self.prompts[row]) + step, row, True) for row, token in enumerate(last)])
            last = [llama.llama_sampler_sample(self.samplers[row], self.context, row) for row in range(self.rows)]
        return {"first_s": first, "rollout_s": time.monotonic() - began}


def main():
    r = request()
    if r.get("quantize"):
        if not os.path.exists(r["quantize"]):
            to_bf16(r["model"], r["quantize"] + ".tmp")
            os.rename(r["quantize"] + ".tmp", r["quantize"])
        r["model"] = r["quantize"]
    decoder = Decoder(r)
    startup = age()
    answer(out, {"startup_s": startup, "steps": [decoder.run() for _ in range(r["steps"])], "peak_bytes": peak_bytes()})


if __name__ == "__main__":
    main()
