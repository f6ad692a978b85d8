"""`tiezheng key`: SM2 keys, and plain signatures that other tools make and check too."""

import typer

from tiezheng.cli.key_new import key_new
from tiezheng.cli.key_show import key_show
from tiezheng.cli.key_sign import key_sign
from tiezheng.cli.key_verify import key_verify


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="SM2 密钥和普通签名 / SM2 keys and plain signatures")
    group.command("new")(key_new)
    group.command("show")(key_show)
    group.command("sign")(key_sign)
    group.command("verify")(key_verify)
    app.add_typer(group, name="key")
