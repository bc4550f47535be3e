#!/usr/bin/env bash
# Starts Parley in the foreground: ./run.sh [--config FILE] [--port N]; ./run.sh --help says more.
# ./run.sh backup, check and replay work on the database instead, ./run.sh test runs the checks and
# tests, ./run.sh model those from the model. Needs npm; brings what else is missing, into this folder
# alone, and says so on stderr. Beside bash, npm and Node it uses nothing but POSIX commands. Runs from
# any directory and stays in it, so that relative paths on the command line mean what they mean there.
set -euo pipefail

readonly node_major=24
# Brought from npm, only where the machine's own Node is older than that. For a Mac, npm has no such
# version of Node 24.
node_version=24.21.0
if [ "$(uname -s)" = Darwin ]; then node_version=26.10.0; fi
readonly node_version

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
readonly root
readonly lock="$root/.node/lock"
readonly stamp="$root/node_modules/.parley-installed"

say() { printf 'parley: %s\n' "$*" >&2; }

fail() {
  say "$@"
  exit 1
}

# npm keeps a cache in the home folder. A user whose home is missing or read-only gets one in .node/,
# for this one call.
quiet_npm() (
  HOME=${HOME:-~}
  export HOME
  cache=$(npm config get cache)
  if ! mkdir -p "$cache" 2>/dev/null || [ ! -w "$cache" ]; then
    export npm_config_cache="$root/.node/npm-cache"
    trap 'rm -rf "$npm_config_cache"' EXIT
  fi
  npm "$@" --loglevel=error --no-progress --no-audit --no-fund --no-update-notifier >/dev/null
)

# One install at a time. The lock is a symbolic link that names its owner, made in one step; one
# whose owner is gone was left by an install that was killed.
lock_installs() {
  local owner reported=''
  mkdir -p "$root/.node" 2>/dev/null && [ -w "$root/.node" ] ||
    fail "Something is to be installed in $root, and this user may not write there. Run this once as a user who may."
  until ln -s "$$" "$lock" 2>/dev/null; do
    owner=$(readlink "$lock" || true)
    if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
      rm -f "$lock"
      continue
    fi
    [ -n "$reported" ] || say "waiting for another install here (process ${owner:-unknown}; if that is none, remove $lock)"
    reported=yes
    sleep 1
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

# npm's package `node` is a script that installs one of these.
node_package() {
  local platform
  platform=$(node -p 'process.platform + "-" + process.arch')
  case "$platform" in
    darwin-arm64) printf 'node-bin-%s@%s\n' "$platform" "$node_version" ;;
    *) printf 'node-%s@%s\n' "$platform" "$node_version" ;;
  esac
}

bring_node() {
  brought_node_works && return
  need_npm
  lock_installs
  if ! brought_node_works; then
    say "bringing Node $node_version into .node/, because this machine has $node_is"
    # Half an install looks whole to npm, so nothing of an earlier one may stay.
    rm -rf "$root/.node/node_modules"
    quiet_npm install --prefix "$root/.node" --no-save --no-package-lock --ignore-scripts "$(node_package)" ||
      fail "Node $node_version could not be installed: npm says why above. Without a network, put Node $node_major or newer on the PATH; else run this again."
    # A third of the package is C headers, for compilers.
    rm -rf "$root"/.node/node_modules/node-*/include
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

# The stamp's last word says which packages there are: `all`, those for `use`, or beside these `some`
# of the others, where adding them was cut short.
stamp_install() { printf '%s %s\n' "$wanted" "$1" >"$stamp"; }

stamped() { [ "$(cat "$stamp" 2>/dev/null)" = "$wanted $1" ]; }

# Every install serves for use.
installed() { stamped all || { [ "$1" = use ] && { stamped use || stamped some; }; }; }

# Installs the packages for `use`, or `all`, which development needs. None of their scripts runs (.npmrc).
install_packages() {
  local wanted dev=--omit=dev failed='npm says why above. Nothing was started; run this again when that is mended (is there a network?).'
  wanted=$(wanted_install)
  installed "$1" && return
  need_npm
  lock_installs
  if installed "$1"; then
    :
  elif stamped use; then
    # A server may be running on the packages that are there: they stay as they are.
    say 'adding the development packages of package-lock.json to node_modules/'
    stamp_install some
    (cd "$root" && quiet_npm install --include=dev --no-save) || fail "The packages could not be added: $failed"
    stamp_install all
  else
    say 'installing the packages of package-lock.json into node_modules/'
    # The stamp goes first and comes last: an install that is cut short is done again.
    rm -f "$stamp"
    if [ "$1" = all ]; then dev=--include=dev; fi
    (cd "$root" && quiet_npm ci "$dev") || fail "The packages could not be installed: $failed"
    stamp_install "$1"
  fi
  unlock_installs
}

# The pages are tested in a real browser. Where there is none and none can be brought, those tests are
# skipped and say so; on CI they must run.
bring_browser() {
  if [ "${CI:-}" = true ]; then export PARLEY_REQUIRE_BROWSER="${PARLEY_REQUIRE_BROWSER:-1}"; fi
  local name
  for name in chromium-headless-shell chromium chromium-browser google-chrome-stable google-chrome; do
    if command -v "$name" >/dev/null; then return; fi
  done
  if [ "$EUID" -ne 0 ] || ! command -v apt-get >/dev/null; then return; fi
  # The shell has the same engine and no windows: it takes a third less time.
  say 'installing chromium with apt-get, for the tests of pages'
  {
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends chromium-headless-shell ||
      apt-get install -y -qq --no-install-recommends chromium
  } >/dev/null 2>&1 || say 'chromium could not be installed; apt-get install chromium says why'
}

if ! machine_has_node; then
  bring_node
  node_is=v$node_version
  # First on the PATH, so that npm too runs under it: under an older Node it picks older packages.
  export PATH="$root/.node/node_modules/.bin:$PATH"
fi

# The command line answers --help.
if [ "${1:-}" = test ] && [ "${2:-}" != --help ] && [ "${2:-}" != -h ]; then
  install_packages all
  shift
  bring_browser
  cd "$root"
  exec npm run check --loglevel=error -- "$@"
fi

install_packages use

if [ "${1:-}" = model ]; then
  shift
  exec node "$root/test/model/run.ts" "$@"
fi

# Compiled code is kept beside the packages it comes from, and goes when they are installed again.
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$root/node_modules/.cache/node}"
# glibc keeps blocks below its threshold for later, and raises the threshold to the largest block that was freed. A fixed
# one returns large responses to the system. Measured: an attack by reads grows the server by 150 MiB instead of 210.
export MALLOC_MMAP_THRESHOLD_="${MALLOC_MMAP_THRESHOLD_:-1048576}"
exec node "$root/src/main.ts" "$@"
