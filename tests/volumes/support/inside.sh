#!/bin/sh
# Process 1 of the tier's own namespaces (processes, mounts, network): whatever the tests start, mount or plug in is in
# them, and the kernel takes all of it away with this process, however that ends. $@: what to run in there.
set -e
# Copies of what other tests have mounted on this host would outlive what they are copies of.
cut -d ' ' -f 2 /proc/self/mounts | grep -E '^(/run/netns|/var/tmp|/tmp)/' | sort -r | while read -r place; do
  umount -l "$place"
done
# What is written to these places would outlive the mount namespace.
for place in /run /var/lib/glusterd /var/log/glusterfs; do
  [ ! -d "$place" ] || mount -t tmpfs tmpfs "$place"
done
mkdir /run/sshd /run/ganesha /run/netns
# The disk of the file servers: ext4 in memory.
mkdir /run/disk
truncate -s 512M /run/volumes.image
mkfs.ext4 -q /run/volumes.image
mount -o loop /run/volumes.image /run/disk
ip link set lo up
ip link add br0 type bridge
ip link set br0 up
ip addr add 10.99.0.1/24 dev br0
"$@"
