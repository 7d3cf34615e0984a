#!/usr/bin/env bash
# Check on a GPU what the same tests check on the CPU, measure there, and write a report to send
# back. `make test-cuda` and `make bench-cuda` run it.
#
#   report.sh test|bench DEVICE REPORT [flags of go test, or of bench]
set -uo pipefail
cd "$(dirname "$0")/../.."
what=$1 device=$2 report=$3
shift 3
mkdir -p "$(dirname "$report")"

machine() {
  echo "rlkd on $device, $what, $(date -u +%Y-%m-%dT%H:%MZ), $(git describe --always --dirty 2>/dev/null)"
  uname -srm
  bin/rlkd doctor
  nvidia-smi 2>/dev/null
}

# The outcome and the log of each test: parity by precision (BF16Gap, SmolLM2, Agree…), memory over
# 1,000 steps (MemoryIsFlat), the same bits after resuming, failures that leave nothing behind.
tests() { RLKD_DEVICE=$device go test -count=1 -timeout 2h -v ./cgo ./model/... ./trainer ./trainer/cmd/... "$@" | grep -v '^=== '; }

bench() { bin/bench --device "$device" "$@"; }

status=0
case $what in
test) machine >"$report" 2>&1; tests "$@" 2>&1 | tee -a "$report" || status=1 ;;
bench) { echo; machine; } >>"$report" 2>&1; bench "$@" 2>&1 | tee -a "$report" || status=1 ;;
*) sed -n '2,5p' "$0" >&2; exit 2 ;;
esac
[ $status = 0 ] && outcome="all passed" || outcome="FAILED"
echo "$what on $device: $outcome" | tee -a "$report"
echo "the report is $report" >&2
exit $status
