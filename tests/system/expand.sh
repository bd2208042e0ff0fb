# SPDX-License-Identifier: Apache-2.0
# Turn case files into cases. A library for run.sh.
#
#   expand FILE LANE WORK
#
# Prints the names of FILE's cases that belong to LANE, and for each makes
# WORK/NAME/script, and WORK/NAME/spec: its directives without the "#: ".

# "IMAGE=a,b CPUS=1,2" on stdin -> one line of assignments per combination
combinations() {
	local lines=('') axis value line new
	for axis in $(cat); do
		new=()
		for line in "${lines[@]}"; do
			while read -r value; do
				new+=("$line ${axis%%=*}=$value")
			done < <(tr , '\n' <<<"${axis#*=}")
		done
		lines=("${new[@]}")
	done
	printf '%s\n' "${lines[@]}"
}

# Does the case with spec $1 belong to lane $2?
belongs() {
	local lanes
	lanes=$(sed -n 's/^lanes //p' "$1")
	case " ${lanes:-1 2} " in
	*" $2 "*) ;;
	*) return 1 ;;
	esac
	[ "$2" != 1 ] || ! grep -qx 'kvm hardware' "$1" || kvm_runs_kernels
}

expand() {
	local base each line name dir assignment edits
	base=$(basename "$1" .case)
	each=$(sed -n 's/^#: each //p' "$1")
	while read -r line; do
		name=$base edits=()
		for assignment in $line; do
			name+=-${assignment#*=}
			edits+=(-e "s/\\\$${assignment%%=*}/${assignment#*=}/g")
		done
		dir=$3/$name
		mkdir -p "$dir"
		sed -n 's/^#: //p' "$1" | sed -e '' "${edits[@]}" >"$dir/spec"
		if ! belongs "$dir/spec" "$2"; then
			rm -r "$dir"
			continue
		fi
		{
			echo '. "$BUILD/system/prelude.sh"'
			echo "${line# }" | tr ' ' '\n'
			cat "$1"
		} >"$dir/script"
		echo "$name"
	done < <(combinations <<<"$each")
}
