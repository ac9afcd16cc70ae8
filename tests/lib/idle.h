/* What an HTTP handler does where a test does not care: bodies are taken and dropped. */
#ifndef MO_TESTS_IDLE_H
#define MO_TESTS_IDLE_H

#include "http/server.h"

static inline void idle_head(void *arg, struct http_x *x)
{
	(void)arg;
	http_want_body(x, 1 << 20);
}

static inline int idle_body(void *arg, struct http_x *x, struct span piece)
{
	(void)arg, (void)x, (void)piece;
	return 0;
}

static inline void idle_done(void *arg, struct http_x *x, bool aborted) { (void)arg, (void)x, (void)aborted; }

static inline void idle_drained(void *arg, struct http_x *x) { (void)arg, (void)x; }

#endif
