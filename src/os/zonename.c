#include "os/zonename.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZONES "/usr/share/zoneinfo/"
#define ZONENAME_PATH_MAX 512u

bool zonename_known(const char *name)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+/";
	char path[sizeof ZONES + ZONENAME_MAX];
	struct stat st;
	size_t n = strlen(name);
	if (n == 0 || n >= ZONENAME_MAX || name[strspn(name, plain)] || name[0] == '/')
		return false;
	/* Files that are no zone's name, though they hold one. */
	if (strcmp(name, "localtime") == 0 || strcmp(name, "posixrules") == 0)
		return false;
	snprintf(path, sizeof path, ZONES "%s", name);
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* ":Asia/Seoul", "/usr/share/zoneinfo/Asia/Seoul", "../usr/share/zoneinfo/posix/Asia/Seoul": the name in it. */
static bool take(char ret[ZONENAME_MAX], const char *text)
{
	static const char dir[] = "zoneinfo/";
	const char *in = strstr(text, dir);
	text += text[0] == ':';
	if (in)
		text = in + sizeof dir - 1;
	if (strncmp(text, "posix/", 6) == 0 || strncmp(text, "right/", 6) == 0)
		text += 6;
	if (!zonename_known(text))
		return false;
	memcpy(ret, text, strlen(text) + 1);
	return true;
}

bool zonename_local(char ret[ZONENAME_MAX], const char *tz, const char *etc)
{
	char path[ZONENAME_PATH_MAX], text[ZONENAME_PATH_MAX];
	if (tz && take(ret, tz))
		return true;
	if (snprintf(path, sizeof path, "%s/localtime", etc) < (int)sizeof path) {
		ssize_t n = readlink(path, text, sizeof text - 1);
		if (n > 0) {
			text[n] = 0;
			if (take(ret, text))
				return true;
		}
	}
	if (snprintf(path, sizeof path, "%s/timezone", etc) >= (int)sizeof path)
		return false;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = 0;
	text[strcspn(text, " \t\r\n")] = 0;
	return take(ret, text);
}
