// The records that the store keeps and REST shows. Plain data, camelCase; dates are wall milliseconds (UTC).
// `null` means unset. Sids: rest-api.md 5.

export type HttpMethod = 'GET' | 'POST';

export interface Account {
  readonly sid: string;
  readonly friendlyName: string;
  readonly status: 'active' | 'suspended' | 'closed';
  readonly ownerAccountSid: string;
  /** In clear in memory; AES-256-GCM under the secret key at rest (design.md 7). */
  readonly authToken: string;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

export interface Domain {
  readonly sid: string;
  readonly accountSid: string;
  /** Full name, lower case: `demo.sip.localhost`. */
  readonly domainName: string;
  readonly friendlyName: string;
  /** Digest realm, fixed at creation: HA1 values depend on it (design.md 4). */
  readonly realm: string;
  readonly voiceUrl: string | null;
  readonly voiceMethod: HttpMethod;
  readonly voiceFallbackUrl: string | null;
  readonly voiceFallbackMethod: HttpMethod;
  readonly voiceStatusCallbackUrl: string | null;
  readonly voiceStatusCallbackMethod: HttpMethod;
  /** A static TwiML document in place of a URL (hookswitch.yaml). */
  readonly voiceTwiml: string | null;
  readonly sipRegistration: boolean;
  readonly secure: boolean;
  /** design.md 10: `optional` also accepts SAVP over TLS on a non-secure domain; `vendor` refuses it. */
  readonly mediaEncryption: 'optional' | 'vendor';
  /** design.md 6: media may come from another source than the SDP says, at any time. */
  readonly nat: boolean;
  /** design.md 5.3: offer SHA-256 beside MD5 in challenges. */
  readonly digestSha256: boolean;
  /** design.md 10: REFER and INVITE with Replaces join calls of the domain; off as with the vendor. */
  readonly attendedTransfer: boolean;
  /** What a held side hears when the holder sends nothing: `none` (silence), `built-in`, an http(s) URL, or a file of this machine. */
  readonly musicOnHold: string;
  /** design.md 10: digits are also looked for in the audio. */
  readonly dtmfInband: boolean;
  readonly emergencyCallingEnabled: boolean;
  readonly emergencyCallerSid: string | null;
  /** Where its callers are: JSON text that emergency-address.ts reads (sip-interface.md 9). */
  readonly emergencyAddress: string | null;
  readonly byocTrunkSid: string | null;
  /** True when hookswitch.yaml (or the demo) declared it: a restart without it removes it again. */
  readonly declared: boolean;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

export interface CredentialList {
  readonly sid: string;
  readonly accountSid: string;
  readonly friendlyName: string;
  readonly declared: boolean;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

/** HA1 = H(username:realm:password) per algorithm; the clear password is never kept. */
export interface StoredHa1 {
  readonly realm: string;
  readonly md5: string;
  readonly sha256: string;
}

export interface Credential {
  readonly sid: string;
  readonly accountSid: string;
  readonly credentialListSid: string;
  readonly username: string;
  readonly ha1: readonly StoredHa1[];
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

export interface IpAccessControlList {
  readonly sid: string;
  readonly accountSid: string;
  readonly friendlyName: string;
  readonly declared: boolean;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

export interface IpAddress {
  readonly sid: string;
  readonly accountSid: string;
  readonly ipAccessControlListSid: string;
  readonly friendlyName: string;
  readonly ipAddress: string;
  readonly cidrPrefixLength: number;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

/** What a list is mapped to: INVITEs (ACL or credentials) or REGISTERs (credentials only). */
export type MappingKind = 'callsIpAccessControlList' | 'callsCredentialList' | 'registrationsCredentialList';

export interface DomainMapping {
  readonly kind: MappingKind;
  readonly domainSid: string;
  readonly accountSid: string;
  /** CL… or AL…: a mapping has the sid of the list (sip-interface.md 6.4). */
  readonly listSid: string;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

export type CallStatus =
  | 'queued'
  | 'ringing'
  | 'in-progress'
  | 'completed'
  | 'busy'
  | 'failed'
  | 'no-answer'
  | 'canceled';

export const terminalStatuses: ReadonlySet<string> = new Set(['completed', 'busy', 'failed', 'no-answer', 'canceled']);

export type CallDirection = 'inbound' | 'outbound-api' | 'outbound-dial';

export interface CallRecord {
  readonly sid: string;
  readonly accountSid: string;
  readonly parentCallSid: string | null;
  readonly to: string;
  readonly from: string;
  readonly status: CallStatus;
  readonly direction: CallDirection;
  readonly startTime: number | null;
  readonly answerTime: number | null;
  readonly endTime: number | null;
  /** Whole seconds from answer; null until ended. */
  readonly durationSeconds: number | null;
  /** Last SIP status of the leg: 200, 486, 487 … */
  readonly sipResponseCode: number | null;
  readonly sipCallId: string | null;
  readonly domainSid: string | null;
  /** Verdict of machine detection. */
  readonly answeredBy: string | null;
  readonly callerName: string | null;
  readonly forwardedFrom: string | null;
  /** PN…: the number of the account that was called, or that calls. */
  readonly phoneNumberSid: string | null;
  /** What the wait for its turn was estimated at (rest-api.md 20); null where there was none to wait for. */
  readonly queueTimeMs: number | null;
  readonly errorCode: number | null;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

/** One registered contact of an address of record. */
export interface Binding {
  /** `user@domain.name`, user in its own case, domain lower case. */
  readonly aor: string;
  readonly domainSid: string;
  readonly accountSid: string;
  /** The Contact URI as the phone wrote it. */
  readonly contact: string;
  readonly callId: string;
  readonly cseq: number;
  /** 0 to 1000 (q × 1000). */
  readonly q: number;
  /** Wall milliseconds. */
  readonly expiresAt: number;
  readonly transport: 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';
  /** Where the REGISTER came from. */
  readonly sourceAddress: string;
  readonly sourcePort: number;
  /** Our socket that received it: replies and INVITEs leave by it. */
  readonly localAddress: string;
  readonly localPort: number;
  /** `+sip.instance`, if given. */
  readonly instanceId: string | null;
  readonly path: readonly string[];
  readonly userAgent: string | null;
  readonly nodeId: string;
  readonly registeredAt: number;
}

/** A warning or error of the vendor's dictionary raised on a call or request. */
export interface NotificationRecord {
  readonly sid: string;
  readonly accountSid: string;
  readonly callSid: string | null;
  readonly level: 'error' | 'warning';
  readonly errorCode: number;
  readonly message: string;
  readonly requestUrl: string | null;
  readonly date: number;
}

/** What answers a call that came in by a trunk or to a number: a URL, or a static document. */
export interface VoiceApplication {
  readonly voiceUrl: string | null;
  readonly voiceMethod: HttpMethod;
  readonly voiceFallbackUrl: string | null;
  readonly voiceFallbackMethod: HttpMethod;
  /** A static TwiML document in place of a URL (hookswitch.yaml). */
  readonly voiceTwiml: string | null;
}

/** A carrier of one's own (sip-interface.md 7): application of its inbound calls, policy of its outbound ones. */
export interface ByocTrunk extends VoiceApplication {
  readonly sid: string;
  readonly accountSid: string;
  readonly friendlyName: string | null;
  readonly statusCallbackUrl: string | null;
  readonly statusCallbackMethod: HttpMethod;
  readonly cnamLookupEnabled: boolean;
  readonly connectionPolicySid: string | null;
  /** Its name is the host of the From header of outbound calls. */
  readonly fromDomainSid: string | null;
  readonly declared: boolean;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

export interface ConnectionPolicy {
  readonly sid: string;
  readonly accountSid: string;
  readonly friendlyName: string | null;
  readonly declared: boolean;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

export interface PolicyTarget {
  readonly sid: string;
  readonly accountSid: string;
  readonly connectionPolicySid: string;
  readonly friendlyName: string | null;
  /** A `sip:` URI without user. */
  readonly target: string;
  /** 0 to 65535, the lowest is tried first. */
  readonly priority: number;
  /** 1 to 65535, the share inside one priority. */
  readonly weight: number;
  readonly enabled: boolean;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

export interface IpRecord {
  readonly sid: string;
  readonly accountSid: string;
  readonly friendlyName: string | null;
  readonly ipAddress: string;
  readonly cidrPrefixLength: number;
  readonly declared: boolean;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

/** Requests from the addresses of the record belong to the domain, whatever their Request-URI says. */
export interface SourceIpMapping {
  readonly sid: string;
  readonly accountSid: string;
  readonly ipRecordSid: string;
  readonly sipDomainSid: string;
  readonly declared: boolean;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

/** A number that is routed here: E.164, unique over all accounts. */
export interface PhoneNumber extends VoiceApplication {
  readonly sid: string;
  readonly accountSid: string;
  readonly phoneNumber: string;
  readonly friendlyName: string;
  readonly statusCallback: string | null;
  readonly statusCallbackMethod: HttpMethod;
  /** Parameters that are only kept and shown, by their name in JSON. */
  readonly kept: Readonly<Record<string, string | boolean>>;
  readonly declared: boolean;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

/** Talk time on a trunk in one UTC day: what daily limits are counted from. */
export interface TrunkUsage {
  /** `2026-01-31 AC… BY…` */
  readonly sid: string;
  /** `2026-01-31`, UTC. */
  readonly day: string;
  readonly accountSid: string;
  readonly trunkSid: string;
  readonly seconds: number;
}
