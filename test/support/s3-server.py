# OpenStack Swift (Debian's python3-swift) as an S3 server in one process: account, container and object server on one folder as their only
# device, and the proxy with its S3 API in front. Started by s3-server.ts; the line of JSON on standard output says that it answers.
#
#   s3-server.py FOLDER PORT ACCESS_KEY SECRET_KEY [CERTIFICATE KEY]     with a certificate it answers on a port with TLS too

import eventlet

eventlet.monkey_patch()

import json
import os
import sys

import eventlet.tpool
import eventlet.wsgi
from swift.common import utils
from swift.common.wsgi import loadapp

folder, port, access_key, secret_key, *tls = sys.argv[1:]
account, user = access_key.split(':')


def write(name, text):
    path = os.path.join(folder, name)
    with open(path, 'w') as file:
        file.write(text)
    return path


class Cache:
    """What the memcache middleware would give to the others: this server is one process."""

    def __init__(self):
        self.values = {}

    def get(self, key, raise_on_error=False):
        return self.values.get(key)

    def set(self, key, value, **_):
        self.values[key] = value

    def delete(self, key, **_):
        self.values.pop(key, None)

    def incr(self, key, delta=1, **_):
        self.values[key] = int(self.values.get(key, 0)) + delta
        return self.values[key]


def with_cache(app):
    cache = Cache()

    def handle(env, start_response):
        env['swift.cache'] = cache
        return app(env, start_response)

    return handle


os.makedirs(os.path.join(folder, 'devices', 'd1'), exist_ok=True)
write('swift.conf', '[swift-hash]\nswift_hash_path_suffix = tests\n[storage-policy:0]\nname = only\ndefault = yes\n')
utils.set_swift_dir(folder)

# Only now: these read swift.conf when they are loaded.
from swift.common.ring import RingBuilder
from swift.common.storage_policy import reload_storage_policies

reload_storage_policies()
inner = {kind: eventlet.listen(('127.0.0.1', 0)) for kind in ('account', 'container', 'object')}
for kind, listener in inner.items():
    builder = RingBuilder(4, 1, 0)
    place = {'ip': '127.0.0.1', 'port': listener.getsockname()[1], 'device': 'd1'}
    builder.add_dev({**place, 'id': 0, 'region': 1, 'zone': 1, 'weight': 1})
    builder.rebalance()
    builder.get_ring().save(os.path.join(folder, f'{kind}.ring.gz'))

DEFAULTS = f'[DEFAULT]\nswift_dir = {folder}\ndevices = {folder}/devices\nmount_check = false\nlog_level = ERROR\nfallocate_reserve = 0\n'
PROXY = f"""{DEFAULTS}
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
allow_multipart_uploads = true
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{user} = {secret_key} .admin
[filter:slo]
use = egg:swift#slo
"""


def serve(listener, app):
    eventlet.spawn(eventlet.wsgi.server, listener, app, log_output=False, minimum_chunk_size=0)


for kind, listener in inner.items():
    serve(listener, loadapp(write(f'{kind}.conf', f'{DEFAULTS}[app:main]\nuse = egg:swift#{kind}\n')))

proxy = with_cache(loadapp(write('proxy.conf', PROXY)))
front = eventlet.listen(('127.0.0.1', int(port)))
serve(front, proxy)
ports = {'port': front.getsockname()[1]}
if tls:
    secure = eventlet.listen(('127.0.0.1', 0))
    ports['tlsPort'] = secure.getsockname()[1]
    serve(eventlet.wrap_ssl(secure, certfile=tls[0], keyfile=tls[1], server_side=True), proxy)
print(json.dumps(ports), flush=True)

# The test that started it holds the other end of standard input: it ends with the test.
eventlet.tpool.execute(sys.stdin.buffer.read)
os._exit(0)
