"""What clients ask to be run: parsed, measured and validated once, however often it is asked."""

from gateway.documents.document import Document, NotRunnable, Prepared
from gateway.documents.memory import Documents
from gateway.documents.trusted import NotTrusted, Registry

__all__ = ["Document", "Documents", "NotRunnable", "NotTrusted", "Prepared", "Registry"]
