#!/usr/bin/env bash
# Starts and stops a Picket peer as ZooKeeper's zkServer.sh does a ZooKeeper server, with its
# arguments, lines and exit codes, so that whatever calls it goes on working.
#
#   zkServer.sh [--config DIR] {start|start-foreground|stop|version|restart|status|print-cmd} [CFG]
#
# CFG is a path, or a name in DIR (default: ZOOCFGDIR, or /etc/picket); without it, zoo.cfg there.
# Environment: ZOOCFGDIR, ZOO_LOG_DIR (default: /var/log/picket where it can be written, else
# dataDir), ZOOPIDFILE (default: zookeeper_server.pid in dataDir), PICKET_NODE (default: node).
set -u

BINDIR=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=deploy/bin/zkEnv.sh
. "$BINDIR/zkEnv.sh"

# The ZooKeeper release whose protocol is spoken, as in the answer to srvr.
ZOOKEEPER_VERSION=3.9.5
# What a start or a stop may take, in tenths of a second.
START_TENTHS=100
STOP_TENTHS=150

usage() {
  local actions='start|start-foreground|stop|version|restart|status|print-cmd'
  echo "Usage: $0 [--config <conf-dir>] {$actions}" >&2
}

# The value of a key in a file; the last line counts.
value_of() { # KEY FILE
  sed -n "s/^[[:space:]]*$1[[:space:]]*[=:][[:space:]]*//p" "$2" 2> /dev/null |
    sed 's/[[:space:]]*$//' | tail -n 1
}

find_config() { # NAME: sets ZOOCFG
  local dir=${ZOOCFGDIR:-/etc/picket} name=${1:-zoo.cfg}
  case $name in
    */*) ZOOCFG=$name ;;
    *) if [ -e "$dir/$name" ] || [ ! -e "$name" ]; then ZOOCFG=$dir/$name; else ZOOCFG=$name; fi ;;
  esac
  echo "Using config: $ZOOCFG" >&2
  if [ ! -r "$ZOOCFG" ]; then
    echo "$ZOOCFG cannot be read; name an existing zoo.cfg" >&2
    exit 1
  fi
}

# Where process id and output are kept.
find_files() { # sets ZOOPIDFILE and OUT
  local user=${USER:-$(id -un)} host=${HOSTNAME:-$(uname -n)} log_dir=${ZOO_LOG_DIR:-}
  DATADIR=$(value_of dataDir "$ZOOCFG")
  if [ -z "${ZOOPIDFILE:-}" ]; then
    if [ -z "$DATADIR" ]; then
      echo "dataDir is not set in $ZOOCFG" >&2
      exit 1
    fi
    mkdir -p "$DATADIR" || exit 1
    ZOOPIDFILE=$DATADIR/zookeeper_server.pid
  else
    mkdir -p "$(dirname "$ZOOPIDFILE")" || exit 1
  fi
  if [ -z "$log_dir" ]; then
    if [ -w /var/log/picket ]; then log_dir=/var/log/picket; else log_dir=$DATADIR; fi
  fi
  OUT=$log_dir/zookeeper-$user-server-$host.out
}

# True for a process of ours. After a reboot the number in the file may be somebody else's; one that
# has ended and that nobody has waited for has no arguments.
is_peer() { # PID
  local args
  kill -0 "$1" 2> /dev/null || return 1
  if [ -r "/proc/$1/cmdline" ]; then
    args=$(tr '\0' ' ' < "/proc/$1/cmdline")
  else
    args=$(ps -p "$1" -o args= 2> /dev/null)
  fi
  case $args in *' server '*) return 0 ;; *) return 1 ;; esac
}

read_pid() {
  [ -f "$ZOOPIDFILE" ] && cat "$ZOOPIDFILE"
}

start() {
  local pid tenth
  printf 'Starting zookeeper ... '
  pid=$(read_pid)
  if [ -n "$pid" ] && is_peer "$pid"; then
    echo "already running as process $pid."
    exit 1
  fi
  # Every mistake in the file, where it is seen.
  if ! "${PICKET[@]}" check "$ZOOCFG" > /dev/null 2>&1; then
    echo FAILED TO START
    "${PICKET[@]}" check "$ZOOCFG" >&2
    exit 1
  fi
  mkdir -p "$(dirname "$OUT")" || exit 1
  nohup "${PICKET[@]}" server "$ZOOCFG" > "$OUT" 2>&1 < /dev/null &
  pid=$!
  if ! printf '%s' "$pid" > "$ZOOPIDFILE"; then
    echo FAILED TO WRITE PID
    kill "$pid"
    exit 1
  fi
  for ((tenth = 0; tenth < START_TENTHS; tenth += 1)); do
    kill -0 "$pid" 2> /dev/null || break
    grep -q 'picket is up' "$OUT" && break
    sleep 0.1
  done
  if kill -0 "$pid" 2> /dev/null; then
    echo STARTED
    return
  fi
  rm -f "$ZOOPIDFILE"
  echo FAILED TO START
  echo "the end of $OUT:" >&2
  tail -n 5 "$OUT" >&2
  exit 1
}

stop() {
  local pid tenth
  printf 'Stopping zookeeper ... '
  pid=$(read_pid)
  if [ -z "$pid" ]; then
    echo "no zookeeper to stop (could not find file $ZOOPIDFILE)"
    return
  fi
  if ! is_peer "$pid"; then
    rm -f "$ZOOPIDFILE"
    echo "no zookeeper to stop (process $pid is gone)"
    return
  fi
  kill "$pid"
  for ((tenth = 0; tenth < STOP_TENTHS; tenth += 1)); do
    is_peer "$pid" || break
    sleep 0.1
  done
  if is_peer "$pid"; then
    echo "process $pid does not end"
    exit 1
  fi
  rm -f "$ZOOPIDFILE"
  echo STOPPED
}

# The client port of this server's own line, `server.N=...;[address:]port`.
port_of_own_line() {
  local myid file line
  myid=$(cat "$DATADIR/myid" 2> /dev/null)
  if ! [[ $myid =~ ^[0-9]+$ ]]; then
    echo "myid could not be determined, will not able to locate clientPort in the server configs."
    return
  fi
  line=$(value_of "server\\.$myid" "$ZOOCFG")
  if [[ $line != *';'* ]]; then
    file=$(value_of dynamicConfigFile "$ZOOCFG")
    if [ -n "$file" ]; then
      echo "Client port not found in static config file. Looking in dynamic config file."
      line=$(value_of "server\\.$myid" "$file")
    fi
  fi
  if [[ $line != *';'* ]]; then
    echo "Client port not found in the server configs"
    return
  fi
  line=${line##*;}
  PORT=${line##*:}
  if [[ $line == *:* ]]; then
    ADDRESS=${line%:*}
    ADDRESS=${ADDRESS#[}
    ADDRESS=${ADDRESS%]}
  fi
}

srvr() { # ADDRESS PORT: the answer, or nothing
  local line
  exec 3<> "/dev/tcp/$1/$2" || return
  printf srvr >&3
  while IFS= read -r -t 5 line <&3; do echo "$line"; done
}

status() {
  local mode
  PORT=$(value_of clientPort "$ZOOCFG")
  ADDRESS=$(value_of clientPortAddress "$ZOOCFG")
  ADDRESS=${ADDRESS:-localhost}
  if ! [[ $PORT =~ ^[0-9]+$ ]]; then
    PORT=
    port_of_own_line
  fi
  if [ -z "$PORT" ]; then
    echo "Unable to find either secure or unsecure client port in any configs. Terminating."
    exit 1
  fi
  echo "Client port found: $PORT. Client address: $ADDRESS. Client SSL: false."
  mode=$( (srvr "$ADDRESS" "$PORT") 2> /dev/null | grep '^Mode:')
  if [ -z "$mode" ]; then
    echo "Error contacting service. It is probably not running."
    exit 1
  fi
  echo "$mode"
}

if [ "${1:-}" = --config ] && [ $# -gt 1 ]; then
  ZOOCFGDIR=$2
  shift 2
fi
action=${1:-}
case $action in
  start | start-foreground | stop | restart | status | print-cmd | version) ;;
  *)
    usage
    exit 2
    ;;
esac
find_picket "$BINDIR"
if [ "$action" = version ]; then
  echo "Picket, version $ZOOKEEPER_VERSION-picket-$("${PICKET[@]}" --version)"
  exit 0
fi
find_config "${2:-}"
find_files
case $action in
  start) start ;;
  start-foreground)
    if [ -n "${ZOO_NOEXEC:-}" ]; then
      "${PICKET[@]}" server "$ZOOCFG"
    else
      exec "${PICKET[@]}" server "$ZOOCFG"
    fi
    ;;
  stop) stop ;;
  restart)
    stop
    start
    ;;
  status) status ;;
  print-cmd)
    printf '"%s" ' "${PICKET[@]}"
    echo "server \"$ZOOCFG\" > \"$OUT\" 2>&1 < /dev/null"
    ;;
esac
