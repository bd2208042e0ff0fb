# SPDX-License-Identifier: Apache-2.0
# The lock's filters: seccomp/rows.c compiled to BPF on the building machine.
#
#   make lock-doc             docs/lock.md from the tables

GEN = $(BUILD)/gen
LOCKGEN = $(GEN)/lockgen
LOCK_HOST_CFLAGS = -std=gnu17 -O1 -g -D_GNU_SOURCE $(WARN) $(WARN_$(COMPILER)) \
                   $(WERROR) -I.

$(LOCKGEN): seccomp/host/lockgen.c seccomp/rows.c seccomp/rows.h seccomp/lock.h
	$(call say,HOSTCC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(LOCK_HOST_CFLAGS) -o $@ $(filter %.c,$^) -lseccomp

$(GEN)/lock_programs.h: $(LOCKGEN)
	$(call say,GEN,$@)
	$(Q)$(LOCKGEN) $@

# Only lock.c sees it; both builds of lock.c do.
$(BUILD)/obj/seccomp/lock.o: MONITOR_CFLAGS += -I$(GEN)
$(BUILD)/san/seccomp/lock.o: TEST_CFLAGS += -I$(GEN)
$(BUILD)/obj/seccomp/lock.o $(BUILD)/san/seccomp/lock.o: $(GEN)/lock_programs.h

# What docs/lock.md must say; lock-doc.case looks whether it does.
LOCKDOC = $(GEN)/lockdoc
LOCKDOC_SRC = $(addprefix seccomp/,host/lockdoc.c rows.c uring.c msr.c) \
              monitor/err.c monitor/fmt.c
$(LOCKDOC): $(LOCKDOC_SRC) $(wildcard seccomp/*.h)
	$(call say,HOSTCC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(LOCK_HOST_CFLAGS) -DLOCK_WORDS -ffunction-sections \
		-fdata-sections \
		-Wl,--gc-sections -o $@ $(filter %.c,$^)

.PHONY: lock-doc lock-doc-check
lock-doc: $(LOCKDOC)
	$(Q)mkdir -p docs
	$(Q)$(LOCKDOC) >docs/lock.md

lock-doc-check: $(LOCKDOC)
	$(Q)$(LOCKDOC) | diff -u docs/lock.md - || \
		{ echo 'run make lock-doc' >&2; exit 1; }

# The deliberately broken monitor (tests/attack/): a guest's port has it make
# forbidden calls, and a row of its lock can be left out. Never installed.
ATTACK = $(BUILD)/tests/attack
$(GEN)/every/lock_programs.h: $(LOCKGEN)
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D) $(ATTACK)
	$(Q)$(LOCKGEN) $@ every
	$(Q)$(LOCKGEN) $(ATTACK)/rows rows

$(ATTACK)/lock.o: seccomp/lock.c $(GEN)/every/lock_programs.h $(SYSINC)/.done
	$(call say,CC,$< (attack))
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(MONITOR_CFLAGS) -DLOCK_EVERY -I$(GEN)/every -c $< -o $@

# --wrap does not see calls inside link-time optimisation: who calls, who is
# called and who comes between are compiled without.
WRAPPED = devices/platform monitor/devices
$(ATTACK)/plain/%.o: %.c $(SYSINC)/.done
	$(call say,CC,$< (attack))
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(MONITOR_CFLAGS) -fno-lto -c $< -o $@

ATTACK_OBJ = $(filter-out $(BUILD)/obj/seccomp/lock.o \
	$(WRAPPED:%=$(BUILD)/obj/%.o),$(MONITOR_OBJ)) $(ATTACK)/lock.o \
	$(WRAPPED:%=$(ATTACK)/plain/%.o) $(ATTACK)/plain/tests/attack/attack.o
$(ATTACK)/mote: $(ATTACK_OBJ) monitor/mote.lds
	$(call say,LD,$@)
	$(Q)$(CC) $(MONITOR_LDFLAGS) -Wl,--wrap=platform_add_ports -o $@ \
		$(ATTACK_OBJ) $(MONITOR_LIBS)

$(ATTACK)/guest $(ATTACK)/irq: $(ATTACK)/%: tests/attack/%.S
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -nostdlib -static -Wl,-Ttext=0x200000,--build-id=none \
		-Wl,-z,max-page-size=4096,-z,noexecstack -o $@ $<

.PHONY: attack
attack: $(ATTACK)/mote $(ATTACK)/guest $(ATTACK)/irq
