// Carriers, numbers and limits as hookswitch.yaml declares them. config-declared.ts puts them beside the other objects.

import { z } from 'zod';

const url = z.string().regex(/^https?:\/\/\S+$/, 'an http or https URL');
const method = z.enum(['GET', 'POST']);
const name = z.string().min(1).max(64);
const safe = z.string().regex(/^[^\r\n\0]*$/, 'text without line breaks');
const digits = z.string().regex(/^\+?\d*$/, 'digits, with or without +');
const host = z.string().regex(/^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[?[0-9a-f:.]+\]?)$/i, 'a host name or address');
const transport = z.enum(['udp', 'tcp', 'tls']);
const port = z.number().int().min(1).max(65_535).nullable();
const E164 = /^\+[1-9]\d{2,14}$/;

/** What answers inbound calls: a URL, or a document in place of it. */
const application = {
  voiceUrl: url.optional(),
  voiceMethod: method.optional(),
  voiceFallbackUrl: url.optional(),
  voiceFallbackMethod: method.optional(),
  twiml: z.string().max(65_536).optional(),
};

const target = z
  .object({
    host,
    port: port.default(null),
    transport: transport.default('udp'),
    priority: z.number().int().min(0).max(65_535).default(10),
    weight: z.number().int().min(1).max(65_535).default(10),
    enabled: z.boolean().default(true),
  })
  .strict();

const limits = {
  maxConcurrentCalls: z.number().int().min(0),
  maxCallsPerSecond: z.number().int().min(0),
  maxDailyMinutes: z.number().int().min(0).nullable(),
};

export const trunkSchema = z
  .object({
    name,
    host: host.optional(),
    port: port.default(null),
    transport: transport.default('udp'),
    targets: z.array(target).max(10).default([]),
    username: safe.nullable().default(null),
    password: safe.nullable().default(null),
    allowedPrefixes: z.array(digits).default([]),
    stripPrefix: digits.default(''),
    prepend: digits.default(''),
    plus: z.union([z.boolean(), z.literal('keep')]).default('keep'),
    fromDomain: host.nullable().default(null),
    callerId: safe.nullable().default(null),
    assertedIdentity: z.boolean().default(true),
    maxConcurrentCalls: limits.maxConcurrentCalls.default(100),
    maxCallsPerSecond: limits.maxCallsPerSecond.default(10),
    maxDailyMinutes: limits.maxDailyMinutes.default(null),
    secureMedia: z.boolean().default(false),
    /** False: whatever certificate the carrier shows over TLS. */
    tlsVerify: z.boolean().default(true),
    register: z.boolean().default(false),
    registerSeconds: z.number().int().min(60).max(86_400).default(600),
    /** 0 = no OPTIONS. */
    optionsSeconds: z.number().int().min(0).max(3_600).default(60),
    statusCallbackUrl: url.optional(),
    statusCallbackMethod: method.optional(),
    ...application,
  })
  .strict()
  .refine((trunk) => trunk.host !== undefined || trunk.targets.length > 0, 'host, or targets with at least one host')
  .refine((trunk) => !trunk.register || trunk.username !== null, 'username and password, to register with');

/** What numbers name, and calls over REST by its sid. */
export const applicationSchema = z
  .object({
    name,
    statusCallback: url.optional(),
    statusCallbackMethod: method.optional(),
    ...application,
  })
  .strict()
  .refine(({ voiceUrl, twiml }) => voiceUrl !== undefined || twiml !== undefined, 'voiceUrl, or twiml in place of it');

export const numberSchema = z
  .object({
    number: z.string().regex(E164, 'an E.164 number such as +4930123456'),
    friendlyName: name.optional(),
    /** Name of a declared application, in place of what follows. */
    application: name.optional(),
    statusCallback: url.optional(),
    statusCallbackMethod: method.optional(),
    ...application,
  })
  .strict();

export const accountLimitsSchema = z
  .object({
    account: z.string().regex(/^(?:default|AC[0-9a-f]{32})$/, 'default, or the SID of an account'),
    allowedPrefixes: z.array(digits).nullable().default(null),
    blockedPrefixes: z.array(digits.min(1)).default([]),
    maxConcurrentCalls: limits.maxConcurrentCalls.default(100),
    maxCallsPerSecond: limits.maxCallsPerSecond.default(10),
    maxDailyMinutes: limits.maxDailyMinutes.default(6_000),
    defaultTrunk: name.nullable().default(null),
  })
  .strict();

export type DeclaredTrunk = z.infer<typeof trunkSchema>;
export type DeclaredAccountLimits = z.infer<typeof accountLimitsSchema>;

/** What holds for an account that the file does not name. */
export const defaultAccountLimits: DeclaredAccountLimits = accountLimitsSchema.parse({ account: 'default' });

/** The targets of a trunk as URIs; `host` alone is one of them. */
export function targetsOf(trunk: DeclaredTrunk) {
  const { port: ownPort, transport: ownTransport } = trunk;
  const first =
    trunk.host === undefined
      ? []
      : [{ host: trunk.host, port: ownPort, transport: ownTransport, priority: 10, weight: 10, enabled: true }];
  return [...first, ...trunk.targets].map(({ host: name_, port: port_, transport: by, ...rest }) => {
    const bracketed = name_.includes(':') && !name_.startsWith('[') ? `[${name_}]` : name_;
    const uri = `sip:${bracketed}${port_ === null ? '' : `:${port_}`}${by === 'udp' ? '' : `;transport=${by}`}`;
    return { uri, ...rest };
  });
}
