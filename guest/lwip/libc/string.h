/* SPDX-License-Identifier: Apache-2.0 */
/* What lwIP takes from <string.h> is the kit's. */
#include "guest/kit.h"
