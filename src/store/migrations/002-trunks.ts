// Version 2: carriers of one's own (ByocTrunks, ConnectionPolicies and their Targets), source mappings, phone numbers, talk time per day.

export const trunks = `
CREATE TABLE connection_policies (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  friendly_name TEXT,
  declared INTEGER NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL
) STRICT;
CREATE INDEX connection_policies_account ON connection_policies (account_sid, seq);

CREATE TABLE policy_targets (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  connection_policy_sid TEXT NOT NULL REFERENCES connection_policies (sid) ON DELETE CASCADE,
  friendly_name TEXT,
  target TEXT NOT NULL,
  priority INTEGER NOT NULL,
  weight INTEGER NOT NULL,
  enabled INTEGER NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL
) STRICT;
CREATE INDEX policy_targets_policy ON policy_targets (connection_policy_sid, seq);

CREATE TABLE byoc_trunks (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
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
  cnam_lookup_enabled INTEGER NOT NULL,
  connection_policy_sid TEXT,
  from_domain_sid TEXT,
  declared INTEGER NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL
) STRICT;
CREATE INDEX byoc_trunks_account ON byoc_trunks (account_sid, seq);

CREATE TABLE ip_records (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  friendly_name TEXT,
  ip_address TEXT NOT NULL,
  cidr_prefix_length INTEGER NOT NULL,
  declared INTEGER NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL
) STRICT;
CREATE INDEX ip_records_account ON ip_records (account_sid, seq);

-- One record belongs to one domain: the source of a request can mean only one.
CREATE TABLE source_ip_mappings (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  ip_record_sid TEXT NOT NULL UNIQUE REFERENCES ip_records (sid) ON DELETE CASCADE,
  sip_domain_sid TEXT NOT NULL REFERENCES domains (sid) ON DELETE CASCADE,
  declared INTEGER NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL
) STRICT;
CREATE INDEX source_ip_mappings_account ON source_ip_mappings (account_sid, seq);

CREATE TABLE phone_numbers (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
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
  kept TEXT NOT NULL,
  declared INTEGER NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL
) STRICT;
CREATE INDEX phone_numbers_account ON phone_numbers (account_sid, seq);

CREATE TABLE trunk_usage (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  day TEXT NOT NULL,
  account_sid TEXT NOT NULL,
  trunk_sid TEXT NOT NULL,
  seconds INTEGER NOT NULL
) STRICT;
CREATE INDEX trunk_usage_day ON trunk_usage (day);
`;
