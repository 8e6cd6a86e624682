// Parameters of `POST Calls` → CreateCallRequest. The order of the checks is that of rest-api.md 9.1: To, From, instructions, methods,
// timeouts, SIP parts.

import { z } from 'zod';
import { limits } from '../../base/limits.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { Application } from '../../base/voice-records.ts';
import { type ApiFault, fault, type Warning } from '../errors.ts';
import {
  checked,
  type Form,
  hasControl,
  integer,
  isWebUrl,
  lastOf,
  method,
  optional,
  printable,
  sid,
  url,
} from '../form.ts';
import type { CreateCallRequest } from '../ports.ts';
import type { ApiParts } from '../request.ts';
import { findApplication } from './applications.ts';
import { checkFrom, checkTo, type ToKind } from './call-address.ts';
import { readDetection } from './detection-form.ts';
import { readCallRecording } from './recording-form.ts';

export interface ReadCall {
  readonly request: CreateCallRequest;
  readonly warnings: readonly Warning[];
}

const RING_SECONDS = 60;
const TIME_LIMIT_SECONDS = limits.callTimeLimitMs / 1_000;

// biome keeps the key order, and zod reports issues in it.
const schema = z.object({
  Method: optional(method('Method', 21209)),
  FallbackUrl: optional(url('FallbackUrl', 21205)),
  FallbackMethod: optional(method('FallbackMethod', 21209)),
  StatusCallback: optional(url('StatusCallback', 21502)),
  StatusCallbackMethod: optional(method('StatusCallbackMethod', 21209)),
  Timeout: optional(integer('Timeout', 21208, 1, limits.dialTimeoutMaxSeconds)),
  TimeLimit: optional(integer('TimeLimit', 20001, 1, limits.callTimeLimitMaxSeconds)),
  SendDigits: optional(
    z
      .string()
      .regex(new RegExp(`^[0-9A-D#*wW]{1,${limits.sendDigitsChars}}$`), { error: '21206|SendDigits is not valid' }),
  ),
});

/** Of client: and its SDK; nobody listens longer to a browser that rings. */
const CLIENT_RING_SECONDS = 60;

export async function readCall(
  given: Form,
  accountSid: string,
  parts: ApiParts,
  callees: Callees = 'phones',
): Promise<Result<ReadCall, ApiFault>> {
  const to = lastOf(given, 'To');
  const kind = callees === 'phones' ? checkTo(to) : await checkCallee(to, accountSid, parts);
  if (!kind.ok) return kind;
  const from = checkFrom(lastOf(given, 'CallerId') ?? lastOf(given, 'From'), kind.value);
  if (!from.ok) return from;
  if (kind.value === 'number' && parts.ownsNumber && !parts.ownsNumber(accountSid, from.value))
    return err(fault(21210, `The source phone number provided, ${from.value}, is not yet verified for your account.`));
  const application = await readApplication(given, accountSid, parts);
  if (!application.ok) return application;
  const form = application.value ? withApplication(given, application.value) : given;
  const instructions = application.value?.voiceTwiml
    ? ok({ twiml: application.value.voiceTwiml })
    : readInstructions(form);
  if (!instructions.ok) return instructions;
  const settings = checked(schema, form);
  if (!settings.ok) return settings;
  const features = readFeatures(form);
  if (!features.ok) return features;
  const byoc = lastOf(form, 'Byoc');
  if (kind.value === 'number' && byoc !== undefined && !sid('Byoc', 21300, 'BY').safeParse(byoc).success)
    return err(fault(21300, `Byoc ${printable(byoc)} is not a valid trunk sid`));
  const value = settings.value;
  const events = readEvents(form);
  const ringSeconds = value.Timeout ?? RING_SECONDS;
  const { recording, sipAuth, detection, warnings } = features.value;
  return ok({
    request: {
      accountSid,
      ...(application.value ? { applicationSid: application.value.sid } : {}),
      to: to ?? '',
      from: from.value,
      instructions:
        'twiml' in instructions.value
          ? instructions.value
          : { url: instructions.value.url, method: value.Method ?? 'POST' },
      fallbackUrl: value.FallbackUrl ?? null,
      fallbackMethod: value.FallbackMethod ?? 'POST',
      statusCallback: value.StatusCallback ?? null,
      statusCallbackMethod: value.StatusCallbackMethod ?? 'POST',
      statusCallbackEvents: events.events,
      timeoutSeconds: kind.value === 'client' ? Math.min(ringSeconds, CLIENT_RING_SECONDS) : ringSeconds,
      timeLimitSeconds: value.TimeLimit ?? TIME_LIMIT_SECONDS,
      sendDigits: value.SendDigits ?? null,
      // Only used where To is a number (sip-interface.md 2.6).
      byoc: kind.value === 'number' ? (byoc ?? null) : null,
      sipAuth,
      ...(recording ? { recording } : {}),
      ...(detection ? { machineDetection: detection } : {}),
    },
    warnings: [...events.warnings, ...warnings, ...warningsOf(given, application.value)],
  });
}

/** A participant may be an application too: `app:AP…` (rest-api.md 11). */
export type Callees = 'phones' | 'phones and applications';

async function checkCallee(
  to: string | undefined,
  accountSid: string,
  parts: ApiParts,
): Promise<Result<ToKind, ApiFault>> {
  const sid = /^app:([^?]*)/.exec(to ?? '')?.[1];
  if (sid === undefined || (to ?? '').length > limits.sipToUriChars) return checkTo(to);
  const application = await usableApplication(sid, accountSid, parts);
  // From is what the application is shown, as with a client.
  return application.ok ? ok('client') : application;
}

/** What a call does beside its document. */
interface Features {
  readonly recording: CreateCallRequest['recording'];
  readonly sipAuth: CreateCallRequest['sipAuth'];
  readonly detection: CreateCallRequest['machineDetection'];
  readonly warnings: readonly Warning[];
}

function readFeatures(form: Form): Result<Features, ApiFault> {
  const detection = readDetection(form);
  if (!detection.ok) return detection;
  const recording = readCallRecording(form);
  if (!recording.ok) return recording;
  const sipAuth = readSipAuth(form);
  if (!sipAuth.ok) return sipAuth;
  return ok({ ...detection.value, recording: recording.value, sipAuth: sipAuth.value });
}

/** rest-api.md 9.1, 21218: an application of the account; 21205 where it cannot answer a call. */
async function readApplication(
  form: Form,
  accountSid: string,
  parts: ApiParts,
): Promise<Result<Application | undefined, ApiFault>> {
  const asked = lastOf(form, 'ApplicationSid');
  return asked === undefined ? ok(undefined) : usableApplication(asked, accountSid, parts);
}

async function usableApplication(
  asked: string,
  accountSid: string,
  parts: ApiParts,
): Promise<Result<Application, ApiFault>> {
  const application = await findApplication(asked, accountSid, parts);
  if (!application) return err(fault(21218, `ApplicationSid ${printable(asked)} is not an application of the account`));
  if (application.voiceUrl === null && application.voiceTwiml === null)
    return err(fault(21205, `Application ${application.sid} has no VoiceUrl`));
  return ok(application);
}

/** What the application says in place of what the request says of the same things. */
function withApplication(form: Form, application: Application): Form {
  const values: Readonly<Record<string, string | null>> = {
    Url: application.voiceUrl,
    Twiml: null,
    Method: application.voiceMethod,
    FallbackUrl: application.voiceFallbackUrl,
    FallbackMethod: application.voiceFallbackMethod,
    StatusCallback: application.statusCallback,
    StatusCallbackMethod: application.statusCallbackMethod,
    StatusCallbackEvent: null,
  };
  const own = new Map(form);
  for (const [name, value] of Object.entries(values)) {
    if (value === null) own.delete(name);
    else own.set(name, [value]);
  }
  return own;
}

export type CallInstructions = { readonly url: string } | { readonly twiml: string };

/** Url beats Twiml. */
export function readInstructions(form: Form): Result<CallInstructions, ApiFault> {
  const webUrl = lastOf(form, 'Url');
  if (webUrl !== undefined)
    return isWebUrl(webUrl) && webUrl.length <= limits.restUrlChars
      ? ok({ url: webUrl })
      : err(fault(21205, `Url is not a valid URL: ${printable(webUrl)}`));
  const twiml = lastOf(form, 'Twiml');
  if (twiml === undefined) return err(fault(21205, 'Url parameter is required.'));
  if (twiml.length > limits.twimlInlineChars)
    return err(fault(32018, `Twiml is longer than ${limits.twimlInlineChars} characters`));
  return twiml.includes('\0') ? err(fault(21205, 'Twiml holds a NUL character')) : ok({ twiml });
}

const callbackEvents = ['initiated', 'ringing', 'answered', 'completed'] as const;
type CallbackEvent = (typeof callbackEvents)[number];

/** Repeated, or one value with spaces (rest-api.md 4). With an unknown event among them no callback comes (21626). */
function readEvents(form: Form): { readonly events: readonly CallbackEvent[]; readonly warnings: readonly Warning[] } {
  const asked = (form.get('StatusCallbackEvent') ?? []).flatMap((value) => value.split(/[\s,]+/)).filter(Boolean);
  if (asked.length === 0) return { events: ['completed'], warnings: [] };
  const isKnown = (event: string): event is CallbackEvent => callbackEvents.some((known) => known === event);
  const unknown = asked.find((event) => !isKnown(event));
  if (unknown === undefined) return { events: [...new Set(asked.filter(isKnown))], warnings: [] };
  return { events: [], warnings: [{ code: 21626, message: `Invalid StatusCallbackEvent: ${printable(unknown)}` }] };
}

function readSipAuth(form: Form): Result<CreateCallRequest['sipAuth'], ApiFault> {
  const username = lastOf(form, 'SipAuthUsername');
  const password = lastOf(form, 'SipAuthPassword');
  if (username === undefined) return ok(null);
  if (username.length > limits.sipAuthChars) return err(fault(21221, 'SipAuthUsername is too long'));
  // A quoted-string in Authorization: a quote or backslash would end it, `:` would make the digest ambiguous.
  if (hasControl(username) || /["\\:]/.test(username))
    return err(fault(21222, 'SipAuthUsername holds a character that is not allowed'));
  if (password === undefined) return err(fault(21225, 'SipAuthPassword is required with SipAuthUsername'));
  if (password.length > limits.sipAuthChars) return err(fault(21223, 'SipAuthPassword is too long'));
  if (hasControl(password)) return err(fault(21224, 'SipAuthPassword holds a character that is not allowed'));
  return ok({ username, password });
}

function warningsOf(form: Form, application: Application | undefined): readonly Warning[] {
  if (application || lastOf(form, 'Url') === undefined || lastOf(form, 'Twiml') === undefined) return [];
  return [{ code: 32019, message: 'Url and Twiml were both given; Url is used' }];
}

/** rest-api.md 9.1: what `POST Calls` knows; anything else is ignored, and named in the log (rest-api.md 4). */
const known: ReadonlySet<string> = new Set(
  `To From CallerId Url Twiml ApplicationSid Method FallbackUrl FallbackMethod StatusCallback StatusCallbackEvent
  StatusCallbackMethod SendDigits Timeout TimeLimit Record RecordingChannels RecordingTrack Trim RecordingStatusCallback
  RecordingStatusCallbackMethod RecordingStatusCallbackEvent SipAuthUsername SipAuthPassword MachineDetection
  MachineDetectionTimeout MachineDetectionSpeechThreshold MachineDetectionSpeechEndThreshold MachineDetectionSilenceTimeout
  AsyncAmd AsyncAmdStatusCallback AsyncAmdStatusCallbackMethod Byoc CallReason CallToken ClientNotificationUrl`.split(
    /\s+/,
  ),
);

export const unknownParameters = (form: Form): readonly Warning[] =>
  [...form.keys()]
    .filter((name) => !known.has(name))
    .slice(0, limits.restUnknownNamed)
    .map((name) => ({ code: 20001, message: `Parameter ${printable(name)} is unknown and was ignored` }));
