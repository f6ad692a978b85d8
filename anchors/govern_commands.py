"""`tiezheng govern`: an institution's further key, from the proposal over the votes to the chain; the old key's end.

Guaranteed: whoever votes is shown in words all that they sign, and signs for no ledger but that of their own trust
file; what the contract would refuse is not sent. Not guaranteed: that the machine on which a key is used is safe; votes
may be cast on machines without a network, and only the small files travel.
"""

import os
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from anchors.chains.relayer import Relayer, read_relayer
from anchors.chains.rpc import RpcChain
from anchors.decide import LIFE_SECONDS, Decider
from anchors.decision_file import (
    MAX_BYTES,
    POSSESSION,
    VOTE,
    KeyDecision,
    key_decision,
    parse_key_decision,
    parse_signed,
    signed_bytes,
)
from anchors.deployment import Deployment, check_chain, read_deployment
from anchors.govern import Governor, NewKey, revocation_message
from anchors.member_keys import read_keys
from ledger.domain.records import KEY_OPEN, KeyRow
from tiezheng.cli.files import read_small, write_new
from tiezheng.cli.key_show import describe, load_private, load_public
from tiezheng.cli.language import pick
from tiezheng.cli.output import AsJson, emit, say, show, table
from tiezheng.cli.password import PasswordFd, PasswordFile
from tiezheng.cli.times import parse_time, show_time
from tiezheng.digest import sm3
from tiezheng.errors import Malformed, NotFound, Refused, VerificationFailed
from tiezheng.governance import new_key
from tiezheng.procedures import Custody
from tiezheng.signature import ROLE_INSTITUTION, PrivateKey, Signature, sign, verify
from tiezheng.trust import INSTITUTIONS, MAX_TRUST_SIZE, parse_trust

DAY_SECONDS: Final = 86_400
_CUSTODY: Final = {
    Custody.SELF: ("自行保管", "kept by itself"),
    Custody.HARDWARE: ("硬件保管", "in hardware"),
    Custody.HOSTED: ("托管", "hosted"),
}
# SPEC §5.3: ended by.
_ENDS: Final = {
    1: ("自行撤销", "revoked itself"),
    2: ("暂停", "suspended"),
    3: ("除名", "removed"),
    4: ("恢复", "recovered"),
}

govern = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="机构密钥的更换：提案、表决、登记、终止 / an institution's keys: propose, vote, register, end",
)

Home = Annotated[Path | None, typer.Option("--home", metavar="DIR", help="服务的目录 / home directory of the service")]
DeploymentFile = Annotated[Path | None, typer.Option("--deployment", metavar="FILE", help="部署文件 / deployment file")]
Rpc = Annotated[str | None, typer.Option("--rpc", metavar="URL", help="区块链节点 / the chain's node")]
Account = Annotated[
    Path | None,
    typer.Option("--account", metavar="FILE", help="发送账户，默认临时账户 / account that sends, default a fresh one"),
]
TrustFile = Annotated[Path, typer.Option("--trust", metavar="FILE", help="自己的信任根文件 / your own trust file")]
KeyFile = Annotated[Path, typer.Option("--key", metavar="FILE", help="私钥文件 / private key file")]
DecisionFile = Annotated[Path, typer.Argument(metavar="DECISION", help="决议文件 / the decision file")]
Days = Annotated[int, typer.Option("--days", min=1, max=90, help="有效天数 / days until it expires")]
Index = Annotated[int, typer.Option("--key-index", min=0, max=254, help="密钥序号 / the key's index")]
Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="写到此新文件 / written to this new file")]


@govern.command("keys")
def keys(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="机构或人员编号 / institution or practitioner")],
    home: Home = None,
    deployment: DeploymentFile = None,
    rpc: Rpc = None,
    _json: AsJson = False,
) -> None:
    """由节点读出某成员的密钥及期间 / a member's keys and their periods, read from the node"""
    ledger, chain = _ledger(home, deployment, rpc)
    rows = read_keys(chain, ledger, number)
    if not rows:
        raise NotFound("member.unknown", got=number)
    heads = [("序号", "index"), ("指纹", "fingerprint"), ("保管", "custody"), ("期间", "period")]
    lines = [
        (row.key_index, _fingerprint(row)[:16] + "…", pick(*_CUSTODY[Custody(row.custody)]), _period(row))
        for row in rows
    ]
    table(heads, lines)
    emit({"number": number, "keys": [_told(row) for row in rows]})


@govern.command("propose-key")
def propose_key(
    key: Annotated[Path, typer.Argument(metavar="PUBLIC-KEY", help="新公钥文件 / the new public key file")],
    voter: Annotated[list[int], typer.Option("--voter", metavar="N", help="将表决的机构，可多次 / who will vote")],
    out: Out,
    number: Annotated[
        int | None, typer.Option("--number", metavar="N", help="机构编号，默认运营机构 / default the operator")
    ] = None,
    custody: Annotated[str, typer.Option("--custody", help="self、hardware 或 hosted")] = "self",
    days: Days = LIFE_SECONDS // DAY_SECONDS,
    home: Home = None,
    deployment: DeploymentFile = None,
    rpc: Rpc = None,
    _json: AsJson = False,
) -> None:
    """提案：为机构登记又一把密钥 / propose a further key of an institution"""
    ledger, chain = _ledger(home, deployment, rpc)
    member = ledger.operator if number is None else number
    known = read_keys(chain, ledger, member)
    if not known:
        raise NotFound("member.unknown", got=member)
    if custody.upper() not in Custody.__members__:
        raise Malformed("config.value", expected="self, hardware, hosted", got=custody[:16])
    action = new_key(member, Custody[custody.upper()], load_public(key), known[-1].identity_root)
    decision = Decider(chain, Relayer(os.urandom(32)), ledger).propose(ledger.institutions, action, days * DAY_SECONDS)
    proposed = key_decision(decision, sorted(voter), known[-1].key_index + 1)
    write_new(out, proposed.to_bytes() + b"\n")
    _show(proposed)
    say(
        "请把该文件交给各表决机构（tiezheng govern vote）和新密钥的持有人（tiezheng govern possess）。",
        "Hand the file to each voter (tiezheng govern vote) and to the new key's holder (tiezheng govern possess).",
    )
    emit({**_members(proposed), "file": str(out)})


@govern.command("vote")
def vote(
    file: DecisionFile,
    trust: TrustFile,
    number: Annotated[int, typer.Option("--number", metavar="N", help="本机构编号 / your institution")],
    key: KeyFile,
    out: Out,
    key_index: Annotated[
        int, typer.Option("--key-index", min=0, max=254, help="本机构密钥序号 / your key's index")
    ] = 0,
    password_fd: PasswordFd = None,
    password_file: PasswordFile = None,
    _json: AsJson = False,
) -> None:
    """显示决议全文并签署 / show all of a decision and vote for it"""
    proposed = _read(file, _contract_of(trust))
    if number not in proposed.voters:
        raise Refused("decision.voter", expected=", ".join(map(str, proposed.voters)), got=number)
    _show(proposed)
    message = proposed.decision.message(number, len(proposed.voters), proposed.decision.executor)
    signature = _sign(load_private(key, password_fd, password_file), message, number, key_index)
    write_new(out, signed_bytes(VOTE, proposed.decision, signature) + b"\n")
    say("已签署。请把签名文件交回提案机构。", "Signed. Give the file back to the proposer.", "green")
    emit({**_members(proposed), "file": str(out), "voter": number})


@govern.command("possess")
def possess(
    file: DecisionFile,
    trust: TrustFile,
    key: KeyFile,
    out: Out,
    password_fd: PasswordFd = None,
    password_file: PasswordFile = None,
    _json: AsJson = False,
) -> None:
    """以新密钥签名，证明由本机构持有 / sign with the new key, to show that it is held"""
    proposed = _read(file, _contract_of(trust))
    private = load_private(key, password_fd, password_file)
    if private.public != proposed.key:
        raise VerificationFailed("key.mismatch", expected=describe(proposed.key)["fingerprint"])
    _show(proposed)
    held = NewKey(proposed.member, proposed.custody, proposed.key, proposed.identity_root)
    message = held.possession(proposed.decision.executor)
    signature = _sign(private, message, proposed.member, proposed.key_index)
    write_new(out, signed_bytes(POSSESSION, proposed.decision, signature) + b"\n")
    say("已签名。", "Signed.", "green")
    emit({**_members(proposed), "file": str(out)})


@govern.command("execute")
def execute(
    file: DecisionFile,
    votes: Annotated[list[Path], typer.Option("--vote", metavar="FILE", help="表决签名，可多次 / a vote, repeatable")],
    possession: Annotated[Path, typer.Option("--possession", metavar="FILE", help="新密钥的签名 / the new key's own")],
    home: Home = None,
    deployment: DeploymentFile = None,
    rpc: Rpc = None,
    account: Account = None,
    _json: AsJson = False,
) -> None:
    """把决议送上链，登记新密钥 / bring the decision onto the chain: the new key is registered"""
    ledger, chain = _ledger(home, deployment, rpc)
    proposed = _read(file, ledger.institutions.id)
    signatures = [parse_signed(read_small(path, MAX_BYTES), VOTE, proposed.decision) for path in votes]
    if sorted(one.signer for one in signatures) != list(proposed.voters):
        raise Malformed("decision.signatures", expected=", ".join(map(str, proposed.voters)))
    own = parse_signed(read_small(possession, MAX_BYTES), POSSESSION, proposed.decision)
    relayer = _account(account)
    Decider(chain, relayer, ledger).execute(proposed.decision, signatures, own)
    try:
        Governor(chain, relayer, ledger).add_table(proposed.member, proposed.key_index)
    except Refused as error:
        if error.code != "key.table_present":
            raise
    say("已登记。旧密钥被撤销之前，两把同时有效。", "Registered. Both are valid until the old one is revoked.", "green")
    _show(proposed)
    emit(_members(proposed))


@govern.command("revoke")
def revoke(
    key: KeyFile,
    number: Annotated[int, typer.Option("--number", metavar="N", help="机构或人员编号 / whose key it is")],
    key_index: Index,
    compromised: Annotated[
        str | None, typer.Option("--compromised-since", metavar="TIME", help="自何时起可疑 / suspect since then")
    ] = None,
    home: Home = None,
    deployment: DeploymentFile = None,
    rpc: Rpc = None,
    account: Account = None,
    last: Annotated[bool, typer.Option("--last", help="也终止最后一把 / even the last open one")] = False,
    password_fd: PasswordFd = None,
    password_file: PasswordFile = None,
    _json: AsJson = False,
) -> None:
    """由密钥自己签名，立即终止其期间 / end a key's period at once, by its own signature"""
    ledger, chain = _ledger(home, deployment, rpc)
    rows = {row.key_index: row for row in read_keys(chain, ledger, number)}
    row, private = rows.get(key_index), load_private(key, password_fd, password_file)
    if row is None or row.x + row.y != private.public.to_bytes():
        raise VerificationFailed("key.mismatch", expected=f"{number}, {key_index}")
    if not last and sum(one.valid_until == KEY_OPEN for one in rows.values()) < 2:
        raise Refused("key.last_open", got=number)
    since = 0 if compromised is None else parse_time(compromised) // 1000
    message = revocation_message(number, key_index, ledger.institutions.id, since)
    Governor(chain, _account(account), ledger).revoke_key(_sign(private, message, number, key_index), since)
    say("该密钥已终止；此前的签名仍然有效。", "The key has ended; what it signed before still holds.", "green")
    emit({"number": number, "key_index": key_index, "revoked": True})


def _ledger(home: Path | None, file: Path | None, rpc: str | None) -> tuple[Deployment, RpcChain]:
    place = file or (None if home is None else home / "deployment.json")
    if place is None:
        raise Malformed("config.missing", detail="--deployment, --home")
    ledger = read_deployment(place)
    chain = RpcChain(rpc or ledger.rpc)
    check_chain(chain, ledger)
    return ledger, chain


def _account(file: Path | None) -> Relayer:
    """The account that sends; on a chain without fees, any will do, but the worker's own is not to be disturbed."""
    return Relayer(os.urandom(32)) if file is None else read_relayer(file)


def _contract_of(trust: Path) -> bytes:
    trusted = parse_trust(read_small(trust, MAX_TRUST_SIZE + 1).removesuffix(b"\n"))
    return next(one.id for one in trusted.contracts if one.role == INSTITUTIONS)


def _read(file: Path, contract: bytes) -> KeyDecision:
    proposed = parse_key_decision(read_small(file, MAX_BYTES))
    if proposed.decision.executor != contract:
        raise VerificationFailed("trust.contract_unknown", expected=contract, got=proposed.decision.executor)
    if proposed.decision.expires <= time.time():
        raise Refused("decision.expired", got=proposed.decision.expires)
    return proposed


def _sign(private: PrivateKey, message: bytes, signer: int, key_index: int) -> Signature:
    signature = Signature(signer, ROLE_INSTITUTION, key_index, sign(private, message))
    if not verify(private.public, message, signature.r_s):
        raise VerificationFailed("signature.invalid")
    return signature


def _show(proposed: KeyDecision) -> None:
    show(
        [
            ("决议", "decision", proposed.decision.number),
            ("事项", "action", pick("为机构登记又一把密钥", "a further key of an institution")),
            ("机构", "institution", proposed.member),
            ("密钥序号", "key index", proposed.key_index),
            ("指纹 (SM3)", "fingerprint (SM3)", describe(proposed.key)["fingerprint"]),
            ("保管", "custody", pick(*_CUSTODY[proposed.custody])),
            ("表决机构", "voters", ", ".join(map(str, proposed.voters))),
            ("有效至", "expires", show_time(proposed.decision.expires * 1000)),
        ]
    )


def _members(proposed: KeyDecision) -> dict[str, Any]:
    return {
        "number": proposed.decision.number,
        "member": proposed.member,
        "key_index": proposed.key_index,
        "fingerprint": describe(proposed.key)["fingerprint"],
        "custody": proposed.custody.name.lower(),
        "voters": list(proposed.voters),
        "expires": proposed.decision.expires,
    }


def _fingerprint(row: KeyRow) -> str:
    return sm3(row.x + row.y).hex()


def _period(row: KeyRow) -> str:
    begun = show_time(row.valid_from * 1000)
    if row.valid_until == KEY_OPEN:
        return f"{begun} – {pick('至今', 'now')}"
    return f"{begun} – {show_time(row.valid_until * 1000)} ({pick(*_ENDS.get(row.ended_by, ('终止', 'ended')))})"


def _told(row: KeyRow) -> dict[str, Any]:
    return {
        "key_index": row.key_index,
        "fingerprint": _fingerprint(row),
        "custody": Custody(row.custody).name.lower(),
        "valid_from": row.valid_from,
        "valid_until": None if row.valid_until == KEY_OPEN else row.valid_until,
        "ended_by": row.ended_by or None,
        "compromised_since": row.compromised_since or None,
    }
