// What a restricted key may do (rest-api.md 2): its policy allows permissions of the form `/twilio/voice/calls/read`, with `*` for all
// actions of a resource. Each route belongs to one resource; the method and the end of its path say which action it is.
//
//   GET …/Calls   list      GET …/Calls/{CallSid}    read      DELETE …/Calls/{CallSid}   delete
//   POST …/Calls  create    POST …/Calls/{CallSid}   update
//
// What has no resource here is closed to restricted keys: accounts (their token would be every right), tokens, and what the vendor has no
// permission for. A key that could make or change keys could widen itself, so that of keys only the harmless half is open.

import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type ApiFault, fault } from './errors.ts';
import { printable } from './form.ts';
import type { Method, Route } from './request.ts';

const ACCOUNT = '/Accounts/{AccountSid}';
const DOMAIN = `${ACCOUNT}/SIP/Domains/{DomainSid}`;
const OF_CALLS = '/twilio/voice/sip.domains.auth.calls.credential-list-mappings';
const OF_REGISTRATIONS = '/twilio/voice/sip.domains.auth.registrations.credential-list-mappings';
const OF_ADDRESSES = '/twilio/voice/sip.ip-acl-mappings';

/** Path of a list → its resource. */
const resources: Readonly<Record<string, string>> = {
  [`${ACCOUNT}/Calls`]: '/twilio/voice/calls',
  [`${ACCOUNT}/Calls/{CallSid}/Notifications`]: '/twilio/voice/calls.notifications',
  [`${ACCOUNT}/Calls/{CallSid}/Recordings`]: '/twilio/voice/calls.recordings',
  [`${ACCOUNT}/Conferences`]: '/twilio/voice/conferences',
  [`${ACCOUNT}/Conferences/{ConferenceSid}/Participants`]: '/twilio/voice/conferences.participants',
  [`${ACCOUNT}/Conferences/{ConferenceSid}/Recordings`]: '/twilio/voice/conferences.recordings',
  [`${ACCOUNT}/Queues`]: '/twilio/voice/queues',
  [`${ACCOUNT}/Queues/{QueueSid}/Members`]: '/twilio/voice/queues.member',
  [`${ACCOUNT}/Recordings`]: '/twilio/voice/recordings',
  [`${ACCOUNT}/Recordings/{RecordingSid}/Transcriptions`]: '/twilio/voice/recordings.transcriptions',
  [`${ACCOUNT}/Transcriptions`]: '/twilio/voice/transcriptions',
  [`${ACCOUNT}/OutgoingCallerIds`]: '/twilio/voice/outgoing-caller-ids',
  [`${ACCOUNT}/Applications`]: '/twilio/voice/twiml.apps',
  [`${ACCOUNT}/IncomingPhoneNumbers`]: '/twilio/phone-numbers/active-numbers',
  [`${ACCOUNT}/SIP/Domains`]: '/twilio/voice/sip.domains',
  [`${DOMAIN}/CredentialListMappings`]: OF_CALLS,
  [`${DOMAIN}/Auth/Calls/CredentialListMappings`]: OF_CALLS,
  [`${DOMAIN}/Auth/Registrations/CredentialListMappings`]: OF_REGISTRATIONS,
  [`${DOMAIN}/IpAccessControlListMappings`]: OF_ADDRESSES,
  [`${DOMAIN}/Auth/Calls/IpAccessControlListMappings`]: OF_ADDRESSES,
  [`${ACCOUNT}/SIP/CredentialLists`]: '/twilio/voice/sip.credential-lists',
  [`${ACCOUNT}/SIP/CredentialLists/{ListSid}/Credentials`]: '/twilio/voice/sip.credential-lists.credentials',
  [`${ACCOUNT}/SIP/IpAccessControlLists`]: '/twilio/voice/sip.ip-acls',
  [`${ACCOUNT}/SIP/IpAccessControlLists/{ListSid}/IpAddresses`]: '/twilio/voice/sip.ip-acls.ip-addresses',
  '/v1/ByocTrunks': '/twilio/voice/sip.byoc-trunks',
  '/v1/ConnectionPolicies': '/twilio/voice/sip.connection-policies',
  '/v1/ConnectionPolicies/{PolicySid}/Targets': '/twilio/voice/sip.connection-policies.targets',
  '/v1/IpRecords': '/twilio/voice/sip.ip-records',
  '/v1/SourceIpMappings': '/twilio/voice/sip.source-ip-mappings',
  [`${ACCOUNT}/Keys`]: '/twilio/iam/api-keys',
  [`${ACCOUNT}/SigningKeys`]: '/twilio/iam/api-keys',
  '/v1/Keys': '/twilio/iam/api-keys',
};

/** A list that is one object of its call. */
const EVENTS = '/twilio/voice/request-inspector/read';
const widening: ReadonlySet<string> = new Set(['/twilio/iam/api-keys/create', '/twilio/iam/api-keys/update']);

/** The permission that a request needs; undefined where no permission opens it. */
export function permissionFor({ path }: Pick<Route, 'path'>, method: Method): string | undefined {
  if (path === `${ACCOUNT}/Calls/{CallSid}/Events`) return EVENTS;
  const isItem = path.endsWith('}');
  const resource = resources[isItem ? path.slice(0, path.lastIndexOf('/')) : path];
  if (resource === undefined) return undefined;
  const permission = `${resource}/${actionOf(method, isItem)}`;
  return widening.has(permission) ? undefined : permission;
}

function actionOf(method: Method, isItem: boolean): string {
  if (method === 'DELETE') return 'delete';
  if (method === 'GET') return isItem ? 'read' : 'list';
  return isItem ? 'update' : 'create';
}

/** The fault of a request that `policy` does not allow. */
export function refusedBy(policy: readonly string[], route: Route, method: Method): ApiFault | undefined {
  const needed = permissionFor(route, method);
  if (needed === undefined) return fault(70051, 'Authorization Error: the resource is not open to restricted keys');
  const all = `${needed.slice(0, needed.lastIndexOf('/'))}/*`;
  if (policy.includes(needed) || policy.includes(all)) return undefined;
  return fault(70051, `Authorization Error: required permission ${needed.slice(1)} is missing`);
}

// ------------------------------------------------------------------ policies

const known: ReadonlySet<string> = new Set([...Object.values(resources), EVENTS.slice(0, EVENTS.lastIndexOf('/'))]);
/** Products of the vendor, and parts of those above, that are not here: such permissions are kept and open nothing. */
const ELSEWHERE =
  /^\/twilio\/(?:(?:messaging|studio|taskrouter|monitor|lookup|verify|video|event-streams|billing|serverless|flex|conversations)\/|voice\/(?:insights|intelligence|sip\.trunks|sip\.emergency-addresses|recordings\.add-ons)|phone-numbers\/(?:regulatory-compliance|available-numbers|address-service)|iam\/(?:accounts|account-oauth-apps|public-keys))/;
const FORM = /^(\/twilio\/[a-z-]{1,32}\/[a-z.-]{1,100})\/(?:read|list|create|update|delete|\*)$/;

/** Reads a policy as it is sent: JSON, `{"allow": ["/twilio/voice/calls/read"]}`. */
export function readPolicy(text: string): Result<readonly string[], ApiFault> {
  const allow = allowOf(text);
  if (!allow) return err(fault(70001, 'Policy must be {"allow": [permissions]}'));
  if (allow.length > limits.permissionsPerKey)
    return err(fault(70001, `At most ${limits.permissionsPerKey} permissions are allowed`));
  const wrong = allow.find((one) => !isPermission(one));
  if (wrong !== undefined) return err(fault(70002, `assertion '${printable(wrong)}' is invalid`));
  return ok([...new Set(allow)]);
}

function isPermission(text: string): boolean {
  const resource = FORM.exec(text)?.[1];
  return resource !== undefined && (known.has(resource) || ELSEWHERE.test(text));
}

function allowOf(text: string): readonly string[] | undefined {
  try {
    const policy: unknown = JSON.parse(text);
    if (typeof policy !== 'object' || policy === null || !('allow' in policy)) return undefined;
    const { allow } = policy;
    const isList = Array.isArray(allow) && allow.length > 0 && allow.every((one) => typeof one === 'string');
    return isList ? allow : undefined;
  } catch {
    return undefined;
  }
}
