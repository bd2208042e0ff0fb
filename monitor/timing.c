// SPDX-License-Identifier: Apache-2.0
/* Spans are noted in arrays of their thread's own, and put into words last. */
#include "monitor/timing.h"

#include <linux/kvm.h>
#include <string.h>

#include "monitor/log.h"
#include "monitor/out.h"

#define SPANS_MAX 96

/* How a span counts; the rest of a thread's time is ours. */
enum kind { KERNEL, WAIT };

/* No pointers: nothing to relocate at a start that measures nothing. */
static const struct {
	char name[27];
	uint8_t kind; /* enum kind */
} whats[TIMING_WHATS] = {
	[TIMING_CLOSE] = { "close inherited", KERNEL },
	[TIMING_OPEN_OUT] = { "open the ladder's file", KERNEL },
	[TIMING_OPEN_IMAGE] = { "open image", KERNEL },
	[TIMING_OPEN_KVM] = { "open /dev/kvm", KERNEL },
	[TIMING_SIGNALS] = { "signalfd", KERNEL },
	[TIMING_KEYS] = { "join keyring", KERNEL },
	[TIMING_CAPABILITIES] = { "drop capabilities", KERNEL },
	[TIMING_LANDLOCK] = { "Landlock", KERNEL },
	[TIMING_FILTER] = { "seccomp filter", KERNEL },
	[TIMING_THREAD] = { "start thread", KERNEL },
	[TIMING_RAM] = { "map RAM", KERNEL },
	[TIMING_PREFAULT] = { "prefault RAM", KERNEL },
	[TIMING_MERGE] = { "let KSM merge RAM", KERNEL },
	[TIMING_NUMA] = { "bind memory", KERNEL },
	[TIMING_AFFINITY] = { "bind to CPUs", KERNEL },
	[TIMING_MAP_RUN] = { "map run area", KERNEL },
	[TIMING_SHARE] = { "map image", KERNEL },
	[TIMING_READ] = { "read image", KERNEL },
	[TIMING_RING] = { "io_uring", KERNEL },
	[TIMING_WAKE] = { "eventfd", KERNEL },
	[TIMING_FILES] = { "register files", KERNEL },
	[TIMING_RESTRICT] = { "restrict io_uring", KERNEL },
	[TIMING_FIRST_RUN] = { "KVM_RUN, the first", KERNEL },
	[TIMING_WAIT_CPUID] = { "wait for CPUID", WAIT },
	[TIMING_WAIT_RING] = { "wait for io_uring", WAIT },
	[TIMING_WAIT_CREATED] = { "wait for CREATE_VM", WAIT },
	[TIMING_WAIT_LOCKS] = { "wait for the lock", WAIT },
	[TIMING_SLEEP] = { "io_uring_enter", WAIT },
};

#define REQUEST(name_) (uint16_t) KVM_##name_, #name_

static const struct {
	uint16_t request;
	char name[23];
} requests[] = {
	{ REQUEST(GET_API_VERSION) },
	{ REQUEST(CREATE_VM) },
	{ REQUEST(GET_VCPU_MMAP_SIZE) },
	{ REQUEST(SET_USER_MEMORY_REGION) },
	{ REQUEST(SET_TSS_ADDR) },
	{ REQUEST(SET_TSC_KHZ) },
	/* two calls, one number */
	{ (uint16_t)KVM_ENABLE_CAP, "ENABLE_CAP,GET_TSC_KHZ" },
	{ REQUEST(CREATE_IRQCHIP) },
	{ REQUEST(CREATE_PIT2) },
	{ REQUEST(CREATE_VCPU) },
	{ REQUEST(GET_SUPPORTED_CPUID) },
	{ REQUEST(SET_CPUID2) },
	{ REQUEST(SET_MSRS) },
	{ REQUEST(X86_SET_MSR_FILTER) },
	{ REQUEST(GET_SREGS) },
	{ REQUEST(RUN) },
	{ REQUEST(SIGNAL_MSI) },
	{ REQUEST(SET_GSI_ROUTING) },
	{ REQUEST(IRQ_LINE) },
	{ REQUEST(IOEVENTFD) },
};

static const char stage_names[TIMING_STAGES][5] = { "open", "drop", "load",
						    "lock", "run" };
static const char thread_names[TIMING_THREADS][5] = { "main", "I/O" };
static const char event_names[TIMING_EVENTS][11] = { "first_exit", "first_byte",
						     "stop" };

/* @count calls that began at @begin (the first) and took @spent cycles. */
struct span {
	uint16_t what;
	uint8_t stage;
	uint32_t count;
	uint64_t begin, spent;
};

/* @enter: when each stage began; 0: it was not reached */
struct track {
	enum timing_stage stage;
	uint64_t enter[TIMING_STAGES + 1];
	struct span span[SPANS_MAX];
	unsigned spans, lost;
};

bool timing_on;

static struct {
	int out;
	bool json;
	uint32_t khz;
	uint64_t begin;
	uint64_t event[TIMING_EVENTS];
	struct track track[TIMING_THREADS];
} ladder;

static _Thread_local struct track *mine;

void timing_init(bool json)
{
	ladder.json = json;
	ladder.begin = timing_now();
	timing_on = true;
	timing_enter_always(TIMING_MAIN, TIMING_STAGE_OPEN);
}

void timing_set_out(int fd)
{
	if (timing_on)
		ladder.out = fd;
}

void timing_set_khz(uint32_t khz)
{
	if (timing_on)
		ladder.khz = khz;
}

void timing_enter_always(enum timing_thread thread, enum timing_stage stage)
{
	mine = &ladder.track[thread];
	mine->stage = stage;
	if (!mine->enter[stage])
		mine->enter[stage] = timing_now();
}

void timing_event_always(enum timing_event event)
{
	uint64_t none = 0;

	__atomic_compare_exchange_n(&ladder.event[event], &none, timing_now(),
				    false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* While the guest runs, calls of one kind are added up. */
static struct span *find_span(unsigned what)
{
	struct span *s;

	if (mine->stage == TIMING_STAGE_RUN)
		for (s = mine->span; s < mine->span + mine->spans; s++)
			if (s->what == what && s->stage == TIMING_STAGE_RUN)
				return s;
	if (mine->spans == SPANS_MAX) {
		mine->lost++;
		return NULL;
	}
	s = &mine->span[mine->spans++];
	s->what = (uint16_t)what;
	s->stage = (uint8_t)mine->stage;
	return s;
}

void timing_add_always(unsigned what, uint64_t begin)
{
	uint64_t end = timing_now();
	struct span *s;

	if (!mine)
		return;
	what &= 0xffff;
	if (what == (uint16_t)KVM_RUN && !ladder.event[TIMING_FIRST_EXIT]) {
		ladder.event[TIMING_FIRST_EXIT] = end;
		what = TIMING_FIRST_RUN;
	}
	s = find_span(what);
	if (!s)
		return;
	if (!s->count++)
		s->begin = begin;
	s->spent += end - begin;
}

/* ---- the ladder in words ------------------------------------------------- */

/* Of a duration; two steps, so that days do not overflow. */
static uint64_t ns(uint64_t cycles)
{
	uint64_t khz = ladder.khz;

	return cycles / khz * 1000000 + cycles % khz * 1000000 / khz;
}

/* Of a moment, since the beginning; the other CPU's TSC may lag a little. */
static uint64_t at_ns(uint64_t tsc)
{
	return tsc > ladder.begin ? ns(tsc - ladder.begin) : 0;
}

static const char *name_of(const struct span *s)
{
	if (s->what < TIMING_WHATS)
		return whats[s->what].name;
	for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (requests[i].request == s->what)
			return requests[i].name;
	return "another KVM call";
}

static enum kind kind_of(const struct span *s)
{
	return s->what < TIMING_WHATS ? whats[s->what].kind : KERNEL;
}

/* struct sums - one stage of one thread: whole = kernel + wait + ours */
struct sums {
	uint64_t begin, whole, kernel, wait, ours; /* ns */
};

static struct sums sum_up(const struct track *t, unsigned stage)
{
	struct sums sums = { .begin = at_ns(t->enter[stage]) };
	uint64_t part[2] = { 0, 0 };
	unsigned next = stage + 1;

	while (next < TIMING_STAGES && !t->enter[next])
		next++;
	for (unsigned i = 0; i < t->spans; i++)
		if (t->span[i].stage == stage)
			part[kind_of(&t->span[i])] += ns(t->span[i].spent);
	sums.whole = at_ns(t->enter[next]) - sums.begin;
	sums.kernel = part[KERNEL];
	sums.wait = part[WAIT];
	if (sums.whole > sums.kernel + sums.wait)
		sums.ours = sums.whole - sums.kernel - sums.wait;
	return sums;
}

/* Microseconds with one digit behind the point, right-aligned. */
static void us(struct out *out, uint64_t value)
{
	value = (value + 50) / 100;
	out_printf(out, "%8llu.%llu", (unsigned long long)(value / 10),
		   (unsigned long long)(value % 10));
}

static void text_stage(struct out *out, const struct track *t, unsigned stage)
{
	struct sums s = sum_up(t, stage);

	out_printf(out, "%-4s %-4s                      ",
		   thread_names[t - ladder.track], stage_names[stage]);
	us(out, s.begin);
	us(out, s.whole);
	us(out, s.kernel);
	us(out, s.wait);
	us(out, s.ours);
	out_text(out, "\n");
	for (unsigned i = 0; i < t->spans; i++) {
		const struct span *span = &t->span[i];

		if (span->stage != stage)
			continue;
		out_printf(out, "       %-24s", name_of(span));
		us(out, at_ns(span->begin));
		us(out, ns(span->spent));
		if (span->count > 1)
			out_printf(out, "  %u times", span->count);
		out_text(out, "\n");
	}
}

static void text(struct out *out)
{
	out_printf(out, "mote: cost ladder, us\n%41s%10s%10s%10s%10s\n", "at",
		   "took", "kernel", "waiting", "ours");
	for (unsigned k = 0; k < TIMING_THREADS; k++)
		for (unsigned i = 0; i < TIMING_STAGES; i++)
			if (ladder.track[k].enter[i])
				text_stage(out, &ladder.track[k], i);
	for (unsigned i = 0; i < TIMING_EVENTS; i++) {
		if (!ladder.event[i])
			continue;
		out_printf(out, "%-31s", event_names[i]);
		us(out, at_ns(ladder.event[i]));
		out_text(out, "\n");
	}
}

static void json_stage(struct out *out, const struct track *t, unsigned stage)
{
	struct sums s = sum_up(t, stage);
	const char *comma = "";

	out_printf(out,
		   "{\"thread\":\"%s\",\"stage\":\"%s\",\"begin_ns\":%llu,"
		   "\"ns\":%llu,\"kernel_ns\":%llu,\"wait_ns\":%llu,"
		   "\"ours_ns\":%llu,\"steps\":[",
		   thread_names[t - ladder.track], stage_names[stage],
		   (unsigned long long)s.begin, (unsigned long long)s.whole,
		   (unsigned long long)s.kernel, (unsigned long long)s.wait,
		   (unsigned long long)s.ours);
	for (unsigned i = 0; i < t->spans; i++) {
		const struct span *span = &t->span[i];

		if (span->stage != stage)
			continue;
		out_printf(out,
			   "%s{\"name\":\"%s\",\"kind\":\"%s\",\"begin_ns\":"
			   "%llu,\"ns\":%llu,\"count\":%u}",
			   comma, name_of(span),
			   kind_of(span) == WAIT ? "wait" : "kernel",
			   (unsigned long long)at_ns(span->begin),
			   (unsigned long long)ns(span->spent), span->count);
		comma = ",";
	}
	out_text(out, "]}");
}

/* tsc_*: raw readings, for a starter that read the clock before its exec. */
static void json(struct out *out, uint64_t end)
{
	const char *comma = "";

	out_printf(out, "{\"tsc_khz\":%u,\"tsc_begin\":%llu,\"tsc_end\":%llu",
		   ladder.khz, (unsigned long long)ladder.begin,
		   (unsigned long long)end);
	for (unsigned i = 0; i < TIMING_EVENTS; i++)
		if (ladder.event[i])
			out_printf(out, ",\"%s_ns\":%llu", event_names[i],
				   (unsigned long long)at_ns(ladder.event[i]));
	out_text(out, ",\"stages\":[");
	for (unsigned k = 0; k < TIMING_THREADS; k++) {
		for (unsigned i = 0; i < TIMING_STAGES; i++) {
			if (!ladder.track[k].enter[i])
				continue;
			out_text(out, comma);
			json_stage(out, &ladder.track[k], i);
			comma = ",";
		}
	}
	out_text(out, "]}\n");
}

void timing_print(void)
{
	struct out out = OUT_INIT(ladder.out);
	uint64_t end;

	if (!timing_on || !ladder.khz)
		return;
	timing_on = false;
	end = timing_now();
	for (unsigned k = 0; k < TIMING_THREADS; k++)
		ladder.track[k].enter[TIMING_STAGES] = end;
	if (ladder.json)
		json(&out, end);
	else
		text(&out);
	if (out_flush(&out))
		log_warn("timing", "what each step took is not told: %s",
			 strerror(-out.error));
}
