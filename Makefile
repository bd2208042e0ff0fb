# SPDX-License-Identifier: Apache-2.0
# mote: `make run` and `make test` are all a newcomer needs; `make help` lists
# the rest. Everything built lies in build/.
#
#   make                      build/mote, build/guest/NAME, build/bench/floor
#   make help                 this list, from the heads of Makefile and *.mk
#   make format, format-check clang-format: rewrite what differs, or name it
#   make headers-check        does each header compile alone?
#   make tidy                 clang-tidy and cppcheck on the monitor
#   make clean                remove build/ and compile_commands.json

CC       = gcc
HOSTCC   = $(CC)
STRIP    = strip
BUILD    = build
V        = 0
WERROR   = $(if $(CI),-Werror)
Q        = $(if $(filter 1,$(V)),,@)
say      = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(2)')
compiler = $(if $(findstring clang,$(shell $(CC) --version 2>/dev/null | head -n 1)),clang,gcc)
COMPILER := $(compiler)

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.DEFAULT_GOAL := all

# ---- flags -----------------------------------------------------------------
WARN = -Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual -Wwrite-strings \
       -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla \
       -Wold-style-definition -Wredundant-decls -Wformat=2 -Wconversion \
       -Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference
WARN_gcc = -Wduplicated-cond -Wduplicated-branches -Wlogical-op \
           -Wjump-misses-init -Wcast-align=strict -Wstack-usage=8192
# (KVM's headers of arrays are meant to stand before the array)
WARN_clang = -Wcast-align -Wframe-larger-than=8192 \
             -Wno-gnu-variable-sized-type-not-at-end

# No -fcf-protection: a process gets neither branch tracking (Linux has it for
# itself only) nor, without the C library's help, a shadow stack.
HARDEN = -fstack-protector-strong -fstack-clash-protection -fcf-protection=none
# (-fzero-call-used-regs=used-gpr has no effect on what -flto compiles unless
# it is given at the link, and there takes 3.6 KB.)
HARDEN_gcc = -ftrivial-auto-var-init=zero

CSTD = -std=gnu17 -Os -g -ffunction-sections -fdata-sections \
       -fno-strict-aliasing -fno-common -fvisibility=hidden \
       -fno-asynchronous-unwind-tables
DEPS = -MMD -MP
COMMON = $(CSTD) $(WARN) $(WARN_$(COMPILER)) $(WERROR) $(DEPS) -I.

# The monitor is built against musl. Debian's kernel, liburing and libseccomp
# headers are reached through links in build/sysinc, so that no glibc header
# can slip in. (musl-gcc -static-pie silently makes a dynamic file, so the
# link is spelled out.)
MUSL_INC = /usr/include/x86_64-linux-musl
MUSL_LIB = /usr/lib/x86_64-linux-musl
CC_INC := $(shell $(CC) -print-file-name=include 2>/dev/null)
LIB_DIR = /usr/lib/x86_64-linux-gnu
LIBGCC := $(shell gcc -print-libgcc-file-name 2>/dev/null)
SYSINC = $(BUILD)/sysinc
# No vectors: nothing here computes with them, and variadic functions need not
# save them. With -Oz that takes 2.5 KB off; data is moved by the kernel.
SMALL = -Oz -mgeneral-regs-only
$(BUILD)/obj/tests/% $(BUILD)/obj/bench/%: SMALL = # these compute with them
MONITOR_CFLAGS = $(COMMON) $(SMALL) $(HARDEN) $(HARDEN_$(COMPILER)) -fPIE -nostdinc \
                 -isystem $(MUSL_INC) -isystem $(CC_INC) -isystem $(SYSINC)
# Link-time optimisation takes 8 KB off. (clang's would need another linker.)
LTO_gcc = -flto -flto-partition=one -Oz -fdata-sections \
          -fno-asynchronous-unwind-tables $(SMALLER)
# gcc's -Oz still lets these make code larger (by 1.7, 0.5, 0.4, 0.5 and 1.3
# KB; the second line's together by 0.6 KB), and aligns arrays to 32 bytes (0.4
# KB). No difference in start-up, nor in round trips.
SMALLER = -fno-tree-forwprop -fno-move-loop-invariants -fno-ipa-cp \
          -fno-thread-jumps -fno-optimize-sibling-calls -malign-data=abi \
          $(SMALLER_STILL:%=-fno-%)
SMALLER_STILL = tree-dominator-opts tree-fre tree-loop-im partial-inlining \
                reorder-blocks
MONITOR_CFLAGS += $(LTO_$(COMPILER))
# Each request of a guest goes through these, each descriptor through the
# first: 5 of the 79 us that a read of 128 KiB takes in the nested lane.
HOT = devices/virtq devices/blk_decode
HOT_gcc = -ftree-forwprop -fthread-jumps $(SMALLER_STILL:%=-f%)
$(HOT:%=$(BUILD)/obj/%.o): MONITOR_CFLAGS += -O1 $(HOT_$(COMPILER))
MONITOR_LDFLAGS = $(LTO_$(COMPILER)) -nostdlib -static -Wl,-pie,--no-dynamic-linker,-z,text \
                  -Wl,-z,noexecstack,-z,relro,-z,now,-z,separate-code \
                  -Wl,-z,pack-relative-relocs \
                  -Wl,--gc-sections,-T,monitor/mote.lds
# (no rcrt1.o: monitor/libc_start.c; no crti.o, crtn.o: musl has no use for what
# they bring, empty _init())
MONITOR_LIBS = $(LIB_DIR)/liburing.a $(MUSL_LIB)/libc.a $(LIBGCC)

# ---- sources ---------------------------------------------------------------
MONITOR_DIRS = bootproto devices monitor seccomp
MONITOR_SRC := $(sort $(wildcard $(addsuffix /*.c,$(MONITOR_DIRS))))
MONITOR_OBJ = $(MONITOR_SRC:%.c=$(BUILD)/obj/%.o)

# What the tests link: the monitor without its main().
CORE_SRC = $(filter-out monitor/main.c monitor/libc_%.c,$(MONITOR_SRC))

.PHONY: all
all: $(BUILD)/mote guest bench-floor

# ---- the monitor -----------------------------------------------------------
$(SYSINC)/.done: Makefile
	$(Q)mkdir -p $(SYSINC)
	$(Q)ln -sfn /usr/include/linux $(SYSINC)/linux
	$(Q)ln -sfn /usr/include/asm-generic $(SYSINC)/asm-generic
	$(Q)ln -sfn /usr/include/x86_64-linux-gnu/asm $(SYSINC)/asm
	$(Q)ln -sfn /usr/include/liburing $(SYSINC)/liburing
	$(Q)ln -sfn /usr/include/liburing.h $(SYSINC)/liburing.h
	$(Q)touch $@

$(BUILD)/obj/%.o: %.c $(SYSINC)/.done
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(MONITOR_CFLAGS) -c $< -o $@

$(BUILD)/mote.debug: $(MONITOR_OBJ) monitor/mote.lds
	$(call say,LD,$@)
	$(Q)$(CC) $(MONITOR_LDFLAGS) -o $@ $(MONITOR_OBJ) $(MONITOR_LIBS)

$(BUILD)/mote: $(BUILD)/mote.debug
	$(call say,STRIP,$@)
	$(Q)$(STRIP) -o $@ $<

# ---- the rest, one file per room -------------------------------------------
include guest/guest.mk seccomp/seccomp.mk bench/bench.mk tests/tests.mk
include tests/system/system.mk

# ---- for those who work here -----------------------------------------------
C_FILES = $(shell git ls-files '*.c' '*.h')

.PHONY: format format-check tidy headers-check help
format:
	$(Q)clang-format -i $(C_FILES)

format-check:
	$(Q)clang-format --dry-run -Werror $(C_FILES)

# Each header must compile alone.
headers-check: $(SYSINC)/.done
	$(Q)for h in $(filter-out tests/% guest/%,$(filter %.h,$(C_FILES))); do \
		$(CC) $(filter-out -MMD -MP,$(MONITOR_CFLAGS)) -fsyntax-only \
			-include $$h -x c /dev/null || exit 1; \
	done

tidy: compile_commands.json $(BUILD)/gen/lock_programs.h
	$(Q)clang-tidy --quiet -p . $(MONITOR_SRC)
	$(Q)cppcheck --quiet --enable=warning,performance,portability \
		--inline-suppr --error-exitcode=1 -I. $(MONITOR_DIRS)

compile_commands.json: Makefile $(MONITOR_DIRS)
	$(Q)echo '[' >$@
	$(Q)sep=; for f in $(MONITOR_SRC); do \
		printf '%s{"directory":"%s","file":"%s","command":"%s"}\n' \
			"$$sep" '$(CURDIR)' $$f \
			'clang -I$(BUILD)/gen $(filter-out -MMD -MP $(HARDEN_gcc) $(WARN_gcc) $(LTO_gcc) -mgeneral-regs-only -Oz,$(patsubst $(CC_INC),$(shell clang -print-file-name=include 2>/dev/null),$(MONITOR_CFLAGS))) $(WARN_clang) -c '$$f; \
		sep=,; \
	done >>$@
	$(Q)echo ']' >>$@

help:
	@sed -n 's|^#   \(make \)|\1|p; s|^#   \( \)|\1|p' $(MAKEFILE_LIST)

.PHONY: clean
clean:
	rm -rf $(BUILD) compile_commands.json

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
