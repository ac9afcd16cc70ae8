/* What `moru check` and POST /api/v1/check have in common. */
#ifndef MO_API_CHECK_H
#define MO_API_CHECK_H

#define CHECK_LISTED_MAX 1000u /* findings told one by one; the rest is counted */

#endif
