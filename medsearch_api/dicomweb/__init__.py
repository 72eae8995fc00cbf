"""DICOMweb (PS3.18) over what was ingested: search (QIDO-RS) and retrieve (WADO-RS). Its limits: docs/adr/0008-dicomweb.md."""
