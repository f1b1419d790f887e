"""Who may call a backend, and for whom.

    caller    each process proves who it is: by a short-lived proof in the metadata of each call, signed with its own
              key, and on TCP by its certificate as well; the contract says for each method who may call it
    viewer    whoever a question is asked for is proved by an assertion in the question, issued by the account backend
              when it verified a session: no other process can make one, and each of several in one call is checked

Assertions and proofs are JWS (RFC 7515) signed by Ed25519. Checking one again is a dict lookup.
"""

from services.runtime.trust.admission import SignedAdmission
from services.runtime.trust.assertions import Caller, Issuer, NotProven, Verifier
from services.runtime.trust.keys import Keys, make_keys
from services.runtime.trust.trust import NAMES, Trust, TrustedCaller, place_of_keys

__all__ = [
    "NAMES",
    "Caller",
    "Issuer",
    "Keys",
    "NotProven",
    "SignedAdmission",
    "Trust",
    "TrustedCaller",
    "Verifier",
    "make_keys",
    "place_of_keys",
]
