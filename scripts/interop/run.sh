#!/usr/bin/env bash
# Checks bin/rlkd against transformers, PEFT and PyTorch and prints a table; exits 1 if a row fails. What the runs write is
# in a temporary directory, which stays if INTEROP_WORK names one.
set -euo pipefail
cd "$(dirname "$0")/../.."
export RLKD_CACHE=${RLKD_CACHE:-$PWD/.cache}
export HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=error PYTHONDONTWRITEBYTECODE=1
[ -x bin/rlkd ] || { echo "interop: there is no bin/rlkd; run make build" >&2; exit 1; }
scripts/interop/setup.sh
python=$RLKD_CACHE/interop/bin/python
work=${INTEROP_WORK:-}
if [ -z "$work" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
status=0

"$python" scripts/interop/check_step.py "$work" || status=1
"$python" scripts/interop/check_openrlhf.py "$work" || status=1
"$python" scripts/interop/check_trl.py "$work" 2> "$work/trl.log" || status=1
scripts/interop/setup_llamacpp.sh && "$python" scripts/interop/check_llamacpp.py "$work" || status=1

# The student goes from GGUF to a Hugging Face directory unchanged, by a step whose rewards are all equal,
# and changed, by two steps of supervised fine-tuning.
student=$RLKD_CACHE/student/SmolLM2-135M-Instruct.Q4_1.gguf
rm -rf "$work/saved/student" "$work/saved/sft" "$work/sft"
cat > "$work/equal.jsonl" <<'JSONL'
{"group": 0, "prompt_ids": [1, 33], "completion_ids": [34, 2], "reward": 1, "finished": true}
{"group": 0, "prompt_ids": [1, 33], "completion_ids": [35, 2], "reward": 1, "finished": true}
JSONL
cat > "$work/sft.jsonl" <<'JSONL'
{"problem": "What is 2 + 3?", "answer": "5", "generation": "<think>\nTwo and three make five.\n</think>\n<answer>\n\\boxed{5}\n</answer>"}
{"problem": "What is 4 times 6?", "answer": "24", "generation": "<think>\nFour sixes are twenty-four.\n</think>\n<answer>\n\\boxed{24}\n</answer>"}
JSONL
cat > "$work/student.yaml" <<YAML
model: $student
output_dir: $work/sft
device: cpu
dtype: f32
sft: {dataset: $work/sft.jsonl, max_steps: 2, batch_size: 2}
YAML
if ! bin/rlkd step --config "$work/student.yaml" --rollouts "$work/equal.jsonl" --out "$work/saved/student" > "$work/log" 2>&1; then
  echo "FAIL  student                step: $(tail -n 1 "$work/log")"
  status=1
fi
if bin/rlkd sft --config "$work/student.yaml" > "$work/log" 2>&1; then
  ln -sfn "$work/sft/final" "$work/saved/sft"
else
  echo "FAIL  sft                    sft: $(tail -n 1 "$work/log")"
  status=1
fi

# An adapter that was trained here on that directory goes to PEFT, and one of PEFT's comes here.
rm -rf "$work/lora" "$work/merged"
cat > "$work/lora.yaml" <<YAML
model: $work/saved/student
output_dir: $work/lora
device: cpu
dtype: f32
lora: {r: 4, lora_alpha: 8}
sft: {dataset: $work/sft.jsonl, max_steps: 2, batch_size: 2, learning_rate: 0.01, warmup_ratio: 0}
YAML
if bin/rlkd sft --config "$work/lora.yaml" > "$work/log" 2>&1; then
  "$python" scripts/interop/check_lora.py "$work/saved/student" "$work/lora/final" "$work" || status=1
else
  echo "FAIL  lora                   sft: $(tail -n 1 "$work/log")"
  status=1
fi

"$python" scripts/interop/check_saved.py "$work"/saved/* || status=1
[ $status = 0 ] && echo "interop: every check passed" || echo "interop: some checks FAILED" >&2
exit $status
