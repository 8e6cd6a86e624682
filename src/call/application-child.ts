// The child call of `<Dial><Application>` (twiml.md 6.8): looked up, refused where it cannot be, and made with the parameters that its
// application is asked with.

import { limits } from '../base/limits.ts';
import type { Account, VoiceApplication } from '../base/records.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Application } from '../base/voice-records.ts';
import { ApplicationLeg, type ApplicationLegServices } from './application-leg.ts';
import type { Call, StatusCallback } from './call.ts';
import type { Calls } from './calls.ts';
import type { ApplicationTarget } from './dial-options.ts';
import type { RouteFailure } from './trunks.ts';

export interface ApplicationChildServices extends ApplicationLegServices {
  readonly calls: Calls;
  readonly directory: {
    application(sid: string): Application | undefined;
    accountBySid(sid: string): Account | undefined;
  };
}

/** Begins the document of the application on its call. */
export type RunApplication = (call: Call, application: VoiceApplication) => void;

/** What makes the children; a port of dial.ts. */
export type MakeApplicationChild = (
  caller: Call,
  target: ApplicationTarget,
  callerId: string | undefined,
) => Result<Call, RouteFailure>;

/** A child of `caller`, ready to start. */
export function applicationChild(
  caller: Call,
  target: ApplicationTarget,
  callerId: string | undefined,
  services: ApplicationChildServices,
  run: RunApplication,
): Result<Call, RouteFailure> {
  const { calls, directory } = services;
  const { accountSid: callerAccount, from, to, domain } = caller.options;
  const refuse = (errorCode: number, detail: string, sipStatus: number) => err({ errorCode, detail, sipStatus });
  if (calls.isFull) return refuse(10004, 'the gateway is full', 503);
  // A B2BUA loop without SIP: no Max-Forwards counts it (design.md 5.3).
  if (depthOf(caller, calls) >= limits.applicationDepth) return refuse(32006, 'applications dial in circles', 483);
  const application = directory.application(target.applicationSid);
  const isOwn = application?.accountSid === callerAccount;
  // Whose it is not learns no more than that it cannot be dialled.
  if (!application || !(isOwn || application.publicApplicationConnectEnabled))
    return refuse(13215, `there is no application ${target.applicationSid}`, 404);
  if (application.voiceUrl === null && application.voiceTwiml === null)
    return refuse(13215, `application ${target.applicationSid} has no voice URL`, 404);
  if (directory.accountBySid(application.accountSid)?.status !== 'active')
    return refuse(10001, 'the account of the application is not active', 603);
  const child: Call = calls.create({
    accountSid: application.accountSid,
    direction: 'outbound-dial',
    from: callerId ?? from,
    to: target.copyParentTo ? to : application.sid,
    parentCallSid: caller.sid,
    domain: isOwn ? domain : undefined,
    statusCallback: (isOwn ? callbackOfNoun(target) : undefined) ?? callbackOfApplication(application),
    sipParams: new Map([
      ['CustomerId', target.customerId ?? callerAccount],
      ...target.parameters.map(([name, value]) => [`Param_${name}`, value] as const),
    ]),
    callerName: caller.options.callerName,
    applicationSid: application.sid,
  });
  const leg = new ApplicationLeg(services, {
    callSid: child.sid,
    near: caller.leg.endpoint,
    run: () => run(child, application),
  });
  child.attach(leg);
  return ok(child);
}

/** How many applications stand between this call and the one that came from outside. */
function depthOf(call: Call, calls: Calls): number {
  let depth = 0;
  for (let at: Call | undefined = call; at; at = calls.find(at.options.parentCallSid ?? ''))
    if (at.leg.isAnsweredHere) depth++;
  return depth;
}

function callbackOfNoun(target: ApplicationTarget): StatusCallback | undefined {
  const { statusCallback: url, statusCallbackMethod: method, statusCallbackEvents: events } = target;
  return url === undefined ? undefined : { url, method, events };
}

function callbackOfApplication({ statusCallback: url, statusCallbackMethod: method }: Application) {
  return url === null ? undefined : ({ url, method, events: ['completed'] } as const);
}
