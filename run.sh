#!/usr/bin/env bash
# Starts Parley in the foreground: ./run.sh [--config FILE] [--port N]; ./run.sh --help tells more.
# ./run.sh backup, check and replay work on the database instead, ./run.sh test runs the checks and
# tests, ./run.sh model those from the model. Needs npm; brings what else is missing, into this folder
# alone, and says so on stderr. Runs from any directory and stays in it, so that relative paths given
# on the command line mean what they mean there.
set -euo pipefail

readonly node_major=24
# Brought, from npm's `node` package, only where the machine's own Node is older than that.
readonly node_version=24.21.0

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
readonly root
readonly lock="$root/.node/lock"
readonly stamp="$root/node_modules/.parley-installed"

say() { printf 'parley: %s\n' "$*" >&2; }

fail() {
  say "$@"
  exit 1
}

quiet_npm() { npm "$@" --loglevel=error --no-progress --no-audit --no-fund >/dev/null; }

# One install at a time. The lock is a symbolic link that names its owner, made in one step; one
# whose owner is gone was left by an install that was killed.
lock_installs() {
  local owner told=''
  mkdir -p "$root/.node"
  until ln -s "$$" "$lock" 2>/dev/null; do
    owner=$(readlink "$lock" || true)
    if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
      rm -f "$lock"
      continue
    fi
    [ -n "$told" ] || say "waiting for another install here (process ${owner:-unknown}; if that is none, remove $lock)"
    told=yes
    sleep 0.2
  done
  trap 'rm -f "$lock"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

unlock_installs() {
  rm -f "$lock"
  trap - EXIT INT TERM
}

need_npm() {
  command -v node >/dev/null && command -v npm >/dev/null ||
    fail 'npm is needed to install and is not on the PATH. Install Node.js with npm (on Debian: apt-get install nodejs npm), then run this again.'
}

# The version of the Node that is going to run everything, such as v24.21.0.
node_is=$(node --version 2>/dev/null || true)

machine_has_node() {
  local major=${node_is#v}
  [ "${major%%.*}" -ge "$node_major" ] 2>/dev/null
}

brought_node_works() { [ "$("$root/.node/node_modules/.bin/node" --version 2>/dev/null)" = "v$node_version" ]; }

bring_node() {
  brought_node_works && return
  need_npm
  lock_installs
  if ! brought_node_works; then
    say "bringing Node $node_version into .node/, because this machine has $node_is"
    # Half an install looks whole to npm, so nothing of an earlier one may stay.
    rm -rf "$root/.node/node_modules"
    quiet_npm install --prefix "$root/.node" --no-save --no-package-lock --ignore-scripts=false "node@$node_version" ||
      fail "Node $node_version could not be installed: npm says why above. Without a network, put Node $node_major or newer on the PATH; else run this again."
    brought_node_works || fail "Node $node_version was installed and does not run on this machine ($(uname -sm)). Put Node $node_major or newer on the PATH."
  fi
  unlock_installs
}

# What an install depends on: the lock file, and the Node and machine that packages are chosen for.
wanted_install() {
  cksum <"$root/package-lock.json"
  printf '%s\n' "$node_is"
  uname -sm
}

installed() { [ "$(cat "$stamp" 2>/dev/null)" = "$1" ]; }

install_packages() {
  local wanted
  wanted=$(wanted_install)
  installed "$wanted" && return
  need_npm
  lock_installs
  if ! installed "$wanted"; then
    say 'installing the packages of package-lock.json into node_modules/'
    # The stamp goes first and comes last: an install that is cut short is done again.
    rm -f "$stamp"
    (cd "$root" && quiet_npm ci --include=dev) ||
      fail 'The packages could not be installed: npm says why above. Nothing was started; run this again when that is mended (is there a network?).'
    printf '%s\n' "$wanted" >"$stamp"
  fi
  unlock_installs
}

# The pages are tested in a real browser. Where there is none and none can be brought, those tests are
# skipped and say so; on CI they must run.
bring_browser() {
  if [ "${CI:-}" = true ]; then export PARLEY_REQUIRE_BROWSER="${PARLEY_REQUIRE_BROWSER:-1}"; fi
  local name
  for name in chromium chromium-browser google-chrome-stable google-chrome; do
    if command -v "$name" >/dev/null; then return; fi
  done
  if [ "$EUID" -ne 0 ] || ! command -v apt-get >/dev/null; then return; fi
  say 'installing chromium with apt-get, for the tests of pages'
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 ||
    say 'chromium could not be installed; apt-get install chromium tells why'
}

if ! machine_has_node; then
  bring_node
  node_is=v$node_version
  # First on the PATH, so that npm too runs under it: under an older Node it picks older packages.
  export PATH="$root/.node/node_modules/.bin:$PATH"
fi
install_packages

if [ "${1:-}" = test ]; then
  shift
  bring_browser
  cd "$root"
  exec npm run check --loglevel=error -- "$@"
fi

if [ "${1:-}" = model ]; then
  shift
  exec node "$root/test/model/run.ts" "$@"
fi

# Compiled code is kept beside the packages it comes from, and goes when they are installed anew.
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$root/node_modules/.cache/node}"
exec node "$root/src/main.ts" "$@"
