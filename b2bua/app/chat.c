/* b2bua/app/chat.c
 *
 * What a user last wrote, for the agent who is going to speak with him. In memory only, off unless configured, a few
 * texts for a bounded number of users, forgotten after messages.context_minutes.
 */
#define HASH_NONFATAL_OOM 1
#include "b2bua/app/dial.h"

#include "lib/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHATS_MAX = 10000, CHAT_TEXTS_MAX = 20, CHAT_TEXT_BYTES = 160 };

struct chat {
	char key[USER_KEY_MAX];
	uint64_t last_ms;
	unsigned count; /* of texts ever; the newest is at (count - 1) % kept */
	char texts[CHAT_TEXTS_MAX][CHAT_TEXT_BYTES];
	UT_hash_handle hh; /* in order of arrival of the last text: the oldest is first */
};

struct chats {
	struct chat *by_key;
};

static void drop(struct chats *chats, struct chat *chat)
{
	HASH_DEL(chats->by_key, chat);
	free(chat);
}

/* Cut at a character, without what cannot stand in a header. */
static void keep_text(char dst[CHAT_TEXT_BYTES], const char *text)
{
	size_t n = 0, length = strlen(text);

	for (size_t i = 0; i < length;) {
		size_t bytes = str_utf8_char(text + i, length - i);
		if (!bytes) {
			i++;
			continue;
		}
		if (n + bytes >= CHAT_TEXT_BYTES)
			break;
		if (bytes == 1 && ((unsigned char)text[i] < ' ' || text[i] == 0x7f || text[i] == '|'))
			dst[n++] = ' ';
		else
			memcpy(dst + n, text + i, bytes), n += bytes;
		i += bytes;
	}
	dst[n] = '\0';
}

void chat_add(struct app *app, const char *number_id, const char *user, const char *text)
{
	unsigned kept = app->config->messages.context_texts;
	char key[USER_KEY_MAX];
	struct chat *chat;

	if (!kept || !*text)
		return;
	if (!app->chats)
		app->chats = calloc(1, sizeof(*app->chats));
	if (!app->chats)
		return;
	user_key(key, number_id, user);
	HASH_FIND_STR(app->chats->by_key, key, chat);
	if (chat) {
		HASH_DEL(app->chats->by_key, chat); /* to the end of the order */
	} else {
		if (HASH_COUNT(app->chats->by_key) >= CHATS_MAX)
			drop(app->chats, app->chats->by_key);
		chat = calloc(1, sizeof(*chat));
		if (!chat)
			return;
		str_copy(chat->key, sizeof(chat->key), key);
	}
	chat->last_ms = loop_wall_ms(app->loop);
	keep_text(chat->texts[chat->count++ % kept], text);
	HASH_ADD_STR(app->chats->by_key, key, chat);
	if (!chat->hh.tbl)
		free(chat);
}

void chat_forget(struct app *app, const char *number_id)
{
	size_t length = strlen(number_id);
	struct chat *chat, *next;

	if (!app->chats)
		return;
	HASH_ITER (hh, app->chats->by_key, chat, next) {
		if (strncmp(chat->key, number_id, length) == 0 && chat->key[length] == '/')
			drop(app->chats, chat);
	}
}

static const char separator[] = " | ";

/* The first of the texts kept that fit, whole, in cap bytes together with all newer ones. */
static unsigned first_that_fits(const struct chat *chat, unsigned kept, size_t cap)
{
	unsigned first = chat->count, oldest = chat->count > kept ? chat->count - kept : 0;
	size_t length = 0;

	while (first > oldest) {
		length += strlen(chat->texts[(first - 1) % kept]) + (length ? strlen(separator) : 0);
		if (length >= cap)
			break;
		first--;
	}
	return first;
}

const char *chat_context(struct app *app, const char *number_id, const char *user, char *dst, size_t cap)
{
	unsigned kept = app->config->messages.context_texts;
	char key[USER_KEY_MAX];
	struct chat *chat = NULL;
	struct strbuf sb;

	strbuf_init(&sb, dst, cap);
	user_key(key, number_id, user);
	if (app->chats)
		HASH_FIND_STR(app->chats->by_key, key, chat);
	if (!chat)
		return dst;
	for (unsigned i = first_that_fits(chat, kept, cap); i < chat->count; i++)
		strbuf_printf(&sb, "%s%s", *dst ? separator : "", chat->texts[i % kept]);
	return dst;
}

void chat_minute(struct app *app)
{
	uint64_t keep_ms = app->config->messages.context_minutes * 60000ull;
	uint64_t now_ms = loop_wall_ms(app->loop);

	while (app->chats && app->chats->by_key && app->chats->by_key->last_ms + keep_ms <= now_ms)
		drop(app->chats, app->chats->by_key);
}

void chat_stop(struct app *app)
{
	while (app->chats && app->chats->by_key)
		drop(app->chats, app->chats->by_key);
	free(app->chats);
	app->chats = NULL;
}
