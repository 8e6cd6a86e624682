// Who may offer now (RFC 3264, RFC 6337), as data. Pure: sip/ua keeps the record, sdp/ reads the bodies.
//
//                       ┌──────── stable ────────┐
//          offer sent   │                        │  offer received
//                       ▼                        ▼
//                  local-offer              remote-offer        one offer at a time: a second one is refused with
//        answer received, or refused   answer sent, or refused  491 (ours is open, glare) or 500 (theirs is open)
//
// Where an SDP body stands decides what it is: an answer stands in the messages that belong to its offer.

import { err, ok, type Result } from '../../base/result.ts';
import type { Refusal } from './dialog.ts';

export type OfferState = 'stable' | 'local-offer' | 'remote-offer';

export type OfferInput =
  | 'offer sent'
  | 'offer received'
  | 'answer sent'
  | 'answer received'
  /** The peer answered our offer with a failure: back to what was agreed before (RFC 3261 14.1). */
  | 'local offer refused'
  | 'remote offer refused';

/** Next state, or undefined where the input is not allowed. */
export const offerAnswer: { readonly [state in OfferState]: { readonly [input in OfferInput]?: OfferState } } = {
  stable: { 'offer sent': 'local-offer', 'offer received': 'remote-offer' },
  'local-offer': { 'answer received': 'stable', 'local offer refused': 'stable' },
  'remote-offer': { 'answer sent': 'stable', 'remote offer refused': 'stable' },
};

/** The messages of an INVITE session that can hold SDP. `1xx` is one without 100rel. */
export type Carrier =
  | 'INVITE'
  | '1xx'
  | 'reliable 1xx'
  | '2xx of INVITE'
  | 'ACK'
  | 'PRACK'
  | '2xx of PRACK'
  | 'UPDATE'
  | '2xx of UPDATE';

interface CarrierRow {
  readonly mayOffer: boolean;
  /** The carriers of the offers that it can answer. */
  readonly answers: readonly Carrier[];
}

// RFC 6337 table 1. A late offer is an INVITE without SDP: then the reliable 1xx or the 2xx offers, and PRACK or ACK answers.
export const carriers: Readonly<Record<Carrier, CarrierRow>> = {
  INVITE: { mayOffer: true, answers: [] },
  '1xx': { mayOffer: false, answers: [] },
  'reliable 1xx': { mayOffer: true, answers: ['INVITE'] },
  '2xx of INVITE': { mayOffer: true, answers: ['INVITE'] },
  ACK: { mayOffer: false, answers: ['2xx of INVITE'] },
  PRACK: { mayOffer: true, answers: ['reliable 1xx'] },
  '2xx of PRACK': { mayOffer: false, answers: ['PRACK'] },
  UPDATE: { mayOffer: true, answers: [] },
  '2xx of UPDATE': { mayOffer: false, answers: ['UPDATE'] },
};

export interface Exchange {
  readonly version: 1;
  readonly state: OfferState;
  /** Where the open offer stands. */
  readonly offeredIn: Carrier | undefined;
  /** The INVITE that is being answered: did it have an offer, or has an exchange been completed in it? Then its responses offer nothing. */
  readonly isInviteServed: boolean;
}

export const newExchange: Exchange = { version: 1, state: 'stable', offeredIn: undefined, isInviteServed: false };

/** What a body is: `preview` in an unreliable 1xx is the coming answer shown early, `extra` is to be ignored (RFC 6337 3.1). */
export type BodyRole = 'offer' | 'answer' | 'preview' | 'extra';

export type Direction = 'sent' | 'received';

export interface Reading {
  readonly role: BodyRole;
  readonly exchange: Exchange;
}

/**
 * Reads one SDP body by where it stands, and moves the exchange on. An error is how to answer the request that brought it
 * (RFC 3261 14.2, RFC 3311 5.2): 491 while our offer is open, 500 (with a Retry-After of 0-10 s) while the peer's is.
 * For `sent` an error says that we must not send it now.
 */
export function readBody(exchange: Exchange, direction: Direction, carrier: Carrier): Result<Reading, Refusal> {
  const row = carriers[carrier];
  const answered = answerInput(direction);
  if (exchange.offeredIn !== undefined && row.answers.includes(exchange.offeredIn)) {
    const state = offerAnswer[exchange.state][answered];
    if (state !== undefined) return ok({ role: 'answer', exchange: closed(exchange, state) });
  }
  if (carrier === '1xx') return ok({ role: 'preview', exchange });
  const isResponse = carrier === 'reliable 1xx' || carrier === '2xx of INVITE';
  // 3.1.2 of RFC 6337: once the INVITE's offer is answered, SDP in its later responses says nothing new.
  if (!row.mayOffer || (isResponse && exchange.isInviteServed)) return ok({ role: 'extra', exchange });
  const state = offerAnswer[exchange.state][direction === 'sent' ? 'offer sent' : 'offer received'];
  if (state === undefined) return err(refusalOf(exchange.state));
  const isInviteServed = exchange.isInviteServed || carrier === 'INVITE' || isResponse;
  return ok({ role: 'offer', exchange: { ...exchange, state, offeredIn: carrier, isInviteServed } });
}

const answerInput = (direction: Direction): OfferInput => (direction === 'sent' ? 'answer sent' : 'answer received');

const closed = (exchange: Exchange, state: OfferState): Exchange => ({ ...exchange, state, offeredIn: undefined });

const refusalOf = (state: OfferState): Refusal =>
  state === 'local-offer'
    ? { status: 491, reason: 'Request Pending' }
    : { status: 500, reason: 'Offer Not Answered Yet' };

/** A new INVITE or re-INVITE begins, with or without SDP: its responses may offer again. */
export const withNewInvite = (exchange: Exchange): Exchange => ({ ...exchange, isInviteServed: false });

/** The request with the open offer failed, whoever made it: what was agreed before stays in force. */
export function withRefusedOffer(exchange: Exchange): Exchange {
  const input = exchange.state === 'local-offer' ? 'local offer refused' : 'remote offer refused';
  const state = offerAnswer[exchange.state][input];
  return state === undefined ? exchange : closed(exchange, state);
}

/** True when a new offer may be sent now: nothing is open (RFC 3264 4, RFC 6337 4). */
export const mayOffer = (exchange: Exchange): boolean => offerAnswer[exchange.state]['offer sent'] !== undefined;
