// The stage of the SIPp scenarios: one gateway, the application behind its domains, and for each test a story that starts callers and
// callees, ends them, and explains itself when it fails.

import { type TestContext, test } from 'vitest';
import { type AppAnswer, type AppRequest, FakeApp, xml } from '../support/fake-app.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { until } from '../support/until.ts';
import { Sipp, type SippOptions, whySippIsMissing } from './sipp.ts';

/** Domains of the stage, by how callers are admitted. */
export const domains = {
  /** Callers from 127.0.0.1. */
  listed: 'listed.sip.localhost',
  /** Callers who know a password of `users`; registration too. */
  guarded: 'guarded.sip.localhost',
  /** An ACL that has nobody of us in it. */
  elsewhere: 'elsewhere.sip.localhost',
  /** Callers from 127.0.0.1, over TLS with SRTP only. */
  secure: 'secure.sip.localhost',
  /** Callers from 127.0.0.1, but no application. */
  silent: 'silent.sip.localhost',
  unknown: 'unknown.example.net',
} as const;

export const user = { username: 'alice', password: 'open-sesame-please' } as const;

const REQUEST_DEADLINE_MS = 25_000;
const missing = whySippIsMissing();
const mustRun = process.env.CI !== undefined || process.env.HOOKSWITCH_NO_SKIP === '1';

type Answer = string | AppAnswer | ((request: AppRequest) => AppAnswer);

/** The user part of the To of a webhook: tests tell their calls apart by it. */
const calledUser = (request: AppRequest): string => /^sip:([^@]+)@/.exec(request.params.To ?? '')?.[1] ?? '';

const referKey = (called: string): string => `refer ${called}`;

export class World {
  readonly gateway: GatewayProcess;
  readonly app: FakeApp;
  readonly #documents: Map<string, Answer>;

  private constructor(gateway: GatewayProcess, app: FakeApp, documents: Map<string, Answer>) {
    this.gateway = gateway;
    this.app = app;
    this.#documents = documents;
  }

  /** `settings`: further keys of hookswitch.yaml. */
  static async start(settings: Readonly<Record<string, unknown>> = {}): Promise<World> {
    const app = await FakeApp.start();
    const documents = new Map<string, Answer>();
    const document = (request: AppRequest, key: string): AppAnswer => {
      const answer = documents.get(key) ?? { status: 404 };
      return typeof answer === 'function' ? answer(request) : typeof answer === 'string' ? xml(answer) : answer;
    };
    app.on('/voice', (request) => document(request, calledUser(request)));
    app.on('/refer', (request) => document(request, referKey(calledUser(request))));
    app.on('/after', xml('<Response><Hangup/></Response>'));
    const voiceUrl = app.url('/voice');
    const gateway = await GatewayProcess.start({
      domains: [
        { name: domains.listed, voiceUrl, ipAccessControlLists: ['loopback'] },
        {
          name: domains.guarded,
          voiceUrl,
          sipRegistration: true,
          credentialLists: ['users'],
          registrationCredentialLists: ['users'],
        },
        { name: domains.elsewhere, voiceUrl, ipAccessControlLists: ['elsewhere'] },
        { name: domains.secure, voiceUrl, secure: true, ipAccessControlLists: ['loopback'] },
        { name: domains.silent, ipAccessControlLists: ['loopback'] },
      ],
      credentialLists: [{ name: 'users', users: [user] }],
      ipAccessControlLists: [{ name: 'elsewhere', addresses: ['192.0.2.0/24'] }],
      settings: { defaultDomain: domains.listed, ...settings },
    });
    return new World(gateway, app, documents);
  }

  /** What the application answers when `called` is called. */
  answers(called: string, answer: Answer): void {
    this.#documents.set(called, answer);
  }

  /** Webhooks about calls to `called` on `path`. */
  requests(called: string, path = '/voice'): AppRequest[] {
    return this.app.requestsTo(path).filter((request) => calledUser(request) === called);
  }

  /** The parameters of the first request to `path` about a call to `called`. */
  async asked(called: string, path: string): Promise<Readonly<Record<string, string>>> {
    const request = await until(
      () => this.requests(called, path)[0],
      REQUEST_DEADLINE_MS,
      () => `the application is asked at ${path} about ${called}`,
    );
    return request.params;
  }

  async stop(): Promise<void> {
    await this.gateway.dispose();
    await this.app.stop();
  }
}

export class Story {
  readonly world: World;
  /** The user that this test calls; unique among the tests. */
  readonly called: string;
  readonly #sipps: Sipp[] = [];

  constructor(world: World, called: string, context: TestContext) {
    this.world = world;
    this.called = called;
    context.onTestFinished(async ({ task }) => {
      if (task.result?.state === 'fail') console.error(await this.#explanation());
      await Promise.all(this.#sipps.map((sipp) => sipp.dispose()));
    });
  }

  /** Ladders, log and messages, before the end removes the files. */
  async #explanation(): Promise<string> {
    const callIds = this.#sipps.flatMap((sipp) => sipp.callIds);
    const messages = this.#sipps.map((sipp) => `--- messages of ${sipp.scenario}\n${sipp.messages}`);
    return [await this.world.gateway.report(callIds), ...messages].join('\n');
  }

  /** What the application answers to this test's call. */
  answers(answer: Answer): void {
    this.world.answers(this.called, answer);
  }

  /** What it answers at /refer, when a party of this test's call sends a REFER. */
  answersRefer(answer: Answer): void {
    this.world.answers(referKey(this.called), answer);
  }

  async #start(options: SippOptions): Promise<Sipp> {
    const sipp = await Sipp.start(options);
    this.#sipps.push(sipp);
    return sipp;
  }

  /** Starts a scenario that waits to be called. */
  callee(scenario: string, options: Partial<SippOptions> = {}): Promise<Sipp> {
    return this.#start({ scenario, ...options });
  }

  /** Starts a scenario that begins by itself, towards the gateway. */
  caller(scenario: string, options: Partial<SippOptions> & { readonly domain?: string } = {}): Promise<Sipp> {
    const { domain = domains.listed, keys = {}, ...rest } = options;
    return this.#start({
      scenario,
      target: this.world.gateway.sipAddress,
      service: this.called,
      keys: { domain, ...keys },
      ...rest,
    });
  }

  /** Runs a caller to its end. */
  async calls(scenario: string, options: Parameters<Story['caller']>[1] = {}): Promise<Sipp> {
    const sipp = await this.caller(scenario, options);
    await sipp.finished;
    return sipp;
  }

  /** The parameters of this test's webhook on `path`. */
  asked(path = '/voice'): Promise<Readonly<Record<string, string>>> {
    return this.world.asked(this.called, path);
  }

  requests(path = '/voice'): AppRequest[] {
    return this.world.requests(this.called, path);
  }
}

/** A document that rings `callees` and tells the outcome to /after. */
export function dial(
  callees: readonly Sipp[],
  options: { attributes?: string; noun?: string; uri?: string } = {},
): string {
  const { attributes = '', noun = '', uri = '' } = options;
  const nouns = callees.map((callee) => `<Sip${noun}>sip:bob@127.0.0.1:${callee.port}${uri}</Sip>`).join('');
  return `<Response><Dial action="/after" ${attributes}>${nouns}</Dial></Response>`;
}

/** Answers the call and waits for keys: it lasts until the caller hangs up. */
export const stayOnLine = '<Response><Gather action="/after" timeout="60"/></Response>';

let counter = 0;

/**
 * One scenario. Without SIPp it is skipped, visibly; where everything must run (CI or HOOKSWITCH_NO_SKIP=1) that is a failure.
 * `world` is asked when the test begins. `whyNot` names what else this one needs and does not find.
 */
export function scenario(
  title: string,
  world: () => World,
  run: (story: Story) => Promise<void>,
  whyNot: () => string | undefined = () => undefined,
): void {
  const called = `extension-${++counter}`;
  test(title, async (context) => {
    const reason = missing ?? whyNot();
    if (reason !== undefined) {
      if (mustRun) throw new Error(reason);
      console.warn(`SKIPPED: ${reason}: ${title}`);
      context.skip(reason);
    }
    await run(new Story(world(), called, context));
  });
}

/** Whether the stage has to be built at all. */
export const isSippHere = missing === undefined;
