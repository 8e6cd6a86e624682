// The demo of a first start: domain demo.<suffix>, users alice and bob, the embedded application. Their passwords come from the secret
// key, so that they can be printed at every start without being kept anywhere.

import { createHmac } from 'node:crypto';
import type { Declared } from '../config-declared.ts';

export const DEMO_USERS = ['alice', 'bob'] as const;
const DEMO_LIST = 'demo users';

export const demoDomainName = (domainSuffix: string): string => `demo.${domainSuffix}`;

/** Twelve characters that are easy to type into a phone, different on every installation. */
export function demoPassword(secretKey: Buffer, user: string): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';
  const digest = createHmac('sha256', secretKey).update(`demo password of ${user}`).digest();
  return [...digest.subarray(0, 12)].map((byte) => alphabet[byte % alphabet.length]).join('');
}

/** The demo as declared objects, applied like those of hookswitch.yaml. */
export function demoDeclared(
  domainSuffix: string,
  secretKey: Buffer,
  applicationUrl: string,
): Pick<Declared, 'domains' | 'credentialLists'> {
  return {
    domains: [
      {
        name: demoDomainName(domainSuffix),
        friendlyName: 'Demo',
        voiceUrl: `${applicationUrl}/voice`,
        voiceMethod: 'POST',
        voiceStatusCallbackUrl: `${applicationUrl}/status`,
        sipRegistration: true,
        credentialLists: [DEMO_LIST],
        registrationCredentialLists: [DEMO_LIST],
      },
    ],
    credentialLists: [
      {
        name: DEMO_LIST,
        users: DEMO_USERS.map((username) => ({ username, password: demoPassword(secretKey, username) })),
      },
    ],
  };
}
