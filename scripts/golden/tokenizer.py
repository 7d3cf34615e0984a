#!/usr/bin/env python3
"""Write model/tokenizer/testdata/golden.json: small tokenizers and what HF tokenizers makes of texts with them.

    python3 -m venv V && V/bin/pip install -r scripts/golden/tokenizer-requirements.txt
    V/bin/python scripts/golden/tokenizer.py > model/tokenizer/testdata/golden.json
    V/bin/python scripts/golden/tokenizer.py check tokenizer.json cases.jsonl

Each row of "tokenizers" has a name, a "spec" (the tokenizer.json, whose model and added tokens may be the name of
one in "models"), "encode" rows [text, ids, ids with special tokens] and "decode" rows [ids, text, text without
special tokens]. "sentencepiece" is a vocabulary with scores, as GGUF keeps it, and what sentencepiece encodes.
With "check" it reads lines {text, ids, decoded} and counts those that HF tokenizers gives otherwise.
"""
import io
import json
import random
import sys

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = [
    "The quick brown fox jumps over the lazy dog, then the dog sleeps. It's what they'd do; we'll see, don't you think?",
    "Step 1: 12 + 30 = 42. Step 2: 1,000,000 / 4 = 250000. So the answer is $x^2 + y^2 = z^2$.",
    "def add(a, b):\n    return a + b\n\n\n\tfor i in range(10):\n\t\tprint(i)\n",
    "naïve café größer Straße übermäßig; Привет, сколько стоит; 数学の問題を順に解く。你好,世界!",
    "aaaa aaaaaaaa      b\t\t\tc\n\n\n   d     ",
] * 4

TEXTS = [
    "", " ", "  ", "\n", "\r\n", "\t \n ", "a", "aaaaaaaaaaa", "a" * 257, "ab" * 100, " " * 65, "\n" * 33, "=" * 40, "12345678901", "  x", "x  ", " x y ",
    "It's we'LL I'D 'S 's '\u017f '\u212a don\u2019t ''s 'x", "one,two ;three", "tab\tand\nnewline\r\n\r\n  end \n", "3.14 1\u00b2 \u2167 \u0663\u0664 \U0001d7d9 x9y",
    "e\u0301 \u00e9 A\u030a \u00c5 \ufb01 \u1e9b\u0323 \u0344 \u2126 \u1100\u1161\u11a8 \uac01 \u0958", "q" + "\u0301" * 40 + "\u0323" * 3 + "x", "\u0301\u0323",
    "\u00a0a\u2003b\u3000c\u2028d\u0085e\u200bf\u200dg\ufeffh\u00adi", "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \u2764\ufe0f",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0e44\u0e17\u0e22 \u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd \ud55c\uad6d\uc5b4", "\U0010ffff\ufffd\ufffe\u0000\u0001\u007f\u0080\u00ff", "\u2581a \u2581 \u2581\u2581b", "\u0120\u010a\u00e2", "<0x41><0x0A>",
    "<s>a</s> b<|x|>c <|x|> d", "<s>", "<s><s>", "</s >", "  <mask>  word", "\n<mask>\n", "a<mask>b", "<|left|>  x  <|left|>\ty", "x <|right|>  y<|right|>", "cat concat cat. cat1 cat_ (cat) cat\u0301 \u00e9cat cat",
    "new york newyork NEW york", "caf\u00e9 cafe\u0301 \u00c5 A\u030a", "<|a|><|a|b|><|a", "\u2581new", "  cat  <mask>  <|right|> <|left|>  cat", "<|right|>   <|left|>", " sp x sp",
]
BROKEN = ["\u00c3", "\u00e2\u0082", "\u00f0\u009f\u0092", "\u00ff\u00fe", "a\u0080b"]  # as bytes of Latin-1: not UTF-8


def trained(alphabet, pre, size=420, unk=None, byte_fallback=False, normalizer=None):
    t = Tokenizer(models.BPE(unk_token=unk, byte_fallback=byte_fallback, fuse_unk=unk is not None))
    if pre:
        t.pre_tokenizer = pre
    if normalizer:
        t.normalizer = normalizer
    special = ([unk] if unk else []) + ["<s>", "</s>"]
    if byte_fallback:
        special += [f"<0x{b:02X}>" for b in range(256)]
    t.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=size + len(special), special_tokens=special, initial_alphabet=alphabet, show_progress=False))
    spec = json.loads(t.to_str())
    spec["added_tokens"] = [a for a in spec["added_tokens"] if not a["content"].startswith("<0x")]
    return spec["model"], spec["added_tokens"]


def model_set():
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    byte_level = trained(alphabet, pre_tokenizers.ByteLevel(add_prefix_space=False))
    holes = json.loads(json.dumps(byte_level))  # some bytes have no token
    gone = [pre_tokenizers.ByteLevel(False).pre_tokenize_str(c)[0][0] for c in "zq#"] + ["\u0122"]
    model = holes[0]
    model["vocab"] = {k: i for i, k in enumerate(k for k in model["vocab"] if not any(g in k for g in gone))}
    model["merges"] = [m for m in model["merges"] if all(x in model["vocab"] for x in (*m, "".join(m)))]
    model["unk_token"] = "</s>"
    piece = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    return {
        "bytes": byte_level,
        "holes": holes,
        "pieces": trained([], None, 300, "<unk>", True, piece),
        "chars": trained(list("abcdefghijklmnop "), pre_tokenizers.WhitespaceSplit(), 300, "<unk>"),
    }


def added(content, **flags):
    token = {"id": None, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    return {**token, **flags}


ADDED = [
    added("<|x|>", special=True), added("<mask>", lstrip=True, special=True), added("<|left|>", lstrip=True, rstrip=True), added("<|right|>", rstrip=True),
    added("cat", single_word=True), added("new york", normalized=True), added("caf\u00e9", normalized=True), added("<|a|>"), added("<|a|b|>"), added("A\u030a", normalized=True, special=True), added(" sp "),
]


def template(single, ids):
    pieces = [{"Sequence": {"id": "A", "type_id": 0}} if p == "A" else {"SpecialToken": {"id": p, "type_id": 0}} for p in single]
    return {"type": "TemplateProcessing", "single": pieces, "pair": pieces + [{"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {p: {"id": p, "ids": [ids[p]], "tokens": [p]} for p in single if p != "A"}}


def byte_level(prefix=False, regex=True):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}


def split(pattern, behavior="Isolated", invert=False, kind="Regex"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def sequence(kind, *parts):
    return {"type": "Sequence", kind: list(parts)}


def metaspace(scheme, do_split):
    return {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": scheme, "split": do_split}


GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
DEEPSEEK = [r"\p{N}{1,3}", "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
            r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
BYTE_DECODER = byte_level(True)
PIECE_DECODER = sequence("decoders", {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0})
PREPEND = sequence("normalizers", {"type": "Prepend", "prepend": "\u2581"}, {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"})


def variants(ids):
    """Yield name, model, added tokens?, normalizer, pre-tokenizer, post-processor, decoder, changes to the model."""
    bos, both = template(["<s>", "A"], ids), template(["<s>", "A", "</s>"], ids)
    words = sequence("pretokenizers", split(QWEN2), byte_level(regex=False))
    yield "gpt2", "bytes", False, None, byte_level(), None, BYTE_DECODER, {}
    yield "gpt2 prefix", "bytes", True, None, byte_level(prefix=True), byte_level(), BYTE_DECODER, {}
    yield "gpt2 as Split", "bytes", False, None, sequence("pretokenizers", split(GPT2), byte_level(regex=False)), bos, BYTE_DECODER, {}
    yield "llama3", "bytes", True, None, sequence("pretokenizers", split(LLAMA3), byte_level(regex=False)), sequence("processors", byte_level(), bos), BYTE_DECODER, {"ignore_merges": True}
    yield "llama3 inverted", "bytes", False, None, sequence("pretokenizers", split(LLAMA3, "Removed", True), byte_level(regex=False)), both, BYTE_DECODER, {}
    yield "qwen2", "bytes", True, {"type": "NFC"}, words, None, BYTE_DECODER, {}
    yield "smollm", "bytes", True, None, sequence("pretokenizers", {"type": "Digits", "individual_digits": True}, byte_level()), None, BYTE_DECODER, {}
    yield "digit runs", "bytes", False, {"type": "NFKC"}, sequence("pretokenizers", {"type": "Digits", "individual_digits": False}, byte_level()), sequence("processors", both), BYTE_DECODER, {}
    yield "deepseek", "bytes", True, sequence("normalizers"), sequence("pretokenizers", *[split(p) for p in DEEPSEEK], byte_level(regex=False)), bos, BYTE_DECODER, {}
    yield "o200k", "bytes", False, {"type": "NFD"}, sequence("pretokenizers", split(O200K), byte_level(regex=False)), None, BYTE_DECODER, {}
    yield "bytes without tokens", "holes", False, {"type": "NFKD"}, byte_level(), None, None, {}
    yield "no pre-tokenizer but bytes", "bytes", False, None, byte_level(regex=False), None, BYTE_DECODER, {}
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        for invert in (False, True):
            yield f"split {behavior} {invert}", "bytes", False, None, sequence("pretokenizers", split(r"\s|[aeiou]|\d+", behavior, invert), byte_level(regex=False)), None, BYTE_DECODER, {}
    yield "split string", "bytes", False, None, sequence("pretokenizers", split("a", "MergedWithPrevious", kind="String"), split(" ", "Removed", kind="String"), byte_level(regex=False)), None, BYTE_DECODER, {}
    yield "whitespace", "bytes", False, None, sequence("pretokenizers", {"type": "Whitespace"}, byte_level(regex=False)), None, BYTE_DECODER, {}
    yield "whitespace split", "chars", False, None, {"type": "WhitespaceSplit"}, None, {"type": "Fuse"}, {}
    yield "unknown not fused", "chars", False, None, {"type": "WhitespaceSplit"}, None, None, {"fuse_unk": False}
    yield "replace by expression", "chars", False, {"type": "Replace", "pattern": {"Regex": r"\s+|[0-9]"}, "content": " "}, None, None, {"type": "Replace", "pattern": {"Regex": "a+"}, "content": "<A>"}, {}
    yield "llama2", "pieces", False, PREPEND, None, bos, PIECE_DECODER, {}
    yield "llama2 added", "pieces", True, PREPEND, None, both, PIECE_DECODER, {}
    for scheme in ("always", "first", "never"):
        for do_split in (True, False):
            yield f"metaspace {scheme} {do_split}", "pieces", True, None, metaspace(scheme, do_split), bos, metaspace(scheme, do_split), {}
    yield "no fallback", "pieces", False, PREPEND, None, None, sequence("decoders", {"type": "Strip", "content": "\u2581", "start": 2, "stop": 0}, {"type": "Fuse"}), {"byte_fallback": False}


def build(sets, variant):
    name, model, with_added, normalizer, pre, post, decoder, changes = variant
    base, tokens = sets[model]
    tokens = list(tokens)
    if with_added:
        first = len(base["vocab"])
        tokens += [{**a, "id": first + i} for i, a in enumerate(ADDED)]
    spec = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": tokens, "normalizer": normalizer,
            "pre_tokenizer": pre, "post_processor": post, "decoder": decoder, "model": {**base, **changes}}
    return spec, {**spec, "model": {"from": model, **changes}}


def rows(spec, seed):
    t = Tokenizer.from_str(json.dumps(spec))
    encode = [[x, t.encode(x, add_special_tokens=False).ids, t.encode(x).ids] for x in TEXTS]
    draw = random.Random(seed)
    size = t.get_vocab_size()
    lists = [[], [size + 5], [0, size, 1], [2**31 - 1]] + [[draw.randrange(size + 3) for _ in range(draw.randrange(1, 12))] for _ in range(25)]
    lists += [e[2] for e in encode[::7]]
    return encode, [[x, t.decode(x, skip_special_tokens=False), t.decode(x)] for x in lists]


def sentencepiece_rows():
    import sentencepiece
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS), model_writer=out, model_type="bpe", vocab_size=480, byte_fallback=True, character_coverage=0.98,
        normalization_rule_name="identity", remove_extra_whitespaces=False, split_digits=True, minloglevel=2, num_threads=1)
    p = sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())
    kinds = [2 if p.is_unknown(i) else 3 if p.is_control(i) else 6 if p.is_byte(i) else 1 for i in range(len(p))]
    texts = [x for x in TEXTS if "<" not in x and "\u2581" not in x and "\0" not in x]
    return {"tokens": [p.id_to_piece(i) for i in range(len(p))], "scores": [p.get_score(i) for i in range(len(p))], "types": kinds,
            "bos": p.bos_id(), "eos": p.eos_id(), "unk": p.unk_id(), "encode": [[x, p.encode(x)] for x in texts]}


def lossy_rows():
    t = Tokenizer.from_str(json.dumps(build(model_set_cache, next(variants(special_ids)))[0]))
    texts = [b.encode("latin-1") for b in BROKEN] + [b"\xe2\x82\xe2\x82\xac", b"\xf0\x9f\x92\xa9\xf0\x9f", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5x", b"\xe0\x80\x80", b"\xf4\x90\x80\x80"]
    # Rust's from_utf8_lossy and Python's replacement follow the same recommendation of Unicode.
    return [[list(b), t.encode(b.decode("utf-8", "replace"), add_special_tokens=False).ids] for b in texts]


def check(path, cases):
    t = Tokenizer.from_file(path)
    wrong = total = 0
    for line in open(cases, encoding="utf-8"):
        c = json.loads(line)
        total += 1
        if t.encode(c["text"], add_special_tokens=False).ids != c["ids"] or t.decode(c["ids"], skip_special_tokens=False) != c["decoded"]:
            wrong += 1
    print(f"{wrong} of {total} differ")
    sys.exit(wrong > 0)


if sys.argv[1:2] == ["check"]:
    check(*sys.argv[2:])
model_set_cache = model_set()
special_ids = {"<s>": 0, "</s>": 1}
result = []
for i, variant in enumerate(variants(special_ids)):
    if variant[1] in ("pieces", "chars"):
        shift = lambda p: json.loads(json.dumps(p).replace('"ids": [1]', '"ids": [2]').replace('"ids": [0]', '"ids": [1]'))
        variant = (*variant[:5], shift(variant[5]), *variant[6:])
    spec, short = build(model_set_cache, variant)
    encode, decode = rows(spec, i)
    result.append({"name": variant[0], "spec": short, "encode": encode, "decode": decode})
json.dump({"models": {k: v[0] for k, v in model_set_cache.items()}, "tokenizers": result, "lossy": lossy_rows(), "sentencepiece": sentencepiece_rows()},
          sys.stdout, ensure_ascii=True, separators=(",", ":"))
print()
