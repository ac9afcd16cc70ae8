/* Says to the service manager how it stands with us: one datagram to the socket
 * that it names in NOTIFY_SOCKET (sd_notify(3), "Standalone Implementations");
 * no library is needed. */
#ifndef MO_OS_NOTIFY_H
#define MO_OS_NOTIFY_H

#include "base/err.h"

struct notify;
/* socket: a path, or a name of the abstract space with '@' before it. NULL or "": nobody wants to know, *ret is NULL. MO_EINVAL: neither;
 * MO_ELIMIT, MO_ENOMEM, MO_EIO. */
MO_MUST_USE int notify_new(struct notify **ret, const char *socket);
/* "READY=1" and its like, several with line ends between. Any thread; never waits; what cannot be sent is not. NULL is fine. */
void notify_say(struct notify *n, const char *text);
void notify_free(struct notify *n);

#endif
