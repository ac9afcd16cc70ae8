#include "os/terminal.h"

#include <errno.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define CTRL_C 3

bool terminal_is(int fd) { return isatty(fd) == 1; }

static int read_line(int fd, uint8_t *out, size_t max, size_t *ret_n)
{
	size_t n = 0;
	for (;;) {
		uint8_t c;
		ssize_t got = read(fd, &c, 1); /* one at a time: what follows the line is somebody else's */
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return MO_EIO;
		if ((got == 0 && n == 0) || (got == 1 && c == CTRL_C))
			return MO_ECANCELED;
		if (got == 0 || c == '\n')
			break;
		if (n == max)
			return MO_ELIMIT;
		out[n++] = c;
	}
	if (n && out[n - 1] == '\r')
		n--;
	*ret_n = n;
	return 0;
}

int terminal_read_secret(int fd, int ask_fd, const char *question, uint8_t *out, size_t max, size_t *ret_n)
{
	struct termios was, quiet;
	if (tcgetattr(fd, &was) != 0)
		return read_line(fd, out, max, ret_n); /* no terminal */
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ISIG);
	quiet.c_lflag |= ICANON;
	quiet.c_cc[VEOL] = CTRL_C;
	/* FLUSH: what was typed before the question is no answer to it. */
	if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0)
		return MO_EIO;
	/* A question that cannot be shown is not asked. */
	int err = write(ask_fd, question, strlen(question)) < 0 ? MO_EIO : read_line(fd, out, max, ret_n);
	if (write(ask_fd, "\n", 1) < 0 && err == 0)
		err = MO_EIO;
	if (tcsetattr(fd, TCSAFLUSH, &was) != 0 && err == 0)
		err = MO_EIO;
	return err;
}
