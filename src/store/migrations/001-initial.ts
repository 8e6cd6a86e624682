// Version 1: accounts, SIP resources, calls, notifications, bindings. `seq` is the order of creation: pages walk along it.
// A .ts file and not .sql, so that the compiled package carries it without a copy step.

export const initial = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE accounts (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  friendly_name TEXT NOT NULL,
  status TEXT NOT NULL,
  owner_account_sid TEXT NOT NULL,
  auth_token TEXT NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL
) STRICT;
CREATE INDEX accounts_owner ON accounts (owner_account_sid, seq);

CREATE TABLE domains (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  domain_name TEXT NOT NULL UNIQUE,
  friendly_name TEXT NOT NULL,
  realm TEXT NOT NULL,
  voice_url TEXT,
  voice_method TEXT NOT NULL,
  voice_fallback_url TEXT,
  voice_fallback_method TEXT NOT NULL,
  voice_status_callback_url TEXT,
  voice_status_callback_method TEXT NOT NULL,
  voice_twiml TEXT,
  sip_registration INTEGER NOT NULL,
  secure INTEGER NOT NULL,
  media_encryption TEXT NOT NULL,
  nat INTEGER NOT NULL,
  digest_sha256 INTEGER NOT NULL,
  emergency_calling_enabled INTEGER NOT NULL,
  emergency_caller_sid TEXT,
  byoc_trunk_sid TEXT,
  declared INTEGER NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL
) STRICT;
CREATE INDEX domains_account ON domains (account_sid, seq);

CREATE TABLE credential_lists (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  friendly_name TEXT NOT NULL,
  declared INTEGER NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL,
  UNIQUE (account_sid, friendly_name)
) STRICT;

CREATE TABLE credentials (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  credential_list_sid TEXT NOT NULL REFERENCES credential_lists (sid) ON DELETE CASCADE,
  username TEXT NOT NULL,
  ha1 TEXT NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL,
  UNIQUE (credential_list_sid, username)
) STRICT;
CREATE INDEX credentials_list ON credentials (credential_list_sid, seq);

CREATE TABLE ip_access_control_lists (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  friendly_name TEXT NOT NULL,
  declared INTEGER NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL,
  UNIQUE (account_sid, friendly_name)
) STRICT;

CREATE TABLE ip_addresses (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  ip_access_control_list_sid TEXT NOT NULL REFERENCES ip_access_control_lists (sid) ON DELETE CASCADE,
  friendly_name TEXT NOT NULL,
  ip_address TEXT NOT NULL,
  cidr_prefix_length INTEGER NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL
) STRICT;
CREATE INDEX ip_addresses_list ON ip_addresses (ip_access_control_list_sid, seq);

CREATE TABLE mappings (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  domain_sid TEXT NOT NULL REFERENCES domains (sid) ON DELETE CASCADE,
  account_sid TEXT NOT NULL,
  list_sid TEXT NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL
) STRICT;
CREATE INDEX mappings_domain ON mappings (domain_sid, kind, seq);
CREATE INDEX mappings_list ON mappings (list_sid);

CREATE TABLE calls (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  parent_call_sid TEXT,
  "to" TEXT NOT NULL,
  "from" TEXT NOT NULL,
  to_address TEXT NOT NULL,
  from_address TEXT NOT NULL,
  status TEXT NOT NULL,
  direction TEXT NOT NULL,
  start_time INTEGER,
  answer_time INTEGER,
  end_time INTEGER,
  duration_seconds INTEGER,
  sip_response_code INTEGER,
  sip_call_id TEXT,
  domain_sid TEXT,
  answered_by TEXT,
  caller_name TEXT,
  forwarded_from TEXT,
  error_code INTEGER,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL
) STRICT;
CREATE INDEX calls_account ON calls (account_sid, seq);
CREATE INDEX calls_to ON calls (account_sid, to_address, seq);
CREATE INDEX calls_from ON calls (account_sid, from_address, seq);
CREATE INDEX calls_status ON calls (account_sid, status, seq);
CREATE INDEX calls_parent ON calls (parent_call_sid, seq);

CREATE TABLE notifications (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  call_sid TEXT,
  level TEXT NOT NULL,
  error_code INTEGER NOT NULL,
  message TEXT NOT NULL,
  request_url TEXT,
  date INTEGER NOT NULL
) STRICT;
CREATE INDEX notifications_account ON notifications (account_sid, seq);
CREATE INDEX notifications_call ON notifications (call_sid, seq);

CREATE TABLE bindings (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  aor TEXT NOT NULL,
  domain_sid TEXT NOT NULL,
  account_sid TEXT NOT NULL,
  contact TEXT NOT NULL,
  call_id TEXT NOT NULL,
  cseq INTEGER NOT NULL,
  q INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  transport TEXT NOT NULL,
  source_address TEXT NOT NULL,
  source_port INTEGER NOT NULL,
  local_address TEXT NOT NULL,
  local_port INTEGER NOT NULL,
  instance_id TEXT,
  path TEXT NOT NULL,
  user_agent TEXT,
  node_id TEXT NOT NULL,
  registered_at INTEGER NOT NULL
) STRICT;
CREATE INDEX bindings_aor ON bindings (aor);

-- Where removed records stood: a walk that removes what it reads keeps its place. Bounded; oldest marks go first.
CREATE TABLE removed (mark INTEGER PRIMARY KEY AUTOINCREMENT, sid TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL) STRICT;
`;
