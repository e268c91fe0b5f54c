/* lib/base/rd.h
 *
 * Bounded cursor over bytes from outside (network order), and its counterpart for writing. A read past the end sets
 * `failed`, yields zeros from then on, and never moves past the end: check once, at the end of the parse.
 */
#ifndef LIB_BASE_RD_H
#define LIB_BASE_RD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rd {
	const uint8_t *p, *end;
	bool failed;
};

static inline struct rd rd_init(const void *bytes, size_t length)
{
	const uint8_t *p = bytes;
	return (struct rd){p, p + length, false};
}

static inline size_t rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->p);
}

static inline bool rd_ok(const struct rd *r)
{
	return !r->failed;
}

/* The next n bytes in place, or NULL (and failed). */
static inline const uint8_t *rd_bytes(struct rd *r, size_t n)
{
	const uint8_t *at = r->p;
	if (r->failed || rd_left(r) < n) {
		r->failed = true;
		r->p = r->end;
		return NULL;
	}
	r->p += n;
	return at;
}

static inline uint8_t rd_u8(struct rd *r)
{
	const uint8_t *b = rd_bytes(r, 1);
	return b ? b[0] : 0;
}

static inline uint16_t rd_u16(struct rd *r)
{
	const uint8_t *b = rd_bytes(r, 2);
	if (!b)
		return 0;
	return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint32_t rd_u24(struct rd *r)
{
	const uint8_t *b = rd_bytes(r, 3);
	return b ? (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2] : 0;
}

static inline uint32_t rd_u32(struct rd *r)
{
	const uint8_t *b = rd_bytes(r, 4);
	return b ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] : 0;
}

static inline uint64_t rd_u64(struct rd *r)
{
	uint64_t hi = rd_u32(r);
	return hi << 32 | rd_u32(r);
}

static inline void rd_skip(struct rd *r, size_t n)
{
	(void)rd_bytes(r, n);
}

/* Writing: `failed` when the buffer is full; `length` counts what was written. */
struct wr {
	uint8_t *start;
	size_t cap, length;
	bool failed;
};

static inline struct wr wr_init(void *buffer, size_t cap)
{
	return (struct wr){buffer, cap, 0, false};
}

static inline uint8_t *wr_room(struct wr *w, size_t n)
{
	if (w->failed || w->cap - w->length < n) {
		w->failed = true;
		return NULL;
	}
	w->length += n;
	return w->start + w->length - n;
}

static inline void wr_bytes(struct wr *w, const void *bytes, size_t n)
{
	uint8_t *at = wr_room(w, n);
	if (at && n)
		memcpy(at, bytes, n);
}

static inline void wr_u8(struct wr *w, uint8_t v)
{
	uint8_t *at = wr_room(w, 1);
	if (at)
		at[0] = v;
}

static inline void wr_u16(struct wr *w, uint16_t v)
{
	uint8_t *at = wr_room(w, 2);
	if (at) {
		at[0] = (uint8_t)(v >> 8);
		at[1] = (uint8_t)v;
	}
}

static inline void wr_u32(struct wr *w, uint32_t v)
{
	wr_u16(w, (uint16_t)(v >> 16));
	wr_u16(w, (uint16_t)v);
}

static inline void wr_u64(struct wr *w, uint64_t v)
{
	wr_u32(w, (uint32_t)(v >> 32));
	wr_u32(w, (uint32_t)v);
}

#endif
