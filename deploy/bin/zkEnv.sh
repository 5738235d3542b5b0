# shellcheck shell=bash
# What zkServer.sh and zkCli.sh share: where Picket is. To be sourced.
#
# The scripts run from where they lie, in a checkout or an installed package, and through links to
# them. A copy somewhere else uses the picket that is in the PATH.

# Sets PICKET to the words of the command. BINDIR is the folder of the script.
# shellcheck disable=SC2034
find_picket() { # BINDIR
  local main=$1/../../dist/node/cli/main.js node=${PICKET_NODE:-node}
  if [ -f "$main" ]; then
    if ! command -v "$node" > /dev/null; then
      echo "there is no $node in the PATH; install Node.js 20.19 or newer, or set PICKET_NODE" >&2
      exit 1
    fi
    PICKET=("$node" "$(readlink -f "$main")")
  elif command -v picket > /dev/null; then
    PICKET=(picket)
  else
    echo "Picket is not built here, and there is no picket in the PATH: npm run build" >&2
    exit 1
  fi
}
