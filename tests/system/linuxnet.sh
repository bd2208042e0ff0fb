# SPDX-License-Identifier: Apache-2.0
# Words for cases of lane 2 with networks and vsock: L1 is the host, and has no
# other use for TAPs, bridges and routes than ours.
# To be sourced by a case:  . "$BUILD/system/linuxnet.sh"
[ "$(id -u)" -eq 0 ] || {
	echo "skip: takes root, for TAPs and a mount"
	exit 77
}
LINUX_MODULES="$LINUX_MODULES failover net_failover virtio_net vsock"
LINUX_MODULES="$LINUX_MODULES vmw_vsock_virtio_transport_common"
LINUX_MODULES="$LINUX_MODULES vmw_vsock_virtio_transport"

# What every guest script begins with, as text: `up ADDRESS` for eth0, `link`
# says whether there is a carrier, `carrier 0|1` waits for it, and `retry` what
# must work in the end.
GUEST_WORDS='
	ip link set lo up
	up() { ip link set eth0 up; ip address add $1 dev eth0; }
	link() { cat /sys/class/net/eth0/carrier; }
	carrier() { until [ "$(link)" = $1 ]; do sleep 0.1; done; }
	retry() { until "$@"; do sleep 0.2; done; }
'

# The programs of TOOLS, in L1 as well.
if [ ! -d /tools/usr ]; then
	mkdir -p /tools
	mount -t ext4 -o ro "$TOOLS" /tools
	ln -s /tools/etc /tools/lib64 /
fi
export PATH=$PATH:/tools/usr/bin LD_LIBRARY_PATH=/tools/lib/x86_64-linux-gnu

# tap NAME [ADDRESS]
tap() {
	tunctl -t "$1" >/dev/null
	[ -z "${2:-}" ] || ip address add "$2" dev "$1"
	ip link set "$1" up
}

# vm NAME SCRIPT [MOTE OPTION...]: in the background, output to the file NAME;
# it is process $vm
vm() {
	vm_name=$1
	tools_initrd "$vm_name.initrd" "$GUEST_WORDS $2"
	shift 2
	rm -f "$vm_name"
	"$MOTE" run --initrd "$vm_name.initrd" --cmdline "$QUIET" \
		--disk "path=$TOOLS,ro" --memory 256M "$@" "$VMLINUX" \
		>"$vm_name" 2>&1 </dev/null &
	vm=$!
}

# await TEXT: until the guest $vm has said so, to the end of the line, in the
# file $vm_name
CR=$(printf '\r')
await() {
	vm_ended=
	until grep -sF -- "$1" "$vm_name" | grep -q "$CR"; do
		[ -z "$vm_ended" ] || fail "ended early: $(cat "$vm_name")"
		# and then a last look
		kill -0 "$vm" 2>/dev/null || vm_ended=yes
		sleep 0.1
	done
}

# ended PID FILE: its process must end well; its output is the case's
ended() {
	wait "$1"
	status=$?
	cat "$2"
	[ $status -eq 0 ] || fail "$2 ended with $status"
}

# expect NAME BYTES SEED "COUNT SUM": it is what was made so
expect() {
	if [ "$("$BUILD/system/bytes" make "$2" "$3" | bytes sum)" = "$4" ]; then
		echo "$1=ok"
	else
		fail "$1: $4"
	fi
}

# said FILE WORD: what is behind "WORD: " there
said() { tr -d '\r' <"$1" | sed -n "s/^$2: //p"; }
