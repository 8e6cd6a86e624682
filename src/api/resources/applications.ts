// Applications (rest-api.md 13): sets of URLs that calls and numbers name by their sid. What belongs to messages is kept and shown.

import { z } from 'zod';
import { newSid } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { Application } from '../../base/voice-records.ts';
import { type ApiFault, fault, notFound } from '../errors.ts';
import { bool, checked, clearable, type Form, lastOf, method, optional, text, url } from '../form.ts';
import { pageBody, pageRequest } from '../page.ts';
import { presentApplication } from '../present.ts';
import type { ApiParts, ApiRequest, Handler, Route } from '../request.ts';

const INVALID_URL = 21402;
const INVALID_METHOD = 21403;
const FALLBACK_WITHOUT_URL = 21405;
const TOO_MANY = 21301;

// Key order is the order of validation.
const schema = z.object({
  FriendlyName: clearable(text('FriendlyName', 20002, limits.friendlyNameChars)),
  VoiceUrl: clearable(url('VoiceUrl', INVALID_URL)),
  VoiceMethod: optional(method('VoiceMethod', INVALID_METHOD)),
  VoiceFallbackUrl: clearable(url('VoiceFallbackUrl', INVALID_URL)),
  VoiceFallbackMethod: optional(method('VoiceFallbackMethod', INVALID_METHOD)),
  StatusCallback: clearable(url('StatusCallback', INVALID_URL)),
  StatusCallbackMethod: optional(method('StatusCallbackMethod', INVALID_METHOD)),
  VoiceCallerIdLookup: optional(bool('VoiceCallerIdLookup', 20001)),
  PublicApplicationConnectEnabled: optional(bool('PublicApplicationConnectEnabled', 20001)),
});
const keptSchema = z.object({
  SmsUrl: clearable(url('SmsUrl', INVALID_URL)),
  SmsMethod: optional(method('SmsMethod', INVALID_METHOD)),
  SmsFallbackUrl: clearable(url('SmsFallbackUrl', INVALID_URL)),
  SmsFallbackMethod: optional(method('SmsFallbackMethod', INVALID_METHOD)),
  SmsStatusCallback: clearable(url('SmsStatusCallback', INVALID_URL)),
  MessageStatusCallback: clearable(url('MessageStatusCallback', INVALID_URL)),
});
/** `SmsStatusCallback` → `sms_status_callback`. */
const jsonName = (name: string): string => name.replace(/(?<!^)[A-Z]/g, '_$&').toLowerCase();

const list: Handler = async (request, { store }) => {
  const page = pageRequest(request.query);
  if (!page.ok) return page.error;
  const friendlyName = lastOf(request.query, 'FriendlyName');
  const where = { accountSid: request.account.sid, ...(friendlyName === undefined ? {} : { friendlyName }) };
  const found = await store.applications.list(where, page.value);
  return { status: 200, body: pageBody(request, page.value, found, 'applications', presentApplication) };
};

const create: Handler = async (request, parts) => {
  const most = parts.quotas.applications;
  if ((await parts.store.applications.count({ accountSid: request.account.sid })) >= most)
    return fault(TOO_MANY, `At most ${most} applications are allowed`);
  const made = withSettings(blank(request, parts), request.form);
  if (!made.ok) return made.error;
  await parts.store.applications.insert(made.value);
  return { status: 201, body: presentApplication(made.value) };
};

const fetch: Handler = async (request, parts) => {
  const found = await findApplication(request.params.Sid ?? '', request.account.sid, parts);
  return found ? { status: 200, body: presentApplication(found) } : notFound(`${request.path}.json`);
};

const update: Handler = async (request, parts) => {
  const found = await findApplication(request.params.Sid ?? '', request.account.sid, parts);
  if (!found) return notFound(`${request.path}.json`);
  const changed = withSettings({ ...found, dateUpdated: parts.clock.wall() }, request.form);
  if (!changed.ok) return changed.error;
  if (!(await parts.store.applications.update(changed.value))) return notFound(`${request.path}.json`);
  return { status: 200, body: presentApplication(changed.value) };
};

/** rest-api.md 8: at once; numbers that point at it fall back to their own URLs. */
const remove: Handler = async (request, parts) => {
  const found = await findApplication(request.params.Sid ?? '', request.account.sid, parts);
  if (!found || !(await parts.store.applications.remove(found.sid))) return notFound(`${request.path}.json`);
  return { status: 204 };
};

/** An application of the account. */
export async function findApplication(
  sid: string,
  accountSid: string,
  { store }: Pick<ApiParts, 'store'>,
): Promise<Application | undefined> {
  const found = await store.applications.get(sid);
  return found?.accountSid === accountSid ? found : undefined;
}

function blank(request: ApiRequest, parts: ApiParts): Application {
  const now = parts.clock.wall();
  return {
    sid: newSid('AP', parts.random),
    accountSid: request.account.sid,
    friendlyName: '',
    voiceUrl: null,
    voiceMethod: 'POST',
    voiceFallbackUrl: null,
    voiceFallbackMethod: 'POST',
    voiceTwiml: null,
    statusCallback: null,
    statusCallbackMethod: 'POST',
    voiceCallerIdLookup: false,
    publicApplicationConnectEnabled: false,
    kept: {},
    declared: false,
    dateCreated: now,
    dateUpdated: now,
  };
}

/** Absent parameters keep what is there; an empty one clears. */
function withSettings(application: Application, form: Form): Result<Application, ApiFault> {
  const read = checked(schema, form);
  if (!read.ok) return read;
  const keptRead = checked(keptSchema, form);
  if (!keptRead.ok) return keptRead;
  const given = read.value;
  const or = <T>(value: T | undefined, present: T): T => (value === undefined ? present : value);
  const kept: Record<string, string | boolean> = { ...application.kept };
  for (const [name, value] of Object.entries(keptRead.value)) {
    if (value === null) delete kept[jsonName(name)];
    else if (value !== undefined) kept[jsonName(name)] = value;
  }
  const changed: Application = {
    ...application,
    friendlyName: or(given.FriendlyName, application.friendlyName) ?? '',
    voiceUrl: or(given.VoiceUrl, application.voiceUrl),
    voiceMethod: given.VoiceMethod ?? application.voiceMethod,
    voiceFallbackUrl: or(given.VoiceFallbackUrl, application.voiceFallbackUrl),
    voiceFallbackMethod: given.VoiceFallbackMethod ?? application.voiceFallbackMethod,
    statusCallback: or(given.StatusCallback, application.statusCallback),
    statusCallbackMethod: given.StatusCallbackMethod ?? application.statusCallbackMethod,
    voiceCallerIdLookup: given.VoiceCallerIdLookup ?? application.voiceCallerIdLookup,
    publicApplicationConnectEnabled:
      given.PublicApplicationConnectEnabled ?? application.publicApplicationConnectEnabled,
    kept,
  };
  if (changed.voiceFallbackUrl !== null && changed.voiceUrl === null && changed.voiceTwiml === null)
    return err(fault(FALLBACK_WITHOUT_URL, 'VoiceFallbackUrl needs a VoiceUrl'));
  return ok(changed);
}

const path = '/Accounts/{AccountSid}/Applications';

export const applicationRoutes: readonly Route[] = [
  { path, handlers: { GET: list, POST: create }, isDirectory: true },
  { path: `${path}/{Sid}`, handlers: { GET: fetch, POST: update, DELETE: remove }, isDirectory: true },
];
