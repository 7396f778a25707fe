#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test.sh unit|system [vitest arguments]: installs what the tests need, then runs them.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$root/scripts/setup.sh"
project=$1
shift
sh "$root/scripts/install-packages.sh" $([ "$project" = unit ] && echo test || echo system)
cd "$root"
PATH="$root/node_modules/.bin:$PATH"
export PATH
exec "$node" node_modules/vitest/vitest.mjs run --project "$project" "$@"
