/* The helper's side of the stream (helper/wire.h): mode "serve". */
#ifndef MO_HELPER_SERVE_H
#define MO_HELPER_SERVE_H

#include "base/buf.h"
#include "base/span.h"

/* Appends the answer's whole frame to one request (op and payload, without its length) to out; out->err when there is no memory. */
void serve_answer(struct buf *out, struct span request);
/* Answers requests until the stream ends. The program's exit status: 0; 1 the stream broke or no memory; 2 wrong framing. */
int serve_run(int fd_in, int fd_out);

#endif
