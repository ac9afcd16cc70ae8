#include "os/priv/oserr.h"

#include <errno.h>

int os_errno(int e)
{
	switch (e) {
	case ENOSPC:
	case EDQUOT:
		return MO_EFULL;
	case ENOENT:
	case ENOTDIR:
		return MO_ENOENT;
	case EEXIST:
		return MO_EEXIST;
	case EACCES:
	case EPERM:
	case EROFS:
		return MO_EDENIED;
	case ENOMEM:
		return MO_ENOMEM;
	case EMFILE:
	case ENFILE:
	case EFBIG:
		return MO_ELIMIT;
	case EINVAL:
	case EXDEV: /* to be copied instead, like where EOPNOTSUPP says that a server knows no renaming */
	case EOPNOTSUPP:
	case EISDIR:
	case ENAMETOOLONG:
	case ELOOP:
		return MO_EINVAL;
	case EBADF:
	case ENOTEMPTY:
		return MO_ESTATE;
	case EBUSY:
	case ETXTBSY:
		return MO_EBUSY;
	default:
		return MO_EIO;
	}
}

int os_errno_for(int err)
{
	switch (err) {
	case MO_EFULL:
		return ENOSPC;
	case MO_ENOENT:
		return ENOENT;
	case MO_EEXIST:
		return EEXIST;
	case MO_EDENIED:
		return EACCES;
	case MO_ENOMEM:
		return ENOMEM;
	case MO_ELIMIT:
		return EFBIG;
	case MO_EINVAL:
		return EINVAL;
	case MO_ESTATE:
		return EBADF;
	case MO_EBUSY:
		return EBUSY;
	default:
		return EIO;
	}
}

int os_errno_diag(struct diag *d, int e, const char *operation, const char *file)
{
	int err = os_errno(e);
	/* base names fewer codes than we do: its words, our code. */
	(void)diag_errno(d, e, operation, file);
	if (d)
		d->err = err;
	return err;
}
