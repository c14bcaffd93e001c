#!/bin/sh
# Process 1 of the tier's own namespaces (processes, mounts, network): whatever the tests start, mount or plug in is in
# them, and the kernel takes all of it away with this process, however that ends. $@: what to run in there.
set -e
# What is written to these places would outlive the mount namespace.
for place in /run /var/lib/glusterd /var/log/glusterfs; do
  [ ! -d "$place" ] || mount -t tmpfs tmpfs "$place"
done
mkdir /run/sshd /run/ganesha /run/netns
# The disk of the file servers: ext4 in memory.
mkdir /run/disk
truncate -s 512M /run/disk.image
mkfs.ext4 -q /run/disk.image
mount -o loop /run/disk.image /run/disk
ip link set lo up
ip link add br0 type bridge
ip link set br0 up
ip addr add 10.99.0.1/24 dev br0
"$@"
