/* The PC's time zone by its IANA name, as POSIX systems keep it: TZ, /etc/localtime (a link into the zone files), /etc/timezone (Debian). */
#ifndef MO_OS_ZONENAME_H
#define MO_OS_ZONENAME_H

#include <stdbool.h>

#define ZONENAME_MAX 64u /* bytes with the NUL */

/* Whether the system has a zone file of that name. */
bool zonename_known(const char *name);
/* The first of them that names a zone the system has; false: none does (ret untouched). tz: the variable's value or NULL, where POSIX's own
 * form ("KST-9") names no zone; etc: "/etc". */
bool zonename_local(char ret[ZONENAME_MAX], const char *tz, const char *etc);

#endif
