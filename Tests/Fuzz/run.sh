#!/bin/bash
# Builds the fuzz targets with libFuzzer and the address sanitiser and runs each for a while.
#   Tests/Fuzz/run.sh [seconds, default 60] [target ...]
# Finds are kept in .build-fuzz/finds; inputs that reach new code in .build-fuzz/corpus. Ends with 1 if something was found.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(FuzzRequestHead FuzzResponseHead FuzzChunked FuzzDecide)

status=0
for target in "${targets[@]}"; do
  # Assertions stay on in optimised code; every module is instrumented, not the target alone.
  OUTRIDER_FUZZ=1 swift build --build-path .build-fuzz -c release --product "$target" \
    -Xswiftc -sanitize=fuzzer,address -Xswiftc -assert-config -Xswiftc Debug
  corpus=.build-fuzz/corpus/$target
  mkdir -p "$corpus" .build-fuzz/finds
  seeds=("$corpus")
  [ -d "Tests/Fuzz/Corpus/$target" ] && seeds+=("Tests/Fuzz/Corpus/$target")
  if [ "$target" != FuzzDecide ]; then
    for folder in ../shared/corpora/http1/*/; do
      [ -d "$folder" ] && seeds+=("$folder")
    done
  fi
  .build-fuzz/release/"$target" -max_total_time="$seconds" -max_len=70000 -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix=".build-fuzz/finds/$target-" "${seeds[@]}" || status=1
done
exit $status
