// SPDX-License-Identifier: Apache-2.0
/* ACPI tables, read as a guest reads them and as iasl does. */
#include "bootproto/acpi.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bootproto/aml.h"
#include "bootproto/layout.h"
#include "tests/unit/bootfake.h"

static struct mem mem;

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s = (uint8_t)(s + *p++);
	return s;
}

static uint64_t le(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

/* A table's bytes, its length and checksum verified. */
static const uint8_t *table(uint64_t gpa, const char *signature)
{
	const uint8_t *head = mem_at(&mem, gpa, 36);
	const uint64_t len = le(head + 4, 4);

	cr_assert_arr_eq(head, signature, 4);
	cr_assert_geq(gpa, LAYOUT_ACPI);
	cr_assert_leq(gpa + len, LAYOUT_ACPI_END);
	cr_assert_eq(sum(head, len), 0, "checksum of %s", signature);
	return head;
}

/* Entry @i of the XSDT. */
static const uint8_t *listed(unsigned i, const char *signature)
{
	const uint8_t *rsdp = mem_at(&mem, LAYOUT_ACPI, 36);
	const uint8_t *xsdt = table(le(rsdp + 24, 8), "XSDT");

	cr_assert_lt(36 + 8 * i, le(xsdt + 4, 4));
	return table(le(xsdt + 36 + 8 * i, 8), signature);
}

static const uint8_t *dsdt(void)
{
	return table(le(listed(0, "FACP") + 140, 8), "DSDT");
}

static uint32_t write_tables(unsigned cpus, unsigned windows, bool pic)
{
	struct boot_request req = { .cpus = cpus,
				    .virtio_windows = windows,
				    .kernel_irqchip = pic };

	fake_mem(&mem, 0x100000);
	return acpi_write(&req, &mem);
}

Test(acpi, the_rsdp_leads_to_every_table)
{
	const uint8_t *rsdp;

	write_tables(2, 3, false);
	rsdp = mem_at(&mem, LAYOUT_ACPI, 36);
	cr_assert_arr_eq(rsdp, "RSD PTR ", 8);
	cr_assert_eq(sum(rsdp, 20), 0);
	cr_assert_eq(sum(rsdp, 36), 0);
	cr_assert_eq(rsdp[15], 2, "revision");
	listed(0, "FACP");
	listed(1, "APIC");
	dsdt();
	mem_deinit(&mem);
}

Test(acpi, the_fadt_is_hardware_reduced_and_names_the_ports)
{
	const uint8_t *fadt;

	write_tables(1, 0, false);
	fadt = listed(0, "FACP");
	cr_assert_eq(le(fadt + 4, 4), 276);
	cr_assert(le(fadt + 112, 4) & 1 << 20, "HW_REDUCED_ACPI");
	cr_assert(le(fadt + 112, 4) & 1 << 10, "RESET_REG_SUP");
	cr_assert_not(le(fadt + 109, 2) & 1 << 1, "no 8042");
	cr_assert(le(fadt + 109, 2) & 1 << 2, "no VGA");
	cr_assert(le(fadt + 109, 2) & 1 << 5, "no CMOS RTC");
	/* I/O space, 8 bits */
	cr_assert_eq(le(fadt + 116, 4), 0x01000801);
	cr_assert_eq(le(fadt + 120, 8), LAYOUT_PORT_RESET);
	cr_assert_eq(fadt[128], LAYOUT_RESET_VALUE);
	cr_assert_eq(le(fadt + 244, 4), 0x01000801);
	cr_assert_eq(le(fadt + 248, 8), LAYOUT_PORT_SLEEP_CONTROL);
	cr_assert_eq(le(fadt + 256, 4), 0x01000801);
	cr_assert_eq(le(fadt + 260, 8), LAYOUT_PORT_SLEEP_STATUS);
	mem_deinit(&mem);
}

static void expect_madt(unsigned cpus, bool pic)
{
	const uint8_t *madt, *p;
	unsigned seen = 0, ioapics = 0;

	write_tables(cpus, 0, pic);
	madt = listed(1, "APIC");
	cr_assert_eq(le(madt + 36, 4), LAYOUT_LAPIC);
	cr_assert_eq(le(madt + 40, 4), pic, "PCAT_COMPAT");
	for (p = madt + 44; p < madt + le(madt + 4, 4); p += p[1]) {
		cr_assert_geq(p[1], 6);
		if (p[0] == 0) {
			cr_assert_eq(p[2], seen, "processor UID");
			cr_assert_eq(p[3], seen, "APIC ID");
			cr_assert_eq(le(p + 4, 4), 1, "enabled");
			seen++;
		} else if (p[0] == 1) {
			cr_assert_eq(le(p + 4, 4), LAYOUT_IOAPIC);
			cr_assert_eq(le(p + 8, 4), 0, "first GSI");
			ioapics++;
		}
	}
	cr_assert_eq(p, madt + le(madt + 4, 4));
	cr_assert_eq(seen, cpus);
	cr_assert_eq(ioapics, 1);
	mem_deinit(&mem);
}

Test(acpi, the_madt_lists_each_cpu)
{
	expect_madt(1, false);
	expect_madt(32, true);
}

Test(acpi, one_page_holds_a_small_machine)
{
	cr_assert_leq(write_tables(4, 4, false), 0x1000);
	mem_deinit(&mem);
}

Test(acpi, the_biggest_machine_fits)
{
	const uint32_t used = write_tables(32, LAYOUT_VIRTIO_MAX, true);

	cr_assert_leq(used, ACPI_MAX);
	for (gpa_t gpa = LAYOUT_ACPI + used; gpa < 0x100000; gpa++)
		cr_assert_eq(*(uint8_t *)mem_at(&mem, gpa, 1), 0);
	mem_deinit(&mem);
}

/* ---- AML ------------------------------------------------------------------
 */

Test(acpi, package_lengths_take_as_many_bytes_as_they_need)
{
	/* body bytes besides the name, encoded length (ACPI 20.2.4) */
	static const struct {
		unsigned body;
		uint8_t want[3];
		unsigned bytes;
	} row[] = {
		{ 0, { 5 }, 1 },
		{ 58, { 0x3f }, 1 },
		{ 59, { 0x41, 0x04 }, 2 },
		{ 4089, { 0x4f, 0xff }, 2 },
		{ 4090, { 0x81, 0x00, 0x01 }, 3 },
	};
	static uint8_t buf[8192];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct aml a = { buf, 0, sizeof(buf) };
		uint32_t scope = aml_scope(&a, "NAME");

		for (unsigned n = 0; n < row[i].body; n++)
			aml_int(&a, 1);
		aml_close(&a, scope);
		cr_assert_eq(a.len, 1 + row[i].bytes + 4 + row[i].body);
		cr_assert_arr_eq(buf + 1, row[i].want, row[i].bytes,
				 "row %zu: %02x %02x", i, buf[1], buf[2]);
		cr_assert_arr_eq(buf + 1 + row[i].bytes, "NAME", 4);
	}
}

Test(acpi, aml_never_writes_behind_its_buffer)
{
	for (uint32_t max = 0; max < 64; max++) {
		uint8_t buf[128];
		struct aml a = { buf, 0, max };
		uint32_t device;

		memset(buf, 0xaa, sizeof(buf));
		device = aml_device(&a, "DEV0");
		aml_name(&a, "_HID");
		aml_eisaid(&a, "PNP0501");
		aml_name(&a, "_STR");
		aml_string(&a, "something that is longer than the buffer");
		aml_close(&a, device);
		cr_assert_gt(a.len, max);
		for (uint32_t i = max; i < sizeof(buf); i++)
			cr_assert_eq(buf[i], 0xaa, "max %u byte %u", max, i);
	}
}

/* ---- iasl
 * -------------------------------------------------------------------- */

static void dump(const char *dir, const char *name, const uint8_t *bytes)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.dat", dir, name);
	f = fopen(path, "wb");
	cr_assert_neq(f, NULL);
	cr_assert_eq(fwrite(bytes, 1, le(bytes + 4, 4), f), le(bytes + 4, 4));
	cr_assert_eq(fclose(f), 0);
}

/* Disassembles, recompiles and compares what lies behind the header. */
static const char script[] =
	"cd \"$1\" || exit 9; "
	"for t in xsdt facp apic dsdt; do "
	"  iasl -d $t.dat >$t.log 2>&1 || { cat $t.log; exit 1; }; "
	"  grep -iE 'warning|error|invalid|exception' $t.log && exit 2; "
	"  iasl -oa -p new-$t $t.dsl >$t.log 2>&1 || { cat $t.log; exit 3; }; "
	"  grep -q ' 0 Errors, 0 Warnings, 0 Remarks' $t.log || "
	"    { cat $t.log; exit 4; }; "
	"  new=new-$t.aml; [ -e $new ] || new=$t.aml; "
	"  tail -c +37 $t.dat >old.body; tail -c +37 $new >new.body; "
	"  cmp old.body new.body || { echo $t; exit 5; }; "
	"done";

static int run_script(const char *text, char *dir)
{
	char sh[] = "/bin/sh", opt[] = "-c", name[] = "sh", copy[2048];
	char *argv[] = { sh, opt, copy, name, dir, NULL };
	int status;
	pid_t pid;

	snprintf(copy, sizeof(copy), "%s", text);
	pid = fork();
	if (!pid) {
		execv(sh, argv);
		_exit(127);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(acpi, iasl_disassembles_and_recompiles_to_the_same_bytes)
{
	static const unsigned machine[][2] = { { 1, 0 },
					       { 2, 4 },
					       { 32, LAYOUT_VIRTIO_MAX } };
	char dir[] = "/tmp/mote-acpi-XXXXXX", none[] = "";

	if (run_script("command -v iasl >/dev/null", none))
		cr_skip_test("iasl is not installed (acpica-tools)");
	cr_assert_neq(mkdtemp(dir), NULL);
	for (size_t i = 0; i < sizeof(machine) / sizeof(machine[0]); i++) {
		const uint8_t *rsdp;
		int r;

		write_tables(machine[i][0], machine[i][1], i);
		rsdp = mem_at(&mem, LAYOUT_ACPI, 36);
		dump(dir, "xsdt", table(le(rsdp + 24, 8), "XSDT"));
		dump(dir, "facp", listed(0, "FACP"));
		dump(dir, "apic", listed(1, "APIC"));
		dump(dir, "dsdt", dsdt());
		mem_deinit(&mem);
		r = run_script(script, dir);
		cr_expect_eq(r, 0, "machine %zu: step %d, see above", i, r);
	}
	run_script("rm -r \"$1\"", dir);
}
