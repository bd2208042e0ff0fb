# SPDX-License-Identifier: Apache-2.0
# Which lanes this host offers. A library to be sourced.

# Can we open /dev/kvm at all?
kvm_usable() {
	[ -c /dev/kvm ] && (exec 3<>/dev/kvm) 2>/dev/null
}

# Does it run guest kernels, that is, on hardware? A software KVM (PVM) only
# suits guests of the kit. mote knows; needs BUILD.
kvm_runs_kernels() {
	kvm_usable && "$BUILD/mote" check --porcelain | grep -qx kvm=hardware
}

# Is all there for the nested lane? BUILD/linux comes from linux.sh.
nested_usable() {
	command -v qemu-system-x86_64 >/dev/null &&
		command -v busybox >/dev/null && [ -e "$BUILD/linux/release" ]
}
