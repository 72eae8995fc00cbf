"""DICOM to rows and pictures: functions over a pydicom Dataset. No storage, no orchestration."""
