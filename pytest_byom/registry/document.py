"""The registry file as a document: the shared reading of YAML, with its limits and its error."""

from __future__ import annotations

from pytest_byom.client.errors import RegistryError
from pytest_byom.documents.reading import Document, Form, KeyPath, spell_path
from pytest_byom.documents.reading import parse_document as parse_any

__all__ = ["Document", "KeyPath", "parse_document", "spell_path"]

FORM = Form(
    error=RegistryError,
    name="registry file",
    # A fleet of thousands of endpoints fits; a log file that was named by mistake does not.
    most_characters=1_000_000,
    # The deepest valid file has six.
    most_levels=20,
)


def parse_document(text: str, *, shown: str) -> Document:
    """Return the data of a registry file; raises RegistryError with file and line."""
    return parse_any(text, shown=shown, form=FORM)
