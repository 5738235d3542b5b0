#!/usr/bin/env bash
# ZooKeeper's shell: passes its arguments to `picket cli`, which takes the same ones.
set -u

BINDIR=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=deploy/bin/zkEnv.sh
. "$BINDIR/zkEnv.sh"
find_picket "$BINDIR"
exec "${PICKET[@]}" cli "$@"
