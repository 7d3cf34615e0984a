"""Write model/files/testdata: what transformers, safetensors, gguf and torch make of the same numbers.

    scripts/interop/setup.sh && .cache/interop/bin/python scripts/golden/files.py

The versions are those pinned in scripts/interop/requirements.txt.

    rope.json            configurations with the inverse frequencies and the attention factor of transformers
    formats.safetensors  numbers in F32, and rounded by torch to BF16 and F16
    <family>/            a tiny model as transformers, safetensors and tokenizers write it
    <family>.gguf        the same model as the gguf package writes it, every type that is read among its tensors
"""
import json
import os

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Q
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import (AutoConfig, AutoModelForCausalLM, GenerationConfig, LlamaConfig, PreTrainedTokenizerFast,
                          Qwen2Config, Qwen3Config)
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "model", "files", "testdata")

TINY = dict(vocab_size=40, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=131072, bos_token_id=1, eos_token_id=2, pad_token_id=0)
LLAMA3 = dict(rope_type="llama3", factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=8192)


def rope() -> None:
    base = dict(model_type="llama", **(TINY | dict(hidden_size=256)), rms_norm_eps=1e-5)  # heads of 64
    yarn = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32768)
    cases = []
    for change in [
        dict(rope_theta=10000.0),
        dict(rope_theta=1000000),
        dict(rope_parameters=dict(rope_type="default", rope_theta=500000.0)),
        dict(rope_theta=10000.0, head_dim=96),
        dict(rope_theta=100000.0, rope_scaling=dict(type="linear", factor=3.0)),
        dict(rope_theta=500000.0, rope_scaling=LLAMA3),
        dict(rope_parameters=dict(rope_theta=500000.0, **(LLAMA3 | dict(factor=8.0, high_freq_factor=5.5)))),
        dict(rope_theta=10000.0, head_dim=128, rope_scaling=LLAMA3 | dict(original_max_position_embeddings=256)),
        dict(rope_theta=1000000.0, head_dim=128, rope_scaling=yarn),
        dict(rope_theta=1000000.0, rope_scaling=yarn | dict(attention_factor=1.25)),
        dict(rope_theta=10000.0, rope_scaling=yarn | dict(beta_fast=16, beta_slow=2, truncate=False)),
        dict(rope_theta=10000.0, rope_scaling=yarn | dict(factor=40.0, mscale=0.707, mscale_all_dim=1.0)),
        dict(rope_theta=10000.0, rope_scaling=yarn | dict(original_max_position_embeddings=8)),
        dict(rope_theta=100.0, rope_scaling=yarn | dict(original_max_position_embeddings=131072, beta_fast=1000)),
        dict(rope_theta=10000.0, rope_scaling=yarn | dict(factor=None)),
        dict(rope_theta=10000.0, rope_scaling=yarn | dict(beta_fast=4, beta_slow=4, truncate=False)),
    ]:
        config = base | change
        e = LlamaRotaryEmbedding(LlamaConfig(**json.loads(json.dumps(config))))
        cases.append(dict(config=config, inv_freq=[float(f) for f in e.inv_freq], attention=float(e.attention_scaling)))
    with open(os.path.join(OUT, "rope.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")


def formats() -> None:
    random = np.random.default_rng(1)
    bits = random.integers(0, 1 << 32, 2000, dtype=np.uint32)  # all exponents, infinities and NaNs too
    near = (random.standard_normal(2000) * 10.0 ** random.integers(-8, 5, 2000)).astype(np.float32)
    # Halfway between two neighbours in BF16 and in F16, and a bit to either side.
    ties = np.array([0x3F808000, 0x3F818000, 0x3F801000, 0x3F803000, 0x38801000, 0x33000000, 0x33C00000, 0x387FF000,
                     0x477FEFFF, 0x7F7F7FFF], np.uint32)
    ties = np.concatenate([ties - 1, ties, ties[:-2] + 1])
    edges = np.array([0, -0.0, np.inf, -np.inf, 65504, 2.0**-24, 2.0**-25, 1e-45], np.float32)
    values = torch.from_numpy(np.concatenate([bits.view(np.float32), near, ties.view(np.float32), edges]))
    save_file({"f32": values, "bf16": values.to(torch.bfloat16), "f16": values.to(torch.float16)},
              os.path.join(OUT, "formats.safetensors"))


def permute(weight: np.ndarray, heads: int) -> np.ndarray:
    """llama.cpp's order of the rows of q and k in the llama family."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(weight.shape)


MODULES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
           "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
           "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate",
           "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
OUTSIDE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


# A tokenizer of 40 tokens, with the pre-tokenizer of qwen2.
SPECIAL = ["<pad>", "<s>", "</s>", "<turn>"]
MERGES = [("t", "h"), ("th", "e"), ("i", "n"), ("a", "n"), ("e", "r"), ("Ġ", "the"), ("Ġ", "a"), ("an", "d"), ("in", "g")]
PLAIN = [*"abcdefghijklmnopqrstuvwxyzĠ", *("".join(m) for m in MERGES)]
SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
         r"|\s+(?!\S)|\s+")
TEMPLATE = " {{ bos_token }}{% for m in messages %}{{ m['content'] }}{% endfor %}\n"


def save_text(path: str) -> None:
    t = Tokenizer(models.BPE({token: i for i, token in enumerate(SPECIAL + PLAIN)}, MERGES))
    t.normalizer = normalizers.NFC()
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(SPLIT), "isolated"),
                                               pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens(SPECIAL)
    PreTrainedTokenizerFast(tokenizer_object=t, pad_token="<pad>", bos_token="<s>", eos_token="</s>",
                            chat_template=TEMPLATE).save_pretrained(path)
    GenerationConfig(bos_token_id=1, eos_token_id=[2, 3], pad_token_id=0, do_sample=True,
                     temperature=0.7).save_pretrained(path)


def gguf_name(name: str) -> str:
    module, kind = name.rsplit(".", 1)
    if module in OUTSIDE:
        return f"{OUTSIDE[module]}.{kind}"
    layer, module = module.removeprefix("model.layers.").split(".", 1)
    return f"blk.{layer}.{MODULES[module]}.{kind}"


def model(config) -> None:
    family, types = config.model_type, [Q.F32, Q.F16, Q.BF16, Q.Q8_0, Q.Q4_0, Q.Q4_1]
    torch.manual_seed(7)
    weights = {k: torch.randn(v.shape) for k, v in AutoModelForCausalLM.from_config(config).state_dict().items()}
    if config.tie_word_embeddings:
        del weights["lm_head.weight"]

    w = gguf.GGUFWriter(os.path.join(OUT, family + ".gguf"), family)
    w.add_block_count(config.num_hidden_layers)
    w.add_context_length(config.max_position_embeddings)
    w.add_embedding_length(config.hidden_size)
    w.add_feed_forward_length(config.intermediate_size)
    w.add_head_count(config.num_attention_heads)
    w.add_head_count_kv(config.num_key_value_heads)
    w.add_key_length(head_dim := getattr(config, "head_dim", config.hidden_size // config.num_attention_heads))
    w.add_layer_norm_rms_eps(config.rms_norm_eps)
    w.add_rope_freq_base(config.rope_parameters["rope_theta"])
    w.add_bos_token_id(config.bos_token_id)
    w.add_eos_token_id(config.eos_token_id)
    w.add_eot_token_id(3)
    w.add_pad_token_id(config.pad_token_id)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("qwen2")
    w.add_token_list(SPECIAL + PLAIN)
    w.add_token_types([gguf.TokenType.CONTROL] * len(SPECIAL) + [gguf.TokenType.NORMAL] * len(PLAIN))
    w.add_token_merges([" ".join(m) for m in MERGES])
    w.add_chat_template(TEMPLATE)
    if config.rope_parameters["rope_type"] == "llama3":
        with_scaling = LlamaRotaryEmbedding(config).inv_freq
        without = config.rope_parameters["rope_theta"] ** (-torch.arange(0, head_dim, 2) / head_dim)
        w.add_tensor("rope_freqs.weight", (without / with_scaling).numpy())
    for i, name in enumerate(sorted(weights)):
        data = weights[name].numpy()
        kind = types[i % len(types)] if data.ndim == 2 else Q.F32
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(name.split(".")[-2])
        moved = permute(data, heads) if heads and family == "llama" else data
        stored = gguf.quants.quantize(moved, kind)
        w.add_tensor(gguf_name(name), stored, raw_dtype=kind)
        if kind not in (Q.F32, Q.F16):
            data = gguf.quants.dequantize(gguf.quants.quantize(data, kind), kind)
        elif kind == Q.F16:
            data = data.astype(np.float16).astype(np.float32)
        weights[name] = torch.from_numpy(np.ascontiguousarray(data))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()

    config.dtype = torch.float32
    config.architectures = [{"llama": "Llama", "qwen2": "Qwen2", "qwen3": "Qwen3"}[family] + "ForCausalLM"]
    config.save_pretrained(os.path.join(OUT, family))
    save_file(weights, os.path.join(OUT, family, "model.safetensors"), metadata={"format": "pt"})
    save_text(os.path.join(OUT, family))
    assert AutoConfig.from_pretrained(os.path.join(OUT, family)).model_type == family


if __name__ == "__main__":
    os.makedirs(OUT, exist_ok=True)
    rope()
    formats()
    model(LlamaConfig(**TINY, rms_norm_eps=1e-5, rope_parameters=dict(rope_theta=500000.0, **LLAMA3)))
    model(Qwen2Config(**TINY, tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=1000000.0)))
    model(Qwen3Config(**TINY, head_dim=16, rope_parameters=dict(rope_type="default", rope_theta=1000000.0)))
