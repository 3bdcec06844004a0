"""What is known about a message besides its bytes."""

from __future__ import annotations

from dataclasses import dataclass

#: Fields that describe a business transaction, in the order in which formats and tables list them.
BUSINESS_FIELDS = (
    "kind",
    "transaction_id",
    "ivan",
    "employer_code",
    "tax_code",
    "insurance_numbers",
    "dossier_number",
    "procedure",
    "period",
    "state",
    "agency",
)


@dataclass(frozen=True, slots=True)
class Metadata:
    """Business metadata of one message, read from it or given by the caller; "" and () mean unknown.

    The shapes behind the fields are those of Decision 838/QĐ-BHXH files: BHXHDienTu.xml envelopes,
    01/TB-GD receipts and health-claim files.
    """

    kind: str = ""  # "dossier", "receipt", "result", "health-claim", or what the caller calls it
    transaction_id: str = ""
    ivan: str = ""  # MaIVAN: code of the value-added network operator in the envelope
    employer_code: str = ""  # MaSoBHXH of the unit / MA_DVI; for health claims the facility, MACSKCB
    tax_code: str = ""  # MaSoThue / MST
    insurance_numbers: tuple[str, ...] = ()  # of the employees or patients that the message names
    dossier_number: str = ""  # SoHoSo / SO_HSO, such as 00123/2026/07900
    procedure: str = ""  # MaThuTuc / MALOAI_HSO, such as 600, 607, 630a
    period: str = ""  # KyKeKhai / KY_KKHAI, MM/yyyy
    state: str = ""  # of the transaction as far as this message tells, such as "accepted"
    agency: str = ""  # CoQuanQuanLy / TEN_COQUAN


@dataclass(frozen=True, slots=True)
class MetadataReading:
    """What reading a message gave: the metadata, and a note when none or only a part could be read."""

    metadata: Metadata
    recognised: str = ""  # "bhxh-envelope", "tb-gd-receipt", "health-claim", or "" for anything else
    note: str = ""  # why nothing was read; never holds text from the message
