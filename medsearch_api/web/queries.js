// The page's GraphQL documents.

import { CHIPS } from "./labels.js";

/** The index's counts, and the labels of its codes. */
export const HOLDINGS = `{
  index { images reports studies }
  present: facets(field: PRESENT_CODES, size: 200) { value label }
  absent: facets(field: ABSENT_CODES, size: 200) { value label }
}`;

export const UPLOADS = "{ uploads { maxBytes formats } }";

const LISTS = "positiveDiagnoses positiveSigns positiveSymptoms negativeDiagnoses negativeSigns negativeSymptoms";

export const SEARCH = `
query Search(
  $query: String!, $filters: Filters!, ${CHIPS.map(({ name }) => `$${name}: Filters!`).join(", ")}, $first: Int!, $after: String
) {
  searchReports(query: $query, filters: $filters, first: $first, after: $after) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes {
      id impression findings uncertainCodes ${LISTS}
      inImpression: matches(query: $query, field: IMPRESSION) { begin end }
      inFindings: matches(query: $query, field: FINDINGS) { begin end }
      images(first: 50) {
        nodes { id thumbnailUrl smallThumbnailUrl modality bodyPartExamined viewPosition patientSex patientAgeYears studyDate isRepresentative }
      }
    }
  }
  present: facets(field: PRESENT_CODES, query: $query, filters: $filters, size: 40) { value label count }
  absent: facets(field: ABSENT_CODES, query: $query, filters: $filters, size: 40) { value label count }
  uncertain: facets(field: UNCERTAIN_CODES, query: $query, filters: $filters, size: 40) { value label count }
  ${CHIPS.map(({ name, field }) => `${name}: facets(field: ${field}, query: $query, filters: $${name}, size: 8) { value count }`).join("\n  ")}
}`;

const ENTITIES = "reading { notRead } entities { text begin end assertion certainty category concept cue icd10cmCode icd10cmDescription }";

export const FINDINGS = `query Findings($id: ID!) { report(id: $id) { id ${ENTITIES} } }`;

const REPORT = `
  id text ${ENTITIES}
  matches(query: $query, field: REPORT) { begin end }
  provenance { sourceKey sha256 nerVersion }`;

const PICTURE = "id patient study modality bodyPartExamined viewPosition laterality patientSex patientAgeYears studyDate thumbnailUrl frameUrl";

const DETAIL = `
  detail {
    rows columns frame frames bitsStored photometricInterpretation burnedInAnnotation hasOverlay studyDescription attributes { label value unit }
  }`;

export const IMAGE = `
query Image($id: ID!, $query: String!) {
  image(id: $id) {
    ${PICTURE} ${DETAIL}
    provenance { sourceKey sha256 modelId modelVersion materialisations { asset runId } }
    report { ${REPORT} }
  }
}`;

export const STUDY = `
query Study($patient: String!, $study: String!) {
  study(patient: $patient, study: $study) { images(first: 200) { nodes { id thumbnailUrl smallThumbnailUrl modality bodyPartExamined viewPosition } } }
}`;

export const REPORT_ALONE = `query Report($id: ID!, $query: String!) { report(id: $id) { ${REPORT} } }`;

const LIKENESS = `
  totalCount
  edges {
    rank score
    node { id patient modality bodyPartExamined thumbnailUrl smallThumbnailUrl viewPosition studyDate presentCodes absentCodes report { id ${LISTS} } }
  }`;

export const SIMILAR = `
query Similar($id: ID!, $first: Int!, $exclude: Exclude!, $filters: Filters!) {
  similarImages(imageId: $id, first: $first, exclude: $exclude, filters: $filters) { ${LIKENESS} }
}`;

export const SIMILAR_TO_VECTOR = `
query SimilarToVector($vector: [Float!]!, $first: Int!, $filters: Filters!) {
  similarImages(vector: $vector, first: $first, filters: $filters) { ${LIKENESS} }
}`;

export const COMPARED = `
query Compared($one: ID!, $other: ID!) {
  one: image(id: $one) { ${PICTURE} ${DETAIL} report { id ${ENTITIES} } }
  other: image(id: $other) { ${PICTURE} ${DETAIL} report { id ${ENTITIES} } }
}`;

export const EMBEDDING = `
query Embedding($upload: Upload!) {
  embedding(upload: $upload) { vector modelId modelVersion format frame frames rows columns thumbnail }
}`;
