// Version 6: applications, keys, caller ids, recordings and their texts, conferences, queues, webhook exchanges, callbacks to be sent.
// `date_created` leads an index where REST filters by date and retention deletes by it.

export const voiceApplication = `
CREATE TABLE applications (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  friendly_name TEXT NOT NULL,
  voice_url TEXT,
  voice_method TEXT NOT NULL,
  voice_fallback_url TEXT,
  voice_fallback_method TEXT NOT NULL,
  voice_twiml TEXT,
  status_callback TEXT,
  status_callback_method TEXT NOT NULL,
  voice_caller_id_lookup INTEGER NOT NULL,
  public_application_connect_enabled INTEGER NOT NULL,
  kept TEXT NOT NULL,
  declared INTEGER NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL
) STRICT;
CREATE INDEX applications_account ON applications (account_sid, seq);

CREATE TABLE api_keys (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  friendly_name TEXT NOT NULL,
  kind TEXT NOT NULL,
  secret TEXT NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL
) STRICT;
CREATE INDEX api_keys_account ON api_keys (account_sid, seq);

CREATE TABLE outgoing_caller_ids (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  friendly_name TEXT NOT NULL,
  phone_number TEXT NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL,
  UNIQUE (account_sid, phone_number)
) STRICT;
CREATE INDEX outgoing_caller_ids_account ON outgoing_caller_ids (account_sid, seq);

CREATE TABLE queues (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  friendly_name TEXT NOT NULL,
  max_size INTEGER NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL,
  UNIQUE (account_sid, friendly_name)
) STRICT;
CREATE INDEX queues_account ON queues (account_sid, seq);

CREATE TABLE recordings (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  call_sid TEXT NOT NULL,
  conference_sid TEXT,
  status TEXT NOT NULL,
  source TEXT NOT NULL,
  channels INTEGER NOT NULL,
  track TEXT NOT NULL,
  start_time INTEGER NOT NULL,
  duration_seconds INTEGER,
  error_code INTEGER,
  size_bytes INTEGER,
  media TEXT,
  is_encrypted INTEGER NOT NULL,
  date_deleted INTEGER,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL
) STRICT;
CREATE INDEX recordings_account ON recordings (account_sid, seq);
CREATE INDEX recordings_call ON recordings (call_sid, seq);
CREATE INDEX recordings_conference ON recordings (conference_sid, seq);
CREATE INDEX recordings_created ON recordings (date_created);

CREATE TABLE transcriptions (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  recording_sid TEXT NOT NULL,
  call_sid TEXT,
  status TEXT NOT NULL,
  duration_seconds INTEGER,
  transcription_text TEXT,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL
) STRICT;
CREATE INDEX transcriptions_account ON transcriptions (account_sid, seq);
CREATE INDEX transcriptions_recording ON transcriptions (recording_sid, seq);
CREATE INDEX transcriptions_created ON transcriptions (date_created);

CREATE TABLE conferences (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  friendly_name TEXT NOT NULL,
  status TEXT NOT NULL,
  reason_conference_ended TEXT,
  call_sid_ending_conference TEXT,
  region TEXT NOT NULL,
  date_created INTEGER NOT NULL,
  date_updated INTEGER NOT NULL
) STRICT;
CREATE INDEX conferences_account ON conferences (account_sid, seq);
CREATE INDEX conferences_name ON conferences (account_sid, friendly_name, seq);
CREATE INDEX conferences_status ON conferences (account_sid, status, seq);
CREATE INDEX conferences_created ON conferences (date_created);

CREATE TABLE webhook_exchanges (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  call_sid TEXT NOT NULL,
  purpose TEXT NOT NULL,
  method TEXT NOT NULL,
  url TEXT NOT NULL,
  parameters TEXT NOT NULL,
  response_code INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  content_type TEXT,
  response_headers TEXT NOT NULL,
  response_body TEXT,
  error_code INTEGER,
  date_created INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_exchanges_account ON webhook_exchanges (account_sid, seq);
CREATE INDEX webhook_exchanges_call ON webhook_exchanges (call_sid, seq);
CREATE INDEX webhook_exchanges_created ON webhook_exchanges (date_created);

CREATE TABLE pending_callbacks (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  call_sid TEXT NOT NULL,
  order_key TEXT NOT NULL,
  position INTEGER NOT NULL,
  url TEXT NOT NULL,
  method TEXT NOT NULL,
  parameters TEXT NOT NULL,
  idempotency_token TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL,
  date_created INTEGER NOT NULL
) STRICT;

CREATE INDEX calls_created ON calls (date_created);
CREATE INDEX notifications_date ON notifications (date);
`;
