#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install-packages.sh [test|system|PACKAGE...]: installs the Debian packages named, or those that the tests need, where this
# machine lacks them. Does nothing (in a few milliseconds) when all are there, when not run as root, or where there is no apt.
set -eu

TEST_PACKAGES="bubblewrap postgresql"
SYSTEM_PACKAGES="$TEST_PACKAGES etcd-server git skopeo umoci faketime chromium fonts-dejavu-core"

command -v apt-get >/dev/null && command -v dpkg-query >/dev/null && [ "$(id -u)" = 0 ] || exit 0

wanted=""
for argument in "${@:-test}"; do
  case $argument in
    test) wanted="$wanted $TEST_PACKAGES" ;;
    system) wanted="$wanted $SYSTEM_PACKAGES" ;;
    *) wanted="$wanted $argument" ;;
  esac
done

missing=""
for package in $wanted; do
  dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

export DEBIAN_FRONTEND=noninteractive
# Word splitting is wanted here. The lists are refreshed only when the first try does not know a package.
# shellcheck disable=SC2086
apt-get install -y -q --no-install-recommends $missing >/dev/null 2>&1 ||
  { apt-get update -q >/dev/null && apt-get install -y -q --no-install-recommends $missing >/dev/null; }
