/* A sink's document: whatever it holds, it is read or refused in words; what was read is written and read again the same; a token's file is none of
 * what a person may name. */
#include <stdlib.h>
#include <string.h>

#include "node/sinks.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct sink_config *c = calloc(1, sizeof *c), *again = calloc(1, sizeof *again);
	struct diag d = {0};
	struct buf out;
	buf_init(&out, 0);
	if (!c || !again)
		abort();
	for (int given = 0; given < 2; given++) {
		memset(c, 0, sizeof *c);
		int err = sink_read(c, span_of(p, n), given, &d);
		if (err != 0) {
			if (d.msg == MSG_NONE)
				abort();
			diag_clear(&d);
			continue;
		}
		if ((given && c->token_file[0]) || !c->what || (c->what & ~PUBLISHER_TOPICS) || !sink_origin(c->url).n || !sink_same_origin(c->url, c->url))
			abort();
		buf_reset(&out);
		sink_write(&out, c, false);
		memset(again, 0, sizeof *again);
		if (out.err || sink_read(again, buf_span(&out), false, &d) != 0)
			abort();
		if (strcmp(c->url, again->url) != 0 || strcmp(c->ca, again->ca) != 0 || c->what != again->what || c->rate != again->rate || c->plain != again->plain ||
			c->enabled != again->enabled || strcmp(c->token_file, again->token_file) != 0)
			abort();
	}
	(void)!sink_name_check(span_of(p, n), NULL);
	(void)!sink_token_check(span_of(p, n), NULL);
	buf_free(&out);
	free(c);
	free(again);
	return 0;
}
