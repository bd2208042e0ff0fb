// SPDX-License-Identifier: Apache-2.0
/* lwIP between the program and the card. */
#include "guest/lwip/stack.h"

#include "guest/kit.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/prot/ip4.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"

#define MS	   1000000UL
#define PATIENCE   (10 * MS) /* for room in the transmit ring */
#define ETHER	   14U
#define TCP_CSUM   16U /* where the checksum is in the header, RFC 793 */
#define UDP_CSUM   6U  /* RFC 768 */
#define CHECK_DATA (NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP)
#define GEN_DATA   (NETIF_CHECKSUM_GEN_TCP | NETIF_CHECKSUM_GEN_UDP)

/* ---- what lwIP needs ----------------------------------------------------- */

u32_t sys_now(void)
{
	return (u32_t)(time_ns() / MS);
}

uint32_t stack_random(void)
{
	static uint64_t state;

	/* splitmix64, stirred by the time of the call */
	state += __builtin_ia32_rdtsc() | 1;
	state = (state ^ state >> 30) * 0xbf58476d1ce4e5b9UL;
	state = (state ^ state >> 27) * 0x94d049bb133111ebUL;
	return (uint32_t)(state >> 31);
}

/* ---- sending ------------------------------------------------------------- */

static void reap(struct stack *s)
{
	struct pbuf *p;

	while ((p = net_sent(&s->card)))
		pbuf_free(p);
}

static uint32_t sum16(const uint8_t *p, unsigned len)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	return sum;
}

/*
 * The device adds up payload and header; the pseudo header's sum is ours, and
 * goes where the checksum will be (§5.1.6.2).
 */
static void leave_checksum(const struct pbuf *p, struct net_hdr *hdr)
{
	uint8_t *ip = (uint8_t *)p->payload + ETHER;
	unsigned ip_len, offset, len;
	uint32_t sum;

	if (p->len < ETHER + IP_HLEN || ip[-2] != 8 || ip[-1] != 0 ||
	    (ip[6] & 0x3f) || ip[7])
		return; /* not IPv4, or a fragment */
	ip_len = (ip[0] & 15U) * 4;
	offset = ip[9] == IP_PROTO_TCP ? TCP_CSUM : UDP_CSUM;
	if ((ip[9] != IP_PROTO_TCP && ip[9] != IP_PROTO_UDP) ||
	    p->len < ETHER + ip_len + offset + 2)
		return;
	len = ((unsigned)ip[2] << 8 | ip[3]) - ip_len;
	sum = sum16(ip + 12, 8) + ip[9] + len;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip[ip_len + offset] = (uint8_t)(sum >> 8);
	ip[ip_len + offset + 1] = (uint8_t)sum;
	hdr->flags = NET_HDR_NEEDS_CSUM;
	hdr->csum_start = (uint16_t)(ETHER + ip_len);
	hdr->csum_offset = (uint16_t)offset;
}

static bool send_parts(struct stack *s, struct pbuf *p)
{
	struct virtio_part part[NET_PARTS_MAX];
	struct net_hdr hdr = { .flags = 0 };
	unsigned parts = 0;

	for (const struct pbuf *q = p; q; q = q->next)
		if (q->len)
			part[parts++] =
				(struct virtio_part){ q->payload, q->len };
	if (s->card.dev.features & NET_F_CSUM)
		leave_checksum(p, &hdr);
	if (net_send(&s->card, &hdr, part, parts, p))
		return true;
	net_wait_sent(&s->card, time_ns() + PATIENCE);
	reap(s);
	return net_send(&s->card, &hdr, part, parts, p);
}

static err_t link_output(struct netif *netif, struct pbuf *p)
{
	struct stack *s = netif->state;

	reap(s);
	if (pbuf_clen(p) > NET_PARTS_MAX)
		p = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
	else
		pbuf_ref(p); /* the card's, until it is sent */
	if (!p)
		return ERR_MEM;
	if (send_parts(s, p))
		return ERR_OK;
	pbuf_free(p);
	return ERR_IF;
}

/* ---- receiving ----------------------------------------------------------- */

static void give_back(struct pbuf *p)
{
	struct stack_frame *f = (struct stack_frame *)(void *)p;
	struct stack *s = f->stack;

	net_give(&s->card, f->buf);
	f->next = s->free;
	s->free = f;
}

/* The frame as a pbuf; a copy when lwIP has many of the card's buffers (of
 * segments out of order, say), so that it cannot have all of them. */
static struct pbuf *wrap(struct stack *s, const struct net_part *part)
{
	struct stack_frame *f = s->free;
	struct pbuf *p;

	if (s->card.outside > NET_DEPTH / 2 || !f) {
		p = pbuf_alloc(PBUF_RAW, (u16_t)part->len, PBUF_RAM);
		if (p)
			pbuf_take(p, part->data, (u16_t)part->len);
		net_give(&s->card, part->buf);
		return p;
	}
	s->free = f->next;
	f->buf = part->buf;
	f->pbuf.custom_free_function = give_back;
	return pbuf_alloced_custom(PBUF_RAW, (u16_t)part->len, PBUF_REF,
				   &f->pbuf, part->data, (u16_t)part->len);
}

static void input(struct stack *s, const struct net_part *part)
{
	bool valid =
		part->hdr->flags & (NET_HDR_NEEDS_CSUM | NET_HDR_DATA_VALID);
	u16_t checks = s->netif.chksum_flags;
	struct pbuf *p = wrap(s, part);

	if (!p)
		return;
	if (valid)
		s->netif.chksum_flags = checks & (u16_t)~CHECK_DATA;
	if (s->netif.input(p, &s->netif) != ERR_OK)
		pbuf_free(p);
	s->netif.chksum_flags = checks;
}

void stack_poll(struct stack *s)
{
	struct net_part part;

	while (net_take(&s->card, &part))
		input(s, &part);
	sys_check_timeouts();
	reap(s);
	net_kick(&s->card);
}

void stack_wait(struct stack *s, uint64_t deadline_ns)
{
	u32_t ms = sys_timeouts_sleeptime();
	uint64_t next = time_ns() + ms * MS;

	if (ms != SYS_TIMEOUTS_SLEEPTIME_INFINITE && next < deadline_ns)
		deadline_ns = next;
	net_wait(&s->card, deadline_ns);
}

void stack_flush(struct stack *s)
{
	uint64_t end = time_ns() + 100 * PATIENCE;

	do
		reap(s);
	while (s->card.free_hdrs < NET_DEPTH && net_wait_sent(&s->card, end));
}

/* ---- set-up -------------------------------------------------------------- */

static err_t set_up_netif(struct netif *netif)
{
	struct stack *s = netif->state;
	u16_t sums = NETIF_CHECKSUM_ENABLE_ALL;

	netif->name[0] = 'n';
	netif->name[1] = 'i';
	netif->mtu = s->card.mtu;
	netif->hwaddr_len = sizeof(s->card.mac);
	memcpy(netif->hwaddr, s->card.mac, sizeof(s->card.mac));
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP |
		       NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
	netif->output = etharp_output;
	netif->linkoutput = link_output;
	if (s->card.dev.features & NET_F_CSUM)
		sums &= (u16_t)~GEN_DATA;
	NETIF_SET_CHECKSUM_CTRL(netif, sums);
	return ERR_OK;
}

static void make_frames(struct stack *s)
{
	struct stack_frame *f = calloc(NET_DEPTH, sizeof(*f));

	if (!f)
		kit_panic("stack: no memory");
	for (unsigned i = 0; i < NET_DEPTH; i++, f++) {
		f->stack = s;
		f->next = s->free;
		s->free = f;
	}
}

void stack_open(struct stack *s)
{
	if (!net_open(&s->card, s->nic, NET_WANTED))
		kit_panic("no network card: --net tap=NAME, or --net passt");
	make_frames(s);
	lwip_init();
	netif_add(&s->netif, &s->ip, &s->mask, &s->gateway, s, set_up_netif,
		  netif_input);
	netif_set_default(&s->netif);
	netif_set_up(&s->netif);
	if (ip4_addr_isany_val(s->ip) && dhcp_start(&s->netif) != ERR_OK)
		kit_panic("stack: DHCP does not start");
}

bool stack_up(const struct stack *s)
{
	return !ip4_addr_isany(netif_ip4_addr(&s->netif));
}

/* ---- words --------------------------------------------------------------- */

static const char *value_of(const char *word, const char *name)
{
	size_t len = strlen(name);

	return strncmp(word, name, len) || word[len] != '=' ? NULL
							    : word + len + 1;
}

static void parse_address(const char *text, const char *word, ip4_addr_t *ret)
{
	if (!ip4addr_aton(text, ret))
		kit_panic("%s: not an address", word);
}

/* ADDRESS/BITS */
static void parse_own(struct stack *s, const char *text, const char *word)
{
	const char *slash = strchr(text, '/');
	char address[16] = "";
	uint64_t bits;

	if (!slash || slash - text >= (long)sizeof(address))
		kit_panic("%s: not ip=dhcp, nor an address and /BITS", word);
	bits = strtou64(slash + 1, NULL);
	if (!bits || bits > 32)
		kit_panic("%s: 1 to 32 bits", word);
	memcpy(address, text, (size_t)(slash - text));
	parse_address(address, word, &s->ip);
	ip4_addr_set_u32(&s->mask, lwip_htonl(UINT32_MAX << (32 - bits)));
}

bool stack_word(struct stack *s, const char *word)
{
	const char *text;
	ip_addr_t dns;

	if ((text = value_of(word, "ip"))) {
		if (strcmp(text, "dhcp"))
			parse_own(s, text, word);
	} else if ((text = value_of(word, "gateway"))) {
		parse_address(text, word, &s->gateway);
	} else if ((text = value_of(word, "dns"))) {
		parse_address(text, word, &dns);
		dns_setserver(0, &dns);
	} else if ((text = value_of(word, "nic"))) {
		s->nic = (unsigned)strtou64(text, NULL);
	} else {
		return false;
	}
	return true;
}
