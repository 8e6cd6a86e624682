// What the REST API needs of the rest of the program, declared here because api/ imports base/ only (house style 2.1). gateway.ts
// hands in the store, the call layer and the rest; the shapes are those of store/store.ts and call/control-api.ts.

import type {
  Account,
  Binding,
  ByocTrunk,
  CallRecord,
  CallStatus,
  ConnectionPolicy,
  Credential,
  CredentialList,
  Domain,
  DomainMapping,
  HttpMethod,
  IpAccessControlList,
  IpAddress,
  IpRecord,
  MappingKind,
  NotificationRecord,
  PhoneNumber,
  PolicyTarget,
  SourceIpMapping,
  StoredHa1,
} from '../base/records.ts';
import type { Result } from '../base/result.ts';

export interface PageRequest {
  readonly size: number;
  readonly cursor: string | null;
  readonly direction?: 'next' | 'previous';
  readonly page: number;
}

export interface Page<T> {
  readonly records: readonly T[];
  readonly hasMore: boolean;
}

export interface Repository<T> {
  get(sid: string): Promise<T | undefined>;
  insert(record: T): Promise<void>;
  update(record: T): Promise<boolean>;
  remove(sid: string): Promise<boolean>;
  list(where: Partial<T>, page: PageRequest): Promise<Page<T>>;
  count(where: Partial<T>): Promise<number>;
}

/** The cursor of a page is `domainSid/kind/listSid` of its edge record. */
export interface MappingRepository {
  get(domainSid: string, kind: MappingKind, listSid: string): Promise<DomainMapping | undefined>;
  insert(mapping: DomainMapping): Promise<void>;
  remove(domainSid: string, kind: MappingKind, listSid: string): Promise<boolean>;
  list(where: Partial<DomainMapping>, page: PageRequest): Promise<Page<DomainMapping>>;
}

export interface CallFilter {
  readonly accountSid: string;
  readonly to?: string;
  readonly from?: string;
  readonly parentCallSid?: string;
  readonly status?: CallStatus;
  readonly startTimeFrom?: number;
  readonly startTimeTo?: number;
  readonly endTimeFrom?: number;
  readonly endTimeTo?: number;
}

/** Promises reject with an error whose `code` is `duplicate`, `missing`, `full` or `unavailable`. */
export interface ApiStore {
  readonly accounts: Repository<Account>;
  readonly domains: Repository<Domain>;
  readonly credentialLists: Repository<CredentialList>;
  readonly credentials: Repository<Credential>;
  readonly ipAccessControlLists: Repository<IpAccessControlList>;
  readonly ipAddresses: Repository<IpAddress>;
  readonly mappings: MappingRepository;
  readonly byocTrunks: Repository<ByocTrunk>;
  readonly connectionPolicies: Repository<ConnectionPolicy>;
  readonly policyTargets: Repository<PolicyTarget>;
  readonly ipRecords: Repository<IpRecord>;
  readonly sourceIpMappings: Repository<SourceIpMapping>;
  readonly phoneNumbers: Repository<PhoneNumber> & {
    matching(where: Partial<PhoneNumber>, pattern: string, page: PageRequest): Promise<Page<PhoneNumber>>;
  };
  readonly calls: {
    get(sid: string): Promise<CallRecord | undefined>;
    list(filter: CallFilter, page: PageRequest): Promise<Page<CallRecord>>;
    remove(sid: string): Promise<boolean>;
  };
  readonly notifications: {
    put(record: NotificationRecord): void;
    list(
      where: Partial<NotificationRecord>,
      page: PageRequest,
      range?: { readonly from?: number; readonly to?: number },
    ): Promise<Page<NotificationRecord>>;
  };
  onDirectoryChange(listener: () => void): () => void;
}

export interface CreateCallRequest {
  readonly accountSid: string;
  readonly to: string;
  readonly from: string;
  readonly instructions: { readonly url: string; readonly method: HttpMethod } | { readonly twiml: string };
  readonly fallbackUrl: string | null;
  readonly fallbackMethod: HttpMethod;
  readonly statusCallback: string | null;
  readonly statusCallbackMethod: HttpMethod;
  readonly statusCallbackEvents: readonly ('initiated' | 'ringing' | 'answered' | 'completed')[];
  readonly timeoutSeconds: number;
  readonly timeLimitSeconds: number;
  readonly sendDigits: string | null;
  readonly byoc?: string | null;
  readonly sipAuth: { readonly username: string; readonly password: string } | null;
}

export type CallControlError = { readonly code: number; readonly status: number; readonly message: string };

export type RedirectInstructions =
  | {
      readonly url: string;
      readonly method: HttpMethod;
      readonly fallbackUrl: string | null;
      readonly fallbackMethod: HttpMethod;
    }
  | { readonly twiml: string };

/** Settings of a live call that REST may replace (rest-api.md 9.3); an absent field stays as it is. */
export interface CallAmendment {
  readonly statusCallback?: string | null;
  readonly statusCallbackMethod?: HttpMethod;
  readonly timeLimitSeconds?: number;
}

export interface CallsApi {
  create(request: CreateCallRequest): Result<CallRecord, CallControlError>;
  live(callSid: string): CallRecord | undefined;
  complete(callSid: string): Promise<CallRecord | undefined>;
  cancel(callSid: string): Promise<CallRecord | undefined>;
  redirect(callSid: string, instructions: RedirectInstructions): Promise<Result<CallRecord, CallControlError>>;
  /** Where the call layer offers it; without it these parameters are refused rather than silently lost. */
  amend?(callSid: string, amendment: CallAmendment): CallRecord | undefined;
}

/** Makes the SIP side see a change before REST answers it. */
export interface ApiDirectory {
  refresh(): Promise<void>;
}

/** Captures of calls, as pcap files. */
export interface CapturesApi {
  /** Undefined when nothing is kept of the call. */
  read(callSid: string): Promise<Buffer | undefined>;
}

export interface RegistrationsApi {
  ofDomain(domainSid: string): readonly Binding[] | Promise<readonly Binding[]>;
}

/** store/secrets.ts digestHa1: passwords are hashed before they are handed on. */
export type HashPassword = (username: string, password: string, realms: readonly string[]) => readonly StoredHa1[];
