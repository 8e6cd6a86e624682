// Version 2: what version 6 of the SQLite schema added: applications, keys, caller ids, recordings and their texts, conferences, queues,
// webhook exchanges, callbacks to be sent.

export const voiceApplication = `
CREATE TABLE applications (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
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
  voice_caller_id_lookup BOOLEAN NOT NULL,
  public_application_connect_enabled BOOLEAN NOT NULL,
  kept JSON NOT NULL,
  declared BOOLEAN NOT NULL,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL
);
CREATE INDEX applications_account ON applications (account_sid, seq);

CREATE TABLE api_keys (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  friendly_name TEXT NOT NULL,
  kind TEXT NOT NULL,
  secret TEXT NOT NULL,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL
);
CREATE INDEX api_keys_account ON api_keys (account_sid, seq);

CREATE TABLE outgoing_caller_ids (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  friendly_name TEXT NOT NULL,
  phone_number TEXT NOT NULL,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL,
  UNIQUE (account_sid, phone_number)
);
CREATE INDEX outgoing_caller_ids_account ON outgoing_caller_ids (account_sid, seq);

CREATE TABLE queues (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL REFERENCES accounts (sid),
  friendly_name TEXT NOT NULL,
  max_size BIGINT NOT NULL,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL,
  UNIQUE (account_sid, friendly_name)
);
CREATE INDEX queues_account ON queues (account_sid, seq);

CREATE TABLE recordings (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  call_sid TEXT NOT NULL,
  conference_sid TEXT,
  status TEXT NOT NULL,
  source TEXT NOT NULL,
  channels BIGINT NOT NULL,
  track TEXT NOT NULL,
  start_time BIGINT NOT NULL,
  duration_seconds BIGINT,
  error_code BIGINT,
  size_bytes BIGINT,
  media TEXT,
  is_encrypted BOOLEAN NOT NULL,
  date_deleted BIGINT,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL
);
CREATE INDEX recordings_account ON recordings (account_sid, seq);
CREATE INDEX recordings_call ON recordings (call_sid, seq);
CREATE INDEX recordings_conference ON recordings (conference_sid, seq);
CREATE INDEX recordings_created ON recordings (date_created);

CREATE TABLE transcriptions (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  recording_sid TEXT NOT NULL,
  call_sid TEXT,
  status TEXT NOT NULL,
  duration_seconds BIGINT,
  transcription_text TEXT,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL
);
CREATE INDEX transcriptions_account ON transcriptions (account_sid, seq);
CREATE INDEX transcriptions_recording ON transcriptions (recording_sid, seq);
CREATE INDEX transcriptions_created ON transcriptions (date_created);

CREATE TABLE conferences (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  friendly_name TEXT NOT NULL,
  status TEXT NOT NULL,
  reason_conference_ended TEXT,
  call_sid_ending_conference TEXT,
  region TEXT NOT NULL,
  date_created BIGINT NOT NULL,
  date_updated BIGINT NOT NULL
);
CREATE INDEX conferences_account ON conferences (account_sid, seq);
CREATE INDEX conferences_name ON conferences (account_sid, friendly_name, seq);
CREATE INDEX conferences_status ON conferences (account_sid, status, seq);
CREATE INDEX conferences_created ON conferences (date_created);

CREATE TABLE webhook_exchanges (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  call_sid TEXT NOT NULL,
  purpose TEXT NOT NULL,
  method TEXT NOT NULL,
  url TEXT NOT NULL,
  parameters JSON NOT NULL,
  response_code BIGINT NOT NULL,
  duration_ms BIGINT NOT NULL,
  content_type TEXT,
  response_headers JSON NOT NULL,
  response_body TEXT,
  error_code BIGINT,
  date_created BIGINT NOT NULL
);
CREATE INDEX webhook_exchanges_account ON webhook_exchanges (account_sid, seq);
CREATE INDEX webhook_exchanges_call ON webhook_exchanges (call_sid, seq);
CREATE INDEX webhook_exchanges_created ON webhook_exchanges (date_created);

CREATE TABLE pending_callbacks (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  account_sid TEXT NOT NULL,
  call_sid TEXT NOT NULL,
  order_key TEXT NOT NULL,
  position BIGINT NOT NULL,
  url TEXT NOT NULL,
  method TEXT NOT NULL,
  parameters JSON NOT NULL,
  idempotency_token TEXT NOT NULL,
  attempts BIGINT NOT NULL,
  next_attempt_at BIGINT NOT NULL,
  date_created BIGINT NOT NULL
);
`;
