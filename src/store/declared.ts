// What hookswitch.yaml (or the demo) may declare, and how one declaration reads as fields of a record. Pure; provision.ts applies it.

import type { HttpMethod } from '../base/records.ts';

export interface DeclaredDomain {
  /** Full name: `office.sip.localhost`. */
  readonly name: string;
  readonly friendlyName?: string;
  readonly voiceUrl?: string;
  readonly voiceMethod?: HttpMethod;
  readonly voiceFallbackUrl?: string;
  readonly voiceFallbackMethod?: HttpMethod;
  readonly voiceStatusCallbackUrl?: string;
  readonly voiceStatusCallbackMethod?: HttpMethod;
  /** A document in place of a URL. */
  readonly twiml?: string;
  readonly sipRegistration?: boolean;
  readonly secure?: boolean;
  readonly nat?: boolean;
  readonly mediaEncryption?: 'optional' | 'vendor';
  readonly digestSha256?: boolean;
  readonly attendedTransfer?: boolean;
  /** `none`, `built-in`, a URL or a file. */
  readonly musicOnHold?: string;
  readonly emergencyCallingEnabled?: boolean;
  readonly dtmfInband?: boolean;
  /** Names of lists, declared here or made over REST. */
  readonly ipAccessControlLists?: readonly string[];
  readonly credentialLists?: readonly string[];
  readonly registrationCredentialLists?: readonly string[];
  /** Name of the declared trunk whose calls come in by this domain. */
  readonly byocTrunk?: string;
  /** Addresses and CIDRs whose calls mean this domain, whatever host they name; the ACL is not used for them. */
  readonly sourceAddresses?: readonly string[];
}

export interface DeclaredVoice {
  readonly voiceUrl?: string;
  readonly voiceMethod?: HttpMethod;
  readonly voiceFallbackUrl?: string;
  readonly voiceFallbackMethod?: HttpMethod;
  /** A document in place of a URL. */
  readonly twiml?: string;
}

export interface DeclaredTrunk extends DeclaredVoice {
  readonly name: string;
  readonly statusCallbackUrl?: string;
  readonly statusCallbackMethod?: HttpMethod;
  /** Host of the From header; the name of a domain of ours is shown as FromDomainSid. */
  readonly fromDomain: string | null;
  readonly targets: readonly {
    readonly uri: string;
    readonly priority: number;
    readonly weight: number;
    readonly enabled: boolean;
  }[];
}

/** An application of its own, which numbers name. */
export interface DeclaredApplication extends DeclaredVoice {
  readonly name: string;
  readonly statusCallback?: string;
  readonly statusCallbackMethod?: HttpMethod;
}

export interface DeclaredNumber extends DeclaredVoice {
  /** E.164. */
  readonly number: string;
  readonly friendlyName?: string;
  /** Name of a declared application. */
  readonly application?: string;
  readonly statusCallback?: string;
  readonly statusCallbackMethod?: HttpMethod;
}

export interface DeclaredCredentialList {
  readonly name: string;
  readonly users: readonly { readonly username: string; readonly password: string }[];
}

export interface DeclaredIpAccessControlList {
  readonly name: string;
  /** `192.0.2.0/24`, `192.0.2.7`, `2001:db8::/32`. Checked by the settings file's reader. */
  readonly addresses: readonly string[];
}

export interface DeclaredObjects {
  readonly domains: readonly DeclaredDomain[];
  readonly credentialLists: readonly DeclaredCredentialList[];
  readonly ipAccessControlLists: readonly DeclaredIpAccessControlList[];
  readonly trunks?: readonly DeclaredTrunk[];
  readonly applications?: readonly DeclaredApplication[];
  readonly numbers?: readonly DeclaredNumber[];
}

/** The settings of a declared domain, each with its default: leaving a line out of the file sets it back. */
export function settingsOf(declared: DeclaredDomain) {
  return {
    friendlyName: declared.friendlyName ?? declared.name.toLowerCase(),
    voiceUrl: declared.voiceUrl ?? null,
    voiceMethod: declared.voiceMethod ?? 'POST',
    voiceFallbackUrl: declared.voiceFallbackUrl ?? null,
    voiceFallbackMethod: declared.voiceFallbackMethod ?? 'POST',
    voiceStatusCallbackUrl: declared.voiceStatusCallbackUrl ?? null,
    voiceStatusCallbackMethod: declared.voiceStatusCallbackMethod ?? 'POST',
    voiceTwiml: declared.twiml ?? null,
    sipRegistration: declared.sipRegistration ?? false,
    secure: declared.secure ?? false,
    nat: declared.nat ?? false,
    mediaEncryption: declared.mediaEncryption ?? 'optional',
    digestSha256: declared.digestSha256 ?? false,
    attendedTransfer: declared.attendedTransfer ?? true,
    musicOnHold: declared.musicOnHold ?? 'none',
    dtmfInband: declared.dtmfInband ?? false,
    // Unsaid, it stays as REST has set it.
    ...(declared.emergencyCallingEnabled === undefined
      ? {}
      : { emergencyCallingEnabled: declared.emergencyCallingEnabled }),
  } as const;
}

/** `192.0.2.0/24` → address and length; without a length the whole address. */
export function splitCidr(text: string): { readonly address: string; readonly prefixLength: number } {
  const [address = '', length] = text.split('/');
  const whole = address.includes(':') ? 128 : 32;
  return { address, prefixLength: length === undefined ? whole : Number(length) };
}
