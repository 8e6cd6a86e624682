// The dialogs that one INVITE of ours may make (RFC 3261 13.2.2.4, 12.1.2): each 18x or 2xx with another To tag is another phone that
// a proxy forked to. The first 2xx is kept; every other one is acknowledged and ended with BYE.
//
//   INVITE ─▶ proxy ─┬─▶ phone A  180;tag=a            early
//                    ├─▶ phone B  180;tag=b  200;tag=b  kept
//                    └─▶ phone C             200;tag=c  ACK, BYE

import { limits } from '../../base/limits.ts';
import { dialogFromResponse, withFinalResponse } from '../dialog/dialog.ts';
import type { Request, Response } from '../grammar/message.ts';
import type { DialogPeer } from './dialog-peer.ts';
import { tagOf, tokens } from './header-fields.ts';

export type MakePeer = (dialog: ReturnType<typeof dialogFromResponse>, request: Request) => DialogPeer;

interface Fork {
  readonly tag: string;
  readonly peer: DialogPeer;
  /** RSeq of the last reliable provisional (RFC 3262 4). */
  reliableSequence: number | undefined;
  /** Sends the ACK of its 2xx again. */
  acknowledgeAgain: (() => void) | undefined;
}

export class Forks {
  /** One, most of the time: a map would cost more than it holds. */
  #forks: readonly Fork[] = [];
  readonly #makePeer: MakePeer;

  constructor(makePeer: MakePeer) {
    this.#makePeer = makePeer;
  }

  /** The early dialog of a provisional; undefined without a tag, or beyond limits.earlyDialogsPerInvite. */
  early(request: Request, response: Response): DialogPeer | undefined {
    const tag = tagOf(response.to);
    if (tag === undefined) return undefined;
    const known = this.#find(tag);
    if (known) return known.peer;
    if (this.#forks.length >= limits.earlyDialogsPerInvite) return undefined;
    return this.#add(request, response).peer;
  }

  #add(request: Request, response: Response): Fork {
    const peer = this.#makePeer(dialogFromResponse(request, response), request);
    const fork: Fork = {
      tag: peer.dialog.remoteTag ?? '',
      peer,
      reliableSequence: undefined,
      acknowledgeAgain: undefined,
    };
    this.#forks = this.#forks.concat(fork);
    return fork;
  }

  #find(tag: string | undefined): Fork | undefined {
    return this.#forks.find((fork) => fork.tag === (tag ?? ''));
  }

  /** The dialog of a 2xx, confirmed. */
  confirm(request: Request, response: Response): DialogPeer {
    const known = this.#find(tagOf(response.to));
    if (!known) return this.#add(request, response).peer;
    known.peer.dialog = withFinalResponse(known.peer.dialog, response);
    return known.peer;
  }

  /** Remembers how the 2xx of this dialog was acknowledged. */
  acknowledged(response: Response, again: () => void): void {
    const fork = this.#find(tagOf(response.to));
    if (fork) fork.acknowledgeAgain = again;
  }

  /** A 2xx came again: its ACK was lost. False when this 2xx is a new one. */
  repeated(response: Response): boolean {
    const fork = this.#find(tagOf(response.to));
    if (!fork?.acknowledgeAgain) return false;
    fork.acknowledgeAgain();
    return true;
  }

  /**
   * RFC 3262 4: sends the PRACK of a provisional that came with Require: 100rel although we do not offer it. In order only; a
   * repeated or early one is left alone. False when the response is to be ignored.
   */
  acknowledgeProvisional(request: Request, response: Response): boolean {
    const rseq = response.headers.get('rseq')?.trim();
    if (rseq === undefined || !tokens(response.headers, 'require').includes('100rel')) return true;
    const fork = this.#find(tagOf(response.to));
    if (!fork || !/^\d{1,10}$/.test(rseq)) return false;
    const sequence = Number(rseq);
    if (fork.reliableSequence !== undefined && sequence !== fork.reliableSequence + 1) return false;
    fork.reliableSequence = sequence;
    const rack = `${sequence} ${request.cseq.sequence} INVITE`;
    void fork.peer.send('PRACK', { headers: [{ name: 'RAck', value: rack }] });
    return true;
  }
}
