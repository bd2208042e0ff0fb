# SPDX-License-Identifier: Apache-2.0
# What mote is measured against.
#
#   make bench-floor          build/bench/floor: the bare KVM calls
#   make bench                measure, write build/bench/report.html
#                             (ROUNDS=, VMS=, LKVM=, FIRECRACKER=)
#   make bench-readme         the README's table and plots from the last one
#   make bench-net            network and vsock, in virtual time
#   make bench-disk           a Linux guest's disk, in virtual time
#   make bench-disk-host      the kit's disk driver against fio on the host
#   make bench-compare BASE=COMMIT [SHORT=1]
#                             is this tree slower? in instructions

# As the monitor: musl, static; but no PIE and no hardening, since nothing
# may stand between the floor and the kernel.
BENCH_CFLAGS = $(COMMON) -fno-pie -nostdinc -isystem $(MUSL_INC) \
               -isystem $(CC_INC) -isystem $(SYSINC)

$(BUILD)/bench/%.o: bench/%.c $(SYSINC)/.done
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BENCH_CFLAGS) -c $< -o $@

BENCH_LINK = $(CC) -nostdlib -static -Wl,--gc-sections,-s -o $@ \
             $(MUSL_LIB)/crt1.o $(MUSL_LIB)/crti.o $(filter %.o,$^) \
             $(MUSL_LIB)/libc.a $(LIBGCC) $(MUSL_LIB)/crtn.o

$(BUILD)/bench/floor: $(BUILD)/bench/floor.o
	$(call say,LD,$@)
	$(Q)$(BENCH_LINK)

BENCH_TOOLS = $(addprefix $(BUILD)/bench/,density ladder startup)
$(BUILD)/bench/density: $(addprefix $(BUILD)/bench/,activity.o ask.o)
$(BENCH_TOOLS): $(BUILD)/bench/%: $(BUILD)/bench/%.o $(BUILD)/bench/child.o
	$(call say,LD,$@)
	$(Q)$(BENCH_LINK)

.PHONY: bench-floor
bench-floor: $(BUILD)/bench/floor

$(BUILD)/bench/nettest: $(BUILD)/bench/nettest.o
	$(call say,LD,$@)
	$(Q)$(BENCH_LINK)

.PHONY: bench bench-built bench-readme bench-compare bench-compare-built
bench:
	$(Q)scripts/deps.sh build bench
	$(AGAIN) bench-built

bench-built: all $(BENCH_TOOLS)
	$(Q)BUILD='$(BUILD)' bench/report.sh

bench-readme:
	$(Q)BUILD='$(BUILD)' bench/readme.sh

bench-compare:
	$(Q)scripts/deps.sh build nested
	$(AGAIN) bench-compare-built

bench-compare-built: all $(BENCH_TOOLS) $(BUILD)/bench/timer
	$(Q)BUILD='$(BUILD)' CC='$(CC)' MAKE='$(MAKE)' BASE='$(BASE)' \
		SHORT='$(SHORT)' bench/compare.sh

.PHONY: bench-net bench-net-built
bench-net:
	$(Q)scripts/deps.sh build nested
	$(AGAIN) bench-net-built

bench-net-built: all $(BUILD)/bench/nettest
	$(Q)BUILD='$(BUILD)' bench/net.sh

.PHONY: bench-disk bench-disk-host bench-disk-built bench-disk-host-built
bench-disk bench-disk-host:
	$(Q)scripts/deps.sh build test
	$(AGAIN) $@-built

bench-disk-built bench-disk-host-built: all
	$(Q)BUILD='$(BUILD)' bench/$(patsubst bench-%-built,%,$@).sh
