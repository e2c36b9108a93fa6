"""Phone numbers become keyed hashes on their way in: HMAC-SHA256 (RFC 2104), computed by the engine, a column at once.

A number written in several ways gets one pseudonym: what is hashed is its digits with the country code, as ASCII.
`hmac.digest(key, b"79123456789", "sha256").hex()` in Python is the same, so that whoever holds the key can ask for the
offers of a subscriber.
"""

from hashlib import sha256

import duckdb

PSEUDONYM = "mia_pseudonym"
_BLOCK = 64


def install_pseudonyms(connection: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Make the function `mia_pseudonym(text)` of this connection.

    Text that is no phone number is left as it is. The key never is part of the text of a query.
    """
    block = (sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    for name, pad in (("mia_inner", 0x36), ("mia_outer", 0x5C)):
        connection.execute(f"SET VARIABLE {name} = $1", [bytes(byte ^ pad for byte in block)])
    inner = "sha256(getvariable('mia_inner') || encode(digits))"
    macros = {
        # Blanks, brackets, dots and hyphens are how people write a number.
        "mia_bare(text)": r"regexp_replace(text, '[\s().-]', '', 'g')",
        "mia_digits(bare)": r"CASE WHEN regexp_full_match(bare, '8[0-9]{10}') THEN '7' || bare[2:] "
        r"WHEN regexp_full_match(bare, '9[0-9]{9}') THEN '7' || bare "
        r"WHEN regexp_full_match(bare, '(\+|00)?[1-9][0-9]{9,14}') THEN regexp_replace(bare, '^(\+|00)', '') END",
        "mia_hmac(digits)": f"sha256(getvariable('mia_outer') || unhex({inner}))",
        f"{PSEUDONYM}(text)": "coalesce(mia_hmac(mia_digits(mia_bare(text))), text)",
    }
    for head, body in macros.items():
        connection.execute(f"CREATE OR REPLACE TEMP MACRO {head} AS {body}")
