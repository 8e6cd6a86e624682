// The objects that hookswitch.yaml may declare, as a schema: domains, credential lists, IP access control lists, trunks, recording servers.
// They are applied on start and on change, idempotently; REST shows the same objects (design.md 4).

import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { siprecConnectorsSchema } from './config-siprec.ts';
import { accountLimitsSchema, applicationSchema, numberSchema, trunkSchema } from './config-trunks.ts';
import { isAddress } from './setting-values.ts';

const url = z.string().regex(/^https?:\/\/\S+$/, 'an http or https URL');
const method = z.enum(['GET', 'POST']);
const name = z.string().min(1).max(64);
const safe = z.string().regex(/^[^\r\n\0]*$/, 'text without line breaks');
const address = z
  .string()
  .refine(
    (value) => isAddress(value) || (isAddress(value.split('/')[0]!) && ipaddr.isValidCIDR(value)),
    'an IP address or CIDR',
  );

const place = safe.pipe(z.string().min(1).max(128)).optional();
/** Where a user is: a civic address (RFC 5139), or a reference that the emergency service asks (RFC 6442). */
const emergencyAddress = z.union([
  z
    .object({
      country: z.string().regex(/^[A-Z]{2}$/, 'two capital letters, ISO 3166'),
      region: place,
      county: place,
      city: place,
      district: place,
      street: place,
      houseNumber: place,
      houseNumberSuffix: place,
      landmark: place,
      location: place,
      floor: place,
      name: place,
      postalCode: place,
      building: place,
      unit: place,
      room: place,
    })
    .strict(),
  z.object({ uri: z.string().regex(/^https?:\/\/[^\s<>"]{1,1024}$/, 'an http or https URL') }).strict(),
]);

const domain = z
  .object({
    name: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i, 'a full domain name such as pbx.sip.localhost')
      .transform((value) => value.toLowerCase()),
    friendlyName: name.optional(),
    voiceUrl: url.optional(),
    voiceMethod: method.optional(),
    voiceFallbackUrl: url.optional(),
    voiceFallbackMethod: method.optional(),
    voiceStatusCallbackUrl: url.optional(),
    voiceStatusCallbackMethod: method.optional(),
    twiml: z.string().max(65_536).optional(),
    sipRegistration: z.boolean().optional(),
    secure: z.boolean().optional(),
    nat: z.boolean().optional(),
    mediaEncryption: z.enum(['optional', 'vendor']).optional(),
    digestSha256: z.boolean().optional(),
    attendedTransfer: z.boolean().optional(),
    musicOnHold: z
      .string()
      .regex(
        /^(none|built-in|https?:\/\/\S+|\.{0,2}\/[^\r\n\0]+)$/,
        'none, built-in, a URL, or a file as /path or ./path',
      )
      .optional(),
    dtmfInband: z.boolean().optional(),
    captureRtp: z.boolean().optional(),
    emergencyCallingEnabled: z.boolean().optional(),
    emergencyCallerId: z
      .string()
      .regex(/^\+?\d{2,15}$/, 'a phone number')
      .optional(),
    emergencyAddress: emergencyAddress.optional(),
    ipAccessControlLists: z.array(name).optional(),
    credentialLists: z.array(name).optional(),
    registrationCredentialLists: z.array(name).optional(),
    byocTrunk: name.optional(),
    sourceAddresses: z.array(address).optional(),
  })
  .strict();

const credentialList = z
  .object({
    name,
    users: z.array(
      z
        .object({
          username: z.string().regex(/^[^\s"\\@:]{1,32}$/, '1 to 32 characters without space, quote, @ or :'),
          password: safe.pipe(z.string().min(1).max(128)),
          emergencyAddress: emergencyAddress.optional(),
        })
        .strict(),
    ),
  })
  .strict();

const ipAccessControlList = z.object({ name, addresses: z.array(address) }).strict();

export const declaredSchema = z
  .object({
    domains: z.array(domain).default([]),
    credentialLists: z.array(credentialList).default([]),
    ipAccessControlLists: z.array(ipAccessControlList).default([]),
    trunks: z.array(trunkSchema).default([]),
    applications: z
      .array(applicationSchema)
      .default([])
      .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'a different name for each'),
    numbers: z.array(numberSchema).default([]),
    accountLimits: z.array(accountLimitsSchema).default([]),
    siprecConnectors: siprecConnectorsSchema.default([]),
  })
  .superRefine(({ numbers, applications }, context) => {
    for (const [index, { application }] of numbers.entries()) {
      if (application === undefined || applications.some((one) => one.name === application)) continue;
      context.addIssue({
        code: 'custom',
        path: ['numbers', index, 'application'],
        message: 'a name under applications',
      });
    }
  });

export type DeclaredEmergencyAddress = z.infer<typeof emergencyAddress>;
export type Declared = z.infer<typeof declaredSchema>;
