"""The founding of a demonstration ledger: keys, cards, contracts, notaries, trust file, tokens, profiles.

Guaranteed: `founding.json` appears last, so that a founding that was cut off is known as such and begun anew. Not
guaranteed: separation of the parties; all keys are drawn here, where a real founding collects public keys only.
"""

import json
import secrets
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from anchors.decide import Decider
from anchors.deploy import found_ledger, plan_founding
from anchors.deployment import Deployment
from anchors.govern import Admission, Governor, NewKey
from anchors.trust_file import make_trust
from api import settings
from api.bootstrap import issue_token_in, migrate, put_cards
from api.dev import consortium
from api.dev.composition import ChainAccess, create_account, open_chain
from api.dev.consortium import INSTITUTIONS, PRACTITIONERS, Practitioner, full_name, witness_key
from api.dev.home import FOUNDED, Home, replace_file, write_secret
from tiezheng.content import SALT_SIZE, Content
from tiezheng.errors import Conflict, Refused
from tiezheng.founding import Custody, Founder
from tiezheng.identity import institution_card, practitioner_card
from tiezheng.procedures import load_procedures
from tiezheng.signature import PrivateKey, Signature, generate, sign
from tiezheng.signature.keyfile import write_private_key, write_public_key
from tiezheng.trust import Witness

Tell = Callable[[str, str], None]
TRUST_DAYS: Final = 365
TOKEN_LIFE_MS: Final = 365 * 86_400_000
_OWN_KEY: Final = 0


def is_founded(home: Home) -> bool:
    """Whether a founding came to its end here."""
    return home.founding.is_file()


def prepare(home: Home) -> None:
    """Folders; what a cut-off founding left is removed, for nothing was ever accepted under it.

    Raises Conflict `file.exists` where something that is no founding of ours lies in the way, Refused
    `file.unwritable`.
    """
    if not is_founded(home):
        if home.started.exists():
            for name in FOUNDED:
                path = home.root / name
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        elif any((home.root / name).exists() for name in FOUNDED):
            raise Conflict("file.exists", got=str(home.root), detail="--home")
    try:
        home.root.mkdir(parents=True, exist_ok=True)
        home.started.touch()
        home.make_folders()
        settings.keep_database(settings.Home(home.root), founded=is_founded(home))
    except OSError as error:
        raise Refused("file.unwritable", got=str(home.root), detail=f"--home: {error.strerror}") from error


def found(home: Home, rpc: str, tell: Tell) -> None:
    """Found the ledger on the chain at `rpc`; `prepare` was called before. Raises as the steps do."""
    tell("为各方生成 SM2 密钥和身份卡", "drawing SM2 keys and identity cards")
    keys = {one.number: _draw_key(home, str(one.number)) for one in (*INSTITUTIONS, *PRACTITIONERS)}
    witnesses = {number: _draw_key(home, witness_key(number)) for number in consortium.WITNESSES}
    cards = _draw_cards()
    with open_chain(rpc, create_account(home.secret("founder.key"))) as access:
        tell("五家机构签署创立文件，部署合约", "five institutions sign the founding; contracts are deployed")
        deployment = _deploy(access, rpc, keys, cards, tell)
        tell("三家机构表决，登记程序表", "three institutions decide on the procedure tables")
        _register_tables(access, deployment, keys)
        for person in PRACTITIONERS:
            tell(f"司法厅与公证处共同准入{person.name.zh}", f"regulator and office admit {person.name.en}")
            _admit(access, deployment, person, keys, cards[person.number])
        tell("在链上计算各密钥的验签用表", "the chain computes the tables of all keys")
        governor = Governor(access.chain, access.relayer, deployment)
        for number in keys:
            governor.add_table(number, _OWN_KEY)
    replace_file(home.deployment, deployment.to_bytes())
    tell("写出信任根文件：三家见证方，须两家签名", "writing the trust file: two of three witnesses must sign")
    _write_trust(home, deployment, witnesses)
    create_account(home.secret("relayer.key"))
    migrate(home.root)
    owners = {one.number: one.number for one in INSTITUTIONS} | {one.number: one.institution for one in PRACTITIONERS}
    put_cards(home.root, [(number, owners[number], card) for number, card in cards.items()])
    replace_file(home.founding, json.dumps({"version": 1}).encode())


def write_profiles(home: Home, service: str) -> None:
    """Profiles for each party, anew at each start, since the service's address may change; tokens are made once."""
    for one in INSTITUTIONS:
        token = home.secret(f"{one.profile}.token")
        if not token.exists():
            label = full_name(one.name)
            text = issue_token_in(home.root, one.number, label, one.scopes, TOKEN_LIFE_MS)
            write_secret(token, text.encode() + b"\n")
        _write_profile(home, service, one.profile, one.number, one.number)
    for person in PRACTITIONERS:
        token = home.secret(f"{person.profile}.token")
        if not token.exists():
            scopes = ("submit", "read", "names")
            label = full_name(person.name)
            text = issue_token_in(home.root, person.institution, label, scopes, TOKEN_LIFE_MS, person.number)
            write_secret(token, text.encode() + b"\n")
        _write_profile(home, service, person.profile, person.institution, person.number)


def _draw_key(home: Home, name: str) -> PrivateKey:
    key, password = generate(), secrets.token_urlsafe(24).encode()
    write_secret(home.password(name), password + b"\n")
    write_private_key(home.key(name), key, password)
    write_public_key(home.key(name).with_name(f"{name}.pem.pub"), key.public)
    return key


def draw_salt() -> bytes:
    """16 fresh random bytes."""
    return secrets.token_bytes(SALT_SIZE)


def _draw_cards() -> dict[int, Content]:
    cards = {
        one.number: institution_card(one.number, one.code, full_name(one.name), one.role, draw_salt=draw_salt)
        for one in INSTITUTIONS
    }
    cards |= {
        one.number: practitioner_card(
            one.number, one.code, full_name(one.name), one.function, one.institution, draw_salt=draw_salt
        )
        for one in PRACTITIONERS
    }
    return cards


def _deploy(
    access: ChainAccess, rpc: str, keys: Mapping[int, PrivateKey], cards: Mapping[int, Content], tell: Tell
) -> Deployment:
    founders = [
        Founder(one.number, one.role, Custody.SELF, keys[one.number].public, cards[one.number].root)
        for one in INSTITUTIONS
    ]
    plan = plan_founding(access.chain, access.relayer, consortium.FOUNDERS_THRESHOLD, founders)
    code = f"{plan.code.verifier.hex()}, {plan.code.keys.hex()}"
    tell(f"创立文件写明 SM2 合约的代码哈希 {code}", f"the founding names the code hashes of the SM2 contracts {code}")
    signatures = {one.number: sign(keys[one.number], plan.message(one.number)) for one in INSTITUTIONS}
    return found_ledger(
        access.chain,
        access.relayer,
        plan,
        signatures,
        domain=consortium.DOMAIN,
        operator=consortium.OPERATOR,
        rpc=rpc,
    )


def _register_tables(access: ChainAccess, deployment: Deployment, keys: Mapping[int, PrivateKey]) -> None:
    """Each table of the domain by a decision of its own, in force from the beginning of time."""
    decider = Decider(access.chain, access.relayer, deployment)
    voters = [one.number for one in INSTITUTIONS][: consortium.FOUNDERS_THRESHOLD]
    for procedure in load_procedures():
        if procedure.domain != consortium.DOMAIN:
            continue
        decision = decider.propose_table(procedure.table_bytes, 0)
        votes = [
            Signature(
                one,
                0,
                _OWN_KEY,
                sign(keys[one], decision.message(one, len(voters), deployment.institutions.id)),
            )
            for one in voters
        ]
        decider.register_table(decision, procedure.table_bytes, 0, votes)


def _admit(
    access: ChainAccess,
    deployment: Deployment,
    person: Practitioner,
    keys: Mapping[int, PrivateKey],
    card: Content,
) -> None:
    identity = deployment.institutions.id
    own = keys[person.number]
    first = NewKey(person.number, Custody.SELF, own.public, card.root)
    admission = Admission(person.institution, person.function, first)

    def decided(number: int) -> Signature:
        return Signature(number, 0, _OWN_KEY, sign(keys[number], admission.decision(number, identity)))

    possession = Signature(person.number, 0, _OWN_KEY, sign(own, first.possession(identity)))
    decisions = (decided(consortium.REGULATOR), decided(person.institution))
    Governor(access.chain, access.relayer, deployment).admit_practitioner(admission, decisions, possession)


def _write_trust(home: Home, deployment: Deployment, witnesses: Mapping[int, PrivateKey]) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    trust = make_trust(
        deployment,
        name=consortium.LEDGER,
        founders_threshold=consortium.FOUNDERS_THRESHOLD,
        witnesses=[Witness(number, consortium.name_of(number), key.public) for number, key in witnesses.items()],
        witness_threshold=consortium.WITNESS_THRESHOLD,
        issued_at=now,
        valid_until=now + timedelta(days=TRUST_DAYS),
    )
    replace_file(home.trust, trust.to_bytes())


def _write_profile(home: Home, service: str, name: str, institution: int, signer: int) -> None:
    entry = {"key": f"../keys/{signer}.pem", "key_index": _OWN_KEY, "password_file": f"../secrets/{signer}.password"}
    profile = {
        "service": service,
        "token_file": f"../secrets/{name}.token",
        "institution": institution,
        "signers": {str(signer): entry},
        "trust": "../trust.json",
    }
    replace_file(home.profile(name), json.dumps(profile, indent=2).encode() + b"\n")
