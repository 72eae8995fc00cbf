"""DICOMweb (PS3.18) over ingested studies: search (QIDO-RS) and retrieve (WADO-RS). Limits: docs/adr/0008-dicomweb.md."""
