# scripts/lib.sh: shared by the scripts beside it; sourced, not run.
say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# configure_and_build PRESET [TARGET...]: quiet when all is well, everything when not.
configure_and_build() {
  local preset=$1 log
  shift
  log=$(mktemp)
  if ! { cmake --preset "$preset" && cmake --build "build/$preset" -j "$(nproc)" ${1:+--target "$@"}; } >"$log" 2>&1; then
    grep -E 'error|FAILED|warning' "$log" | head -n 40 >&2 || true
    tail -n 20 "$log" >&2
    rm -f "$log"
    die "build of preset $preset failed"
  fi
  rm -f "$log"
}
