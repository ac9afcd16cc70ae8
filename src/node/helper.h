/* The node's side of moru-helper (helper/wire.h): started when first needed,
 * with a memory limit, stopped when nobody needs it, replaced when it dies.
 * Its death, silence or running out of memory is an error of the one call that
 * met it; the next call starts another.
 *
 * Calls block: make them on a worker, never on the loop. Thread-safe, one call
 * at a time. The helper ends with the thread that started it: call from
 * threads that live as long as the node. */
#ifndef MO_NODE_HELPER_H
#define MO_NODE_HELPER_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/span.h"

#define HELPER_MEMORY_BYTES (UINT64_C(256) << 20)
#define HELPER_IDLE_NS (30 * INT64_C(1000000000)) /* without a call: stopped */

struct helper;
/* path: the executable; NULL: moru-helper beside the running one. Nothing is started. MO_ENOMEM, MO_EIO (own folder not known). */
MO_MUST_USE int helper_new(struct helper **ret, const char *path);
/* Ends the process. No call may be running. */
void helper_free(struct helper *h);

/* Errors of the calls: MO_EIO it could not be started or died, MO_ETIMEOUT it did not answer (it is ended then), MO_EPROTO it answered
 * something else (ended too), MO_ENOMEM, MO_ELIMIT (longer than allowed), MO_EINVAL (text is not a hash). timeout_ns is the whole call's,
 * monotonic, and includes waiting for another call to end. */
/* Appends the password's hash as text (helper/password.h). */
MO_MUST_USE int helper_hash(struct helper *h, struct buf *ret_text, struct span password, int64_t timeout_ns, struct diag *d);
MO_MUST_USE int helper_verify(struct helper *h, bool *ret, struct span text, struct span password, int64_t timeout_ns, struct diag *d);

/* Stops it after HELPER_IDLE_NS without a call. Never blocks (does nothing while a call runs): for a timer on the loop, every few
 * seconds. */
void helper_tick(struct helper *h, int64_t mono_ns);
/* Its process, for status and tests; 0: none runs. Any thread, never blocks. */
pid_t helper_pid(const struct helper *h);

#endif
