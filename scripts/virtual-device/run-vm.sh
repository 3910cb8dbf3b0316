#!/bin/bash
# Boots the virtual device. Console (ttyAMA0) on stdin/stdout; everything else
# through sockets in $VM_RUN:
#   serial.sock   ttyS0, a 16550 on PCI (a real second serial port)
#   qmp.sock      machine control
#   qtest.sock    drives the PL061 GPIO lines ("set_irq_in")
#   out/          read-write host folder seen as /out; out/job.sh is run at boot
#
#   VM_WORK     images made by build-image.sh      VM_RUN      run folder
#   VM_PROJECT  host folder seen as /project (ro)  VM_DATA     persistent disk image
#   VM_CACHE    its cache mode (default writeback) VM_CPU/VM_SMP/VM_MEM
#   VM_APPEND   more kernel arguments              VM_EXTRA    more qemu arguments
#
# The guest reaches services of the host's loopback at 10.0.2.2.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../.." && pwd)
VM_WORK=$(realpath -m "${VM_WORK:-$checkout/.vm}")
VM_RUN=$(realpath -m "${VM_RUN:-$VM_WORK/run}")
VM_DATA=${VM_DATA:-$VM_RUN/data.img}
VM_PROJECT=${VM_PROJECT:-$checkout}
mkdir -p "$VM_RUN/out"
rm -f "$VM_RUN"/*.sock
if [ ! -e "$VM_DATA" ]; then
  PATH=$PATH:/usr/sbin:/sbin mke2fs -q -t ext4 -L data "$VM_DATA" "${VM_DATA_SIZE:-512M}"
fi
share=()
if ! command -v qemu-system-aarch64 >/dev/null; then   # unpacked by build-image.sh
  export PATH=$VM_WORK/tools/usr/bin:$PATH LD_LIBRARY_PATH=$VM_WORK/tools/usr/lib/x86_64-linux-gnu:$VM_WORK/tools/lib/x86_64-linux-gnu
  share=(-L "$VM_WORK/tools/usr/share/qemu" -L /usr/share/qemu)
fi
exec qemu-system-aarch64 "${share[@]}" \
  -M virt -rtc base=utc -cpu "${VM_CPU:-cortex-a72}" -smp "${VM_SMP:-2}" -m "${VM_MEM:-1024}" \
  -accel tcg,thread=multi -nodefaults -display none -no-reboot \
  -kernel "$VM_WORK/vmlinuz" -initrd "$VM_WORK/initrd.cpio" \
  -append "console=ttyAMA0 quiet loglevel=3 panic=-1 mitigations=off nokaslr audit=0 ${VM_APPEND:-}" \
  -drive "if=none,id=root,file=$VM_WORK/root.img,format=raw,readonly=on,file.locking=off" -device virtio-blk-pci,drive=root \
  -drive "if=none,id=data,file=$VM_DATA,format=raw,cache=${VM_CACHE:-writeback}" -device virtio-blk-pci,drive=data \
  -fsdev "local,id=project,path=$VM_PROJECT,security_model=none,readonly=on" -device virtio-9p-pci,fsdev=project,mount_tag=project \
  -fsdev "local,id=out,path=$VM_RUN/out,security_model=none" -device virtio-9p-pci,fsdev=out,mount_tag=out \
  -netdev user,id=net -device virtio-net-pci,id=nic,netdev=net,romfile= \
  -chardev "socket,id=port,path=$VM_RUN/serial.sock,server=on,wait=off" -device pci-serial,chardev=port \
  -chardev stdio,id=console,signal=off -serial chardev:console \
  -qmp "unix:$VM_RUN/qmp.sock,server=on,wait=off" \
  -qtest "unix:$VM_RUN/qtest.sock,server=on,wait=off" -qtest-log none ${VM_EXTRA:-}
