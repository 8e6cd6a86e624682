// IncomingPhoneNumbers (rest-api.md 13): creating one says "this number is routed here". It is used when a call for it comes in by a
// domain that belongs to a trunk. What has no effect (SMS, addresses, bundles) is kept and shown.

import { z } from 'zod';
import { newSid } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import type { PhoneNumber } from '../../base/records.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { type ApiFault, fault, isDuplicate, notFound } from '../errors.ts';
import { bool, checked, clearable, type Form, lastOf, method, optional, sid, text, url } from '../form.ts';
import { pageBody, pageRequest } from '../page.ts';
import type { Page } from '../ports.ts';
import { formatted, presentPhoneNumber } from '../present.ts';
import type { ApiParts, ApiRequest, Handler, Route } from '../request.ts';
import { findApplication } from './applications.ts';

const NO_APPLICATION = 21420;
const INVALID_NUMBER = 21421;
const INVALID_URL = 21402;
const INVALID_METHOD = 21403;
const FALLBACK_WITHOUT_URL = 21405;
const NOT_AVAILABLE = 21422;
const NONE_IN_AREA = 21452;
const INVALID = 20001;
const KEPT_CHARS = 2_048;
const FRIENDLY_NAME = 20002;
const TOO_MANY = 20422;

/** E.164: `+`, no leading zero, at most 15 digits. */
const E164 = /^\+[1-9]\d{2,14}$/;

const phoneNumber = z
  .string()
  .regex(E164, { error: `${INVALID_NUMBER}|PhoneNumber must be in E.164 form: +4930123456` });
const keptText = (name: string) => clearable(text(name, INVALID, KEPT_CHARS));

// Key order is the order of validation.
const schema = z.object({
  PhoneNumber: optional(phoneNumber),
  FriendlyName: optional(text('FriendlyName', FRIENDLY_NAME, limits.friendlyNameChars)),
  VoiceUrl: clearable(url('VoiceUrl', INVALID_URL)),
  VoiceMethod: optional(method('VoiceMethod', INVALID_METHOD)),
  VoiceFallbackUrl: clearable(url('VoiceFallbackUrl', INVALID_URL)),
  VoiceFallbackMethod: optional(method('VoiceFallbackMethod', INVALID_METHOD)),
  StatusCallback: clearable(url('StatusCallback', INVALID_URL)),
  StatusCallbackMethod: optional(method('StatusCallbackMethod', INVALID_METHOD)),
});
const keptSchema = z.object({
  VoiceCallerIdLookup: optional(bool('VoiceCallerIdLookup', INVALID)),
  VoiceReceiveMode: optional(z.enum(['voice', 'fax'], { error: `${INVALID}|VoiceReceiveMode must be voice or fax` })),
  VoiceApplicationSid: clearable(sid('VoiceApplicationSid', NO_APPLICATION, 'AP')),
  TrunkSid: keptText('TrunkSid'),
  SmsUrl: keptText('SmsUrl'),
  SmsMethod: optional(method('SmsMethod', INVALID_METHOD)),
  SmsFallbackUrl: keptText('SmsFallbackUrl'),
  SmsFallbackMethod: optional(method('SmsFallbackMethod', INVALID_METHOD)),
  SmsApplicationSid: keptText('SmsApplicationSid'),
  AddressSid: keptText('AddressSid'),
  IdentitySid: keptText('IdentitySid'),
  BundleSid: keptText('BundleSid'),
  EmergencyAddressSid: keptText('EmergencyAddressSid'),
  EmergencyStatus: optional(
    z.enum(['Active', 'Inactive'], { error: `${INVALID}|EmergencyStatus must be Active or Inactive` }),
  ),
});
/** `VoiceCallerIdLookup` → `voice_caller_id_lookup`. */
const jsonName = (name: string): string => name.replace(/(?<!^)[A-Z]/g, '_$&').toLowerCase();

const list: Handler = async (request, { store }) => {
  const page = pageRequest(request.query);
  if (!page.ok) return page.error;
  const { query } = request;
  const friendlyName = lastOf(query, 'FriendlyName');
  const where = { accountSid: request.account.sid, ...(friendlyName === undefined ? {} : { friendlyName }) };
  // Every number here is hosted by ourselves and none is a beta one.
  const isNone = lastOf(query, 'Beta')?.toLowerCase() === 'true' || lastOf(query, 'Origin') === 'hosted';
  const pattern = lastOf(query, 'PhoneNumber');
  let found: Page<PhoneNumber> = { records: [], hasMore: false };
  if (!isNone && pattern === undefined) found = await store.phoneNumbers.list(where, page.value);
  else if (!isNone && pattern !== undefined && /^[\d*+ ().-]{1,64}$/.test(pattern))
    found = await store.phoneNumbers.matching(where, partOf(pattern), page.value);
  return { status: 200, body: pageBody(request, page.value, found, 'incoming_phone_numbers', presentPhoneNumber) };
};

/** Part of a number, `*` for any digits (rest-api.md 7.3); a `+` binds it to the beginning. */
function partOf(pattern: string): string {
  // In a query an unescaped plus is a space.
  const plain = pattern.replace(/^ /, '+').replace(/[ ().-]/g, '');
  return plain.startsWith('+') ? `${plain}*` : `*${plain}*`;
}

const create: Handler = async (request, parts) => {
  const { PhoneNumber: number } = Object.fromEntries(request.form);
  if (number === undefined && lastOf(request.form, 'AreaCode') !== undefined)
    return fault(NONE_IN_AREA, 'Numbers are not bought here: give the PhoneNumber that your carrier routes to you');
  if (!number?.at(-1)) return fault(INVALID_NUMBER, 'PhoneNumber is required');
  const most = parts.quotas.phoneNumbers;
  if ((await parts.store.phoneNumbers.count({ accountSid: request.account.sid })) >= most)
    return fault(TOO_MANY, `At most ${most} phone numbers are allowed`);
  const made = withSettings(blank(number.at(-1) ?? '', request, parts), request.form);
  if (!made.ok) return made.error;
  const unknown = await unknownApplication(made.value, parts);
  if (unknown) return unknown;
  try {
    await parts.store.phoneNumbers.insert(made.value);
  } catch (error) {
    if (isDuplicate(error))
      return fault(NOT_AVAILABLE, `${made.value.phoneNumber} is not available: it is routed here already`);
    throw error;
  }
  return { status: 201, body: presentPhoneNumber(made.value) };
};

const fetch: Handler = async (request, parts) => {
  const found = await find(request, parts);
  return found ? { status: 200, body: presentPhoneNumber(found) } : notFound(`${request.path}.json`);
};

const update: Handler = async (request, parts) => {
  const found = await find(request, parts);
  if (!found) return notFound(`${request.path}.json`);
  // The number itself never changes: another number is another resource.
  const form = new Map([...request.form].filter(([name]) => name !== 'PhoneNumber'));
  const changed = withSettings({ ...found, dateUpdated: parts.clock.wall() }, form);
  if (!changed.ok) return changed.error;
  const unknown = await unknownApplication(changed.value, parts);
  if (unknown && changed.value.kept.voice_application_sid !== found.kept.voice_application_sid) return unknown;
  if (!(await parts.store.phoneNumbers.update(changed.value))) return notFound(`${request.path}.json`);
  return { status: 200, body: presentPhoneNumber(changed.value) };
};

const remove: Handler = async (request, parts) => {
  const found = await find(request, parts);
  if (!found || !(await parts.store.phoneNumbers.remove(found.sid))) return notFound(`${request.path}.json`);
  return { status: 204 };
};

async function unknownApplication({ kept, accountSid }: PhoneNumber, parts: ApiParts): Promise<ApiFault | undefined> {
  const asked = kept.voice_application_sid;
  if (typeof asked !== 'string' || (await findApplication(asked, accountSid, parts))) return undefined;
  return fault(NO_APPLICATION, `VoiceApplicationSid ${asked} is not an application of the account`);
}

async function find(request: ApiRequest, { store }: ApiParts): Promise<PhoneNumber | undefined> {
  const found = await store.phoneNumbers.get(request.params.Sid ?? '');
  return found?.accountSid === request.account.sid ? found : undefined;
}

function blank(number: string, request: ApiRequest, parts: ApiParts): PhoneNumber {
  const now = parts.clock.wall();
  return {
    sid: newSid('PN', parts.random),
    accountSid: request.account.sid,
    phoneNumber: number,
    friendlyName: formatted(number),
    voiceUrl: null,
    voiceMethod: 'POST',
    voiceFallbackUrl: null,
    voiceFallbackMethod: 'POST',
    voiceTwiml: null,
    statusCallback: null,
    statusCallbackMethod: 'POST',
    kept: {},
    declared: false,
    dateCreated: now,
    dateUpdated: now,
  };
}

/** Absent parameters keep what is there; an empty one clears. */
function withSettings(number: PhoneNumber, form: Form): Result<PhoneNumber, ApiFault> {
  const read = checked(schema, form);
  if (!read.ok) return read;
  const keptRead = checked(keptSchema, form);
  if (!keptRead.ok) return keptRead;
  const given = read.value;
  const or = <T>(value: T | undefined, kept: T): T => (value === undefined ? kept : value);
  const kept: Record<string, string | boolean> = { ...number.kept };
  for (const [name, value] of Object.entries(keptRead.value)) {
    if (value === null) delete kept[jsonName(name)];
    else if (value !== undefined) kept[jsonName(name)] = value;
  }
  const changed: PhoneNumber = {
    ...number,
    friendlyName: given.FriendlyName ?? number.friendlyName,
    voiceUrl: or(given.VoiceUrl, number.voiceUrl),
    voiceMethod: given.VoiceMethod ?? number.voiceMethod,
    voiceFallbackUrl: or(given.VoiceFallbackUrl, number.voiceFallbackUrl),
    voiceFallbackMethod: given.VoiceFallbackMethod ?? number.voiceFallbackMethod,
    statusCallback: or(given.StatusCallback, number.statusCallback),
    statusCallbackMethod: given.StatusCallbackMethod ?? number.statusCallbackMethod,
    kept,
  };
  if (changed.voiceFallbackUrl !== null && changed.voiceUrl === null && changed.voiceTwiml === null)
    return err(fault(FALLBACK_WITHOUT_URL, 'VoiceFallbackUrl needs a VoiceUrl'));
  return ok(changed);
}

const path = '/Accounts/{AccountSid}/IncomingPhoneNumbers';

export const phoneNumberRoutes: readonly Route[] = [
  { path, handlers: { GET: list, POST: create }, isDirectory: true },
  { path: `${path}/{Sid}`, handlers: { GET: fetch, POST: update, DELETE: remove }, isDirectory: true },
];
