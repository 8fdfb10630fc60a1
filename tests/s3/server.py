"""An object storage that speaks S3 and holds its users to their rights: moto, on the address that is given.

With a name after the address it speaks TLS by that name, with a certificate of an authority of its own. Prints one line of JSON when
it is ready, and ends when its standard input does.
"""
import contextlib
import datetime
import json
import os
import ssl
import sys
import tempfile

# The bucket stands in the path: without this, a name of the server's with dots in it would be one of a bucket.
os.environ["S3_IGNORE_SUBDOMAIN_BUCKETNAME"] = "true"

import boto3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from moto import settings
from moto.server import ThreadedMotoServer

BUCKET = "citrino"
REGION = "us-east-1"
EVERYTHING = ["s3:*"]
APPENDS = ["s3:PutObject", "s3:GetObject", "s3:ListBucket", "s3:AbortMultipartUpload"]


def user(iam, name, actions):
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"key_id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


def signed(name, issuer, signer, key, extension):
    today = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(issuer, name, key.public_key(), x509.random_serial_number(), today - day, today + day)
    certificate = builder.add_extension(extension, critical=False).sign(signer, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def called(name):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def secure(server, name):
    """From now on the server speaks TLS; the authority's certificate."""
    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = signed(called("authority"), called("authority"), authority, authority, x509.BasicConstraints(True, None))
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    certificate = signed(called(name), called("authority"), authority, own, names)
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key = own.private_bytes(serialization.Encoding.PEM, *form).decode()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w") as chain:
        chain.write(certificate + key)
        chain.flush()
        context.load_cert_chain(chain.name)
    # Each connection shakes hands in the thread that serves it: one that says nothing must not keep the others out.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    close = server.shutdown_request

    def farewell(request):
        # An answer without a length ends with its connection, and TLS wants to hear that it was meant to.
        with contextlib.suppress(OSError, ValueError):
            request.settimeout(0.2)
            request.unwrap()
        close(request)

    server.shutdown_request = farewell
    return root


server = ThreadedMotoServer(ip_address=sys.argv[1], port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
endpoint = f"http://{host}:{port}"


def client(service):
    key = {"aws_access_key_id": "maker", "aws_secret_access_key": "maker"}
    return boto3.client(service, endpoint_url=endpoint, region_name=REGION, **key)


client("s3").create_bucket(Bucket=BUCKET)
iam = client("iam")
keys = {"owner": user(iam, "owner", EVERYTHING), "appender": user(iam, "appender", APPENDS)}
# From now on every request is signed by somebody who may.
settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
authority = None
if len(sys.argv) > 2:
    authority = secure(server._server, sys.argv[2])
    endpoint = f"https://{sys.argv[2]}:{port}"
keys["authority"] = authority
print(json.dumps({"endpoint": endpoint, "bucket": BUCKET, "region": REGION, **keys}), flush=True)
sys.stdin.read()
