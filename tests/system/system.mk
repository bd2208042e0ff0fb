# SPDX-License-Identifier: Apache-2.0
# The README's commands, and the system tests.
#
#   make run [EXAMPLE=hello]  boot an example of the kit, with its times
#   make run-linux            a shell in a stock Debian kernel
#   make test                 everything, ending in one line of counts
#   make check-host, check-lane1, check-lane2 [CASE=PATTERN]
#                             system cases alone, see tests/system/run.sh
#   make check-as-nobody, check-as-userns, check-as-container, check-as (all)
#                             lane 1 as somebody else, see run-as.sh
#   make bench-linux-boot     against QEMU microvm, in virtual time
#   make deps                 install what is missing (MOTE_DEPS=no refuses)
#
# What needs a compiler runs in a second make, since this one was parsed
# before `deps` may have brought one.

EXAMPLE = hello
CASE = *
AGAIN = +$(Q)$(MAKE) --no-print-directory

HELPERS = $(BUILD)/system/caserun $(BUILD)/system/ptyrun \
          $(BUILD)/system/vsockload $(BUILD)/system/bytes \
          $(BUILD)/system/messages \
          $(BUILD)/bench/timer $(LOCKDOC) \
          $(BUILD)/bench/density $(BUILD)/bench/startup
SYSTEM_ENV = BUILD='$(BUILD)' CC='$(CC)'

# Small static programs, which go into the nested lane as well.
$(BUILD)/system/%: $(BUILD)/obj/tests/system/%.o
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -nostdlib -static -s -o $@ $(MUSL_LIB)/crt1.o \
		$(MUSL_LIB)/crti.o $< $(MUSL_LIB)/libc.a $(LIBGCC) \
		$(MUSL_LIB)/crtn.o

$(BUILD)/bench/timer: $(BUILD)/obj/bench/timer.o
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -nostdlib -static -s -o $@ $(MUSL_LIB)/crt1.o \
		$(MUSL_LIB)/crti.o $< $(MUSL_LIB)/libc.a $(LIBGCC) \
		$(MUSL_LIB)/crtn.o

.PHONY: deps run run-built run-linux run-linux-built test test-built
deps:
	$(Q)scripts/deps.sh build test
	$(Q)scripts/deps.sh prove || true # skipped without them

run:
	$(Q)scripts/deps.sh build run
	$(AGAIN) run-built

run-built: all $(BUILD)/bench/timer
	$(Q)$(SYSTEM_ENV) scripts/run.sh $(EXAMPLE)

run-linux:
	$(Q)scripts/deps.sh build nested
	$(AGAIN) run-linux-built

run-linux-built: $(BUILD)/mote
	$(Q)$(SYSTEM_ENV) scripts/run-linux.sh

test: deps
	$(AGAIN) test-built

REPLAYS = $(FUZZ_NAMES:%=$(BUILD)/tests/replay_%)
test-built: all attack $(HELPERS) $(BUILD)/tests/unit $(REPLAYS)
	$(Q)$(SYSTEM_ENV) BASE='$(BASE)' tests/test.sh $(FUZZ_NAMES)

.PHONY: check-host check-lane1 check-lane2 bench-linux-boot
check-host check-lane1 check-lane2: all attack $(HELPERS)
	$(Q)$(SYSTEM_ENV) tests/system/run.sh \
		$(patsubst lane%,%,$(@:check-%=%)) '$(CASE)'

OTHERS = nobody userns container
.PHONY: check-as $(OTHERS:%=check-as-%)
check-as: $(OTHERS:%=check-as-%)
$(OTHERS:%=check-as-%): check-as-%: all attack $(HELPERS)
	$(Q)$(SYSTEM_ENV) tests/system/run-as.sh $* '$(CASE)'

bench-linux-boot: all $(BUILD)/bench/timer
	$(Q)$(SYSTEM_ENV) bench/linux-boot.sh
