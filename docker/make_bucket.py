"""Make the bucket of NIGHTFILL_STORE when it is not there: an init job of docker-compose.yaml."""

import os
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import ClientError


def main() -> None:
    """Create the bucket; one that is there already is left as it is."""
    bucket = urlsplit(os.environ["NIGHTFILL_STORE"]).netloc
    client = boto3.client("s3")
    try:
        client.head_bucket(Bucket=bucket)
        print(f"The bucket {bucket} is there")
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        client.create_bucket(Bucket=bucket)
        print(f"Made the bucket {bucket}")


if __name__ == "__main__":
    main()
