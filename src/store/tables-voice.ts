// The tables of the voice application layer (base/voice-records.ts), in the words of tables.ts.

import type {
  ApiKey,
  Application,
  Conference,
  OutgoingCallerId,
  PendingCallback,
  Queue,
  Recording,
  Transcription,
  WebhookExchange,
} from '../base/voice-records.ts';
import { sidOf, type Table } from './table.ts';

const dates = { dateCreated: 'integer', dateUpdated: 'integer' } as const;
const named = { sid: 'text', accountSid: 'text', friendlyName: 'text' } as const;

const applications: Table<Application> = {
  name: 'applications',
  columns: {
    ...named,
    voiceUrl: 'text',
    voiceMethod: 'text',
    voiceFallbackUrl: 'text',
    voiceFallbackMethod: 'text',
    voiceTwiml: 'text',
    statusCallback: 'text',
    statusCallbackMethod: 'text',
    voiceCallerIdLookup: 'boolean',
    publicApplicationConnectEnabled: 'boolean',
    kept: 'json',
    declared: 'boolean',
    ...dates,
  },
  keyOf: sidOf,
  derived: {},
};

const keys: Table<ApiKey> = {
  name: 'api_keys',
  columns: { ...named, kind: 'text', secret: 'secret', policy: 'json', ...dates },
  keyOf: sidOf,
  derived: {},
};

const outgoingCallerIds: Table<OutgoingCallerId> = {
  name: 'outgoing_caller_ids',
  columns: { ...named, phoneNumber: 'text', ...dates },
  keyOf: sidOf,
  derived: {},
};

const recordings: Table<Recording> = {
  name: 'recordings',
  columns: {
    sid: 'text',
    accountSid: 'text',
    callSid: 'text',
    conferenceSid: 'text',
    status: 'text',
    source: 'text',
    channels: 'integer',
    track: 'text',
    startTime: 'integer',
    durationSeconds: 'integer',
    errorCode: 'integer',
    sizeBytes: 'integer',
    media: 'text',
    isEncrypted: 'boolean',
    dateDeleted: 'integer',
    ...dates,
  },
  keyOf: sidOf,
  derived: {},
};

const transcriptions: Table<Transcription> = {
  name: 'transcriptions',
  columns: {
    sid: 'text',
    accountSid: 'text',
    recordingSid: 'text',
    callSid: 'text',
    status: 'text',
    durationSeconds: 'integer',
    transcriptionText: 'text',
    ...dates,
  },
  keyOf: sidOf,
  derived: {},
};

const conferences: Table<Conference> = {
  name: 'conferences',
  columns: {
    ...named,
    status: 'text',
    reasonConferenceEnded: 'text',
    callSidEndingConference: 'text',
    region: 'text',
    ...dates,
  },
  keyOf: sidOf,
  derived: {},
};

const queues: Table<Queue> = {
  name: 'queues',
  columns: { ...named, maxSize: 'integer', ...dates },
  keyOf: sidOf,
  derived: {},
};

const webhookExchanges: Table<WebhookExchange> = {
  name: 'webhook_exchanges',
  columns: {
    sid: 'text',
    accountSid: 'text',
    callSid: 'text',
    purpose: 'text',
    method: 'text',
    url: 'text',
    parameters: 'json',
    responseCode: 'integer',
    durationMs: 'integer',
    contentType: 'text',
    responseHeaders: 'json',
    responseBody: 'text',
    errorCode: 'integer',
    dateCreated: 'integer',
  },
  keyOf: sidOf,
  derived: {},
};

const pendingCallbacks: Table<PendingCallback> = {
  name: 'pending_callbacks',
  columns: {
    sid: 'text',
    accountSid: 'text',
    callSid: 'text',
    orderKey: 'text',
    position: 'integer',
    url: 'text',
    method: 'text',
    parameters: 'json',
    idempotencyToken: 'text',
    attempts: 'integer',
    nextAttemptAt: 'integer',
    dateCreated: 'integer',
  },
  keyOf: sidOf,
  derived: {},
};

export const voiceTables = {
  applications,
  keys,
  outgoingCallerIds,
  recordings,
  transcriptions,
  conferences,
  queues,
  webhookExchanges,
  pendingCallbacks,
} as const;
