// The metadata of a recording session (RFC 7865) as XML: always the whole of it, never a part. Pure.
//
//   session ◀─ participant (aor, name) ─ sends ─▶ stream (label of the SDP)
//                                     └ receives ─▶ the other one

import { create } from 'xmlbuilder2';
import type { Party } from './recorded-call.ts';

const NAMESPACE = 'urn:ietf:params:xml:ns:recording:1';
/** What RFC 7865 has no element for: the sids of the call and the parameters of the application. */
const OWN_NAMESPACE = 'urn:hookswitch:recording:1';

/** RFC 7865 6: identifiers are UUIDs, 16 bytes in base64. */
export interface MetadataStream {
  readonly id: string;
  readonly label: string;
  /** Who is heard in it. */
  readonly senderId: string;
  /** False: nothing is sent now, because the call is held. */
  readonly isActive: boolean;
}

export interface MetadataParticipant extends Party {
  readonly id: string;
  /** Wall milliseconds. */
  readonly since: number;
}

export interface Metadata {
  readonly sessionId: string;
  readonly callSid: string;
  readonly accountSid: string;
  /** Wall milliseconds. */
  readonly startedAt: number;
  readonly participants: readonly MetadataParticipant[];
  readonly streams: readonly MetadataStream[];
  readonly parameters: ReadonlyMap<string, string>;
}

/** RFC 3339 in UTC, whole seconds. */
const dateTime = (wallMs: number): string => `${new Date(wallMs).toISOString().slice(0, 19)}Z`;

/** xmlbuilder2 takes a text for XML, and decodes what looks like an entity. */
const literal = (text: string): string => text.replaceAll('&', '&amp;');

/** The document. Characters that XML has no place for become `?`. */
export function metadataXml(metadata: Metadata): string {
  const { sessionId, startedAt, participants, streams } = metadata;
  const document = create({ version: '1.0', encoding: 'UTF-8', invalidCharReplacement: '?' });
  const recording = document.ele(NAMESPACE, 'recording');
  recording.ele('datamode').txt('complete');
  const session = recording.ele('session', { session_id: sessionId });
  session.ele('start-time').txt(dateTime(startedAt));
  addOwn(session, metadata);
  for (const { id, aor, name } of participants) {
    const nameId = recording.ele('participant', { participant_id: id }).ele('nameID', { aor: literal(aor) });
    if (name !== undefined) nameId.ele('name').txt(literal(name));
  }
  for (const { id, label } of streams)
    recording.ele('stream', { stream_id: id, session_id: sessionId }).ele('label').txt(label);
  recording.ele('sessionrecordingassoc', { session_id: sessionId }).ele('associate-time').txt(dateTime(startedAt));
  for (const { id, since } of participants)
    recording
      .ele('participantsessionassoc', { participant_id: id, session_id: sessionId })
      .ele('associate-time')
      .txt(dateTime(since));
  for (const { id } of participants) {
    const assoc = recording.ele('participantstreamassoc', { participant_id: id });
    // The schema wants what is sent before what is received.
    const active = streams.filter(({ isActive }) => isActive);
    for (const stream of active.filter(({ senderId }) => senderId === id)) assoc.ele('send').txt(stream.id);
    for (const stream of active.filter(({ senderId }) => senderId !== id)) assoc.ele('recv').txt(stream.id);
  }
  return document.end({ prettyPrint: false });
}

type Element = ReturnType<ReturnType<typeof create>['ele']>;

function addOwn(session: Element, { callSid, accountSid, parameters }: Metadata): void {
  session.ele(OWN_NAMESPACE, 'callSid').txt(callSid);
  session.ele(OWN_NAMESPACE, 'accountSid').txt(accountSid);
  for (const [name, value] of parameters)
    session.ele(OWN_NAMESPACE, 'parameter', { name: literal(name) }).txt(literal(value));
}
