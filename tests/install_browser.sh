#!/usr/bin/env bash
# What the tests need from the system: a Chromium, fonts with Hangul, avahi as a stranger's mDNS, namespaces, an X server
# with two monitors, and a C compiler, loop devices and ext4 to make a disk fail with.
# Installs what is missing where it may (root on a Debian); elsewhere says what to install.
set -euo pipefail

declare -A package=(
  [chromium]=chromium [avahi-browse]=avahi-utils [avahi-daemon]=avahi-daemon [dbus-daemon]=dbus-daemon
  [ip]=iproute2 [unshare]=util-linux [systemd-analyze]=systemd [make]=make
  [Xorg]=xserver-xorg-core [openbox]=openbox [xrandr]=x11-xserver-utils [import]=imagemagick
  [cc]=gcc [mount]=mount [losetup]=mount [mkfs.ext4]=e2fsprogs [fsck.ext4]=e2fsprogs
)
export PATH="$PATH:/usr/sbin:/sbin"
missing=()
for command in "${!package[@]}"; do
  command -v "$command" >/dev/null || missing+=("${package[$command]}")
done
fc-list 2>/dev/null | grep -qi 'cjk\|nanum\|malgun' || missing+=(fonts-noto-cjk fontconfig)
ls /usr/lib/*/libnss_mdns4_minimal.so.2 >/dev/null 2>&1 || missing+=(libnss-mdns)
[ -e /usr/lib/xorg/modules/drivers/dummy_drv.so ] || missing+=(xserver-xorg-video-dummy)
[ -e /usr/include/stdio.h ] || missing+=(libc6-dev)
[ ${#missing[@]} -eq 0 ] && exit 0

echo "The tests need: ${missing[*]}"
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  command -v chromium >/dev/null || { echo "Please install them, then run the tests again."; exit 1; }
  echo "Chromium is there; tests of what else is missing are skipped by name."
fi
