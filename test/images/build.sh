#!/usr/bin/env bash
# Builds stand-ins for the official Redis and PostgreSQL images from Debian packages, for machines that reach no image registry.
# Progress goes to stderr, the variables that make the harness use them to stdout:
#
#   eval "$(test/images/build.sh)"
#
# An image that is already there is not built again (after a change to its Dockerfile: docker image rm it).
set -euo pipefail
cd "$(dirname "$0")"

# Always this release, whatever the machine runs: it decides the server versions, and the tags name them.
suite=bookworm

say() { echo "images: $*" >&2; }
fail() {
  say "$*"
  exit 1
}
apt_install() { DEBIAN_FRONTEND=noninteractive apt-get -qy -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@"; }
have() { docker image inspect "$1" >/dev/null 2>&1; }

# The address apt uses for Debian's main archive. Empty without apt, on Ubuntu, or before the first apt-get update: debootstrap then has a default.
debian_mirror() {
  # shellcheck disable=SC2016 # apt's own variable
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 'Component: main' |
    awk '/^http/ && !found++'
}

need_debootstrap() {
  local install="apt-get install -y debootstrap"
  command -v debootstrap >/dev/null && return
  [ "${HEADROOM_NO_INSTALL:-}" != 1 ] || fail "debootstrap is missing and HEADROOM_NO_INSTALL=1 forbids installing it; type: $install"
  [ "$(id -u)" = 0 ] || fail "debootstrap is missing and only root can install it; type: sudo $install"
  command -v apt-get >/dev/null || fail "debootstrap is missing and there is no apt to install it; this script needs Debian or Ubuntu"
  say "installing debootstrap with apt"
  apt_install debootstrap debian-archive-keyring || { apt-get -q update && apt_install debootstrap debian-archive-keyring; } ||
    fail "apt could not install debootstrap"
}

build_base() {
  need_debootstrap
  [ "$(id -u)" = 0 ] || fail "debootstrap needs root: run this script as root"
  mirror=$(debian_mirror) || true
  root=$(mktemp -d)
  trap 'rm -rf --one-file-system "$root"' EXIT
  debootstrap --variant=minbase --include=ca-certificates $suite "$root" ${mirror:+"$mirror"}
  # As in Debian's official image: packages do not start their services while an image is built.
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  tar -C "$root" -c --exclude='./proc/*' --exclude='./sys/*' --exclude='./dev/*' --exclude='./var/cache/apt/archives/*.deb' \
    --exclude='./var/lib/apt/lists/*' . | docker import - "$1"
}

# The classic builder (BuildKit may be absent) in the host's network (the engine may have no bridge), behind apt's proxy if there is one.
build_server() {
  DOCKER_BUILDKIT=0 docker build --network host --build-arg http_proxy --build-arg https_proxy -t "$1" "$2"
}

build() { # image, command…
  if have "$1"; then
    say "$1 is there"
    return
  fi
  local begin=$SECONDS
  say "building $1"
  "${@:2}" >&2
  say "built $1 in $((SECONDS - begin)) s"
}

docker version >/dev/null 2>&1 || fail "no Docker engine answers; .ci/docker-engine.sh starts one"
eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy 2>/dev/null)"
export http_proxy https_proxy
build headroom/base:$suite build_base headroom/base:$suite
build headroom/redis:7.0 build_server headroom/redis:7.0 redis
build headroom/postgres:15 build_server headroom/postgres:15 postgres
echo "export HEADROOM_IMAGE_REDIS=headroom/redis:7.0"
echo "export HEADROOM_IMAGE_POSTGRES=headroom/postgres:15"
