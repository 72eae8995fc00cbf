// The facets of the index: filter, counted field, title, and key in the URL. Generated from
// medsearch_core/search/facets.py by `make docs`.

export const FACETS = [
  { name: "modalities", field: "MODALITIES", title: "Modality", key: "modality" },
  { name: "bodyParts", field: "BODY_PARTS", title: "Body part", key: "body-part" },
  { name: "views", field: "VIEWS", title: "View", key: "view" },
  { name: "lateralities", field: "LATERALITIES", title: "Laterality", key: "laterality" },
  { name: "devices", field: "DEVICES", title: "Device", key: "device" },
];
