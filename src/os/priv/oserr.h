/* errno to the tree's error codes, in one place for the whole room. */
#ifndef MO_OS_PRIV_OSERR_H
#define MO_OS_PRIV_OSERR_H

#include "base/diag.h"

/* ENOSPC, EDQUOT -> MO_EFULL; ENOENT, ENOTDIR -> MO_ENOENT; EEXIST -> MO_EEXIST; EACCES, EPERM, EROFS -> MO_EDENIED;
 * ENOMEM -> MO_ENOMEM; EMFILE, ENFILE, EFBIG -> MO_ELIMIT; EINVAL, EISDIR, ENAMETOOLONG, ELOOP -> MO_EINVAL;
 * EBADF, ENOTEMPTY -> MO_ESTATE; EBUSY, ETXTBSY -> MO_EBUSY; all else -> MO_EIO. Never 0. */
int os_errno(int errno_value);
/* The same with the diag filled (MSG_OS_ERROR); gives the code back. */
int os_errno_diag(struct diag *d, int errno_value, const char *operation, const char *file);
/* An errno that os_errno() turns into this code, for layers that have no errno. */
int os_errno_for(int err);

#endif
