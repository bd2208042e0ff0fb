/* SPDX-License-Identifier: Apache-2.0 */
/* The version `mote version` prints; a release is a commit that changes it. */
#ifndef MOTE_MONITOR_VERSION_H
#define MOTE_MONITOR_VERSION_H

#define VERSION "0.1.0"

#endif
