// Recording servers as hookswitch.yaml declares them (twiml.md 10.2). config-declared.ts puts them beside the other objects.

import { z } from 'zod';
import { limits } from './base/limits.ts';
import { isSipUri, parseUri } from './sip/grammar/uri.ts';

const safe = z.string().regex(/^[^\r\n\0]*$/, 'text without line breaks');

const server = safe.refine((text) => {
  const parsed = parseUri(text);
  return parsed.ok && isSipUri(parsed.value) && parsed.value.password === undefined;
}, 'a SIP URI such as sip:recorder.example.com;transport=tls, without a password');

const connector = z
  .object({
    name: z.string().min(1).max(64),
    /** One server, or several that are tried in their order. */
    uri: z.union([server, z.array(server).min(1).max(limits.siprecServersPerConnector)]),
    /** Of URIs that do not say it. */
    transport: z.enum(['udp', 'tcp', 'tls']).optional(),
    username: safe.optional(),
    password: safe.optional(),
    secureMedia: z.boolean().default(false),
    tlsVerify: z.boolean().default(true),
  })
  .strict()
  .refine(({ username, password }) => password === undefined || username !== undefined, 'username, with the password');

export const siprecConnectorsSchema = z
  .array(connector)
  .max(limits.siprecConnectors)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'a different name for each');
