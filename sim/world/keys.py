"""Key pairs: imported public keys, checked as EC2 checks them."""

import base64
import binascii
import hashlib
from datetime import timedelta
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_public_key,
)

from sim.world.asking import (
    FILTERS,
    TAG_SPECIFICATIONS,
    Operation,
    Params,
    matching,
    need,
    tag_list,
    tags_for,
)
from sim.world.errors import AwsError
from sim.world.ground import Ground
from sim.world.things import Key, Region


def find_key(region: Region, name: str) -> Key:
    """The key pair of that name, or EC2's InvalidKeyPair.NotFound."""
    if name not in region.keys:
        raise _no_key(name)
    return region.keys[name]


def usable_key(ground: Ground, region: Region, name: str) -> Key:
    """The same for a launch, which knows a new one later than a look shows it."""
    key = find_key(region, name)
    if ground.time < key.known_at:
        raise _no_key(name)
    return key


def _no_key(name: str) -> AwsError:
    return AwsError("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")


def _import(ground: Ground, region: Region, params: Params) -> dict[str, Any]:
    name = need(params, "KeyName")
    if len(name) > 255 or not name.isascii():
        raise AwsError("InvalidParameterValue", f"Value ({name}) for parameter KeyName is invalid.")
    kind, fingerprint, text = _read(need(params, "PublicKeyMaterial"))
    if name in region.keys:
        raise AwsError("InvalidKeyPair.Duplicate", "The keypair already exists")
    key = Key(
        id=ground.new_id("key"),
        name=name,
        kind=kind,
        fingerprint=fingerprint,
        text=text,
        created=ground.time,
        known_at=ground.time + timedelta(seconds=ground.settings.access_visible_after),
        tags=tags_for(params, "key-pair", ("key-pair",)),
    )
    region.keys[name] = key
    return {
        "KeyPairId": key.id,
        "KeyName": name,
        "KeyFingerprint": fingerprint,
        "Tags": tag_list(key.tags),
    }


def _read(material: bytes | str) -> tuple[str, str, str]:
    """(kind, fingerprint, text): MD5 of the DER for RSA, SHA-256 of the blob for ED25519."""
    raw = material.encode() if isinstance(material, str) else material
    try:
        words = raw.split()
        key = load_ssh_public_key(raw.strip())
        blob = base64.b64decode(words[1], validate=True)
    except (ValueError, IndexError, UnsupportedAlgorithm, binascii.Error) as error:
        raise _malformed() from error
    text = b" ".join(words).decode("utf-8", "replace")
    if isinstance(key, Ed25519PublicKey):
        return "ed25519", base64.b64encode(hashlib.sha256(blob).digest()).decode(), text
    if not isinstance(key, RSAPublicKey) or key.key_size < 1024:
        raise _malformed()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    digest = hashlib.md5(der, usedforsecurity=False).hexdigest()
    return "rsa", ":".join(digest[i : i + 2] for i in range(0, 32, 2)), text


def _malformed() -> AwsError:
    return AwsError("InvalidKey.Format", "Key is not in valid OpenSSH public key format")


def _describe(_: Ground, region: Region, params: Params) -> dict[str, Any]:
    names, ids = params.get("KeyNames"), params.get("KeyPairIds")
    chosen = [find_key(region, name) for name in names or ()]
    by_id = {key.id: key for key in region.keys.values()}
    for one in ids or ():
        if one not in by_id:
            raise AwsError("InvalidKeyPair.NotFound", f"The key pair ID '{one}' does not exist")
        chosen.append(by_id[one])
    found = matching(
        "DescribeKeyPairs",
        chosen if names or ids else list(region.keys.values()),
        params,
        {
            "key-name": lambda key: key.name,
            "key-pair-id": lambda key: key.id,
            "fingerprint": lambda key: key.fingerprint,
            "tag": lambda key: key.tags,
        },
    )
    with_text = bool(params.get("IncludePublicKey"))
    return {"KeyPairs": [_shape(key, with_text) for key in found]}


def _shape(key: Key, with_text: bool) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "KeyPairId": key.id,
        "KeyName": key.name,
        "KeyType": key.kind,
        "KeyFingerprint": key.fingerprint,
        "CreateTime": key.created,
        "Tags": tag_list(key.tags),
    }
    return {**shape, "PublicKey": key.text} if with_text else shape


def _delete(_: Ground, region: Region, params: Params) -> dict[str, Any]:
    """Deleting what is not there is no error to EC2."""
    by_id = {key.id: key for key in region.keys.values()}
    key = region.keys.get(params.get("KeyName", "")) or by_id.get(params.get("KeyPairId", ""))
    if not params.get("KeyName") and not params.get("KeyPairId"):
        raise AwsError("MissingParameter", "The request must contain the parameter KeyName")
    if key is None:
        return {"Return": True}
    del region.keys[key.name]
    return {"Return": True, "KeyPairId": key.id}


OPERATIONS = (
    Operation(
        name="ImportKeyPair",
        takes={"KeyName": None, "PublicKeyMaterial": None, **TAG_SPECIFICATIONS},
        run=_import,
    ),
    Operation(
        name="DescribeKeyPairs",
        takes={**FILTERS, "KeyNames": None, "KeyPairIds": None, "IncludePublicKey": None},
        run=_describe,
    ),
    Operation(name="DeleteKeyPair", takes={"KeyName": None, "KeyPairId": None}, run=_delete),
)
