/* A body that is taken in pieces and handed to a worker, 256 KiB at a time: what comes meanwhile is gathered, and past 1 MiB the sender waits.
 * The route's stream is {its own begin, upload_piece, upload_end, upload_drop}. */
#ifndef MO_API_PRIV_UPLOAD_H
#define MO_API_PRIV_UPLOAD_H

#include "api/priv/api.h"

#define UPLOAD_PIECE (256u << 10)
#define UPLOAD_WAITING (1u << 20)

/* What becomes of the bytes; begin, piece and end on a worker, one after another, with diag in c->d. After an error only drop follows. */
struct upload_to {
	int (*begin)(struct api_call *c, struct span said, void **ret);
	int (*piece)(struct api_call *c, void *to, struct span bytes);
	/* Writes the answer; c->reader is there. Status 201 and the location are its own to set (c->location in the arena). */
	int (*end)(struct api_call *c, void **to);
	void (*drop)(void *to); /* whatever end left; NULL is fine; any thread */
};
/* said: what begin needs of the head, which may be gone when the worker comes to it; copied. */
MO_MUST_USE int upload_begin(struct api_call *c, const struct upload_to *to, struct span said);
int upload_piece(struct api_call *c, struct span bytes);
int upload_end(struct api_call *c);
void upload_drop(struct api_call *c);

#endif
