#include "b2bua/call/kept_text.h"

#include "lib/sdp/sdp_audio.h"

#include <errno.h>
#include <string.h>

enum { ROOM_MIN = 64 };

static int make_room(struct kept_text *k, struct arena *arena, size_t bytes)
{
	size_t room = bytes > k->room + k->room / 2 ? bytes : k->room + k->room / 2;
	char *at;

	if (bytes <= k->room)
		return 0;
	if (room < ROOM_MIN)
		room = ROOM_MIN;
	at = arena_alloc(arena, room);
	if (!at)
		return -ENOMEM;
	kept_text_wipe(k);
	*k = (struct kept_text){at, room};
	return 0;
}

int kept_text_set(struct kept_text *k, struct arena *arena, const char *text, size_t length)
{
	length = text ? strnlen(text, length) : 0;
	if (make_room(k, arena, length + 1) < 0)
		return -ENOMEM;
	if (text && length)
		memcpy(k->at, text, length);
	k->at[length] = '\0';
	return 0;
}

const char *kept_text(const struct kept_text *k)
{
	return k->at ? k->at : "";
}

void kept_text_wipe(struct kept_text *k)
{
	if (k->at)
		sdp_wipe(k->at, k->room);
}
