"""Acts after which the hostile site may rightly be out: one after the other, each undone before the next."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import structlog

from tests.faults.hostile.run import Templates, every_act_once

SEED = int(os.environ.get("VANVAULT_TEST_SEED") or 7)


def test_a_node_goes_on_without_a_site_that_makes_itself_useless(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    templates = Templates.built(tmp_path_factory.mktemp("hostile"))
    assert every_act_once(templates, tmp_path, SEED, "apart") == []
