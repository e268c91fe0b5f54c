/* tests/unit/b2bua/call/test_stories.c
 *
 * Calls told as tables: when, what happened, what is to be done about it.
 */
#include "tests/unit/b2bua/call/story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum {
	USUAL,
	NO_PRE_ACCEPT,
	NO_WAIT,
	ROUTE_CLOSED,
	ROUTE_UNKNOWN_CAUSE,
	NO_RULE,
	UNKNOWN_GATEWAY,
	NO_DIALPLAN,
	BAD_SDP,
	ASKS,
};

#define OPENED                                                                                                         \
	{0, "offer", "set:window media_open"},                                                                         \
	{                                                                                                              \
		0, "media:opened", "media_set_wa sip_invite graph:pre_accept set:ring"                                 \
	}
#define PRE_ACCEPTED                                                                                                   \
	OPENED,                                                                                                        \
	{                                                                                                              \
		150, "pre_accept:ok", ""                                                                               \
	}
#define ACCEPT "graph:accept cancel:window set:media"
#define CONNECTED                                                                                                      \
	PRE_ACCEPTED, {400, "media:up", ""}, {900, "sip:180", ""},                                                     \
		{5000, "sip:200", "cancel:ring media_set_sip " ACCEPT},                                                \
	{                                                                                                              \
		5080, "accept:ok", "cancel:media set:limit media_start_wa"                                             \
	}
#define RELEASE "cancel:close record release"

static const struct story stories[] = {
	{"the user hangs up", USUAL,
		{CONNECTED, {65000, "wa:end_answered", "cancel:limit sip_bye:normal media_close set:close"},
			{65002, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"the SIP side hangs up", USUAL,
		{CONNECTED, {65000, "sip:bye", "cancel:limit graph:terminate media_close set:close"},
			{65001, "media:closed", ""}, {65100, "terminate:ok", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"Graph answers before media has closed", USUAL,
		{CONNECTED, {65000, "sip:bye", "cancel:limit graph:terminate media_close set:close"},
			{65001, "terminate:ok", ""}, {65100, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"both hang up, SIP first", USUAL,
		{CONNECTED, {65000, "sip:bye", "cancel:limit graph:terminate media_close set:close"},
			{65000, "wa:end_answered", ""}, {65001, "media:closed", ""},
			{65100, "terminate:over", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"both hang up, user first", USUAL,
		{CONNECTED, {65000, "wa:end_answered", "cancel:limit sip_bye:normal media_close set:close"},
			{65000, "sip:bye", ""}, {65001, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"media never reports its end", USUAL,
		{CONNECTED, {65000, "wa:end", "cancel:limit sip_bye:normal media_close set:close"},
			{75000, "timer:close", "record release"}},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"Graph never answers terminate", USUAL,
		{CONNECTED, {65000, "sip:bye", "cancel:limit graph:terminate media_close set:close"},
			{65001, "media:closed", ""}, {75000, "timer:close", "record release"}},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},

	{"the user gives up while it rings", USUAL,
		{OPENED, {900, "sip:180", ""},
			{4000, "wa:end", "cancel:window cancel:ring sip_cancel:cancelled media_close set:close"},
			{4001, "media:closed", RELEASE}},
		CAUSE_CANCELLED, ENDED_BY_USER, CALL_END_CANCELLED},
	{"the user gives up, and the SIP answer crosses", USUAL,
		{OPENED, {4000, "wa:end", "cancel:window cancel:ring sip_cancel:cancelled media_close set:close"},
			{4000, "sip:200", ""}, {4001, "media:closed", RELEASE}},
		CAUSE_CANCELLED, ENDED_BY_USER, CALL_END_CANCELLED},
	{"the user gives up before media is there", USUAL,
		{{0, "offer", "set:window media_open"}, {0, "wa:end", "cancel:window media_close set:close"},
			{1, "media:closed", RELEASE}},
		CAUSE_CANCELLED, ENDED_BY_USER, CALL_END_CANCELLED},
	{"terminate overtakes the offer", USUAL, {{0, "wa:end", "record release"}, {5, "offer", ""}}, CAUSE_CANCELLED,
		ENDED_BY_USER, CALL_END_CANCELLED},
	{"pre_accept finds the call over", USUAL,
		{OPENED,
			{150, "pre_accept:over",
				"cancel:window cancel:ring sip_cancel:cancelled media_close set:close"},
			{151, "media:closed", RELEASE}},
		CAUSE_CANCELLED, ENDED_BY_USER, CALL_END_CANCELLED},
	{"accept finds the call over", USUAL,
		{OPENED, {400, "media:up", ""}, {5000, "sip:200", "cancel:ring media_set_sip " ACCEPT},
			{5080, "accept:over", "cancel:media sip_bye:cancelled media_close set:close"},
			{5081, "media:closed", RELEASE}},
		CAUSE_CANCELLED, ENDED_BY_USER, CALL_END_CANCELLED},
	{"the user gives up while accept is out", USUAL,
		{OPENED, {400, "media:up", ""}, {5000, "sip:200", "cancel:ring media_set_sip " ACCEPT},
			{5040, "wa:end", "cancel:media sip_bye:cancelled media_close set:close"},
			{5041, "accept:over", ""}, {5042, "media:closed", RELEASE}},
		CAUSE_CANCELLED, ENDED_BY_USER, CALL_END_CANCELLED},
	{"picked up and hung up before our 200 to accept came", USUAL,
		{OPENED, {400, "media:up", ""}, {5000, "sip:200", "cancel:ring media_set_sip " ACCEPT},
			{5070, "wa:end_answered", "cancel:media sip_bye:normal media_close set:close"},
			{5071, "accept:ok", ""}, {5072, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},

	{"busy", USUAL,
		{PRE_ACCEPTED, {700, "sip:486", "cancel:window cancel:ring graph:terminate media_close set:close"},
			{701, "media:closed", ""}, {800, "terminate:ok", RELEASE}},
		CAUSE_BUSY, ENDED_BY_SIP, CALL_END_REJECTED},
	{"declined", USUAL,
		{PRE_ACCEPTED, {700, "sip:603", "cancel:window cancel:ring graph:terminate media_close set:close"},
			{800, "terminate:ok", ""}, {801, "media:closed", RELEASE}},
		CAUSE_DECLINED, ENDED_BY_SIP, CALL_END_REJECTED},
	{"the SIP side says nobody is there", USUAL,
		{PRE_ACCEPTED, {700, "sip:480", "cancel:window cancel:ring graph:terminate media_close set:close"},
			{701, "media:closed", ""}, {800, "terminate:ok", RELEASE}},
		CAUSE_NO_ANSWER, ENDED_BY_SIP, CALL_END_MISSED},
	{"the gateway does not answer", USUAL,
		{PRE_ACCEPTED, {700, "sip:503", "cancel:window cancel:ring graph:terminate media_close set:close"},
			{701, "media:closed", ""}, {800, "terminate:ok", RELEASE}},
		CAUSE_GATEWAY_DOWN, ENDED_BY_SIP, CALL_END_FAILED},
	{"refused before pre_accept was used at all", NO_PRE_ACCEPT,
		{{0, "offer", "set:window media_open"}, {0, "media:opened", "media_set_wa sip_invite set:ring"},
			{700, "sip:486", "cancel:window cancel:ring graph:reject media_close set:close"},
			{701, "media:closed", ""}, {800, "reject:ok", RELEASE}},
		CAUSE_BUSY, ENDED_BY_SIP, CALL_END_REJECTED},
	{"nobody answers in the route's time", USUAL,
		{PRE_ACCEPTED, {900, "sip:180", ""},
			{25000, "timer:ring",
				"cancel:window sip_cancel:no_answer graph:terminate media_close set:close"},
			{25001, "media:closed", ""}, {25100, "terminate:ok", RELEASE}},
		CAUSE_NO_ANSWER, ENDED_BY_US, CALL_END_MISSED},
	{"Meta's window ends first", USUAL,
		{PRE_ACCEPTED,
			{29000, "timer:window",
				"cancel:ring sip_cancel:no_answer graph:terminate media_close set:close"},
			{29001, "media:closed", ""}, {29100, "terminate:over", RELEASE}},
		CAUSE_NO_ANSWER, ENDED_BY_US, CALL_END_MISSED},

	{"the answer waits for media", USUAL,
		{OPENED, {900, "sip:200", "cancel:ring media_set_sip set:media"},
			{1500, "media:up", "cancel:media " ACCEPT},
			{1580, "accept:ok", "cancel:media set:limit media_start_wa"},
			{9000, "wa:end", "cancel:limit sip_bye:normal media_close set:close"},
			{9001, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"the wait is over, accept goes out anyway", USUAL,
		{OPENED, {900, "sip:200", "cancel:ring media_set_sip set:media"}, {2900, "timer:media", ACCEPT},
			{2980, "accept:ok", "set:limit media_start_wa"}, {3500, "media:up", "cancel:media"},
			{9000, "wa:end", "cancel:limit sip_bye:normal media_close set:close"},
			{9001, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"media comes up while accept is out", USUAL,
		{OPENED, {900, "sip:200", "cancel:ring media_set_sip set:media"}, {2900, "timer:media", ACCEPT},
			{2950, "media:up", ""}, {2980, "accept:ok", "cancel:media set:limit media_start_wa"},
			{9000, "wa:end", "cancel:limit sip_bye:normal media_close set:close"},
			{9001, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"answered so late that the window cuts the wait short", USUAL,
		{OPENED, {24500, "sip:200", "cancel:ring media_set_sip set:media"},
			{25000, "media:up", "cancel:media " ACCEPT},
			{25080, "accept:refused",
				"cancel:media sip_bye:meta_refused graph:terminate media_close set:close"},
			{25081, "media:closed", ""}, {25100, "terminate:refused", RELEASE}},
		CAUSE_META_REFUSED, ENDED_BY_META, CALL_END_FAILED},
	{"the window's timer fires while the answer waits", USUAL,
		{OPENED, {27500, "sip:200", "cancel:ring media_set_sip set:media"},
			{29000, "timer:window", "cancel:media graph:accept set:media"},
			{29080, "accept:ok", "set:limit media_start_wa"}, {29100, "media:up", "cancel:media"},
			{30000, "sip:bye", "cancel:limit graph:terminate media_close set:close"},
			{30001, "terminate:ok", ""}, {30002, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"answered after the window, before its timer ran", USUAL,
		{PRE_ACCEPTED,
			{29700, "sip:200",
				"cancel:ring media_set_sip cancel:window sip_bye:no_answer graph:terminate media_close "
				"set:close"},
			{29701, "media:closed", ""}, {29800, "terminate:over", RELEASE}},
		CAUSE_NO_ANSWER, ENDED_BY_US, CALL_END_MISSED},
	{"no waiting configured", NO_WAIT,
		{OPENED, {900, "sip:200", "cancel:ring media_set_sip " ACCEPT},
			{980, "accept:ok", "set:limit media_start_wa"}, {1000, "media:up", "cancel:media"},
			{9000, "wa:end", "cancel:limit sip_bye:normal media_close set:close"},
			{9001, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"without pre_accept there is nothing to wait for", NO_PRE_ACCEPT,
		{{0, "offer", "set:window media_open"}, {0, "media:opened", "media_set_wa sip_invite set:ring"},
			{900, "sip:200", "cancel:ring media_set_sip " ACCEPT},
			{980, "accept:ok", "set:limit media_start_wa"}, {1200, "media:up", "cancel:media"},
			{9000, "sip:bye", "cancel:limit graph:terminate media_close set:close"},
			{9001, "media:closed", ""}, {9002, "terminate:ok", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},

	{"Meta refuses our SDP", USUAL,
		{OPENED,
			{150, "pre_accept:refused",
				"cancel:window cancel:ring sip_cancel:meta_refused graph:terminate media_close "
				"set:close"},
			{151, "media:closed", ""}, {300, "terminate:ok", RELEASE}},
		CAUSE_META_REFUSED, ENDED_BY_META, CALL_END_FAILED},
	{"Meta refuses our SDP after the SIP side answered", USUAL,
		{OPENED, {100, "sip:200", "cancel:ring media_set_sip set:media"},
			{150, "pre_accept:refused",
				"cancel:window cancel:media sip_bye:meta_refused graph:terminate media_close "
				"set:close"},
			{151, "media:closed", ""}, {300, "terminate:ok", RELEASE}},
		CAUSE_META_REFUSED, ENDED_BY_META, CALL_END_FAILED},
	{"pre_accept does not reach Meta, accept does", USUAL,
		{OPENED, {5000, "pre_accept:failed", ""}, {6000, "sip:200", "cancel:ring media_set_sip " ACCEPT},
			{6080, "accept:ok", "set:limit media_start_wa"}, {6300, "media:up", "cancel:media"},
			{9000, "wa:end", "cancel:limit sip_bye:normal media_close set:close"},
			{9001, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"pre_accept fails while the answer waits for media", USUAL,
		{OPENED, {900, "sip:200", "cancel:ring media_set_sip set:media"},
			{1000, "pre_accept:failed", "cancel:media " ACCEPT},
			{1080, "accept:failed",
				"cancel:media sip_bye:meta_unreachable graph:terminate media_close set:close"},
			{1081, "media:closed", ""}, {1100, "terminate:failed", RELEASE}},
		CAUSE_META_UNREACHABLE, ENDED_BY_US, CALL_END_FAILED},
	{"pre_accept is refused because accept overtook it", USUAL,
		{OPENED, {400, "media:up", ""}, {450, "sip:200", "cancel:ring media_set_sip " ACCEPT},
			{500, "pre_accept:over", ""}, {580, "accept:ok", "cancel:media set:limit media_start_wa"},
			{9000, "wa:end", "cancel:limit sip_bye:normal media_close set:close"},
			{9001, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"pre_accept answers after accept", USUAL,
		{OPENED, {400, "media:up", ""}, {450, "sip:200", "cancel:ring media_set_sip " ACCEPT},
			{580, "accept:ok", "cancel:media set:limit media_start_wa"}, {600, "pre_accept:refused", ""},
			{9000, "wa:end", "cancel:limit sip_bye:normal media_close set:close"},
			{9001, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},
	{"accept is never answered", USUAL,
		{PRE_ACCEPTED, {400, "media:up", ""}, {450, "sip:200", "cancel:ring media_set_sip " ACCEPT},
			{15450, "timer:media", "sip_bye:meta_unreachable media_close set:close"},
			{15451, "media:closed", ""}, {18450, "timer:close", "graph:terminate set:close"},
			{18500, "terminate:ok", RELEASE}},
		CAUSE_META_UNREACHABLE, ENDED_BY_US, CALL_END_FAILED},
	{"busy while pre_accept is on its way: terminate waits for it", USUAL,
		{OPENED, {100, "sip:486", "cancel:window cancel:ring media_close set:close"}, {101, "media:closed", ""},
			{250, "pre_accept:ok", "graph:terminate set:close"}, {350, "terminate:ok", RELEASE}},
		CAUSE_BUSY, ENDED_BY_SIP, CALL_END_REJECTED},
	{"busy, and pre_accept fails: it may have arrived", USUAL,
		{OPENED, {100, "sip:486", "cancel:window cancel:ring media_close set:close"}, {101, "media:closed", ""},
			{250, "pre_accept:failed", "graph:terminate set:close"}, {350, "terminate:over", RELEASE}},
		CAUSE_BUSY, ENDED_BY_SIP, CALL_END_REJECTED},
	{"busy, and pre_accept is never answered", USUAL,
		{OPENED, {100, "sip:486", "cancel:window cancel:ring media_close set:close"}, {101, "media:closed", ""},
			{3100, "timer:close", "graph:terminate set:close"}, {3150, "pre_accept:failed", ""},
			{3200, "terminate:ok", RELEASE}},
		CAUSE_BUSY, ENDED_BY_SIP, CALL_END_REJECTED},
	{"busy, and Graph never answers anything: no longer than 10 s", USUAL,
		{OPENED, {100, "sip:486", "cancel:window cancel:ring media_close set:close"},
			{3100, "timer:close", "graph:terminate set:close"}, {10100, "timer:close", "record release"}},
		CAUSE_BUSY, ENDED_BY_SIP, CALL_END_REJECTED},
	{"busy, and pre_accept finds the call over: no terminate", USUAL,
		{OPENED, {100, "sip:486", "cancel:window cancel:ring media_close set:close"}, {101, "media:closed", ""},
			{250, "pre_accept:over", RELEASE}},
		CAUSE_BUSY, ENDED_BY_SIP, CALL_END_REJECTED},
	{"busy, pre_accept finds the call over, media takes its time", USUAL,
		{OPENED, {100, "sip:486", "cancel:window cancel:ring media_close set:close"},
			{250, "pre_accept:over", "set:close"}, {10100, "timer:close", "record release"}},
		CAUSE_BUSY, ENDED_BY_SIP, CALL_END_REJECTED},
	{"busy, and the user gives up while terminate is held", USUAL,
		{OPENED, {100, "sip:486", "cancel:window cancel:ring media_close set:close"}, {101, "media:closed", ""},
			{200, "wa:end", RELEASE}, {250, "pre_accept:over", ""}},
		CAUSE_BUSY, ENDED_BY_SIP, CALL_END_REJECTED},
	{"busy, the user gives up while terminate is held, media still closes", USUAL,
		{OPENED, {100, "sip:486", "cancel:window cancel:ring media_close set:close"},
			{101, "wa:end", "set:close"}, {102, "media:closed", RELEASE}, {250, "pre_accept:over", ""}},
		CAUSE_BUSY, ENDED_BY_SIP, CALL_END_REJECTED},
	{"the SIP side hangs up while accept is out: terminate waits for it", USUAL,
		{PRE_ACCEPTED, {400, "media:up", ""}, {450, "sip:200", "cancel:ring media_set_sip " ACCEPT},
			{460, "sip:bye", "cancel:media media_close set:close"}, {461, "media:closed", ""},
			{500, "accept:ok", "graph:terminate set:close"}, {550, "terminate:ok", RELEASE}},
		CAUSE_DECLINED, ENDED_BY_SIP, CALL_END_REJECTED},
	{"the SIP side hangs up while accept is out, which finds the call over", USUAL,
		{PRE_ACCEPTED, {400, "media:up", ""}, {450, "sip:200", "cancel:ring media_set_sip " ACCEPT},
			{460, "sip:bye", "cancel:media media_close set:close"}, {461, "media:closed", ""},
			{500, "accept:over", RELEASE}},
		CAUSE_DECLINED, ENDED_BY_SIP, CALL_END_REJECTED},
	{"a pre_accept that accept overtook does not say that the call is over", USUAL,
		{OPENED, {400, "media:up", ""}, {450, "sip:200", "cancel:ring media_set_sip " ACCEPT},
			{460, "sip:bye", "cancel:media media_close set:close"}, {461, "media:closed", ""},
			{480, "pre_accept:over", ""}, {500, "accept:ok", "graph:terminate set:close"},
			{550, "terminate:ok", RELEASE}},
		CAUSE_DECLINED, ENDED_BY_SIP, CALL_END_REJECTED},
	{"terminate does not wait for a pre_accept that accept overtook", USUAL,
		{OPENED, {400, "media:up", ""}, {450, "sip:200", "cancel:ring media_set_sip " ACCEPT},
			{580, "accept:ok", "cancel:media set:limit media_start_wa"},
			{600, "sip:bye", "cancel:limit graph:terminate media_close set:close"},
			{601, "media:closed", ""}, {650, "pre_accept:over", ""}, {700, "terminate:ok", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},

	{"ICE fails while it rings", USUAL,
		{PRE_ACCEPTED,
			{15000, "media:ice_timeout",
				"cancel:window cancel:ring sip_cancel:media_failed graph:terminate media_close "
				"set:close"},
			{15001, "media:closed", ""}, {15100, "terminate:ok", RELEASE}},
		CAUSE_MEDIA_FAILED, ENDED_BY_US, CALL_END_FAILED},
	{"media never comes up after accept", USUAL,
		{OPENED, {900, "sip:200", "cancel:ring media_set_sip set:media"}, {2900, "timer:media", ACCEPT},
			{2980, "accept:ok", "set:limit media_start_wa"},
			{17900, "timer:media",
				"cancel:limit sip_bye:media_failed graph:terminate media_close set:close"},
			{17901, "media:closed", ""}, {18000, "terminate:ok", RELEASE}},
		CAUSE_MEDIA_FAILED, ENDED_BY_US, CALL_END_FAILED},
	{"WhatsApp falls silent", USUAL,
		{CONNECTED,
			{65000, "media:wa_silent",
				"cancel:limit sip_bye:media_timeout graph:terminate media_close set:close"},
			{65001, "media:closed", ""}, {65100, "terminate:ok", RELEASE}},
		CAUSE_MEDIA_TIMEOUT, ENDED_BY_US, CALL_END_FAILED},
	{"the SIP side falls silent", USUAL,
		{CONNECTED,
			{65000, "media:sip_silent",
				"cancel:limit sip_bye:media_timeout graph:terminate media_close set:close"},
			{65001, "media:closed", ""}, {65100, "terminate:ok", RELEASE}},
		CAUSE_MEDIA_TIMEOUT, ENDED_BY_US, CALL_END_FAILED},
	{"media is gone without a word", USUAL,
		{CONNECTED, {65000, "media:closed", "cancel:limit sip_bye:media_failed graph:terminate set:close"},
			{65100, "terminate:ok", RELEASE}},
		CAUSE_MEDIA_FAILED, ENDED_BY_US, CALL_END_FAILED},
	{"Meta heard nothing from us", USUAL,
		{CONNECTED, {25080, "wa:138021", "cancel:limit sip_bye:media_timeout media_close set:close"},
			{25081, "media:closed", RELEASE}},
		CAUSE_MEDIA_TIMEOUT, ENDED_BY_META, CALL_END_FAILED},
	{"Meta fails while it rings", USUAL,
		{OPENED, {4000, "wa:failed", "cancel:window cancel:ring sip_cancel:meta_failed media_close set:close"},
			{4001, "media:closed", RELEASE}},
		CAUSE_META_FAILED, ENDED_BY_META, CALL_END_FAILED},
	{"the SIP dialog is lost", USUAL,
		{CONNECTED, {65000, "sip:lost", "cancel:limit graph:terminate media_close set:close"},
			{65001, "media:closed", ""}, {65100, "terminate:ok", RELEASE}},
		CAUSE_GATEWAY_DOWN, ENDED_BY_SIP, CALL_END_FAILED},

	{"no media to be had", USUAL,
		{{0, "offer", "set:window media_open"}, {0, "media:refused", "cancel:window graph:reject set:close"},
			{100, "reject:ok", RELEASE}},
		CAUSE_CONGESTION, ENDED_BY_US, CALL_END_FAILED},
	{"Meta's SDP is unusable", BAD_SDP, {{0, "offer", "graph:reject set:close"}, {100, "reject:ok", RELEASE}},
		CAUSE_BAD_OFFER, ENDED_BY_US, CALL_END_FAILED},
	{"no rule matches", NO_RULE, {{0, "offer", "graph:reject set:close"}, {100, "reject:ok", RELEASE}},
		CAUSE_NO_ROUTE, ENDED_BY_US, CALL_END_REJECTED},
	{"no dialplan at all", NO_DIALPLAN, {{0, "offer", "graph:reject set:close"}, {100, "reject:over", RELEASE}},
		CAUSE_NO_ROUTE, ENDED_BY_US, CALL_END_REJECTED},
	{"the rule names a gateway that is gone", UNKNOWN_GATEWAY,
		{{0, "offer", "graph:reject set:close"}, {100, "reject:ok", RELEASE}}, CAUSE_NO_ROUTE, ENDED_BY_US,
		CALL_END_REJECTED},
	{"the dialplan rejects", ROUTE_CLOSED,
		{{0, "offer", "graph:reject set:close"}, {100, "reject:failed", RELEASE}}, CAUSE_CLOSED, ENDED_BY_US,
		CALL_END_REJECTED},
	{"the dialplan rejects for a cause we do not know", ROUTE_UNKNOWN_CAUSE,
		{{0, "offer", "graph:reject set:close"}, {10000, "timer:close", "record release"}}, CAUSE_NOT_ALLOWED,
		ENDED_BY_US, CALL_END_REJECTED},
	{"rejected, and the user gives up meanwhile", NO_RULE,
		{{0, "offer", "graph:reject set:close"}, {50, "wa:end", ""}, {100, "reject:over", RELEASE}},
		CAUSE_NO_ROUTE, ENDED_BY_US, CALL_END_REJECTED},

	{"a service says where to", ASKS,
		{{0, "offer", "set:window ask_route"}, {300, "routed:bridge", "media_open"},
			{300, "media:opened", "media_set_wa sip_invite graph:pre_accept set:ring"},
			{700, "sip:486", "cancel:window cancel:ring media_close set:close"}, {701, "media:closed", ""},
			{750, "pre_accept:ok", "graph:terminate set:close"}, {800, "terminate:ok", RELEASE}},
		CAUSE_BUSY, ENDED_BY_SIP, CALL_END_REJECTED},
	{"a service refuses", ASKS,
		{{0, "offer", "set:window ask_route"}, {300, "routed:reject", "cancel:window graph:reject set:close"},
			{400, "reject:ok", RELEASE}},
		CAUSE_CLOSED, ENDED_BY_US, CALL_END_REJECTED},
	{"a service has nothing to say", ASKS,
		{{0, "offer", "set:window ask_route"}, {300, "routed:nowhere", "cancel:window graph:reject set:close"},
			{400, "reject:ok", RELEASE}},
		CAUSE_NO_ROUTE, ENDED_BY_US, CALL_END_REJECTED},
	{"a service is never heard of", ASKS,
		{{0, "offer", "set:window ask_route"}, {29000, "timer:window", "graph:reject set:close"},
			{29100, "reject:over", RELEASE}},
		CAUSE_NO_ROUTE, ENDED_BY_US, CALL_END_REJECTED},
	{"the user gives up while a service thinks", ASKS,
		{{0, "offer", "set:window ask_route"}, {300, "wa:end", "cancel:window record release"},
			{400, "routed:bridge", ""}},
		CAUSE_CANCELLED, ENDED_BY_USER, CALL_END_CANCELLED},
	{"the SIP side is elsewhere, and elsewhere again", USUAL,
		{OPENED, {200, "sip:302", "sip_invite"}, {250, "sip:302", "sip_invite"}, {300, "sip:302", "sip_invite"},
			{350, "sip:302", "cancel:window cancel:ring media_close set:close"}, {351, "media:closed", ""},
			{400, "pre_accept:ok", "graph:terminate set:close"}, {500, "terminate:ok", RELEASE}},
		CAUSE_GATEWAY_FAILED, ENDED_BY_SIP, CALL_END_FAILED},
	{"elsewhere somebody answers", USUAL,
		{OPENED, {200, "sip:302", "sip_invite"}, {900, "sip:200", "cancel:ring media_set_sip set:media"},
			{950, "media:up", "cancel:media " ACCEPT},
			{1000, "accept:ok", "cancel:media set:limit media_start_wa"},
			{9000, "sip:bye", "cancel:limit graph:terminate media_close set:close"},
			{9001, "terminate:ok", ""}, {9002, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"no common codec", USUAL,
		{PRE_ACCEPTED,
			{900, "sip:200_g729",
				"cancel:ring cancel:window sip_bye:no_codec graph:terminate media_close set:close"},
			{901, "media:closed", ""}, {1000, "terminate:ok", RELEASE}},
		CAUSE_NO_CODEC, ENDED_BY_US, CALL_END_FAILED},
	{"the SIP side refuses the stream", USUAL,
		{PRE_ACCEPTED,
			{900, "sip:200_refused_stream",
				"cancel:ring cancel:window sip_bye:no_codec graph:terminate media_close set:close"},
			{901, "media:closed", ""}, {1000, "terminate:ok", RELEASE}},
		CAUSE_NO_CODEC, ENDED_BY_US, CALL_END_FAILED},
	{"an answer without SDP", USUAL,
		{PRE_ACCEPTED,
			{900, "sip:200_no_sdp",
				"cancel:ring cancel:window sip_bye:gateway_failed graph:terminate media_close "
				"set:close"},
			{901, "media:closed", ""}, {1000, "terminate:ok", RELEASE}},
		CAUSE_GATEWAY_FAILED, ENDED_BY_US, CALL_END_FAILED},

	{"hold, resume, another codec, refreshes", USUAL,
		{CONNECTED, {10000, "sip:refresh", "sip_respond:200+sdp"},
			{11000, "sip:hold", "media_set_sip sip_respond:200+sdp"},
			{11500, "sip:hold", "sip_respond:200+sdp"},
			{12000, "sip:refresh", "media_set_sip sip_respond:200+sdp"},
			{13000, "sip:offer_alaw", "media_set_sip sip_respond:200+sdp"},
			{14000, "sip:update", "sip_respond:200"}, {15000, "sip:offer_g729", "sip_respond:488"},
			{15500, "sip:offer_garbage", "sip_respond:488"},
			{16000, "sip:bye", "cancel:limit graph:terminate media_close set:close"},
			{16001, "sip:hold", ""}, {16002, "media:closed", ""}, {16100, "terminate:ok", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"a re-INVITE without an offer", USUAL,
		{CONNECTED, {10000, "sip:offerless", "sip_respond:200+sdp"}, {10050, "sip:ack", "media_set_sip"},
			{10060, "sip:ack", ""}, {11000, "sip:offerless", "sip_respond:200+sdp"},
			{11050, "sip:ack_garbage", ""},
			{12000, "sip:offer_port0", "media_set_sip sip_respond:200+sdp play:wa:music"},
			{16000, "sip:bye", "cancel:limit graph:terminate media_close set:close"},
			{16002, "media:closed", ""}, {16100, "terminate:ok", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_SIP, CALL_END_COMPLETED},
	{"UPDATE before the answer", USUAL,
		{OPENED, {900, "sip:hold", "sip_respond:491"}, {901, "sip:update", "sip_respond:200"},
			{4000, "wa:end", "cancel:window cancel:ring sip_cancel:cancelled media_close set:close"},
			{4001, "media:closed", RELEASE}},
		CAUSE_CANCELLED, ENDED_BY_USER, CALL_END_CANCELLED},
	{"a re-INVITE while accept is out", USUAL,
		{OPENED, {900, "sip:200", "cancel:ring media_set_sip set:media"},
			{950, "sip:offer_alaw", "media_set_sip sip_respond:200+sdp"},
			{1500, "media:up", "cancel:media " ACCEPT},
			{1550, "sip:hold", "media_set_sip sip_respond:200+sdp"},
			{1580, "accept:ok", "cancel:media set:limit media_start_wa"},
			{9000, "wa:end", "cancel:limit sip_bye:normal media_close set:close"},
			{9001, "media:closed", RELEASE}},
		CAUSE_NORMAL, ENDED_BY_USER, CALL_END_COMPLETED},

	{"an operator ends the call", USUAL,
		{CONNECTED, {65000, "hangup:admin", "cancel:limit sip_bye:admin graph:terminate media_close set:close"},
			{65001, "media:closed", ""}, {65100, "terminate:ok", RELEASE}},
		CAUSE_ADMIN, ENDED_BY_ADMIN, CALL_END_COMPLETED},
	{"an operator ends the call while it rings", USUAL,
		{PRE_ACCEPTED,
			{1000, "hangup:admin",
				"cancel:window cancel:ring sip_cancel:admin graph:terminate media_close set:close"},
			{1001, "media:closed", ""}, {1100, "terminate:ok", RELEASE}},
		CAUSE_ADMIN, ENDED_BY_ADMIN, CALL_END_REJECTED},
	{"shut down twice", USUAL,
		{CONNECTED,
			{65000, "hangup:shutdown",
				"cancel:limit sip_bye:shutdown graph:terminate media_close set:close"},
			{65000, "hangup:shutdown", ""}, {65001, "media:closed", ""}, {65100, "terminate:ok", RELEASE}},
		CAUSE_SHUTDOWN, ENDED_BY_US, CALL_END_FAILED},
	{"the longest call allowed", USUAL,
		{CONNECTED, {3605080, "timer:limit", "sip_bye:time_limit graph:terminate media_close set:close"},
			{3605081, "media:closed", ""}, {3605100, "terminate:ok", RELEASE}},
		CAUSE_TIME_LIMIT, ENDED_BY_US, CALL_END_COMPLETED},
	{"a timer that fires early is set again", USUAL,
		{PRE_ACCEPTED, {20000, "timer:ring", "set:ring"},
			{25000, "timer:ring",
				"cancel:window sip_cancel:no_answer graph:terminate media_close set:close"},
			{25001, "media:closed", ""}, {25100, "terminate:ok", RELEASE}},
		CAUSE_NO_ANSWER, ENDED_BY_US, CALL_END_MISSED},
};

enum { STORIES = sizeof(stories) / sizeof(stories[0]) };

static void set_up(struct play *p, const struct story *s)
{
	play_init(p);
	p->settings.use_pre_accept = s->setup != NO_PRE_ACCEPT;
	if (s->setup == NO_WAIT)
		p->settings.media_wait_ms = 0;
	if (s->setup == NO_DIALPLAN)
		p->settings.dialplan = NULL;
	if (s->setup == NO_RULE)
		p->dialplan.route.kind = ROUTE_NONE;
	if (s->setup == UNKNOWN_GATEWAY)
		p->dialplan.route.gateways[0] = "elsewhere";
	if (s->setup == ROUTE_CLOSED || s->setup == ROUTE_UNKNOWN_CAUSE) {
		p->dialplan.route.kind = ROUTE_REJECT;
		p->dialplan.route.cause = s->setup == ROUTE_CLOSED ? "closed" : "tuesday";
	}
	if (s->setup == ASKS)
		p->dialplan.route.kind = ROUTE_ASK;
	if (s->setup == BAD_SDP) {
		p->offer.sdp = "v=0\r\n";
		p->offer.sdp_length = 5;
	}
	assert_int_equal(play_start(p), 0);
}

static void each_story(void **state)
{
	(void)state;
	stories_told(stories, STORIES, set_up, false);
}

static void each_story_with_every_event_twice(void **state)
{
	(void)state;
	stories_told(stories, STORIES, set_up, true);
}

static void timers_alone_end_every_story(void **state)
{
	(void)state;
	stories_cut_short(stories, STORIES, set_up);
}

static void report_of_a_usual_call(void **state)
{
	struct play p;
	struct call_report r;

	(void)state;
	set_up(&p, &stories[0]);
	for (const struct step *step = stories[0].steps; step->event; step++)
		play_named(&p, step->event, step->at_ms);
	call_report(p.call, &r);
	assert_string_equal(r.call_id, "c-1");
	assert_string_equal(r.wacid, "wacid.EXAMPLE+/==");
	assert_string_equal(r.rule, "all");
	assert_string_equal(r.gateway, "pbx");
	assert_string_equal(r.sip_target, "sip:600@127.0.0.1:5070;transport=udp");
	assert_string_equal(r.sip_call_id, "abc@gw");
	assert_int_equal(r.sip_codec, AUDIO_PCMU);
	assert_int_equal(r.rang_ms - r.started_ms, 900);
	assert_int_equal(r.answered_ms - r.started_ms, 5080);
	assert_int_equal(r.ended_ms - r.started_ms, 65000);
	assert_int_equal(r.accept_us - r.sip_answered_us, 0);
	assert_int_equal(r.sip_code, 200);
	assert_int_equal(r.q850, 16);
	assert_int_equal(r.meta_code, 0);
	assert_int_equal(r.ignored, 0);
	assert_string_equal(r.sdp_sip_remote, play_sip_answer);
	assert_string_equal(r.sdp_wa_remote, play_wa_offer);
	assert_non_null(r.sdp_wa_local);
	assert_non_null(r.sdp_sip_local);
	play_done(&p);
}

static void report_keeps_meta_error_and_peer_code(void **state)
{
	struct play p;
	struct call_report r;

	(void)state;
	play_init(&p);
	assert_int_equal(play_start(&p), 0);
	play_named(&p, "offer", 0);
	play_named(&p, "media:opened", 0);
	play_named(&p, "pre_accept:ok", 5);
	play_named(&p, "sip:183", 10);
	play_named(&p, "sip:183", 20);
	play_named(&p, "sip:486", 30);
	play_named(&p, "terminate:refused", 40);
	call_report(p.call, &r);
	assert_int_equal(r.early_media, 2);
	assert_int_equal(r.sip_code, 486);
	assert_int_equal(r.q850, 17);
	assert_int_equal(r.meta_code, 190);
	assert_string_equal(r.meta_text, "token");
	play_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_story),
		cmocka_unit_test(each_story_with_every_event_twice),
		cmocka_unit_test(timers_alone_end_every_story),
		cmocka_unit_test(report_of_a_usual_call),
		cmocka_unit_test(report_keeps_meta_error_and_peer_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
