#include "base/err.h"

#include <stddef.h>

static const char *const names[] = {
	[-MO_OK] = "ok",
	[-MO_ENOMEM] = "enomem",
	[-MO_EIO] = "io",
	[-MO_ECORRUPT] = "corrupt",
	[-MO_EINVAL] = "invalid",
	[-MO_ENOENT] = "noent",
	[-MO_EEXIST] = "exists",
	[-MO_ELIMIT] = "limit",
	[-MO_EFULL] = "full",
	[-MO_EAGAIN] = "again",
	[-MO_ETIMEOUT] = "timeout",
	[-MO_ECANCELED] = "canceled",
	[-MO_EBUSY] = "busy",
	[-MO_ESTATE] = "state",
	[-MO_EVERSION] = "version",
	[-MO_EDENIED] = "denied",
	[-MO_EPROTO] = "proto",
	[-MO_EBUG] = "bug",
};

const char *mo_err_name(int err)
{
	if (err > 0 || err < MO_EBUG)
		return "?";
	return names[(size_t)-err];
}
