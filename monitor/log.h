/* SPDX-License-Identifier: Apache-2.0 */
/* The log: lines on stderr, each by one out_raw(). */
#ifndef MOTE_MONITOR_LOG_H
#define MOTE_MONITOR_LOG_H

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/** log_set_level() - lines above @level are dropped; LOG_WARN at start */
void log_set_level(enum log_level level);

/** log_set_name() - of the VM, borrowed for good, for all lines; or NULL */
void log_set_name(const char *vm);

/** log_enabled() - to skip the work of preparing a line nobody sees */
int log_enabled(enum log_level level);

/**
 * log_line() - write "mote: [name: ]component: message\n" to stderr
 * Context: any thread; never allocates; may block as stderr does, so what a
 * guest can trigger goes through log_guest().
 */
void log_line(enum log_level level, const char *component, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * struct log_limit - one guest-triggerable message
 * @count: times it happened; only the first LOG_GUEST_MAX are printed
 *
 * Static storage at the place of the call, zero-initialised.
 */
struct log_limit {
	unsigned count;
};
#define LOG_GUEST_MAX 4

/** log_limit_pass() - count one, say whether it may be printed (any thread) */
int log_limit_pass(struct log_limit *limit);

#define log_err(...)  log_line(LOG_ERR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                                         \
	do {                                                                   \
		if (log_enabled(LOG_DEBUG))                                    \
			log_line(LOG_DEBUG, __VA_ARGS__);                      \
	} while (0)

/* For what a guest can trigger as often as it likes: counted, first few
 * printed. */
#define log_guest(level, ...)                                                  \
	do {                                                                   \
		static struct log_limit limit_;                                \
		if (log_enabled(level) && log_limit_pass(&limit_))             \
			log_line(level, __VA_ARGS__);                          \
	} while (0)

#endif
