# The vendor's Python library as a client of the gateway; python.test.ts runs it: python.py COMMAND, arguments as JSON on standard input,
# the answer as JSON on standard output. Only the host is ours, by the library's own option for an HTTP client.

import json
import os
import sys
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.voice_response import Dial, Gather, VoiceResponse


class GatewayHttpClient(TwilioHttpClient):
    def __init__(self, origin):
        super().__init__()
        self.origin = urlsplit(origin)

    def request(self, method, url, *args, **kwargs):
        parts = urlsplit(url)
        return super().request(
            method, urlunsplit((self.origin.scheme, self.origin.netloc, parts.path, parts.query, "")), *args, **kwargs
        )


def client_of(username, password, account_sid=None):
    return Client(username, password, account_sid, http_client=GatewayHttpClient(os.environ["GATEWAY"]))


client = client_of(os.environ["ACCOUNT_SID"], os.environ["AUTH_TOKEN"])


def code_of(action):
    """What the library makes of a refusal."""
    try:
        action()
    except TwilioRestException as refusal:
        return {"code": refusal.code, "status": refusal.status, "message": refusal.msg}
    return None


def resources():
    """Makes, reads, changes, lists and removes one of each kind."""
    seen = {}
    domain = client.sip.domains.create(domain_name="python.sip.localhost", voice_url="https://app.example.test/voice")
    users = client.sip.credential_lists.create("python")
    credential = client.sip.credential_lists(users.sid).credentials.create("anna", "Correct-Horse-9")
    client.sip.domains(domain.sid).auth.calls.credential_list_mappings.create(users.sid)
    mapped = client.sip.domains(domain.sid).auth.calls.credential_list_mappings.list()
    seen["mapping"] = mapped[0].sid == users.sid
    changed = client.sip.domains(domain.sid).update(friendly_name="Büro", sip_registration=True)
    seen["domain"] = [changed.friendly_name, changed.sip_registration, changed.date_created.tzinfo is not None]
    seen["credential"] = credential.username

    queues = [client.queues.create(friendly_name="python %d" % count, max_size=7) for count in range(5)]
    paged = [one for one in client.queues.list(page_size=2) if one.friendly_name.startswith("python ")]
    seen["queues"] = [len(paged), client.queues(queues[0].sid).fetch().max_size, queues[0].current_size]
    for one in queues:
        client.queues(one.sid).delete()

    application = client.applications.create(friendly_name="python", voice_url="https://app.example.test/voice")
    number = client.incoming_phone_numbers.create(phone_number="+14155550199", voice_application_sid=application.sid)
    found = client.incoming_phone_numbers.list(phone_number="+14155550199")
    seen["number"] = [found[0].sid == number.sid, found[0].voice_application_sid == application.sid]
    seen["account"] = client.api.accounts(client.account_sid).fetch().status

    key = client.new_keys.create(friendly_name="python")
    by_key = client_of(key.sid, key.secret, client.account_sid)
    seen["key"] = len(by_key.calls.list(limit=1)) >= 0
    client.keys(key.sid).delete()
    seen["keyGone"] = code_of(by_key.calls("CA" + "0" * 32).fetch)

    seen["removed"] = [
        client.incoming_phone_numbers(number.sid).delete(),
        client.applications(application.sid).delete(),
        client.sip.domains(domain.sid).delete(),
        client.sip.credential_lists(users.sid).delete(),
    ]
    seen["gone"] = code_of(client.sip.domains(domain.sid).fetch)
    seen["noSuchCall"] = code_of(client.calls("CA" + "0" * 32).fetch)
    seen["badDate"] = code_of(lambda: client.calls.create(to="sip:x@office.sip.localhost", from_="sip:y@z", url="no url"))
    return seen


def call(to, twiml, callback):
    made = client.calls.create(
        to=to,
        from_="sip:office@office.sip.localhost",
        twiml=twiml,
        status_callback=callback,
        status_callback_event=["answered", "completed"],
    )
    isDate = isinstance(made.date_created, datetime)
    return {"sid": made.sid, "status": made.status, "direction": made.direction, "isDate": isDate}


def redirect(sid, twiml):
    return {"status": client.calls(sid).update(twiml=twiml).status}


def conference(name):
    room = client.conferences.list(friendly_name=name, status="in-progress")[0]
    people = client.conferences(room.sid).participants.list()
    muted = client.conferences(room.sid).participants(people[0].call_sid).update(muted=True)
    ended = client.conferences(room.sid).update(status="completed")
    return {"people": len(people), "muted": muted.muted, "status": ended.status}


def record(sid):
    started = client.calls(sid).recordings.create(recording_channels="dual")
    return {"sid": started.sid, "source": started.source, "status": started.status}


def stop(sid, recording):
    return {"status": client.calls(sid).recordings(recording).update(status="stopped").status}


def over(sid):
    """A call that has ended, and what is kept of it."""
    done = client.calls(sid).fetch()
    listed = client.calls.list(to=done.to, start_time_after=done.start_time, limit=20)
    recordings = client.calls(sid).recordings.list()
    events = client.calls(sid).events.list()
    return {
        "status": done.status,
        "duration": done.duration,
        "minutes": (done.end_time - done.start_time).total_seconds() < 60,
        "listed": sid in [one.sid for one in listed],
        "recordings": [[one.sid, one.status, one.channels] for one in recordings],
        "events": len(events) > 0,
        "deleted": [client.recordings(one.sid).delete() for one in recordings],
    }


def twiml():
    """A menu, and what the choice leads to."""
    menu = VoiceResponse()
    gather = Gather(num_digits=1, action="/choice", timeout=8)
    gather.play("/tone.wav", loop=0)
    menu.append(gather)
    menu.say("Goodbye", voice="Polly.Joanna", language="en-US")
    choice = VoiceResponse()
    dial = Dial(action="/dialled", answer_on_bridge=True, time_limit=60)
    dial.client("bob")
    choice.append(dial)
    return {"menu": str(menu), "choice": str(choice)}


def validate(url, params, signature):
    validator = RequestValidator(os.environ["AUTH_TOKEN"])
    return {"good": validator.validate(url, params, signature), "bad": validator.validate(url + "x", params, signature)}


commands = [resources, call, redirect, conference, record, stop, over, twiml, validate]
command = next(one for one in commands if one.__name__ == sys.argv[1])
print(json.dumps(command(**json.load(sys.stdin))))
