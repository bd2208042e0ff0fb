/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lwIP for the kit: one thread and no interrupts, so no locks; the heap is the
 * kit's, so nothing is limited in number; IPv4, TCP, UDP, ICMP, DHCP, DNS.
 */
#ifndef MOTE_GUEST_LWIP_OPTS_H
#define MOTE_GUEST_LWIP_OPTS_H

#define NO_SYS		     1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET	     0
#define LWIP_NETCONN	     0
#define LWIP_STATS	     0

#define MEM_LIBC_MALLOC		 1
#define MEMP_MEM_MALLOC		 1
#define MEM_ALIGNMENT		 16
#define LWIP_SUPPORT_CUSTOM_PBUF 1

#define LWIP_IPV6		   0
#define LWIP_RAW		   0
#define LWIP_DHCP		   1
#define LWIP_DNS		   1
#define LWIP_NETIF_STATUS_CALLBACK 1

/* By the card's offloads, and by what it says of each frame: stack.c. */
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define LWIP_CHKSUM_ALGORITHM	     3

#define TCP_MSS		   1460
#define LWIP_WND_SCALE	   1
#define TCP_RCV_SCALE	   2
#define TCP_WND		   (0xffff << TCP_RCV_SCALE)
#define TCP_SND_BUF	   (256 * 1024)
#define TCP_SND_QUEUELEN   (4 * TCP_SND_BUF / TCP_MSS)
#define TCP_LISTEN_BACKLOG 1
/* TIME_WAIT is twice that; a list is walked for each new connection. */
#define TCP_MSL 2000
/* They count pools, which there are none of. */
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1

#endif
