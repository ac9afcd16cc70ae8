#include "os/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/priv/oserr.h"

struct notify {
	int fd;
	struct sockaddr_un to;
	socklen_t to_n;
};

int notify_new(struct notify **ret, const char *socket_name)
{
	size_t n = socket_name ? strlen(socket_name) : 0;
	if (n == 0) {
		*ret = NULL;
		return 0;
	}
	if ((socket_name[0] != '/' && socket_name[0] != '@') || n < 2 || n >= sizeof ((struct sockaddr_un *)0)->sun_path)
		return MO_EINVAL;
	struct notify *k = calloc(1, sizeof *k);
	if (!k)
		return MO_ENOMEM;
	k->to.sun_family = AF_UNIX;
	memcpy(k->to.sun_path, socket_name, n);
	if (socket_name[0] == '@')
		k->to.sun_path[0] = 0;
	k->to_n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	k->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (k->fd < 0) {
		int err = os_errno(errno);
		free(k);
		return err;
	}
	*ret = k;
	return 0;
}

void notify_say(struct notify *n, const char *text)
{
	if (n)
		(void)sendto(n->fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&n->to, n->to_n);
}

void notify_free(struct notify *n)
{
	if (!n)
		return;
	(void)close(n->fd);
	free(n);
}
