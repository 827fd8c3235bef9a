#!/usr/bin/env bash
# Makes sure that a Docker engine answers on this machine.
#
#   .ci/docker-engine.sh         nothing to do when one answers; else, as root on Debian or Ubuntu, installs docker.io and starts dockerd
#   .ci/docker-engine.sh stop    ends the dockerd that a former call started, and no other
#
# HEADROOM_NO_INSTALL=1 forbids the installation; an installed dockerd is still started.
# Exit code 69: there is no engine and none can be had here; the last line on stderr says why.
set -euo pipefail

state=/run/headroom-docker # dockerd.pid and the logs
log=$state/dockerd.log

say() { echo "docker-engine: $*" >&2; }
unavailable() {
  say "no Docker engine: $*"
  exit 69
}
answers() { timeout 10 docker version --format '{{.Server.Version}}' 2>/dev/null; }
apt_install() { DEBIAN_FRONTEND=noninteractive apt-get -qy -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@"; }

# The process we started, if it is still that one: a pid file outlives a crash and its number may be somebody else's by now.
our_dockerd() {
  local pid
  pid=$(cat $state/dockerd.pid 2>/dev/null) && grep -qsF $state/dockerd.pid "/proc/$pid/cmdline" && echo "$pid"
}

install_engine() {
  [ "${HEADROOM_NO_INSTALL:-}" != 1 ] || unavailable "dockerd is not installed and HEADROOM_NO_INSTALL=1 forbids installing it"
  command -v apt-get >/dev/null || unavailable "dockerd is not installed and this is not Debian or Ubuntu; install Docker and start it"
  say "installing docker.io with apt (log: $state/apt.log)"
  { apt_install docker.io cgroupfs-mount || { apt-get -q update && apt_install docker.io cgroupfs-mount; }; } >$state/apt.log 2>&1 ||
    unavailable "apt could not install docker.io: $(grep -m1 '^E:' $state/apt.log || tail -n1 $state/apt.log)"
  # Newer releases keep the command line client in a package of its own.
  command -v docker >/dev/null || apt_install docker-cli >>$state/apt.log 2>&1 || unavailable "apt could not install the docker client"
}

wait_for_answer() { # of the process $1, or of a dockerd somebody else is just starting when $1 is empty
  local deadline=$((SECONDS + 60))
  until answers >/dev/null; do
    [ -z "$1" ] || kill -0 "$1" 2>/dev/null || return 1
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.2
  done
}

end() { kill "$1" 2>/dev/null && timeout 60 tail --pid="$1" -f /dev/null; }

launch() { # dockerd with the options $@; outlives this script
  say "starting dockerd ${*:+$* }(log: $log)"
  setsid dockerd --pidfile $state/dockerd.pid "$@" >>$log 2>&1 </dev/null &
  wait_for_answer $! && return
  end $! || true
  return 1
}

start() {
  local version
  if version=$(answers); then
    say "engine $version answers"
    return
  fi
  [ -z "${DOCKER_HOST:-}" ] || unavailable "nothing answers at DOCKER_HOST=$DOCKER_HOST"
  [ "$(id -u)" = 0 ] || unavailable "none answers and only root can start one; start Docker or run this as root"
  mkdir -p $state
  type dockerd docker >/dev/null 2>&1 || install_engine
  if grep -qsx dockerd /proc/[0-9]*/comm; then # the package or the system started it
    wait_for_answer "" || unavailable "a dockerd runs but does not answer"
  else
    # The poorer ways are for machines without working iptables, then without overlayfs. Containers use the host's network anyway.
    : >$log
    rm -f $state/dockerd.pid
    launch ||
      launch --iptables=false --ip6tables=false --bridge=none ||
      launch --iptables=false --ip6tables=false --bridge=none --storage-driver=vfs ||
      unavailable "dockerd did not start: $(tail -n1 $log)"
  fi
  say "engine $(answers) answers after $SECONDS s"
}

stop() {
  local pid
  pid=$(our_dockerd) || {
    say "no dockerd of ours is running"
    return
  }
  end "$pid" || {
    say "dockerd $pid did not end within 60 s"
    return 1
  }
  say "ended dockerd $pid"
}

case ${1:-start} in
  start | stop) "${1:-start}" ;;
  *)
    say "usage: $0 [start|stop]"
    exit 2
    ;;
esac
