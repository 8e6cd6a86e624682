// Placeholders of static documents in hookswitch.yaml: `{{To}}` stands for the parameter of that name that a webhook would have got, and
// `{{ToUser}}`, `{{FromUser}}` for the user part of those two, so that a PBX reaches a trunk, and a trunk a PBX, without a web server.
// Values are escaped: a caller cannot write markup into the document. A name that is not there stands for nothing.

import { userOf } from '../call/routing.ts';
import type { WebhookParams } from '../webhook/webhook.ts';

const PLACEHOLDER = /\{\{\s*([A-Za-z][\w-]{0,63})\s*\}\}/g;
const VALUE_CHARS = 512;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

export function fillTemplate(document: string, params: WebhookParams): string {
  const valueNamed = (name: string): string => {
    if (name === 'ToUser' || name === 'FromUser') return userOf(params.get(name.slice(0, -'User'.length)) ?? '');
    return params.get(name) ?? '';
  };
  return document.replace(PLACEHOLDER, (_, name: string) => escapeXml(valueNamed(name).slice(0, VALUE_CHARS)));
}

// Control characters are no XML 1.0 at all.
const escapeXml = (text: string): string =>
  text.replace(/[\x00-\x1f\x7f]/g, ' ').replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? '');
