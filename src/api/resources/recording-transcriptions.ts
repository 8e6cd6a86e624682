// Transcriptions: the texts of recordings, under the account and under a recording (rest-api.md 10). Read and delete; Record makes them.

import type { Transcription } from '../../base/voice-records.ts';
import { rfc2822 } from '../dates.ts';
import { notFound } from '../errors.ts';
import { pageBody, pageRequest } from '../page.ts';
import { accountPath } from '../present.ts';
import type { ApiParts, ApiRequest, Handler, Route } from '../request.ts';
import { isListMissing } from './parents.ts';

const whereOf = ({ account, params }: ApiRequest): Partial<Transcription> => ({
  accountSid: account.sid,
  ...(params.RecordingSid === undefined ? {} : { recordingSid: params.RecordingSid }),
});

function present(transcription: Transcription, { params }: Pick<ApiRequest, 'params'>): object {
  const { accountSid, recordingSid, sid, durationSeconds } = transcription;
  const parent = params.RecordingSid === undefined ? '' : `/Recordings/${recordingSid}`;
  return {
    sid,
    account_sid: accountSid,
    api_version: '2010-04-01',
    recording_sid: recordingSid,
    status: transcription.status,
    type: 'fast',
    transcription_text: transcription.transcriptionText,
    duration: durationSeconds === null ? null : String(durationSeconds),
    price: null,
    price_unit: 'USD',
    date_created: rfc2822(transcription.dateCreated),
    date_updated: rfc2822(transcription.dateUpdated),
    uri: `${accountPath(accountSid)}${parent}/Transcriptions/${sid}.json`,
  };
}

const list: Handler = async (request, parts) => {
  const page = pageRequest(request.query);
  if (!page.ok) return page.error;
  const found = await parts.store.transcriptions.list(whereOf(request), page.value);
  if (await isListMissing(found, page.value, request, parts)) return notFound(`${request.path}.json`);
  const body = pageBody(request, page.value, found, 'transcriptions', (one) => present(one, request));
  return { status: 200, body };
};

async function find(request: ApiRequest, { store }: ApiParts): Promise<Transcription | undefined> {
  const transcription = await store.transcriptions.get(request.params.Sid ?? '');
  const wanted = Object.entries(whereOf(request));
  const isOwn = transcription && wanted.every(([name, value]) => transcription[name as keyof Transcription] === value);
  return isOwn ? transcription : undefined;
}

const fetch: Handler = async (request, parts) => {
  const transcription = await find(request, parts);
  return transcription ? { status: 200, body: present(transcription, request) } : notFound(`${request.path}.json`);
};

const remove: Handler = async (request, parts) => {
  const transcription = await find(request, parts);
  if (!transcription) return notFound(`${request.path}.json`);
  await parts.store.transcriptions.remove(transcription.sid);
  return { status: 204 };
};

export const recordingTranscriptionRoutes: readonly Route[] = ['', '/Recordings/{RecordingSid}'].flatMap((parent) => [
  { path: `/Accounts/{AccountSid}${parent}/Transcriptions`, handlers: { GET: list } },
  { path: `/Accounts/{AccountSid}${parent}/Transcriptions/{Sid}`, handlers: { GET: fetch, DELETE: remove } },
]);
