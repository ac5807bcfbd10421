from __future__ import annotations

import pytest

from gnl_core.datasets import DATASETS
from gnl_core.datasets.folder import RESERVED
from gnl_core.runs.domains import HELD_OUT, TRAIN, check_domain


@pytest.mark.parametrize("domain", ["digits", "digits_m", "train", "held_out", "train+fog:3", "digits+contrast:1"])
def test_a_run_has_the_domains_of_its_data_set_and_two_of_its_own(domain: str):
    check_domain(DATASETS["digits"], domain)


@pytest.mark.parametrize("domain", ["night", "night+fog:3", "test"])
def test_any_other_domain_is_refused_with_those_there_are(domain: str):
    with pytest.raises(ValueError, match=r"; choose one of: digits, digits_m, train, held_out$"):
        check_domain(DATASETS["digits"], domain)


def test_no_domain_of_a_folder_can_have_the_name_of_one_that_runs_have():
    assert set(RESERVED) == {TRAIN, HELD_OUT}
