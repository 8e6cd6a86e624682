// Version 1: the tables of the SQLite schema, versions 1 to 5, in PostgreSQL's types. `seq` is the order of creation: pages walk along
// it. The table `meta` is there before the first version (upgrade.ts).

export const initial = `
CREATE TABLE accounts (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  friendly_name TEXT NOT NULL,
  status TEXT NOT NULL,
  owner_account_sid TEXT NOT NULL,
  auth_token TEXT NOT NULL,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL
);
CREATE INDEX accounts_owner ON accounts (owner_account_sid, seq);

CREATE TABLE domains (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
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
  sip_registration BOOLEAN NOT NULL,
  secure BOOLEAN NOT NULL,
  media_encryption TEXT NOT NULL,
  nat BOOLEAN NOT NULL,
  digest_sha256 BOOLEAN NOT NULL,
  emergency_calling_enabled BOOLEAN NOT NULL,
  emergency_caller_sid TEXT,
  byoc_trunk_sid TEXT,
  declared BOOLEAN NOT NULL,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL,
  attended_transfer BOOLEAN NOT NULL,
  music_on_hold TEXT NOT NULL,
  dtmf_inband BOOLEAN NOT NULL,
  emergency_address TEXT
);
CREATE INDEX domains_account ON domains (account_sid, seq);

CREATE TABLE credential_lists (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  friendly_name TEXT NOT NULL,
  declared BOOLEAN NOT NULL,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL,
  UNIQUE (account_sid, friendly_name)
);

CREATE TABLE credentials (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  credential_list_sid TEXT NOT NULL REFERENCES credential_lists (sid) ON DELETE CASCADE,
  username TEXT NOT NULL,
  ha1 JSON NOT NULL,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL,
  UNIQUE (credential_list_sid, username)
);
CREATE INDEX credentials_list ON credentials (credential_list_sid, seq);

CREATE TABLE ip_access_control_lists (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  friendly_name TEXT NOT NULL,
  declared BOOLEAN NOT NULL,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL,
  UNIQUE (account_sid, friendly_name)
);

CREATE TABLE ip_addresses (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  ip_access_control_list_sid TEXT NOT NULL REFERENCES ip_access_control_lists (sid) ON DELETE CASCADE,
  friendly_name TEXT NOT NULL,
  ip_address TEXT NOT NULL,
  cidr_prefix_length BIGINT NOT NULL,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL
);
CREATE INDEX ip_addresses_list ON ip_addresses (ip_access_control_list_sid, seq);

CREATE TABLE mappings (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  domain_sid TEXT NOT NULL REFERENCES domains (sid) ON DELETE CASCADE,
  account_sid TEXT NOT NULL,
  list_sid TEXT NOT NULL,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL
);
CREATE INDEX mappings_domain ON mappings (domain_sid, kind, seq);
CREATE INDEX mappings_list ON mappings (list_sid);

CREATE TABLE calls (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  parent_call_sid TEXT,
  "to" TEXT NOT NULL,
  "from" TEXT NOT NULL,
  to_address TEXT NOT NULL,
  from_address TEXT NOT NULL,
  status TEXT NOT NULL,
  direction TEXT NOT NULL,
  start_time BIGINT,
  answer_time BIGINT,
  end_time BIGINT,
  duration_seconds BIGINT,
  sip_response_code BIGINT,
  sip_call_id TEXT,
  domain_sid TEXT,
  answered_by TEXT,
  caller_name TEXT,
  forwarded_from TEXT,
  error_code BIGINT,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL
);
CREATE INDEX calls_account ON calls (account_sid, seq);
CREATE INDEX calls_to ON calls (account_sid, to_address, seq);
CREATE INDEX calls_from ON calls (account_sid, from_address, seq);
CREATE INDEX calls_status ON calls (account_sid, status, seq);
CREATE INDEX calls_parent ON calls (parent_call_sid, seq);
CREATE INDEX calls_created ON calls (date_created);

CREATE TABLE notifications (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  call_sid TEXT,
  level TEXT NOT NULL,
  error_code BIGINT NOT NULL,
  message TEXT NOT NULL,
  request_url TEXT,
  date BIGINT NOT NULL
);
CREATE INDEX notifications_account ON notifications (account_sid, seq);
CREATE INDEX notifications_call ON notifications (call_sid, seq);
CREATE INDEX notifications_date ON notifications (date);

CREATE TABLE bindings (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  aor TEXT NOT NULL,
  domain_sid TEXT NOT NULL,
  account_sid TEXT NOT NULL,
  contact TEXT NOT NULL,
  call_id TEXT NOT NULL,
  cseq BIGINT NOT NULL,
  q BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  transport TEXT NOT NULL,
  source_address TEXT NOT NULL,
  source_port BIGINT NOT NULL,
  local_address TEXT NOT NULL,
  local_port BIGINT NOT NULL,
  instance_id TEXT,
  path JSON NOT NULL,
  user_agent TEXT,
  node_id TEXT NOT NULL,
  registered_at BIGINT NOT NULL
);
-- An address of record may be longer than an ordered index takes.
CREATE INDEX bindings_aor ON bindings USING hash (aor);

CREATE TABLE removed (
  mark BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  seq BIGINT NOT NULL
);

CREATE TABLE connection_policies (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  friendly_name TEXT,
  declared BOOLEAN NOT NULL,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL
);
CREATE INDEX connection_policies_account ON connection_policies (account_sid, seq);

CREATE TABLE policy_targets (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  connection_policy_sid TEXT NOT NULL REFERENCES connection_policies (sid) ON DELETE CASCADE,
  friendly_name TEXT,
  target TEXT NOT NULL,
  priority BIGINT NOT NULL,
  weight BIGINT NOT NULL,
  enabled BOOLEAN NOT NULL,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL
);
CREATE INDEX policy_targets_policy ON policy_targets (connection_policy_sid, seq);

CREATE TABLE byoc_trunks (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  friendly_name TEXT,
  voice_url TEXT,
  voice_method TEXT NOT NULL,
  voice_fallback_url TEXT,
  voice_fallback_method TEXT NOT NULL,
  voice_twiml TEXT,
  status_callback_url TEXT,
  status_callback_method TEXT NOT NULL,
  cnam_lookup_enabled BOOLEAN NOT NULL,
  connection_policy_sid TEXT,
  from_domain_sid TEXT,
  declared BOOLEAN NOT NULL,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL
);
CREATE INDEX byoc_trunks_account ON byoc_trunks (account_sid, seq);

CREATE TABLE ip_records (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  friendly_name TEXT,
  ip_address TEXT NOT NULL,
  cidr_prefix_length BIGINT NOT NULL,
  declared BOOLEAN NOT NULL,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL
);
CREATE INDEX ip_records_account ON ip_records (account_sid, seq);

CREATE TABLE source_ip_mappings (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  ip_record_sid TEXT NOT NULL UNIQUE REFERENCES ip_records (sid) ON DELETE CASCADE,
  sip_domain_sid TEXT NOT NULL REFERENCES domains (sid) ON DELETE CASCADE,
  declared BOOLEAN NOT NULL,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL
);
CREATE INDEX source_ip_mappings_account ON source_ip_mappings (account_sid, seq);

CREATE TABLE phone_numbers (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  phone_number TEXT NOT NULL UNIQUE,
  friendly_name TEXT NOT NULL,
  voice_url TEXT,
  voice_method TEXT NOT NULL,
  voice_fallback_url TEXT,
  voice_fallback_method TEXT NOT NULL,
  voice_twiml TEXT,
  status_callback TEXT,
  status_callback_method TEXT NOT NULL,
  kept JSON NOT NULL,
  declared BOOLEAN NOT NULL,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL
);
CREATE INDEX phone_numbers_account ON phone_numbers (account_sid, seq);

CREATE TABLE trunk_usage (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  day TEXT NOT NULL,
  account_sid TEXT NOT NULL,
  trunk_sid TEXT NOT NULL,
  seconds BIGINT NOT NULL
);
CREATE INDEX trunk_usage_day ON trunk_usage (day);
`;
