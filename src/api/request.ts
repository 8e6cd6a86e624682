// What a handler gets and gives. Handlers are functions of a request and the server's parts; server.ts has authenticated the client,
// found the account in the path and matched the route before.

import type { CallerIdsApi } from '../base/caller-ids-api.ts';
import type { Clock } from '../base/clock.ts';
import type { ConferencesApi } from '../base/conferences-api.ts';
import type { IceServersApi } from '../base/ice-servers-api.ts';
import type { RandomSource } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { RecordingMedia } from '../base/recordings-api.ts';
import type { Account } from '../base/records.ts';
import type { RegistrationsApi } from '../base/registrations-api.ts';
import type { ApiFault } from './errors.ts';
import type { Form } from './form.ts';
import type {
  ApiDirectory,
  ApiStore,
  CallsApi,
  CapturesApi,
  HashPassword,
  QueuesApi,
  RecordingsApi,
  SiprecApi,
  StreamsApi,
  TranscriptionsApi,
} from './ports.ts';

export interface ApiRequest {
  /** The account in the path; the client's own where the path has none. */
  readonly account: Account;
  /** The account whose credentials were given. */
  readonly client: Account;
  /** Path without extension: `/2010-04-01/Accounts/AC…/Calls`. */
  readonly path: string;
  /** Whether the path ended in `.json`: without, a recording is its media (rest-api.md 10). */
  readonly isJson: boolean;
  /** The Range header, unless If-Range makes it void. */
  readonly range: string | undefined;
  /** Scheme and authority for absolute links, without `/` at the end: HOOKSWITCH_PUBLIC_URL, else as the client wrote it. */
  readonly origin: string;
  /** Decoded values of the `{Name}` parts of the route. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Form;
  readonly form: Form;
}

/** Most objects of each kind (sip-interface.md 1.7). */
export interface Quotas {
  readonly subAccounts: number;
  readonly domains: number;
  readonly credentialLists: number;
  readonly credentialsPerList: number;
  readonly ipAccessControlLists: number;
  readonly ipAddressesPerList: number;
  readonly connectionPolicies: number;
  readonly targetsPerPolicy: number;
  readonly trunkObjects: number;
  readonly phoneNumbers: number;
  readonly applications: number;
  readonly keys: number;
  readonly callerIds: number;
}

/** What handlers work with. */
export interface ApiParts {
  readonly store: ApiStore;
  readonly calls: CallsApi;
  readonly queues: QueuesApi | undefined;
  readonly directory: ApiDirectory | undefined;
  readonly recordings: RecordingsApi | undefined;
  readonly conferences: ConferencesApi | undefined;
  readonly streams: StreamsApi | undefined;
  readonly siprec: SiprecApi | undefined;
  readonly transcriptions: TranscriptionsApi | undefined;
  readonly callerIds: CallerIdsApi | undefined;
  readonly iceServers: IceServersApi | undefined;
  readonly registrations: RegistrationsApi | undefined;
  readonly captures: CapturesApi | undefined;
  readonly hashPassword: HashPassword;
  /** Whether the account may show this number as its own; absent = any number (rest-api.md 9.1, 21210). */
  readonly ownsNumber: ((accountSid: string, number: string) => boolean) | undefined;
  readonly domainSuffix: string;
  readonly realm: string;
  readonly quotas: Quotas;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
}

/** What is not JSON. */
export interface FileAnswer {
  readonly status: 200;
  readonly file: Buffer;
  readonly contentType: string;
  readonly name: string;
}

/** Media that is read while it is sent: all of it, or the bytes from `start` to `end` (exclusive). */
export interface MediaAnswer {
  readonly status: 200 | 206;
  readonly media: RecordingMedia;
  readonly start: number;
  readonly end: number;
}

export type Answer =
  | MediaAnswer
  | FileAnswer
  | { readonly status: 200 | 201; readonly body: object }
  | { readonly status: 204 }
  | ApiFault;

export type Handler = (request: ApiRequest, parts: ApiParts) => Promise<Answer>;

export type Method = 'GET' | 'POST' | 'DELETE';

/**
 * One path and what it answers. `path` stands below `/2010-04-01`, without extension, or is a whole path under `/v1`; `{Name}` takes
 * one segment. A write of SIP
 * objects (`isDirectory`) runs alone, so that what it checked still holds when it writes, and is seen by SIP before it is answered.
 */
export interface Route {
  readonly path: string;
  readonly handlers: { readonly [method in Method]?: Handler };
  readonly isDirectory?: boolean;
  /** Accounts and keys: closed to standard API keys (rest-api.md 2). */
  readonly isAdministration?: boolean;
  /** Media: HEAD is answered, and without `.json` no credentials are asked for where the settings say so. */
  readonly isMedia?: boolean;
}

export const isFault = (answer: Answer): answer is ApiFault => 'code' in answer;
