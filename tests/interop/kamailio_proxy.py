"""Kamailio as the proxy between watrunk and the business's phones: registrar of the phones, Record-Route, loose routing, and
another transport on each side of it."""

import os

CONFIG = """\
debug=2
log_stderror=yes
fork=yes
children=2
tcp_children=2
dns=no
rev_dns=no
auto_aliases=no
enable_tls=yes
tcp_accept_no_cl=no
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
listen=tls:127.0.0.1:{tls_port}
loadmodule "tls.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "nathelper.so"
modparam("tls", "private_key", "{key}")
modparam("tls", "certificate", "{certificate}")
modparam("tls", "ca_list", "{ca}")
modparam("tls", "verify_certificate", 1)
modparam("tls", "tls_method", "TLSv1.2+")
modparam("rr", "enable_double_rr", 2)
modparam("rr", "enable_full_lr", 1)
modparam("registrar", "gruu_enabled", 0)
modparam("registrar", "received_avp", "$avp(RECEIVED)")
modparam("nathelper", "received_avp", "$avp(RECEIVED)")

request_route {{
  if (!mf_process_maxfwd_header("10")) {{
    sl_send_reply("483", "Too Many Hops");
    exit;
  }}
  if (has_totag()) {{
    if (loose_route()) {{
      t_relay();
    }} else if (is_method("ACK")) {{
      if (t_check_trans()) t_relay();
    }} else {{
      sl_send_reply("404", "Not here");
    }}
    exit;
  }}
  if (is_method("CANCEL")) {{
    if (t_check_trans()) t_relay();
    exit;
  }}
  if (is_method("REGISTER")) {{
    fix_nated_register();     # a phone behind TLS is reached on its own connection only
    save("location");
    exit;
  }}
  if (is_method("OPTIONS")) {{
    sl_send_reply("200", "OK");
    exit;
  }}
  record_route();
  if ($ua =~ "^watrunk") {{
    {to_phone}
  }} else {{
    $du = "{trunk}";
  }}
  t_relay();
}}
"""


def write_config(folder, port, tls_port, trunk, certificates, phone=None):
    """Its command line; port is that of UDP and TCP. trunk: the URI of watrunk, with the transport of the way there. phone: the
    same of where calls from watrunk go, or None: to who has registered."""
    path = os.path.join(folder, "kamailio.cfg")
    to_phone = '$du = "%s";' % phone if phone else 'if (!lookup("location")) { sl_send_reply("404", "Not registered"); exit; }'
    with open(path, "w") as f:
        f.write(CONFIG.format(port=port, tls_port=tls_port, key=certificates.key, certificate=certificates.certificate, ca=certificates.ca,
                              trunk=trunk, to_phone=to_phone))
    runtime = os.path.join(folder, "kamailio-run")
    os.makedirs(runtime, exist_ok=True)
    return ["kamailio", "-f", path, "-DD", "-E", "-m", "32", "-M", "4", "-P", os.path.join(folder, "kamailio.pid"), "-Y", runtime]
