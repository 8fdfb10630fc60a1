"""An object storage that speaks S3 and holds its users to their rights: moto, on the address that is given.

Prints one line of JSON when it is ready, and ends when its standard input does.
"""
import json
import sys

import boto3
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
print(json.dumps({"endpoint": endpoint, "bucket": BUCKET, "region": REGION, **keys}), flush=True)
sys.stdin.read()
