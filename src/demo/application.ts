// The example voice application: an ordinary web application that answers webhooks with TwiML. `npm start` embeds it for the demo
// domain; the container of docker-compose.yml runs the same file on its own (`app` subcommand). Reads nothing of the gateway's insides.

import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { create } from 'xmlbuilder2';
import type { Log } from '../base/log.ts';
import { signRequest } from '../webhook/signature.ts';

export interface ApplicationOptions {
  readonly address: string;
  readonly port: number;
  /** Checks X-Twilio-Signature when given, as every application should. */
  readonly authToken: string | undefined;
  /** Origin that the gateway uses to reach this application, for the signature; default: the Host header over http. */
  readonly publicUrl: string | undefined;
  readonly log: Log;
}

export interface Application {
  readonly url: string;
  stop(): Promise<void>;
}

const MAX_BODY_BYTES = 64 * 1024;

/** Starts the application; rejects when the address cannot be bound. */
export async function startApplication(options: ApplicationOptions): Promise<Application> {
  const server = createServer((request, response) => {
    handle(request, response, options).catch((fault: unknown) => {
      options.log.error({ err: fault }, 'the example application failed');
      response.writeHead(500).end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.address, resolve);
  });
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : options.port;
  return { url: `http://${options.address}:${port}`, stop: () => close(server) };
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

async function handle(request: IncomingMessage, response: ServerResponse, options: ApplicationOptions): Promise<void> {
  const url = new URL(request.url ?? '/', options.publicUrl ?? `http://${request.headers.host ?? 'localhost'}`);
  const params = new URLSearchParams(await readBody(request));
  if (options.authToken !== undefined && !isSigned(request, url, params, options.authToken)) {
    response
      .writeHead(403, { 'Content-Type': 'text/plain' })
      .end('The signature does not match: check the auth token.');
    return;
  }
  if (url.pathname === '/status') {
    options.log.info(
      { callSid: params.get('CallSid'), status: params.get('CallStatus'), seconds: params.get('CallDuration') },
      'call ended',
    );
    response.writeHead(204).end();
    return;
  }
  const document = routes[url.pathname]?.(params);
  if (document === undefined) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'Content-Type': 'text/xml; charset=utf-8' }).end(document);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return '';
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function isSigned(request: IncomingMessage, url: URL, params: URLSearchParams, authToken: string): boolean {
  const signature = request.headers['x-twilio-signature'];
  if (typeof signature !== 'string') return false;
  const expected = Buffer.from(signRequest(authToken, url.href, params));
  const given = Buffer.from(signature);
  return expected.length === given.length && timingSafeEqual(expected, given);
}

type Verb = readonly [name: string, attributes: Readonly<Record<string, string>>, ...content: (string | Verb)[]];

/** TwiML from nested verbs. */
function twiml(...verbs: readonly Verb[]): string {
  const root = create({ version: '1.0', encoding: 'UTF-8' }).ele('Response');
  const append = (parent: typeof root, [name, attributes, ...content]: Verb): void => {
    const element = parent.ele(name, attributes);
    for (const part of content) {
      if (typeof part === 'string') element.txt(part);
      else append(element, part);
    }
  };
  for (const verb of verbs) append(root, verb);
  return root.end();
}

const say = (text: string): Verb => ['Say', {}, text];

/** The dialled user part of `To`. */
const dialled = (params: URLSearchParams): string => /^sips?:([^@;]+)@/i.exec(params.get('To') ?? '')?.[1] ?? '';

const MENU_HINT =
  'Dial 1000 for this welcome, 600 for an echo, 700 for a menu, 800 to record a message, 900 for a conference, ' +
  'or alice or bob to reach the other phone.';

const routes: Readonly<Record<string, (params: URLSearchParams) => string>> = {
  '/voice': (params) => {
    switch (dialled(params)) {
      case '600':
      case 'echo':
        return twiml(say('You will hear yourself. Hang up to end.'), ['Echo', {}]);
      case '700':
      case 'menu':
        return menu();
      case '800':
      case 'voicemail':
        return twiml(say('Leave a message after the tone. Press any key when you are done.'), [
          'Record',
          { action: '/recorded', maxLength: '60', timeout: '4' },
        ]);
      case '900':
      case 'conference':
        return twiml(say('Who dials nine hundred too will hear you.'), ['Dial', {}, ['Conference', {}, 'lobby']]);
      case 'alice':
      case 'bob':
        return twiml([
          'Dial',
          { answerOnBridge: 'true', timeout: '30', action: '/dialled' },
          ['Client', {}, dialled(params)],
        ]);
      default:
        return twiml(
          say(`Welcome to Hookswitch. Your phone works. ${MENU_HINT}`),
          ['Pause', { length: '1' }],
          say('Good bye.'),
        );
    }
  },
  '/menu': menu,
  '/choice': (params) => {
    const digits = params.get('Digits') ?? '';
    if (digits === '1') return twiml(say('You pressed one.'), ['Redirect', {}, '/menu']);
    if (digits === '2') return twiml(['Dial', { action: '/dialled' }, ['Client', {}, 'bob']]);
    return twiml(say(`You pressed ${[...digits].join(' ')}.`), ['Redirect', {}, '/menu']);
  },
  '/recorded': (params) => {
    const recording = params.get('RecordingUrl');
    if (recording === null || params.get('Digits') === 'hangup') return twiml(['Hangup', {}]);
    return twiml(say('You said:'), ['Play', {}, recording], say('Good bye.'));
  },
  '/dialled': (params) => {
    const status = params.get('DialCallStatus');
    return status === 'completed'
      ? twiml(['Hangup', {}])
      : twiml(say(`The call ended with ${status?.replace('-', ' ') ?? 'an error'}.`));
  },
};

function menu(): string {
  return twiml(
    [
      'Gather',
      { numDigits: '1', timeout: '8', action: '/choice' },
      say('Press one to hear your digit, or two to reach bob.'),
    ],
    say('No digit came. Good bye.'),
  );
}
