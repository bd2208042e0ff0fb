# SPDX-License-Identifier: Apache-2.0
# Unit tests and fuzz targets, built for the host's libc with sanitizers.
#
#   make check-unit           Criterion, under ASan and UBSan
#   make check-tsan           the suites with threads in them, under TSan
#   make check-asan-lane1     lane 1 (CASE='kit-* blk-*') under ASan and UBSan
#   make check-tsan-lane1     the same under TSan
#   make check-fuzz           every corpus replayed twice
#   make fuzz-TARGET          libFuzzer (clang) on tests/fuzz/fuzz_TARGET.c,
#                             FUZZ_SECONDS=60
#   make fuzz-long            all of them, FUZZ_LONG=600 seconds of CPU each
#                             (FUZZ_JOBS=-j4: four at a time), then:
#   make fuzz-coverage        lines of devices/ and bootproto/ that the corpora
#                             reach, and those that they and the unit tests do
#   make prove                Frama-C on the virtqueue and guest memory

SAN = -fsanitize=address,undefined -fno-sanitize-recover=all
TEST_CFLAGS = -std=gnu17 -O1 -g -fno-strict-aliasing -fno-omit-frame-pointer \
              $(WARN) $(WERROR) $(DEPS) -I. -D_GNU_SOURCE
UNIT_SRC := $(sort $(wildcard tests/unit/*.c))
UNIT_OBJ = $(UNIT_SRC:%.c=$(BUILD)/san/%.o)
CORE_SAN_OBJ = $(CORE_SRC:%.c=$(BUILD)/san/%.o)
# Devices under test meet a loop without a kernel (tests/unit/fake_loop.h).
comma = ,
WRAP = $(patsubst %,-Wl$(comma)--wrap=%,loop_add_source loop_add_file \
         loop_reserve_files \
         loop_reserved loop_sqe loop_ring loop_defer loop_before_sleep \
         loop_borrow loop_give_back loop_is_borrowed disk_read_now \
         disk_write_now nanosleep io_uring_submit)
FAKE_SRC = tests/unit/blkdrv.c tests/unit/fake_loop.c \
           tests/unit/fake_socket.c tests/unit/netdrv.c tests/unit/vring.c \
           tests/unit/vsockdrv.c
FAKE_OBJ = $(FAKE_SRC:%.c=$(BUILD)/san/%.o)
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_NAMES = $(FUZZ_SRC:tests/fuzz/fuzz_%.c=%)

$(BUILD)/san/%.o: %.c
	$(call say,CC,$< (san))
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(TEST_CFLAGS) $(SAN) -c $< -o $@

# The serial port is tested over a console that does as the test says.
FAKE_CONSOLE = -Wl,--wrap=console_put,--wrap=console_has_room \
               -Wl,--wrap=console_ring,--wrap=console_unblock_input

$(BUILD)/tests/unit: $(UNIT_OBJ) $(CORE_SAN_OBJ)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(SAN) $(FAKE_CONSOLE) $(WRAP) -o $@ $^ -lcriterion \
		-l:liburing.a -lpthread

.PHONY: check-unit
check-unit: $(BUILD)/tests/unit
	$(BUILD)/tests/unit $(UNIT_ARGS)

# Criterion does not run under TSan; tests/tsan/ stands in for it.
TSAN_SUITES = console ioapic loop serial stop turn
TSAN_SRC = $(TSAN_SUITES:%=tests/unit/test_%.c) tests/tsan/run.c $(CORE_SRC)
TSAN_OBJ = $(TSAN_SRC:%.c=$(BUILD)/tsan/%.o)
# (fences, which TSan does not follow, are in the virtqueue only)
TSAN_FLAGS = -fsanitize=thread $(TSAN_FLAGS_$(COMPILER))
TSAN_FLAGS_gcc = -Wno-tsan

$(BUILD)/tsan/%.o: %.c
	$(call say,CC,$< (tsan))
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) -Itests/tsan $(TEST_CFLAGS) $(TSAN_FLAGS) -c $< -o $@

$(BUILD)/tsan/seccomp/lock.o: TSAN_FLAGS += -I$(GEN)
$(BUILD)/tsan/seccomp/lock.o: $(GEN)/lock_programs.h

$(BUILD)/tests/tsan: $(TSAN_OBJ)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) -fsanitize=thread $(FAKE_CONSOLE) -o $@ $^ \
		-l:liburing.a -lpthread

.PHONY: check-tsan
check-tsan: $(BUILD)/tests/tsan
	$(Q)TSAN_OPTIONS=halt_on_error=1 $<

# The monitor itself. (The symbols are mote.lds's: nothing to protect.)
SANITIZED_LINK = -Wl,--defsym=relro_start=_end,--defsym=relro_end=_end \
                 -l:liburing.a -lpthread
$(BUILD)/tests/mote-asan: $(CORE_SAN_OBJ) $(BUILD)/san/monitor/main.o
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(SAN) -o $@ $^ $(SANITIZED_LINK)

$(BUILD)/tests/mote-tsan: $(CORE_SRC:%.c=$(BUILD)/tsan/%.o) \
		$(BUILD)/tsan/monitor/main.o
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) -fsanitize=thread -o $@ $^ $(SANITIZED_LINK)

.PHONY: check-asan-lane1 check-tsan-lane1
check-asan-lane1 check-tsan-lane1: check-%-lane1: all attack \
		$(BUILD)/tests/mote-%
	$(Q)$(MAKE) --no-print-directory $(HELPERS)
	$(Q)$(SYSTEM_ENV) tests/system/sanitized.sh $(BUILD)/tests/mote-$* \
		$(BUILD)/lane1-$* $(or $(CASE),'kit-*' 'blk-*')

# The same harness with a plain main() replays the corpus.
$(BUILD)/tests/replay_%: $(BUILD)/san/tests/fuzz/fuzz_%.o \
		$(BUILD)/san/tests/fuzz/replay.o $(FAKE_OBJ) $(CORE_SAN_OBJ)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(SAN) $(WRAP) -o $@ $^ -l:liburing.a -lpthread

.PHONY: check-fuzz
check-fuzz: $(FUZZ_NAMES:%=$(BUILD)/tests/replay_%)
	$(Q)for t in $(FUZZ_NAMES); do \
		$(BUILD)/tests/replay_$$t tests/fuzz/corpus/$$t || exit 1; \
	done

$(BUILD)/tests/replay_serial $(BUILD)/fuzz/serial: WRAP += $(FAKE_CONSOLE)

# libFuzzer's own build: clang, with coverage.
FUZZ_SECONDS = 60
FUZZ_CFLAGS = -std=gnu17 -O1 -g -fno-strict-aliasing -I. -D_GNU_SOURCE -w \
              $(DEPS) -fsanitize=fuzzer-no-link,address,undefined \
              -fno-sanitize-recover=all
FUZZ_OBJ = $(FAKE_SRC:%.c=$(BUILD)/fuzz/obj/%.o) \
           $(CORE_SRC:%.c=$(BUILD)/fuzz/obj/%.o)

$(BUILD)/fuzz/obj/%.o: %.c
	$(call say,CLANG,$< (fuzz))
	$(Q)mkdir -p $(@D)
	$(Q)clang $(FUZZ_CFLAGS) -c $< -o $@

$(BUILD)/fuzz/obj/seccomp/lock.o: FUZZ_CFLAGS += -I$(GEN)
$(BUILD)/fuzz/obj/seccomp/lock.o: $(GEN)/lock_programs.h

$(BUILD)/fuzz/%: $(BUILD)/fuzz/obj/tests/fuzz/fuzz_%.o $(FUZZ_OBJ)
	$(call say,LD,$@)
	$(Q)clang -fsanitize=fuzzer,address,undefined $(WRAP) -o $@ $^ \
		-l:liburing.a -lpthread

.PHONY: $(FUZZ_NAMES:%=fuzz-%)
$(FUZZ_NAMES:%=fuzz-%): fuzz-%: $(BUILD)/fuzz/%
	$(Q)mkdir -p $(BUILD)/fuzz/corpus-$*
	$(BUILD)/fuzz/$* -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
		$(abspath $(BUILD)/fuzz/corpus-$* tests/fuzz/corpus/$*)

FUZZ_LONG = 600
.PHONY: fuzz-long $(FUZZ_NAMES:%=fuzz-long-%)
fuzz-long:
	$(AGAIN) $(FUZZ_JOBS) $(FUZZ_NAMES:%=fuzz-long-%)
	$(AGAIN) fuzz-coverage

$(FUZZ_NAMES:%=fuzz-long-%): fuzz-long-%: $(BUILD)/fuzz/%
	$(Q)BUILD='$(BUILD)' tests/fuzz/long.sh $* $(FUZZ_LONG)

# The corpora replayed in a build that counts lines (clang, no sanitizers).
COV = $(BUILD)/cov
COV_CFLAGS = -std=gnu17 -O1 -g -fno-strict-aliasing -I. -I$(GEN) -D_GNU_SOURCE \
             -w $(DEPS) -fprofile-instr-generate -fcoverage-mapping
COV_CORE = $(CORE_SRC:%.c=$(COV)/obj/%.o)
LLVM = -$(shell clang -dumpversion | cut -d. -f1)

$(COV)/obj/%.o: %.c $(GEN)/lock_programs.h
	$(call say,CLANG,$< (cov))
	$(Q)mkdir -p $(@D)
	$(Q)clang $(COV_CFLAGS) -c $< -o $@

$(COV)/replay_%: $(COV)/obj/tests/fuzz/fuzz_%.o $(COV)/obj/tests/fuzz/replay.o \
		$(FAKE_SRC:%.c=$(COV)/obj/%.o) $(COV_CORE)
	$(call say,LD,$@)
	$(Q)clang -fprofile-instr-generate $(WRAP) -o $@ $^ -l:liburing.a -lpthread

$(COV)/replay_serial: WRAP += $(FAKE_CONSOLE)

$(COV)/unit: $(UNIT_SRC:%.c=$(COV)/obj/%.o) $(COV_CORE)
	$(call say,LD,$@)
	$(Q)clang -fprofile-instr-generate $(FAKE_CONSOLE) $(WRAP) -o $@ $^ \
		-lcriterion -l:liburing.a -lpthread

.PHONY: fuzz-coverage
fuzz-coverage: $(FUZZ_NAMES:%=$(COV)/replay_%) $(COV)/unit
	$(Q)LLVM='$(LLVM)' BUILD='$(BUILD)' tests/fuzz/coverage.sh $(FUZZ_NAMES)

# Without Frama-C it says so and is skipped, as in `make test`.
.PHONY: prove
prove:
	$(Q)tests/prove/prove.sh $(BUILD)/prove || [ $$? -eq 77 ]
