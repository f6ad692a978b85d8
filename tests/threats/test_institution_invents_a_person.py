"""An institution admits a notary that the regulator does not know: nobody is admitted by one signature."""

import pytest

from anchors.chains.relayer import Relayer
from anchors.govern import Admission, Governor, NewKey
from tests.support.consortium import OFFICE, SPARE, key_of
from tests.support.stage import Stage
from tiezheng.errors import TiezhengError
from tiezheng.founding import Custody, Function
from tiezheng.signature import Signature, sign

pytestmark = pytest.mark.chain


def test_a_practitioner_needs_the_regulators_signature_beside_the_institutions(stage: Stage) -> None:
    identity, keys = stage.deployment.institutions.id, stage.consortium.keys
    first = NewKey(SPARE, Custody.SELF, keys[SPARE].public, stage.consortium.cards[SPARE].root)
    admission = Admission(OFFICE, Function.NOTARY, first)
    own = Signature(OFFICE, 0, 0, sign(keys[OFFICE], admission.decision(OFFICE, identity)))
    possession = Signature(SPARE, 0, 0, sign(keys[SPARE], first.possession(identity)))
    governor = Governor(stage.chain, Relayer(b"\4" * 32), stage.deployment)
    made_up = Signature(1, 0, 0, sign(key_of("no regulator"), admission.decision(1, identity)))
    for decisions in ((own,), (own, own), (made_up, own)):
        with pytest.raises(TiezhengError):
            governor.admit_practitioner(admission, decisions, possession)
    stage.worker.round()
    with stage.store.read() as tables:
        assert tables.members.keys(SPARE) == []
