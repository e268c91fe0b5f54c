/* b2bua/sip/dialog_policy.h
 *
 * How dialogs with one peer are kept alive and set up: session timers (RFC 4028) and reliable provisional responses
 * (RFC 3262). Plain values.
 */
#ifndef B2BUA_SIP_DIALOG_POLICY_H
#define B2BUA_SIP_DIALOG_POLICY_H

enum sip_refresher {
	SIP_REFRESHER_AUTO, /* as the peer likes; where it has no wish, whoever sent the INVITE */
	SIP_REFRESHER_US,
	SIP_REFRESHER_PEER,
};

enum sip_refresh_method {
	SIP_REFRESH_AUTO, /* UPDATE where the peer's Allow has it, else re-INVITE */
	SIP_REFRESH_UPDATE,
	SIP_REFRESH_INVITE,
};

enum sip_rel100 {
	SIP_REL100_SUPPORT,
	SIP_REL100_OFF,     /* neither named nor accepted */
	SIP_REL100_REQUIRE, /* no call without it */
};

/* All zero: ask for no timer, but honour the peer's. */
struct sip_dialog_policy {
	unsigned session_expires_s; /* asked for; 0: never asked for */
	unsigned min_se_s;          /* the shortest session taken; 0: the stack's */
	enum sip_refresher refresher;
	enum sip_refresh_method refresh_method;
	enum sip_rel100 rel100;
};

#endif
