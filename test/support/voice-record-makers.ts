// Complete records of the voice application layer for tests: every field set, each sid new.

import { newSid } from '../../src/base/ids.ts';
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
} from '../../src/base/voice-records.ts';

const sid = (prefix: string): string => prefix + newSid('CA').slice(2);

const DATE = Date.UTC(2026, 0, 1, 12);
const dates = { dateCreated: DATE, dateUpdated: DATE };

export const anApplication = (accountSid: string, over: Partial<Application> = {}): Application => ({
  sid: sid('AP'),
  accountSid,
  friendlyName: 'Phone menu',
  voiceUrl: 'https://app.example.com/voice',
  voiceMethod: 'POST',
  voiceFallbackUrl: null,
  voiceFallbackMethod: 'POST',
  voiceTwiml: null,
  statusCallback: 'https://app.example.com/status',
  statusCallbackMethod: 'GET',
  voiceCallerIdLookup: false,
  publicApplicationConnectEnabled: true,
  kept: { sms_url: 'https://app.example.com/sms' },
  declared: false,
  ...dates,
  ...over,
});

export const aKey = (accountSid: string, over: Partial<ApiKey> = {}): ApiKey => ({
  sid: sid('SK'),
  accountSid,
  friendlyName: 'Web app',
  kind: 'standard',
  secret: 'c2VjcmV0LW9mLWEta2V5LW9mLXRlc3Q',
  policy: null,
  ...dates,
  ...over,
});

export const aCallerId = (accountSid: string, over: Partial<OutgoingCallerId> = {}): OutgoingCallerId => ({
  sid: sid('PN'),
  accountSid,
  phoneNumber: '+4930123456',
  friendlyName: 'Front desk',
  ...dates,
  ...over,
});

export const aRecording = (accountSid: string, over: Partial<Recording> = {}): Recording => ({
  sid: sid('RE'),
  accountSid,
  callSid: sid('CA'),
  conferenceSid: null,
  status: 'completed',
  source: 'RecordVerb',
  channels: 1,
  track: 'both',
  startTime: DATE,
  durationSeconds: 12,
  errorCode: null,
  sizeBytes: 192_044,
  media: 'recordings/2026/01/a.wav',
  isEncrypted: false,
  dateDeleted: null,
  ...dates,
  ...over,
});

export const aTranscription = (accountSid: string, over: Partial<Transcription> = {}): Transcription => ({
  sid: sid('TR'),
  accountSid,
  recordingSid: sid('RE'),
  callSid: sid('CA'),
  status: 'completed',
  durationSeconds: 12,
  transcriptionText: 'Grüße "aus" Köln',
  ...dates,
  ...over,
});

export const aConference = (accountSid: string, over: Partial<Conference> = {}): Conference => ({
  sid: sid('CF'),
  accountSid,
  friendlyName: 'Room',
  status: 'completed',
  reasonConferenceEnded: 'last-participant-left',
  callSidEndingConference: sid('CA'),
  region: 'us1',
  ...dates,
  ...over,
});

export const aQueue = (accountSid: string, over: Partial<Queue> = {}): Queue => ({
  sid: sid('QU'),
  accountSid,
  friendlyName: 'support',
  maxSize: 100,
  ...dates,
  ...over,
});

export const aWebhookExchange = (accountSid: string, over: Partial<WebhookExchange> = {}): WebhookExchange => ({
  sid: sid('WX'),
  accountSid,
  callSid: sid('CA'),
  purpose: 'voice',
  method: 'POST',
  url: 'https://app.example.com/voice',
  parameters: { Digits: '12', From: '+4930123456' },
  responseCode: 200,
  durationMs: 31,
  contentType: 'text/xml',
  responseHeaders: { 'content-type': 'text/xml' },
  responseBody: '<Response/>',
  errorCode: null,
  dateCreated: DATE,
  ...over,
});

export const aPendingCallback = (accountSid: string, over: Partial<PendingCallback> = {}): PendingCallback => ({
  sid: sid('WX'),
  accountSid,
  callSid: sid('CA'),
  orderKey: 'CA1',
  position: 0,
  url: 'https://app.example.com/status',
  method: 'POST',
  parameters: [
    ['CallStatus', 'completed'],
    ['CallSid', 'CA1'],
  ],
  idempotencyToken: '6b0d1b9e-0000-4000-8000-000000000000',
  attempts: 1,
  nextAttemptAt: DATE,
  dateCreated: DATE,
  ...over,
});
