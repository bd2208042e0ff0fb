# SPDX-License-Identifier: Apache-2.0
# The unikernel kit, its examples, and the test guests.
#
#   make guest                build/guest/NAME for guest/examples/NAME.c,
#                             build/tests/guest/NAME for tests/guest/NAME.c
#   make lwip                 fetch lwIP (once more), which some examples need
#   make bench-httpd          the web server, with and without a VM around it
#
# A program of your own: compile with $(GUEST_CFLAGS), link as the rule for
# examples does.

# No libc, no red zone (the stub's calls push), nothing that needs set-up.
GUEST_CFLAGS = $(COMMON) -ffreestanding -nostdinc -isystem $(CC_INC) \
               -fno-pie -mno-red-zone -fno-stack-protector \
               -fcf-protection=none -fno-asynchronous-unwind-tables
GUEST_LDFLAGS = -nostdlib -static -Wl,-T,guest/kit.ld,--gc-sections \
                -Wl,--build-id=none,-z,max-page-size=4096,-z,noexecstack

KIT_SRC := $(sort $(wildcard guest/*.c guest/drivers/*.c))
KIT_START = $(patsubst guest/%.S,$(BUILD)/guest/obj/guest/%.o, \
              $(sort $(wildcard guest/*.S)))
KIT_LIB = $(BUILD)/guest/libkit.a
# Examples with TCP/IP: built where lwIP can be had.
LWIP_EXAMPLES = $(BUILD)/guest/httpd
GUEST_EXAMPLES = $(filter-out $(LWIP_EXAMPLES), \
                   $(patsubst guest/examples/%.c,$(BUILD)/guest/%, \
                     $(sort $(wildcard guest/examples/*.c))))
GUEST_TESTS = $(patsubst tests/guest/%.c,$(BUILD)/tests/guest/%, \
                $(sort $(wildcard tests/guest/*.c)))

.PHONY: guest guest-lwip lwip
guest: $(GUEST_EXAMPLES) $(GUEST_TESTS) guest-lwip

$(BUILD)/guest/obj/%.o: %.c
	$(call say,CC,$< (guest))
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) $(GUEST_CFLAGS_$(*F)) -c $< -o $@

$(BUILD)/guest/obj/%.o: %.S
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -I. -MMD -MP -c $< -o $@

# string.c is what the compiler would call; programs need no prototype of main.
GUEST_CFLAGS_string = -fno-builtin $(GUEST_CFLAGS_string_$(COMPILER))
GUEST_CFLAGS_string_gcc = -fno-tree-loop-distribute-patterns
$(BUILD)/guest/obj/guest/examples/%.o $(BUILD)/guest/obj/tests/guest/%.o: \
	GUEST_CFLAGS += -Wno-missing-prototypes

$(KIT_LIB): $(KIT_SRC:%.c=$(BUILD)/guest/obj/%.o)
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

GUEST_LINK = $(CC) $(GUEST_LDFLAGS) $(GUEST_LDFLAGS_$(@F)) -o $@ \
             $(filter %.o,$^) $(KIT_MORE) $(KIT_LIB) -lgcc

$(BUILD)/guest/%: $(BUILD)/guest/obj/guest/examples/%.o $(KIT_START) \
		$(KIT_LIB) guest/kit.ld
	$(call say,LD,$@)
	$(Q)$(GUEST_LINK)

$(BUILD)/tests/guest/%: $(BUILD)/guest/obj/tests/guest/%.o $(KIT_START) \
		$(KIT_LIB) guest/kit.ld
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(GUEST_LINK)

GUEST_LDFLAGS_entry = -Wl,-e,entry_probe

# ---- lwIP --------------------------------------------------------------------
LWIP = $(BUILD)/lwip
LWIP_LIB = $(BUILD)/guest/liblwip.a
LWIP_SRC = $(addprefix core/,def dns inet_chksum init ip mem memp netif pbuf \
             stats sys tcp tcp_in tcp_out timeouts udp) \
           $(addprefix core/ipv4/,dhcp etharp icmp ip4 ip4_addr ip4_frag) \
           netif/ethernet
LWIP_OBJ = $(LWIP_SRC:%=$(BUILD)/guest/obj/lwip/%.o) \
           $(BUILD)/guest/obj/guest/lwip/stack.o
LWIP_INC = -isystem $(LWIP)/src/include -isystem guest/lwip/libc -Iguest/lwip

$(LWIP)/state: scripts/lwip.sh
	$(Q)scripts/lwip.sh $(BUILD)

lwip:
	$(Q)rm -f $(LWIP)/state
	$(Q)$(MAKE) --no-print-directory $(LWIP)/state guest-lwip

# A second make, since only then it is known whether there is a source.
guest-lwip: $(LWIP)/state $(KIT_LIB)
	$(Q)if grep -q ^yes $(LWIP)/state; then \
		$(MAKE) --no-print-directory $(LWIP_EXAMPLES); \
	else \
		echo "without lwIP ($$(cut -c4- $(LWIP)/state)):" \
			"skipped $(notdir $(LWIP_EXAMPLES))"; \
	fi

$(BUILD)/guest/obj/lwip/%.o: $(LWIP)/src/%.c $(LWIP)/state
	$(call say,CC,lwip/$*.c (guest))
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -O2 -w $(LWIP_INC) -c $< -o $@

$(LWIP)/src/%.c: $(LWIP)/state ;

$(LWIP_LIB): $(LWIP_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/guest/obj/guest/lwip/stack.o $(LWIP_EXAMPLES:$(BUILD)/guest/%=$(BUILD)/guest/obj/guest/examples/%.o): \
	GUEST_CFLAGS += $(LWIP_INC)
$(LWIP_EXAMPLES): $(LWIP_LIB)
$(LWIP_EXAMPLES): KIT_MORE = $(LWIP_LIB)

# The same program as a process of the host, for comparison (bench/httpd.sh).
HOST_LWIP_OBJ = $(patsubst $(BUILD)/guest/obj/%,$(BUILD)/guest/host/%, \
                  $(LWIP_OBJ)) \
                $(BUILD)/guest/host/guest/lwip/host/host.o \
                $(BUILD)/guest/host/guest/examples/httpd.o
# (the kit declares what it has of a libc itself)
HOST_LWIP_CFLAGS = $(COMMON) -D_GNU_SOURCE -Wno-redundant-decls

$(BUILD)/guest/host/lwip/%.o: $(LWIP)/src/%.c $(LWIP)/state
	$(call say,CC,lwip/$*.c (host))
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_LWIP_CFLAGS) -O2 -w $(LWIP_INC) -c $< -o $@

$(BUILD)/guest/host/guest/lwip/host/%.o: guest/lwip/host/%.c
	$(call say,CC,$< (host))
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_LWIP_CFLAGS) -c $< -o $@

$(BUILD)/guest/host/%.o: %.c $(LWIP)/state
	$(call say,CC,$< (host))
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_LWIP_CFLAGS) $(LWIP_INC) -Wno-missing-prototypes \
		-c $< -o $@

$(BUILD)/bench/httpd-host: $(HOST_LWIP_OBJ)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) -o $@ $^

.PHONY: bench-httpd
bench-httpd: $(BUILD)/mote guest
	$(Q)$(MAKE) --no-print-directory $(BUILD)/bench/httpd-host
	$(Q)BUILD='$(abspath $(BUILD))' bench/httpd.sh
